# SPDX-License-Identifier: Apache-2.0
"""A module includes only modules above it (docs/architecture.md); public headers stand alone."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ORDER = [
    "base", "crypto", "issue", "attest", "evidence", "endorsement", "appraisal", "ratls", "release", "verdict",
    "measure", "package", "client", "fetch", "enclave", "simtee", "cli",
]
# fetch implements a callback of endorsement; client names its module's header to load it.
ALLOWED = {("client", "fetch")}
# What is measured with every app is small: nothing that judges is in it.
ENCLAVE = {"base", "crypto", "issue", "attest", "measure", "package", "enclave"}
# simtee makes evidence; it shares nothing with the verifier but bytes and files, and measuring.
SIMTEE = {"base", "issue", "attest", "measure", "simtee"}

SOURCES = sorted((ROOT / "src").rglob("*.[ch]"))


def includes(path):
    return re.findall(r'^#include "([a-z_]+)/', path.read_text(), re.M)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_uses_only_those_above_it(path):
    module = path.relative_to(ROOT / "src").parts[0]
    for used in includes(path):
        if used == module or (module, used) in ALLOWED:
            continue
        if module == "simtee":
            assert used in SIMTEE, f"{path.name} includes {used}/"
        if module == "enclave":
            assert used in ENCLAVE, f"{path.name} includes {used}/"
        assert ORDER.index(used) < ORDER.index(module), f"{path.name} includes {used}/"


@pytest.mark.parametrize(
    "path",
    [p for p in SOURCES if p.suffix == ".h"] + sorted((ROOT / "include").rglob("*.h")),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_a_header_compiles_alone(path, tmp_path):
    source = tmp_path / "one.c"
    source.write_text(f'#include "{path}"\nint unit_is_not_empty;\n')
    subprocess.run(
        ["gcc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
         f"-I{ROOT}/include", f"-I{ROOT}/src", source],
        check=True,
    )


@pytest.mark.parametrize("name", ["mse/mse.h", "mse/tls.h", "mse/connect.h"])
def test_a_public_header_is_cxx_too(name, tmp_path):
    source = tmp_path / "one.cc"
    source.write_text(f"#include <{name}>\nint unit_is_not_empty;\n")
    subprocess.run(
        ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
         f"-I{ROOT}/include", source],
        check=True,
    )


def test_only_programs_read_the_wall_clock_and_the_environment():
    for path in SOURCES:
        if path.name == "main.c":
            continue
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        found = re.findall(r"(?<![>.])\b(time|gettimeofday|getenv|secure_getenv)\s*\(", text)
        assert not found, f"{path.relative_to(ROOT)}: {found}"
        if path.name != "deadline.c" and path.parts[-2] != "simtee":
            assert "clock_gettime" not in text, path.relative_to(ROOT)


def test_no_assert_guards_an_input():
    for path in SOURCES:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        assert not re.search(r"(?<!_)\bassert\s*\(", text), path.relative_to(ROOT)
