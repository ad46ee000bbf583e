# SPDX-License-Identifier: Apache-2.0
"""Runs every file of a corpus with a MANIFEST.json through the program and compares the answers.

Semantics of the manifest, where they need a word: docs of each function here; windows include both
ends; signature_ok and chain_ok_to_pinned_root are what "mse collateral check" says is authentic.
"""

import argparse
import hashlib
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True

import attested  # noqa: E402
import containers  # noqa: E402
import quotes  # noqa: E402
import reports  # noqa: E402
import statements  # noqa: E402
from common import Case, Corpus, Programs  # noqa: E402
from negatives import check_texts  # noqa: E402

SUITES = (quotes, statements, reports, attested, containers)
COLUMNS = (64, 72, 36, 40)


def whole(corpus):
    """Every file is known to a suite, every file of the manifest is there, and no text is new."""
    case = Case("MANIFEST.json", "complete")
    kinds = {kind for suite in SUITES for kind in suite.KINDS}
    for f in corpus.files:
        case.true(f"kind of {f['file']}", f["kind"] in kinds, f["kind"])
        if not case.true(f"{f['file']} is there", corpus.path(f["file"]).is_file()):
            continue
        digest = hashlib.sha256(corpus.read(f["file"])).hexdigest()
        case.equal(f"sha256 of {f['file']}", f["sha256"], digest)
    check_texts(corpus.files, case)
    return [case]


def file_of(job):
    """Suites hand each job its entry of the manifest as a default argument."""
    return job.__defaults__[0]["file"] if job.__defaults__ else "MANIFEST.json"


def guarded(job):
    """A job's cases; what it raises is a failure like others."""
    try:
        return job()
    except Exception as problem:  # noqa: BLE001: nothing may be lost in a thread
        case = Case(file_of(job), "runner")
        case.equal("exception", "none", repr(problem))
        return [case]


def cut(text, width):
    text = str(text)
    return text if len(text) <= width else text[: width - 3] + "..."


def print_table(cases):
    rows = [(c.file, f"{c.title}: {what}", expected, got)
            for c in cases for what, expected, got in c.differences]  # fmt: skip
    for row in [("file", "what", "expected", "got"), *rows] if rows else ():
        cells = (f"{cut(text, width):<{width}}" for text, width in zip(row, COLUMNS))
        print(" ".join(cells).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--simulation-root", help="the corpus was made under these roots (PEM)")
    parser.add_argument("--only", default="", help="only files whose name has this in it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    options = parser.parse_args()
    started = time.monotonic()
    programs = Programs(options.build, options.simulation_root)
    corpus = Corpus(options.corpus, programs)
    jobs = [job for suite in SUITES for job in suite.jobs(corpus)]
    jobs = [job for job in jobs if options.only in file_of(job)]
    jobs = [lambda: whole(corpus), *jobs]
    with ThreadPoolExecutor(options.jobs) as pool:
        cases = [case for found in pool.map(guarded, jobs) for case in found]
    for case in cases:
        if case.skipped:
            print(f"skipped: {case.file}: {case.title}: {case.skipped}")
    print_table(cases)
    failed = sum(1 for c in cases if c.differences)
    skipped = sum(1 for c in cases if c.skipped and not c.differences)
    print(f"{len(corpus.files)} files, {programs.runs} runs, {time.monotonic() - started:.0f} s")
    print(f"{len(cases) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or len(cases) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
