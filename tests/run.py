# SPDX-License-Identifier: Apache-2.0
"""Runs all suites over one build directory and closes with one line of counts."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
UNIT_TIMEOUT_S = 300
# What runs under sanitizers each time: the programs that serve or connect. With --long all suites
# do; parsers are under them in the unit tests and in fuzzing as well.
SANITIZED = (
    "cloud_network", "cloud_reach", "cloud_verify", "configure", "fingerprint", "fresh",
    "fresh_runtime", "front", "front_limits", "front_tls", "logs", "owner_runtime",
    "package", "runtime", "runtime_hostile", "runtime_http", "runtime_kill",
    "runtime_names", "runtime_owner", "simtee", "simtee_run",
    "tee_backends", "tls_client", "tls_library",
)  # fmt: skip


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run_unit(test):
    """One cmocka program; its TAP lines are counted, a crash counts as a failure."""
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", **test["env"])
    try:
        done = subprocess.run(
            test["cmd"], env=env, capture_output=True, text=True, errors="replace",
            timeout=UNIT_TIMEOUT_S,
        )
        output, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired:
        output, code = "timed out", -1
    # This version of cmocka says "not ok ... # SKIP" of a skipped test.
    skipped = len(re.findall(r"^(?:not )?ok \d+ # SKIP", output, re.M))
    passed = len(re.findall(r"^ok \d+ (?!# SKIP)", output, re.M))
    failed = len(re.findall(r"^not ok \d+ (?!# SKIP)", output, re.M))
    if code != 0 and failed == 0:
        failed = 1
    return test["name"], passed, failed, skipped, output


def unit(build, counts):
    tests = json.loads(
        subprocess.run(
            ["meson", "introspect", "--tests", str(build)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    mine = Counts()
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for name, passed, failed, skipped, output in pool.map(run_unit, tests):
            mine.add(passed, failed, skipped)
            if failed:
                print(f"unit {name}: {failed} failed\n{output}")
    print(f"unit: {mine}")
    counts.add(mine.passed, mine.failed, mine.skipped)


def pytest(build, counts, title, paths, marks, sanitizer):
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [PYTHON, "-m", "pytest", "-q", "-n", str(os.cpu_count() or 2), "-p",
                   "no:cacheprovider", "--dist", "loadfile", f"--junitxml={report.name}", "-m", marks,
                   *paths]
        env = dict(os.environ, MSE_BUILD=str(build), PYTHONDONTWRITEBYTECODE="1")
        if sanitizer:
            env["MSE_SANITIZER"] = "1"
        code = subprocess.run(command, cwd=ROOT, env=env).returncode
        mine = Counts()
        try:
            for suite in ElementTree.parse(report.name).getroot().iter("testsuite"):
                tests = int(suite.get("tests", 0))
                failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                skipped = int(suite.get("skipped", 0))
                mine.add(tests - failed - skipped, failed, skipped)
        except ElementTree.ParseError:
            mine.add(failed=1)
    # 5: nothing was collected
    if code not in (0, 5) and mine.failed == 0:
        mine.add(failed=1)
    print(f"{title}: {mine}")
    counts.add(mine.passed, mine.failed, mine.skipped)


def conformance(build, counts):
    corpus = os.environ.get("MSE_CORPUS")
    if not corpus:
        print("conformance: 0 passed, 0 failed, 1 skipped (MSE_CORPUS names no corpus)")
        counts.add(skipped=1)
        return
    done = subprocess.run(
        [PYTHON, str(ROOT / "tests/conformance/run.py"), "--build", str(build), "--corpus", corpus],
        capture_output=True,
        text=True,
    )
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    lines = re.findall(r"(\d+) passed, (\d+) failed, (\d+) skipped", done.stdout)
    if not lines:
        counts.add(failed=1)
        return
    passed, failed, skipped = map(int, lines[-1])
    if done.returncode != 0 and failed == 0:
        failed = 1
    counts.add(passed, failed, skipped)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--long", action="store_true", help="the slow tests too")
    parser.add_argument("--sanitizer", action="store_true", help="the build has sanitizers")
    options = parser.parse_args()
    build = Path(options.build).resolve()
    counts = Counts()
    marks = "" if options.long else "not slow"

    unit(build, counts)
    if options.sanitizer:
        suites = [f"tests/e2e/test_{name}.py" for name in SANITIZED]
        suites = ["tests/e2e"] if options.long else suites
        marks = "not slow and not no_sanitizer"
        pytest(build, counts, "e2e", suites, marks, True)
    else:
        pytest(build, counts, "structure", ["tests/structure"], marks, False)
        pytest(build, counts, "generator", ["tests/pki"], marks, False)
        pytest(build, counts, "e2e", ["tests/e2e"], marks, False)
        conformance(build, counts)
    print(counts, flush=True)
    return 1 if counts.failed or not counts.passed else 0


if __name__ == "__main__":
    sys.exit(main())
