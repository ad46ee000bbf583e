# SPDX-License-Identifier: Apache-2.0
"""--owner and --release: a pinned owner's key stands for every fingerprint their release lists."""

import json
import time

import pytest
from harness import AT, MRENCLAVE, MRSIGNER, NO, USAGE, YES, Judge, saved, stopped

from testpki import minisign
from testpki.server import TlsServer

NAME = "app1.example"
NOW = int(AT.timestamp())
OWNER = minisign.Key()
OTHER = minisign.Key()
LISTED = (("sim", "11" * 32), ("sim", MRENCLAVE), ("sgx", "22" * 32))


def released(mse, content, key=OWNER, signature=None, name="release.json"):
    path = mse.inputs / name
    path.write_bytes(content)
    path.with_name(name + ".minisig").write_text(signature or key.sign(content))
    return path


def make(listed=LISTED, names=(NAME,), start=NOW - 86400, **changes):
    return minisign.release(listed, names, start, **changes)


@pytest.fixture
def judged(mse, world):
    """Judges one good certificate with these words; without an --owner OWNER is expected."""
    attested = world.certificate("mse")

    def run(*words, owner=OWNER.text, expect=(), **options):
        expect = expect or ("--owner", owner)
        return Judge(mse, world).certificate(attested, *words, expect=expect, **options)

    return run


@pytest.fixture
def judged_now(mse, present):
    """The same, as of now: only then is anything remembered."""
    attested = present.certificate("mse")

    def run(*words, owner=OWNER.text, **options):
        return Judge(mse, present).certificate(attested, *words, expect=("--owner", owner), at=None,
                                               **options)  # fmt: skip

    return run


def recent(**changes):
    return make(start=int(time.time()) - 3600, **changes)


def outcome(done, check):
    found = done.check(check)
    return found["outcome"], found.get("code")


def test_a_listed_fingerprint_passes(mse, judged):
    done = judged("--release", released(mse, make()), "--name", NAME)
    assert done.code == YES, str(done)
    assert outcome(done, "release")[0] == outcome(done, "fingerprint")[0] == "passed"
    assert done.report["release"]["app"] == "shop" and done.report["release"]["serial"] == 1
    assert done.report["release"]["owner"] == OWNER.raw.hex()


def test_the_owner_may_be_a_file(mse, judged):
    key = mse.put(OWNER.public, ".pub")
    assert judged("--release", released(mse, make()), owner=str(key)).code == YES


def test_one_of_several_owners_suffices(mse, judged):
    path = released(mse, make())
    assert judged("--release", path, "--owner", OTHER.text).code == YES


@pytest.mark.parametrize("content, check, code", (
    (make(listed=(("sim", "11" * 32),)), "fingerprint", "mismatch"),
    (make(listed=(("sgx", MRENCLAVE),)), "fingerprint", "mismatch"),
    (make(listed=(("snp", MRENCLAVE), ("tdx", MRENCLAVE))), "fingerprint", "mismatch"),
    (make(names=("other.example",)), "release", "mismatch"),
    (make(start=NOW - 91 * 86400), "release", "expired"),
    (make(start=NOW + 3600), "release", "not-yet-valid"),
    (make(min_tcb_eval=60000), "tcb", "tcb"),
))  # fmt: skip
def test_what_does_not_fit_is_refused(mse, judged, content, check, code):
    done = judged("--release", released(mse, content), "--name", NAME)
    assert done.code == NO, str(done)
    assert outcome(done, check) == ("failed", code), str(done)


@pytest.mark.parametrize("content", (
    make() + b"\n",
    make().replace(b'"app":', b'"app": '),
    make(extra=1),
    make(serial=...),
    make(not_after=...),
    make(format=2),
    make(days=399),
    make(names=()),
    make(listed=()),
    make(serial=-1),
    make(listed=LISTED + LISTED[:1]),
    json.dumps(json.loads(make()), separators=(",", ":"), sort_keys=False).encode()[:-1]
    + b',"aaa":1}',
))  # fmt: skip
def test_what_is_not_canonical_is_refused_though_it_is_signed(mse, judged, content):
    done = judged("--release", released(mse, content))
    assert done.code == NO and outcome(done, "release")[0] == "failed", str(done)


def test_signatures_that_do_not_hold(mse, judged):
    content = make()
    for signature in (
        OTHER.sign(content),
        OWNER.sign(content + b" "),
        OWNER.sign(content, algorithm=b"Ed"),
        OWNER.sign(content).replace("timestamp:0", "timestamp:1"),
        OWNER.sign(content) + "more\n",
        "",
    ):
        path = released(mse, content, signature=signature or "\n")
        done = judged("--release", path)
        assert done.code == NO and outcome(done, "release")[0] == "failed", (signature, str(done))


def test_a_fingerprint_of_ones_own_narrows_it_down(mse, judged):
    path = released(mse, make())
    assert judged("--release", path, "--fingerprint", MRENCLAVE).code == YES
    done = judged("--release", path, "--fingerprint", "11" * 32)
    assert done.code == NO and outcome(done, "fingerprint") == ("failed", "mismatch")


def test_an_older_release_is_refused_also_by_another_process(mse, judged_now):
    new = released(mse, recent(serial=7), name="new.json")
    old = released(mse, recent(serial=6), name="old.json")
    twin = released(mse, recent(serial=7, min_tcb_eval=1), name="twin.json")
    assert judged_now("--release", old).code == YES
    assert judged_now("--release", new).code == YES
    for path, text in ((old, "older"), (twin, "serial")):
        done = judged_now("--release", path)
        assert done.code == NO and text in done.err and done.no_result, str(done)
    assert judged_now("--release", new).code == YES


def test_what_is_refused_is_not_remembered(mse, judged_now):
    late = released(mse, make(serial=9, start=int(time.time()) + 3600), name="late.json")
    foreign = released(mse, recent(serial=9, names=("other.example",)), name="foreign.json")
    assert judged_now("--release", late, "--name", NAME).code == NO
    assert judged_now("--release", foreign, "--name", NAME).code == NO
    path = released(mse, recent(serial=1))
    assert judged_now("--release", path, "--name", NAME).code == YES


def test_a_remembered_release_serves_without_the_file(mse, judged_now):
    done = judged_now("--name", NAME)
    assert done.code == USAGE and "--release" in done.err
    path = released(mse, recent(serial=3))
    assert judged_now("--release", path, "--name", NAME).code == YES
    done = judged_now("--name", NAME)
    assert done.code == YES and done.report["release"]["serial"] == 3, str(done)
    assert judged_now("--name", NAME, owner=OTHER.text).code == USAGE
    # of several owners the one whose release holds
    assert judged_now("--name", NAME, "--owner", OTHER.text).code == YES


def test_another_instant_leaves_the_memory_alone(mse, judged, judged_now):
    archived = released(mse, make(serial=9), name="archived.json")
    assert judged("--release", archived).code == YES
    assert judged_now("--release", released(mse, recent(serial=5))).code == YES
    # an archived certificate is judged with its release of then
    assert judged("--release", released(mse, make(serial=1), name="then.json")).code == YES


def test_an_expected_runtime_must_be_the_releases(mse, judged):
    path = released(mse, make(runtime="ab" * 32))
    done = judged("--release", path, "--runtime", "ab" * 32)
    assert done.code == YES and outcome(done, "runtime")[0] == "passed", str(done)
    done = judged("--release", path, "--runtime", "cd" * 32)
    assert done.code == NO and outcome(done, "runtime") == ("failed", "mismatch")


def test_wrong_usage(mse, judged):
    path = released(mse, make())
    done = judged("--release", path, expect=("--mrsigner", MRSIGNER))
    assert done.code == USAGE and "--owner" in done.err
    assert judged(owner="no-such-file").code == USAGE


def test_over_the_network(mse, cloud, good):
    path = released(mse, make())
    with TlsServer(good) as server:
        done = cloud(server, "--release", path, expect=("--owner", OWNER.text))
        saved(done, good)
        assert "skipped" not in done.out.decode()
        (mse.work / "cert.pem").unlink()
        # an update: another fingerprint, a new release of the same owner, the same pinned key
        changed = released(mse, make(listed=(("sim", "33" * 32),), serial=2), name="update.json")
        stopped(cloud(server, "--release", changed, expect=("--owner", OWNER.text)), NO)
