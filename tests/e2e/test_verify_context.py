# SPDX-License-Identifier: Apache-2.0
"""--context with --code: the user computes the fingerprint, and somebody vouches for the runtime."""

import shutil

import pytest
from harness import AT, NO, USAGE, YES, Judge, saved, stopped
from owner_app import App, context, sha256

from testpki import minisign, ratls
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


def test_owner_and_context_must_agree(verified, mse):
    owner = minisign.Key()
    start = int(AT.timestamp()) - 3600
    runtime = sha256(verified.app.runtime.read_bytes())

    def release(value, **changes):
        path = mse.put(minisign.release([("sim", value)], ["app1.example"], start, **changes))
        path.with_name(path.name + ".minisig").write_text(owner.sign(path.read_bytes()))
        return ("--owner", owner.text, "--release", path)

    good = verified.said["fingerprint"]
    assert verified.judge(*release(good, runtime=runtime)).code == YES
    done = verified.judge(*release("11" * 32, runtime=runtime, serial=2))
    assert done.code == NO and outcome(done, "fingerprint") == ("failed", "mismatch")
    done = verified.judge(*release(good, runtime="11" * 32, serial=3))
    assert done.code == NO and outcome(done, "runtime") == ("failed", "mismatch")
