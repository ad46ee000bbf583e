# SPDX-License-Identifier: Apache-2.0
"""mse verify, show and collateral on files of every kind, good, bad and none at all."""

import json
import os
import random

import pytest
from harness import (
    AT, CHECKS, LOCAL, MRSIGNER, NO, OUTCOMES, SGX, SNP, UNKNOWN, USAGE, VERDICTS, YES, accepted,
    refused, stamp, wrong_usage,
)  # fmt: skip

from testpki import bundle

SUBJECTS = ("certificate", "quote", "report", "evidence")
RANDOM = random.Random(20261101)


@pytest.fixture
def files(judge, world):
    """{option of verify: the bytes of a good file}."""
    return {
        "certificate": world.certificate("mse").pem.encode(),
        "quote": world.sgx(),
        "report": world.snp(),
        "evidence": bundle.evidence_json(world.intel, world.certificate("mse-legacy")),
    }


def expect(option):
    return SNP if option == "report" else SGX


def no(done):
    """Not a yes, no crash, nothing written, and something was said."""
    assert done.code in (NO, USAGE, UNKNOWN, LOCAL), str(done)
    assert done.written == {} and (done.err or done.out)
    if done.out and "verdict" in done.report:
        assert done.report["verdict"] in ("fail", "unknown")
    else:
        assert done.no_result, str(done)


# ---- the input -------------------------------------------------------------------------------


@pytest.mark.parametrize("option", SUBJECTS)
def test_good_files_pass(judge, files, option):
    collateral = [] if option == "evidence" else [judge.collateral(), judge.amd()]
    done = judge._run(option, files[option], expect(option), {"collateral": collateral})
    accepted(done)


@pytest.mark.parametrize("option", SUBJECTS)
def test_truncated_files(judge, files, option):
    data = files[option]
    for size in (1, 2, 16, 47, len(data) // 3, len(data) // 2, len(data) - 30):
        no(judge._run(option, data[:size], expect(option), {}))


@pytest.mark.parametrize("option", SUBJECTS)
def test_random_files(judge, files, option):
    for size in (1, 100, 1184, 5000, 70000):
        no(judge._run(option, RANDOM.randbytes(size), expect(option), {}))
    data = bytearray(files[option])
    for _ in range(6):
        for _ in range(40):
            data[RANDOM.randrange(len(data))] = RANDOM.randrange(256)
        no(judge._run(option, bytes(data), expect(option), {}))


@pytest.mark.parametrize("option", SUBJECTS)
def test_files_that_are_none(judge, mse, option):
    fifo, loop = mse.inputs / "fifo", mse.inputs / "loop"
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    for path in (mse.inputs / "none", mse.inputs, fifo, loop, mse.inputs / ("a" * 5000)):
        done = judge._run(option, path, expect(option), {"timeout": 10})
        assert done.code == LOCAL and done.no_result and done.written == {}, str(done)
    empty = judge._run(option, b"", expect(option), {})
    assert empty.code == NO and "empty" in empty.err and empty.no_result


@pytest.mark.parametrize("option", SUBJECTS)
def test_huge_files(judge, mse, option):
    path = mse.put(b"")
    os.truncate(path, 1 << 36)
    no(judge._run(option, path, expect(option), {"timeout": 10}))


def test_a_file_may_come_from_standard_input(judge, world, mse):
    with open(mse.put(world.sgx()), "rb") as stream:
        done = mse.run("verify", "--quote", "-", *SGX, "--offline", "--json", "--at", stamp(AT),
                       "--simulation-root", mse.put(world.roots_pem()), "--collateral",
                       mse.put(judge.collateral()), stdin=stream)  # fmt: skip
    accepted(done)


def test_der_and_pem_and_text_around_it(judge, world):
    certificate = world.certificate("mse")
    accepted(judge.certificate(certificate.der))
    accepted(judge.certificate(certificate.pem.replace("\n", "\r\n")))
    done = judge.certificate("subject=/CN=app1.example\n" + certificate.pem)
    assert done.code in (YES, NO)


def test_exactly_one_input(mse, files, world):
    roots = mse.put(world.roots_pem())
    paths = {option: mse.put(data) for option, data in files.items()}
    done = mse.run("verify", *SGX, "--simulation-root", roots)
    wrong_usage(done, "exactly one")
    for a, b in (("certificate", "quote"), ("quote", "report"), ("evidence", "certificate")):
        wrong_usage(mse.run("verify", f"--{a}", paths[a], f"--{b}", paths[b], *SGX), "exactly one")
    wrong_usage(mse.run("verify", "--quote", paths["quote"], "--quote", paths["quote"], *SGX))
    wrong_usage(mse.run("verify", "--quote", paths["quote"], "--name", "app1.example", *SGX))
    wrong_usage(mse.run("verify", paths["quote"], *SGX))


# ---- the other files -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option", ("--collateral", "--policy", "--simulation-root", "--signer-key")
)
def test_other_inputs_that_are_no_files(mse, world, option):
    fifo = mse.inputs / "fifo"
    os.mkfifo(fifo)
    quote = mse.put(world.sgx())
    for path in (mse.inputs / "none", mse.inputs, fifo):
        done = mse.run("verify", "--quote", quote, *SGX, option, path, timeout=10)
        assert done.code in (LOCAL, USAGE) and done.no_result, str(done)
    for data in (b"", b"\x00", b"x", RANDOM.randbytes(3000), b"{" * 2000, b"[" * 2000):
        done = mse.run("verify", "--quote", quote, *SGX, option, mse.put(data), "--offline")
        assert done.code != YES and done.written == {}, str(done)


POLICIES = {
    "no TOML": "x",
    "unknown key": "fingerprints = []\n",
    "empty list": "fingerprint = []\n",
    "wrong type": "strict = 1\n",
    "short": 'fingerprint = ["00"]\n',
    "twice": 'max_age = "1d"\nmax_age = "2d"\n',
    "table": "[policy]\nstrict = true\n",
    "status": 'allow_tcb = ["Revoked"]\n',
    "word": 'allow_tcb = ["Anything"]\n',
    "range": "min_isv_svn = 65536\n",
    "negative": "min_isv_svn = -1\n",
    "JSON": '{"fingerprint": ["00"]}',
    "JSON unknown": '{"strict": true, "strickt": true}',
    "JSON twice": '{"strict": true, "strict": false}',
    "JSON trailing": '{"strict": true} x',
    "JSON list": "[]",
    "NUL": 'strict = true\n\x00fingerprint = ["11"]',
}


@pytest.mark.parametrize("name", POLICIES)
def test_policy_files_that_are_refused(judge, world, mse, name):
    path = mse.put(POLICIES[name])
    done = judge.quote(world.sgx(), "--policy", path)
    wrong_usage(done, str(path))


def test_policy_files_count(judge, world, mse):
    fine = f'fingerprint = ["{SGX[1]}"]\nmin_isv_svn = 10\nallow_tcb = ["OutOfDate"]\n'
    path = mse.put(fine)
    accepted(judge.quote(world.sgx(), expect=("--policy", path)))
    refused(judge.quote(world.sgx(isvsvn=9), expect=("--policy", path)), "signer", "mismatch")
    document = {"mrsigner": [MRSIGNER], "strict": True, "min_level": 1}
    path = mse.put(json.dumps(document))
    done = judge.certificate(world.certificate("mse"), expect=("--policy", path))
    refused(done, "fingerprint", "policy")
    done = judge.certificate(
        world.certificate("mse"), *SGX, "--name", "app1.example", expect=("--policy", path)
    )
    assert accepted(done)["verdict"] == "pass"
    # an option overrides the file
    accepted(judge.quote(world.sgx(isvsvn=9), "--min-isv-svn", "9",
                         expect=("--policy", mse.put(fine))))  # fmt: skip
    wrong_usage(judge.quote(world.sgx(), expect=("--policy", mse.put("strict = true\n"))))


def test_comments_only_is_nobody(judge, world, mse):
    wrong_usage(judge.quote(world.sgx(), expect=("--policy", mse.put("# nothing\n"))), "nobody")


# ---- JSON ------------------------------------------------------------------------------------


def validate(report):
    """The structure that docs/report.md promises, and nothing else at the top."""
    assert report["schema"] == "mse-report-v1"
    assert report["verdict"] in VERDICTS
    assert isinstance(report["simulated"], bool) and report["level"] in (0, 1, 2, 3)
    assert tuple(c["name"] for c in report["checks"]) == CHECKS
    for check in report["checks"]:
        assert set(check) <= {"name", "outcome", "code", "reason", "expected", "actual"}
        assert check["outcome"] in OUTCOMES
        assert all(isinstance(v, str) for v in check.values())
        if check["outcome"] in ("failed", "unknown"):
            assert check["code"] and check["reason"]
        if check["outcome"] == "passed":
            assert "code" not in check
    outcomes = {c["outcome"] for c in report["checks"]}
    if "failed" in outcomes:
        assert report["verdict"] == "fail"
    elif outcomes & {"unknown", "not run"}:
        assert report["verdict"] == "unknown"
    positive = report["verdict"] in ("pass", "incomplete")
    assert ("holds_until" in report) == positive == ("holds_from" in report)
    for item in report["evidence"]:
        assert set(item) <= {"profile", "oid", "claims", "pck", "vek", "tcb", "tcb_early",
                             "advisories"}  # fmt: skip
        assert isinstance(item["advisories"], list)
    allowed = {"schema", "verdict", "simulated", "level", "at", "holds_from", "holds_until", "name",
               "checks", "evidence", "certificate", "instance", "x25519"}  # fmt: skip
    assert set(report) <= allowed


def test_reports_have_the_promised_structure(judge, world, forger, files):
    both = [judge.collateral(), judge.amd()]
    runs = [judge._run(o, files[o], expect(o), {"collateral": both}) for o in SUBJECTS]
    runs += [
        judge.certificate(world.certificate("mse", expired=True)),
        judge.certificate(b"x"),
        judge.quote(b"x"),
        judge.quote(forger.sgx()),
        judge.quote(world.sgx(), collateral=[]),
        judge.td(world.tdx15()),
        judge.certificate(world.certificate("gramine"), "--name", "app1.example"),
        judge.report(world.vlek()),
    ]
    for done in runs:
        validate(done.report)
        assert done.code == VERDICTS[done.report["verdict"]]
        assert done.out.endswith(b"}\n")


def test_hostile_text_is_escaped(judge, world):
    """Names with control and non-ASCII characters neither break JSON nor a terminal."""
    subject = [("CN", "a\x1b[31m\x07\"\\\n\u202eevil")]
    certificate = world.certificate("mse", subject=subject, names=("DNS:a\x1b[2J\x7f",))
    validate(judge.certificate(certificate).report)
    validate(judge.certificate(certificate, "--name", "app1.example").report)
    path = judge.mse.put(certificate.pem)
    for words in (("show", path), ("show", path, "--verbose"), ("show", path, "--json")):
        done = judge.mse.run(*words)
        assert done.code == YES
        assert "\u202e" not in done.out.decode() and b"\x07" not in done.out


@pytest.mark.parametrize("verbose", ((), ("--verbose",)))
def test_text_says_the_same(judge, world, verbose):
    run = lambda data: judge.mse.run(  # noqa: E731
        "verify", "--quote", judge.mse.put(data), *SGX, "--offline", "--at", stamp(AT),
        "--simulation-root", judge.mse.put(world.roots_pem()),
        "--collateral", judge.mse.put(judge.collateral()), *verbose,
    )  # fmt: skip
    good, bad = run(world.sgx()), run(world.sgx(flags=7))
    assert good.code == YES and "Verdict: incomplete" in good.out.decode()
    assert bad.code == NO and "Verdict: fail" in bad.out.decode()
    assert "debug" in bad.out.decode()
