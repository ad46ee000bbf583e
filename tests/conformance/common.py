# SPDX-License-Identifier: Apache-2.0
"""The corpus, the two programs that read it, and the cases in which their answers are compared."""

import json
import os
import subprocess
import tempfile
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

TIMEOUT_S = 60
CA_ROLES = ("intel_pck_platform_ca", "intel_pck_processor_ca", "intel_tcb_signing")
AMD_CA_ROLES = ("amd_ask", "amd_asvk")
SECOND = timedelta(seconds=1)


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def naive(moment):
    """python-cryptography's dates have no zone: they are UTC."""
    return moment.replace(tzinfo=timezone.utc)


def text_of(moment):
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def middle(begin, end):
    return begin + timedelta(seconds=int((end - begin).total_seconds()) // 2)


class Case:
    """One named comparison of a file; passes if nothing in it differs."""

    def __init__(self, file, title):
        self.file, self.title = file, title
        self.differences = []
        self.skipped = None

    def equal(self, what, expected, got):
        if expected != got:
            self.differences.append((what, expected, got))
        return expected == got

    def true(self, what, condition, got=False):
        return condition or self.equal(what, "yes", got or "no")

    def one_of(self, what, expected, got):
        if got not in expected:
            self.differences.append((what, " or ".join(map(str, sorted(expected))), got))

    def skip(self, reason):
        self.skipped = reason
        return self


class Report:
    """What mse verify --json said."""

    def __init__(self, code, value):
        self.code, self.value = code, value
        self.checks = {c["name"]: c for c in value.get("checks", ())}
        self.evidence = value.get("evidence", [])

    @property
    def verdict(self):
        return self.value.get("verdict")

    @property
    def positive(self):
        return self.verdict in ("pass", "incomplete") or self.code == 0

    @property
    def claims(self):
        return self.evidence[0].get("claims", {}) if self.evidence else {}

    def outcome(self, check):
        return self.checks.get(check, {}).get("outcome")

    def code_of(self, check):
        return self.checks.get(check, {}).get("code")

    def both(self, check):
        """Outcome and code in one text: "failed expired"."""
        code = self.code_of(check)
        return f"{self.outcome(check)}{' ' + code if code else ''}"

    def decided_against(self):
        """Checks that neither passed nor were left out, with outcome and code."""
        return {
            name: self.both(name)
            for name, c in self.checks.items()
            if c["outcome"] not in ("passed", "waived", "not applicable")
        }


class Programs:
    """mse and the driver of one build. No cache, no network, nothing of the user's settings."""

    def __init__(self, build, simulation_root=None):
        self.mse = Path(build) / "src" / "cli" / "mse"
        self.driver = Path(build) / "tests" / "conformance" / "conformance_driver"
        for program in (self.mse, self.driver):
            if not program.exists():
                raise SystemExit(f"{program} is not built")
        self.root = ["--simulation-root", str(simulation_root)] if simulation_root else []
        self.simulated = bool(simulation_root)
        self.home = tempfile.TemporaryDirectory(prefix="mse-conformance-")
        kept = {k: v for k, v in os.environ.items() if k.endswith(("SAN_OPTIONS", "PATH"))}
        # A sanitizer's complaint must not look like one of the program's own exit statuses.
        kept.setdefault("ASAN_OPTIONS", "exitcode=99")
        kept.setdefault("UBSAN_OPTIONS", "halt_on_error=1:exitcode=99")
        self.env = {**kept, "HOME": self.home.name, "LC_ALL": "C"}
        self.runs = 0
        self._lock = threading.Lock()
        self._written = 0

    def run(self, *words):
        done = subprocess.run(
            [str(self.mse), *map(str, words)], capture_output=True, env=self.env,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        with self._lock:
            self.runs += 1
        if done.returncode < 0 or done.returncode > 4:
            raise RuntimeError(f"mse {' '.join(map(str, words))}: {done.returncode} {done.stderr}")
        return done

    def verify(self, kind, path, at, *, collateral=(), flags=()):
        """kind: "quote", "report", "certificate" or "evidence"."""
        words = ["verify", f"--{kind}", path, "--at", text_of(at), "--offline", "--json"]
        for item in collateral:
            words += ["--collateral", item]
        done = self.run(*words, *flags, *self.root)
        try:
            return Report(done.returncode, json.loads(done.stdout))
        except ValueError:
            return Report(done.returncode, {"verdict": done.stderr.decode().strip()})

    def show(self, path):
        done = self.run("show", "--json", path)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def check(self, path, others=()):
        """The items of one file, authenticated together with those of others; None: unreadable.

        The program cuts long names of sources, so that the file is given under a short one.
        """
        subject = self.file(Path(path).read_bytes(), ".item")
        done = self.run("collateral", "check", "--json", subject, *others, *self.root)
        try:
            items = json.loads(done.stdout)["collateral"]
        except ValueError:
            return None
        return [item for item in items if item["source"] == str(subject)]

    def ask(self, requests):
        """Answers of the driver to (kind, path) pairs, in their order."""
        lines = "".join(f"{kind} {path}\n" for kind, path in requests)
        done = subprocess.run(
            [str(self.driver)], input=lines.encode(), capture_output=True, env=self.env,
            timeout=TIMEOUT_S, check=True,
        )  # fmt: skip
        answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
        if len(answers) != len(requests):
            raise RuntimeError("the driver did not answer every request")
        return answers

    def file(self, data, suffix=""):
        """A new temporary file with these bytes."""
        with self._lock:
            self._written += 1
            path = Path(self.home.name) / f"file{self._written}{suffix}"
        path.write_bytes(data)
        return path


class Corpus:
    """A directory with a MANIFEST.json."""

    def __init__(self, directory, programs):
        self.directory = Path(directory)
        self.programs = programs
        self.files = self.read_manifest(self.directory)
        self.by_name = {f["file"]: f for f in self.files}
        self.intel_cas = self.roles(CA_ROLES)
        self.amd_cas = self.roles(AMD_CA_ROLES)
        self.answers = self._ask()

    @staticmethod
    def read_manifest(directory):
        return json.loads((Path(directory) / "MANIFEST.json").read_text())["files"]

    def path(self, name):
        return self.directory / name

    def read(self, name):
        return self.path(name).read_bytes()

    def roles(self, roles):
        return [self.path(f["file"]) for f in self.files if f.get("role") in roles]

    def of_kind(self, *kinds):
        return [f for f in self.files if f["kind"] in kinds]

    def _ask(self):
        """One run of the driver reads every file; lists first, so that certificates meet them."""
        there = [f for f in self.files if self.path(f["file"]).is_file()]
        reader = {
            "certificate": "certificate", "crl": "crl", "tcb_info": "tcb_info",
            "qe_identity": "qe_identity", "sgx_quote": "quote", "tdx_quote": "quote",
            "snp_report": "snp", "azure_hcl_report": "hcl",
        }  # fmt: skip
        wanted = [(reader[f["kind"]], f["file"]) for f in there if f["kind"] in reader]
        wanted += [("attested", f["file"]) for f in there if f.get("role") == "ratls"]
        wanted.sort(key=lambda request: request[0] != "crl")
        answers = self.programs.ask([(kind, self.path(name)) for kind, name in wanted])
        return {key: answer for key, answer in zip(wanted, answers)}

    def answer(self, kind, name):
        return self.answers[kind, name]
