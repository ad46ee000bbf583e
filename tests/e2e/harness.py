# SPDX-License-Identifier: Apache-2.0
"""Runs the program as a user does, in an empty directory of its own, and reads what it said."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from testpki import bundle, der, quote, snp, x509

AT = datetime(2026, 11, 1, 12, 0, 0, tzinfo=timezone.utc)
YES, NO, USAGE, UNKNOWN, LOCAL = 0, 1, 2, 3, 4

MRENCLAVE = quote.SgxBody().mrenclave.hex()
MRSIGNER = quote.SgxBody().mrsigner.hex()
SGX = ("--fingerprint", MRENCLAVE)
TDX = ("--mrtd", quote.Td10Body().mrtd.hex())
SNP = ("--measurement", snp.digest("measurement", 48).hex())
# Without these a verdict says nothing about the evidence.
CORE = ("evidence", "chain", "revocation", "signature", "collateral", "attributes")
CHECKS = (
    "evidence", "chain", "revocation", "signature", "qe-identity", "collateral", "tcb",
    "attributes", "machine", "binding", "certificate", "name", "signer", "instance",
    "release", "runtime", "fingerprint", "age", "level",
)  # fmt: skip
OUTCOMES = ("not run", "failed", "unknown", "waived", "not applicable", "passed")
VERDICTS = {"pass": YES, "incomplete": YES, "fail": NO, "unknown": UNKNOWN}


def stamp(moment):
    return der.utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def files_below(directory):
    """{relative path: content} of everything that is there."""
    root = Path(directory)
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@dataclass
class Done:
    """One finished run."""

    words: tuple
    code: int
    out: bytes
    err: str
    written: dict = field(default_factory=dict)

    @property
    def report(self):
        return json.loads(self.out)

    def check(self, name):
        return next(c for c in self.report["checks"] if c["name"] == name)

    @property
    def no_result(self):
        """Nothing on standard output; with --json the error that says why, and nothing else."""
        if self.out == b"":
            return True
        if "--json" not in self.words:
            return False
        error = json.loads(self.out)
        assert set(error) <= {"schema", "code", "subject", "offset", "message"}, str(self)
        return error["schema"] == "mse-error-v1" and bool(error["code"])

    def __str__(self):
        text = self.out.decode(errors="replace")
        try:
            bad = [c for c in json.loads(text)["checks"] if c["outcome"] in ("failed", "unknown")]
            text = "\n".join(map(str, bad))
        except (ValueError, KeyError):
            pass
        return f"{' '.join(self.words)}\nexit {self.code}\n{text}\n{self.err}"


class Mse:
    """The program, a home and a working directory. Inputs are put where neither of them is."""

    def __init__(self, program, directory):
        self.program = str(program)
        self.directory = Path(directory)
        self.home, self.work = self.directory / "home", self.directory / "work"
        self.inputs = self.directory / "inputs"
        for path in (self.home, self.work, self.inputs):
            path.mkdir()
        self.count = 0

    def env(self, **more):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(more)
        return {name: value for name, value in env.items() if value is not None}

    def put(self, data, suffix=""):
        """A new input file with this content; returns its path."""
        self.count += 1
        path = self.inputs / f"{self.count}{suffix}"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def run(self, *words, env=None, cwd=None, timeout=60, **options):
        words = tuple(map(str, words))
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        done = subprocess.run(
            [self.program, *words], stderr=subprocess.PIPE, env=env or self.env(),
            cwd=cwd or self.work, timeout=timeout, check=False, **options,
        )  # fmt: skip
        assert done.returncode >= 0, f"killed by signal {-done.returncode}: {words}"
        err = done.stderr.decode()
        assert "\x1b" not in err and b"\x1b" not in (done.stdout or b"")
        return Done(words, done.returncode, done.stdout or b"", err, files_below(self.work))

    def judge(self, option, data, *words, collateral=(), roots=None, at=AT, **options):
        """mse verify of these bytes, offline, as JSON; collateral: bundles, roots: PEM text."""
        parts = [collateral] if isinstance(collateral, (bytes, str)) else collateral
        more = [w for part in parts for w in ("--collateral", self.put(part))]
        if roots is not None:
            more += ["--simulation-root", self.put(roots)]
        if at is not None:
            more += ["--at", stamp(at)]
        subject = data if isinstance(data, Path) else self.put(data)
        return self.run("verify", f"--{option}", subject, *more, "--offline", "--json", *words,
                        **options)  # fmt: skip


class Judge:
    """Mse with one world's roots and collateral filled in."""

    def __init__(self, mse, world):
        self.mse, self.world = mse, world

    def collateral(self, **options):
        return bundle.bundle(bundle.intel_items(self.world.intel, **options))

    def amd(self, pki=None, **options):
        return bundle.bundle(bundle.amd_items(pki or self.world.milan, **options))

    def _run(self, option, data, words, options):
        options.setdefault("roots", self.world.roots_pem())
        if "collateral" not in options:
            parts = [self.collateral()] if words[0] != "--measurement" else [self.amd()]
            options["collateral"] = parts
        return self.mse.judge(option, data, *words, **options)

    def quote(self, data, *words, expect=SGX, **options):
        return self._run("quote", data, (*expect, *words), options)

    def td(self, data, *words, **options):
        return self.quote(data, *words, expect=TDX, **options)

    def report(self, data, *words, expect=SNP, **options):
        return self._run("report", data, (*expect, *words), options)

    def certificate(self, attested, *words, expect=SGX, **options):
        data = attested if isinstance(attested, (bytes, str)) else attested.pem
        return self._run("certificate", data, (*expect, *words), options)


def accepted(done, core=CORE, **outcomes):
    """Exit status 0 and every core check passed; outcomes: of more checks (with _ for -)."""
    assert done.code == YES, str(done)
    report = done.report
    assert report["verdict"] in ("pass", "incomplete"), str(done)
    found = {c["name"]: c["outcome"] for c in report["checks"]}
    assert tuple(found) == CHECKS
    assert all(found[name] == "passed" for name in core), str(done)
    assert not {"failed", "unknown", "not run"} & set(found.values()), str(done)
    for name, outcome in outcomes.items():
        assert found[name.replace("_", "-")] == outcome, str(done)
    assert done.written == {}
    return report


def refused(done, check, code, status=NO):
    """Exit status, verdict, the check that says no with its code, and no file was written."""
    assert done.code == status, str(done)
    report = done.report
    assert report["verdict"] == {NO: "fail", UNKNOWN: "unknown"}[status], str(done)
    found = done.check(check)
    assert found["outcome"] == {NO: "failed", UNKNOWN: "unknown"}[status], str(done)
    codes = (code,) if isinstance(code, str) else code
    assert found["code"] in codes, str(done)
    assert found["reason"], str(done)
    assert "holds_until" not in report
    assert done.written == {}, "a refusal left files behind"
    return found


def wrong_usage(done, text=""):
    """Exit status 2, nothing on standard output, a message that has this text."""
    assert done.code == USAGE, str(done)
    assert done.no_result and done.written == {}
    assert text in done.err and done.err.startswith("mse: "), done.err


def saved(done, certificate, name="cert.pem"):
    """Success, and exactly this certificate under exactly this name."""
    assert done.code == YES, str(done)
    assert set(done.written) == {name}
    assert x509.pem(certificate.der).encode() == done.written[name]


def stopped(done, code, *texts):
    """Another exit status, no success in any words, no file."""
    assert done.code == code, str(done)
    assert done.written == {}, "a file was written"
    assert b"success" not in done.out and b"saved" not in done.out
    for text in texts:
        assert text in done.err, str(done)
