# SPDX-License-Identifier: Apache-2.0
"""The library exports what its headers declare, its map lists and its man page names: the same."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def declared():
    text = "".join((ROOT / "include/mse" / n).read_text() for n in ("mse.h", "tls.h", "connect.h"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return set(re.findall(r"MSE_API[^;]*?\b(mse_[a-z0-9_]+)\(", text))


def listed():
    text = (ROOT / "src/libmse.map").read_text()
    return set(re.findall(r"\b(mse_[a-z0-9_]+);", text))


def library(build):
    return next(p for p in (build / "src").glob("libmse.so.*") if p.is_file())


def exported(build):
    out = subprocess.run(
        ["nm", "-D", "--defined-only", library(build)], check=True, capture_output=True, text=True
    ).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if " T " in line}


def test_map_lists_what_the_headers_declare():
    assert listed() == declared()


def test_library_exports_what_the_map_lists(build):
    assert exported(build) == listed()


def test_man_page_names_every_function():
    text = (ROOT / "docs/man/libmse.3").read_text()
    for name in declared():
        assert name in text, name


def needed(path):
    out = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"NEEDED.*\[(.*?)\.so", out))


def test_library_links_only_openssl_and_libc(build):
    assert needed(library(build)) <= {"libcrypto", "libssl", "libc"}


def test_program_starts_without_libcurl(build):
    assert needed(build / "src/cli/mse") <= {"libcrypto", "libssl", "libc", "libmse"}
