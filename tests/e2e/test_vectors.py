# SPDX-License-Identifier: Apache-2.0
"""The runner of vectors: over its own small directory, and over the one that MSE_VECTORS names."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sgx_oracle

ROOT = Path(__file__).resolve().parents[2]
RUNNER = ROOT / "tests" / "vectors" / "run.py"
MANIFEST = b'[sgx]\nenclave_size = "1M"\nmax_threads = 1\n'
ELF = sgx_oracle.elf([(sgx_oracle.LOAD, 5, 0, 0, 0x1234, 0x1234)], 0x2000)


def run(build, directory, *words, timeout=60):
    return subprocess.run(
        [sys.executable, RUNNER, "--build", build, "--vectors", directory, *words],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def last_line(done):
    return done.stdout.splitlines()[-1]


def test_given_vectors_pass(build, program):
    directory = os.environ.get("MSE_VECTORS")
    if not directory:
        pytest.skip("MSE_VECTORS names no directory")
    done = run(build, Path(directory) / "measure", timeout=900)
    assert done.returncode == 0, done.stdout
    assert ", 0 failed, " in last_line(done)


def layout(digests):
    """layout.json of an enclave of 1 MiB with one thread and this PAL."""
    rows = [("manifest", 0xFF000, 0x1000), ("ssa", 0xF7000, 0x8000), ("tcs", 0xF6000, 0x1000),
            ("tls", 0xF5000, 0x1000), ("stack", 0xB5000, 0x40000), ("sig_stack", 0xA5000, 0x10000),
            ("pal:code", 0xA3000, 0x2000), ("free", 0x10000, 0x93000)]  # fmt: skip
    areas = [{"area": name, "addr": hex(at), "size": hex(size), "measured": name != "free",
              "digest_of_stream_so_far": digest}
             for (name, at, size), (_, digest) in zip(rows, digests)]  # fmt: skip
    measured = 91 + 2
    return {"areas_in_stream_order": areas, "pages_added": 240, "pages_measured": measured,
            "sha256_blocks": 1 + 81 * measured + 240 - measured}  # fmt: skip


@pytest.fixture
def vectors(tmp_path):
    """One vector with what the first level needs."""
    mrenclave, digests = sgx_oracle.measure(MANIFEST, ELF, 1 << 20, 1)
    entry = {"name": "one", "gramine_tools": "1.9", "libpal": "pal.so", "key": "none.pem",
             "date": "2023-08-10", "chroot": None, "template_variables": {},
             "expected": {"mrenclave": mrenclave}}  # fmt: skip
    (tmp_path / "one").mkdir()
    (tmp_path / "pal.so").write_bytes(ELF)
    (tmp_path / "vectors.json").write_text(json.dumps({"format": 1, "vectors": [entry]}))
    (tmp_path / "one" / "app.manifest.sgx").write_bytes(MANIFEST)
    (tmp_path / "one" / "layout.json").write_text(json.dumps(layout(digests)))
    return tmp_path


def test_a_level_that_agrees_passes_and_one_without_files_is_skipped(build, program, vectors):
    done = run(build, vectors, "--level", "1", "--level", "4")
    assert done.returncode == 0, done.stdout
    assert last_line(done) == "1 passed, 0 failed, 1 skipped"


@pytest.mark.parametrize("key", ["addr", "digest_of_stream_so_far"])
def test_a_difference_in_one_area_fails_by_its_name(build, program, vectors, key):
    path = vectors / "one" / "layout.json"
    changed = json.loads(path.read_text())
    row = changed["areas_in_stream_order"][3]
    row[key] = row[key][:-4] + ("0000" if row[key][-4:] != "0000" else "1000")
    path.write_text(json.dumps(changed))
    done = run(build, vectors, "--level", "1")
    assert done.returncode == 1
    assert "FAILED: tls" in done.stdout
    assert last_line(done) == "0 passed, 1 failed, 0 skipped"


def test_a_refusal_of_the_program_fails(build, program, vectors):
    (vectors / "one" / "app.manifest.sgx").write_bytes(b"[sgx")
    done = run(build, vectors, "--level", "1")
    assert done.returncode == 1 and last_line(done) == "0 passed, 1 failed, 0 skipped"


def test_nothing_compared_is_no_success(build, program, vectors):
    (vectors / "vectors.json").write_text(json.dumps({"format": 1, "vectors": []}))
    done = run(build, vectors)
    assert done.returncode == 1 and last_line(done) == "0 passed, 0 failed, 0 skipped"
