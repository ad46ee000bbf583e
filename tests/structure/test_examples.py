# SPDX-License-Identifier: Apache-2.0
"""The examples compile against the library, do what they say, and are what docs/library.md has."""

import hashlib
import re
import subprocess
import textwrap
from pathlib import Path

import pytest
from testpki import quote
from testpki.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.c"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
REGION = re.compile(r"/\* \[(\w+)\] \*/\n(.*?)\n/\* \[\1\] \*/", re.S)
NAME = "app1.example"


def compile_example(build, source, out):
    """With the flags that the pkg-config file gives, for a library that is not installed."""
    libs = build / "src"
    subprocess.run(
        ["gcc", "-std=c17", *WARNINGS, f"-I{ROOT}/include", source, "-o", out,
         f"-L{libs}", "-lmse", "-lssl", "-lcrypto", f"-Wl,-rpath,{libs}"],
        check=True,
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def verify_file(build, tmp_path_factory):
    out = tmp_path_factory.mktemp("examples") / "verify_file"
    return compile_example(build, ROOT / "examples/verify_file.c", out)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """Certificate, bundle and roots as files; no AMD tree, which is slow to make."""
    directory = tmp_path_factory.mktemp("evidence")
    world = World(products=())
    (directory / "cert.pem").write_text(world.certificate("mse").pem)
    (directory / "bundle.json").write_bytes(world.bundle())
    (directory / "empty.json").write_text('{"format": "mse-collateral-v1", "items": []}')
    (directory / "roots.pem").write_text(world.roots_pem())
    return directory


def run(program, directory, *, bundle="bundle.json", fingerprint=None, name=NAME, roots=True):
    fingerprint = fingerprint or quote.SgxBody().mrenclave.hex()
    words = [program, directory / "cert.pem", directory / bundle, fingerprint, name]
    return subprocess.run(
        words + ([directory / "roots.pem"] if roots else []),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("source", EXAMPLES, ids=lambda p: p.name)
def test_an_example_compiles_without_a_warning(build, source, tmp_path):
    compile_example(build, source, tmp_path / "program")


@pytest.mark.parametrize("source", EXAMPLES, ids=lambda p: p.name)
def test_the_documentation_shows_the_marked_parts_of_an_example(source):
    text = (ROOT / "docs/library.md").read_text()
    regions = REGION.findall(source.read_text())
    assert regions, "nothing is marked"
    for name, body in regions:
        assert textwrap.indent(body, "    ") in text, f"{source.name}: [{name}] differs"


def test_verify_file_accepts_good_evidence(verify_file, evidence):
    done = run(verify_file, evidence)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verdict: incomplete" in done.stdout


@pytest.mark.parametrize(
    "options, code, said",
    [
        ({"fingerprint": "00" * 32}, 1, "wrong fingerprint"),
        ({"name": "other.example"}, 1, "asked for other.example"),
        ({"roots": False}, 1, "simulated TEE"),
        ({"bundle": "empty.json"}, 3, "Verdict: unknown"),
        ({"fingerprint": "xx"}, 2, "64 hex digits"),
        ({"bundle": "absent.json"}, 4, "cannot be read"),
    ],
    ids=lambda v: str(v) if isinstance(v, dict) else None,
)
def test_verify_file_refuses(verify_file, evidence, options, code, said):
    done = run(verify_file, evidence, **options)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr


@pytest.fixture(scope="module")
def service(build, tmp_path_factory):
    """(address, platform directory) of a simulated TEE that serves an app."""
    program = build / "src/simtee/mse-simtee"
    directory = tmp_path_factory.mktemp("simtee") / "tee"
    subprocess.run([program, "init", directory], check=True, capture_output=True, timeout=60)
    server = subprocess.Popen(
        [program, "serve", directory, "--name", NAME],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        ready = server.stdout.readline()
        yield re.match(r"ready https://(\S+) ", ready).group(1), directory
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_tls_client_talks_to_a_proven_service_only(build, service, tmp_path):
    program = compile_example(build, ROOT / "examples/tls_client.c", tmp_path / "tls_client")
    address, tee = service
    good = hashlib.sha256(b"mse-simtee demo app\n").hexdigest()

    def ask(fingerprint, *roots):
        words = [program, address, NAME, tee / "collateral.json", fingerprint, *roots]
        return subprocess.run(words, capture_output=True, text=True, timeout=60)

    proven = ask(good, tee / "root.pem")
    assert proven.returncode == 0 and f"hello from {NAME}" in proven.stdout, proven.stderr
    other_code = ask("00" * 32, tee / "root.pem")
    assert other_code.returncode == 1 and "wrong fingerprint" in other_code.stderr
    production = ask(good)
    assert production.returncode == 1 and "simulated TEE" in production.stderr
    assert "hello" not in other_code.stdout + production.stdout
