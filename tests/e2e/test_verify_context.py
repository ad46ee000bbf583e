# SPDX-License-Identifier: Apache-2.0
"""--context with --code: the user computes the fingerprint, and somebody vouches for the runtime."""

import shutil

import pytest
from harness import AT, NO, UNKNOWN, USAGE, YES, Judge, saved, stopped
from owner_app import LOADER, OWNER, App, context, description, sha256

from testpki import minisign, quote, ratls
from testpki.server import TlsServer

RUNTIME_KEY = minisign.Key()


class Verified:
    """An app whose enclave really has the computed fingerprint, and its context."""

    def __init__(self, mse, world, **changes):
        self.mse, self.world = mse, world
        self.app = App(mse)
        self.said = self.app.explain()
        listed = self.app.list().read_text()
        self.context = context(self.app, self.said, files=listed, **changes)
        self.mrenclave = bytes.fromhex(self.said["fingerprint"])

    def certificate(self, mrenclave=None):
        evidence = lambda rd: self.world.sgx(rd, mrenclave=mrenclave or self.mrenclave)  # noqa: E731
        return ratls.mse(evidence, **self.world.hooks)

    def words(self, *words, runtime=True):
        named = ("--runtime", self.app.runtime) if runtime else ()
        return ("--context", self.context, "--code", self.app.code, *named, *words)

    def judge(self, *words, **options):
        options.setdefault("attested", self.certificate())
        attested = options.pop("attested")
        named = self.words(*words, runtime=options.pop("runtime", True))
        return Judge(self.mse, self.world).certificate(attested, expect=named, **options)


@pytest.fixture
def verified(mse, world):
    return Verified(mse, world)


def outcome(done, check):
    found = done.check(check)
    return found["outcome"], found.get("code")


def test_the_computed_fingerprint_is_the_expected_one(verified):
    done = verified.judge()
    assert done.code == YES, str(done)
    assert outcome(done, "fingerprint")[0] == outcome(done, "runtime")[0] == "passed"


def test_another_enclave_is_refused(verified):
    done = verified.judge(attested=verified.certificate(mrenclave=bytes(32)))
    assert done.code == NO and outcome(done, "fingerprint") == ("failed", "mismatch")


def test_changed_code_is_named_before_any_judgement(verified):
    (verified.app.code / "app.py").write_text("print('hullo')\n")
    done = verified.judge()
    assert done.code == NO and done.no_result, str(done)
    assert "app.py" in done.err


def test_a_runtime_that_nobody_vouches_for_is_refused(verified, mse):
    shutil.copy(verified.app.runtime, mse.inputs / "runtime.json")
    done = verified.judge(runtime=False)
    assert done.code == NO and outcome(done, "runtime") == ("failed", "mismatch"), str(done)
    assert outcome(done, "fingerprint")[0] == "passed"


def test_a_runtime_may_be_signed_instead_of_named(verified, mse):
    path = mse.inputs / "runtime.json"
    shutil.copy(verified.app.runtime, path)
    signature = mse.inputs / "runtime.json.minisig"
    signature.write_text(RUNTIME_KEY.sign(path.read_bytes()))
    done = verified.judge("--runtime-key", RUNTIME_KEY.text, runtime=False)
    assert done.code == YES and outcome(done, "runtime")[0] == "passed", str(done)
    done = verified.judge("--runtime-key", minisign.Key().text, runtime=False)
    assert done.code == NO and outcome(done, "runtime")[0] == "failed"
    signature.write_text(RUNTIME_KEY.sign(b"another description"))
    done = verified.judge("--runtime-key", RUNTIME_KEY.text, runtime=False)
    assert done.code == NO and outcome(done, "runtime")[0] == "failed"


def test_a_digest_names_a_runtime_too(verified, mse):
    shutil.copy(verified.app.runtime, mse.inputs / "runtime.json")
    digest = sha256(verified.app.runtime.read_bytes())
    assert verified.judge("--runtime", digest, runtime=False).code == YES
    assert verified.judge("--runtime", "00" * 32, runtime=False).code == NO


def test_the_users_own_store_of_runtimes_serves(verified, mse):
    digest = sha256(verified.app.runtime.read_bytes())
    store = mse.home / ".config" / "mse" / "runtimes"
    store.mkdir(parents=True)
    shutil.copy(verified.app.runtime, store / f"{digest}.json")
    shutil.copy(mse.inputs / "mse-enclave", store / "mse-enclave")
    assert verified.judge("--runtime", digest, runtime=False).code == YES


def test_another_loader_is_refused(verified, mse):
    other = mse.put(b"\x7fELF of no use")
    done = verified.judge("--loader", other)
    assert done.code == NO and done.no_result and "loader" in done.err, str(done)


@pytest.mark.parametrize("origin", ("owner", "operator"))
def test_an_origin_that_is_not_the_enclave_is_refused_before_any_traffic(mse, world, cloud, good,
                                                                        origin):
    verified = Verified(mse, world, origin=origin)
    with TlsServer(good) as server:
        stopped(cloud(server, expect=verified.words()), USAGE, origin)
        assert server.wait(0), "a connection was made"


def test_over_the_network(mse, present, cloud):
    verified = Verified(mse, present)
    certificate = verified.certificate()
    with TlsServer(certificate) as server:
        done = cloud(server, expect=verified.words())
        saved(done, certificate)
        assert done.out.decode() == (
            "Checking your app...\n"
            f"Code fingerprint: {verified.said['fingerprint']}\n"
            "Verification: success\n"
            "The verified certificate has been saved at: ./cert.pem\n"
        )


def test_owner_and_context_must_agree(mse, world):
    owner = minisign.Key()
    verified = Verified(mse, world)
    start = int(AT.timestamp()) - 3600
    runtime = sha256(verified.app.runtime.read_bytes())
    text = verified.context.read_text().replace(OWNER.hex(), owner.raw.hex())
    verified.context.write_text(text)
    done = mse.run("fingerprint", "--context", verified.context, "--code", verified.app.code,
                   "--runtime", verified.app.runtime)  # fmt: skip
    good = done.out.decode().strip()
    verified.mrenclave = bytes.fromhex(good)

    def release(value, **changes):
        path = mse.put(minisign.release([("sim", value)], ["app1.example"], start, **changes))
        path.with_name(path.name + ".minisig").write_text(owner.sign(path.read_bytes()))
        return ("--owner", owner.text, "--release", path)

    done = verified.judge(*release(good, runtime=runtime))
    assert done.code == YES, str(done)
    done = verified.judge(*release("11" * 32, runtime=runtime, serial=2))
    assert done.code == NO and outcome(done, "fingerprint") == ("failed", "mismatch")
    done = verified.judge(*release(good, runtime="11" * 32, serial=3))
    assert done.code == NO and outcome(done, "runtime") == ("failed", "mismatch")


# ---- what a context can hide -----------------------------------------------------------------


def test_what_the_context_says_besides_the_code_is_shown(mse, world):
    verified = Verified(mse, world)
    text = verified.context.read_text()
    words = 'command = ["python3", "-c", "evil\\u001b"]'
    verified.context.write_text(
        text.replace('python_application = "app:app"', words.replace("\\u001b", ""))
        .replace("unsigned = false", "unsigned = true"))  # fmt: skip
    done = verified.judge()
    assert '"python3" "-c" "evil"' in done.err and "warning: anybody may configure" in done.err
    assert OWNER.hex() in done.err


def test_a_policy_files_fingerprint_does_not_stand_beside_the_computed_one(verified, mse):
    policy = mse.put(f'fingerprint = ["{"ab" * 32}"]\n', ".toml")
    done = verified.judge("--policy", policy, attested=verified.certificate(b"\xab" * 32))
    assert done.code == USAGE and done.no_result, str(done)


def test_a_runtime_for_another_kind_of_tee_is_refused(mse, world):
    verified = Verified(mse, world)
    app = verified.app
    app.runtime.write_bytes(description("sgx", files={"/usr/lib/libsysdb.so": sha256(LOADER)}))
    text = verified.context.read_text().replace('isolation = "process"', 'isolation = "none"')
    old = text.split('runtime = "')[1][:64]
    verified.context.write_text(text.replace(old, sha256(app.runtime.read_bytes())))
    done = mse.run("fingerprint", "--context", verified.context, "--code", app.code, "--runtime",
                   app.runtime)  # fmt: skip
    assert done.code == YES, str(done)
    verified.mrenclave = bytes.fromhex(done.out.decode().strip())
    done = verified.judge(attested=verified.certificate())
    assert done.code == NO and outcome(done, "runtime") == ("failed", "mismatch"), str(done)
    assert outcome(done, "fingerprint")[0] == "passed"


def test_registers_do_not_stand_for_the_computed_fingerprint(verified):
    td = quote.Td10Body().mrtd.hex()
    for words in (verified.words(), owner_words(verified.mse)):
        done = Judge(verified.mse, verified.world).td(verified.world.tdx(), "--mrtd", td, *words)
        assert done.code == UNKNOWN or done.code == NO, str(done)
        assert outcome(done, "fingerprint")[0] in ("unknown", "failed"), str(done)


def owner_words(mse):
    owner = minisign.Key()
    start = int(AT.timestamp()) - 3600
    path = mse.put(minisign.release([("sim", "11" * 32)], ["app1.example"], start))
    path.with_name(path.name + ".minisig").write_text(owner.sign(path.read_bytes()))
    return ("--owner", owner.text, "--release", path)


def test_another_owner_than_the_expected_one_is_refused(verified, mse):
    done = verified.judge(*owner_words(mse))
    assert done.code == NO and done.no_result and "another owner" in done.err, str(done)


def test_a_context_comes_from_a_file(verified):
    verified.context = "-"
    done = verified.judge()
    assert done.code == USAGE and "--context" in done.err


def test_what_is_left_out_is_named(mse, world):
    verified = Verified(mse, world)
    (verified.app.code / ".mseignore").write_text("guard.p*\n")
    (verified.app.code / "guard.py").write_text("check = None\n")
    verified.said = verified.app.explain()
    listed = verified.app.list().read_text()
    verified.context = context(verified.app, verified.said, files=listed)
    verified.mrenclave = bytes.fromhex(verified.said["fingerprint"])
    done = verified.judge()
    assert done.code == YES and "guard.py" in done.err, str(done)
