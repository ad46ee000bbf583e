# SPDX-License-Identifier: Apache-2.0
"""What is measured can be built again: mse-enclave is the same bytes wherever and whenever it is
built by the same compiler."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = "src/enclave/mse-enclave"
LEFT_OUT = (".git", ".ci", "__pycache__", ".pytest_cache", ".cache", "build*", "*.pyc")


def build(source, directory, **env):
    """The program, out of these sources."""
    options = {"cwd": source, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C", **env},
               "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "check": False}  # fmt: skip
    for words in (["meson", "setup", directory], ["ninja", "-C", directory, PROGRAM]):
        done = subprocess.run(words, **options)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-4000:]
    return (Path(directory) / PROGRAM).read_bytes()


@pytest.mark.slow
@pytest.mark.no_sanitizer
def test_two_builds_of_the_runtime_are_the_same_bytes(tmp_path):
    one, other = tmp_path / "a" / "mse", tmp_path / "another" / "place" / "source"
    shutil.copytree(ROOT, one, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.copytree(one, other, symlinks=True, copy_function=shutil.copy)  # with new times
    first = build(one, one / "build", HOME="/nonexistent")
    second = build(other, tmp_path / "elsewhere", HOME=str(tmp_path), TZ="Pacific/Chatham",
                   LANG="de_DE.UTF-8")  # fmt: skip
    assert str(tmp_path).encode() not in first + second
    assert first == second
