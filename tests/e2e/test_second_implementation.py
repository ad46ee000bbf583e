# SPDX-License-Identifier: Apache-2.0
"""Fingerprints against tests/fingerprint/second.py, which was written from the document alone."""

import hashlib
import os
import random
import shutil
import subprocess
import sys

import oracle
import pytest
import second_inputs as inputs
from harness import NO, YES
from second_place import (  # noqa: F401: three are fixtures
    FINGERPRINT, ROOT, attempt, ignore, place, scratch, second,
)  # fmt: skip


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# ---- fingerprints ---------------------------------------------------------------------------


class Case:
    """Code, settings, a runtime and its loader, all of them random."""

    def __init__(self, mse, place, rng, tee, **options):
        self.mse, self.rng, self.tee = mse, rng, tee
        read = None
        while read is None:
            self.code = place.tree(rng)
            read = place.read(self.code)
        self.tree = read[0]
        self.settings = inputs.Settings.random(rng, **options)
        self.loader = inputs.loader(rng)
        self.description = second.canonical(inputs.description(rng, tee, self.loader))
        self.runtime = second.Runtime.read(self.description)
        registers = {"tdx": ("--mrtd", "--rtmr0", "--rtmr1", "--rtmr2"), "snp": ("--measurement",)}
        self.registers = {name: rng.randbytes(48) for name in registers.get(tee, ())}

    def app(self):
        s = self.settings
        return second.App(self.tree, s.owner.hex(), s.start, self.runtime.digest, self.tee, s.cert,
                          s.health, s.memory, s.threads, s.unsigned, s.isolation)  # fmt: skip

    def theirs(self):
        return second.fingerprint(self.runtime, self.app(), self.loader, self.registers.values())

    def words(self):
        words = ["--code", self.code, "--runtime", self.mse.put(self.description)]
        if self.tee in ("sim", "sgx"):
            words += ["--loader", self.mse.put(self.loader)]
        for name, value in self.registers.items():
            words += [name, value.hex()]
        return words

    def ours(self, *more):
        return self.mse.run("fingerprint", "--path", self.mse.put(self.settings.toml(), ".toml"),
                            "--owner", self.settings.key, "--cert", self.settings.cert,
                            *self.words(), *more)  # fmt: skip

    def ours_by_context(self, *more):
        context = self.settings.context(self.tree, self.runtime.digest)
        return self.mse.run("fingerprint", "--context", self.mse.put(context), *self.words(), *more)


NAMES = {"sig_stack": "signal stack", "pal:code": "pal", "pal:data": "pal"}


def rows(areas):
    """{area: digest of the stream behind it}; parts of one area follow each other."""
    return {NAMES.get(a["name"], a["name"]): a["digest_after"] for a in areas}


def same_explanation(done, case):
    assert done.code == YES, str(done)
    said, arguments = done.report, case.app().arguments()
    assert said["tree"] == case.tree, str(done)
    assert said["runtime"]["sha256"] == case.runtime.digest
    assert said["arguments"] == arguments
    assert said["app_digest"] == second.app_digest(arguments)
    if case.tee in ("tdx", "snp"):
        assert said["fingerprint"] == case.theirs()
    else:
        text = second.manifest(case.runtime, case.app())
        areas = second.explained(case.loader, text, case.settings.memory, case.settings.threads)
        assert rows(said["areas"]) == {name: digest for name, _, digest in areas[1:]}
        starts = {}
        for area in said["areas"]:
            name = NAMES.get(area["name"], area["name"])
            starts[name] = min(area["start"], starts.get(name, area["start"]))
        assert starts == {name: start for name, start, _ in areas[1:]}
        assert said["fingerprint"] == areas[-1][2]
    if case.tee == "tdx":
        assert said["rtmr3"] == second.rtmr3(arguments)


def compare_fingerprints(mse, place, count, **options):
    rng = oracle.generator()
    for _ in range(count):
        tee = rng.choice(["sim", "sim", "sgx", "sgx", "tdx", "snp"])
        case = Case(mse, place, rng, tee, **options)
        same_explanation(case.ours("--explain", "--json"), case)
        shutil.rmtree(case.code)


def test_random_fingerprints(mse, place):
    compare_fingerprints(mse, place, oracle.rounds(50))


@pytest.mark.slow
def test_many_random_fingerprints(mse, place, monkeypatch):
    monkeypatch.setenv("MSE_SEED", os.environ.get("MSE_SEED", "4711"))
    compare_fingerprints(mse, place, oracle.rounds(500), threads=40,
                         memories=(64, 128, 256, 1024, 4096))  # fmt: skip


def test_random_contexts(mse, place):
    """Here unsigned and isolation vary; a context of another certificate is refused."""
    rng, accepted = oracle.generator(), 0
    for _ in range(oracle.rounds(25)):
        case = Case(mse, place, rng, rng.choice(["sim", "sgx", "tdx", "snp"]))
        case.settings.unsigned = rng.random() < 0.5
        case.settings.isolation = rng.choice(["none", "process"])
        if rng.random() < 0.7:
            case.settings.cert = "self"
        is_sound = case.settings.cert == "self" and attempt(case.theirs) is not None
        done = case.ours_by_context("--explain", "--json")
        if is_sound:
            same_explanation(done, case)
        else:
            assert done.code != YES and done.no_result, str(done)
        accepted += is_sound
    assert accepted > 5


def test_the_manifests_text_gives_the_same_measurement(mse, place):
    """The text itself, as Gramine would get it: nothing is added, and it measures the same."""
    rng = oracle.generator()
    for _ in range(6):
        case = Case(mse, place, rng, rng.choice(["sim", "sgx"]))
        text = second.manifest(case.runtime, case.app())
        file = mse.put(text)
        done = mse.run("sgx", "measure", "--libpal", mse.put(case.loader), file)
        assert done.code == YES and done.out.decode().split()[1] == case.theirs(), str(done)
        done = mse.run("sgx", "manifest", file)
        assert done.code == YES and done.out == text, str(done)


def test_the_command_line_prints_the_same(mse, place):
    rng = oracle.generator()
    for tee in ("sim", "sgx", "tdx", "snp"):
        case = Case(mse, place, rng, tee)
        kind, what = case.settings.start
        words = [
            str(case.code), "--runtime", str(mse.put(case.description)), "--loader",
            str(mse.put(case.loader)), "--owner", case.settings.owner.hex(), "--cert",
            case.settings.cert, f"--health={case.settings.health}", "--memory",
            str(case.settings.memory), "--threads", str(case.settings.threads),
            *(f"--register={value.hex()}" for value in case.registers.values()),
            *([f"--python={what}"] if kind == "python" else (f"--word={word}" for word in what)),
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, FINGERPRINT / "second.py", *words], capture_output=True, check=False,
            env=mse.env(), cwd=mse.work,
        )  # fmt: skip
        ours = case.ours()
        assert done.returncode == 0 and ours.code == YES, (done, str(ours))
        assert done.stdout == ours.out


# ---- loaders --------------------------------------------------------------------------------

A = (1, 5, 0x1000, 0, 0x180, 0x200)
B = (1, 6, 0x2000, 0x1000, 0x900, 0x1800)
# name: (segments, further values, whether it can be measured)
LOADERS = {
    "two segments": ([A, B], {}, True),
    "in falling order": ([B, A], {}, True),
    "a fixed address": ([(1, 5, 0, 0x400000, 0x10, 0x10)], {}, True),
    "the lowest fixed address": ([(1, 5, 0, 0x10000, 0x10, 0x10)], {}, True),
    "below it": ([(1, 5, 0, 0xF000, 0x10, 0x10)], {}, False),
    "a fixed address under the stacks": ([(1, 5, 0, 0x3FF0000, 0x10, 0x10)], {}, False),
    "no segment": ([(4, 5, 0, 0, 0x10, 0x10)], {}, False),
    "no header": ([], {}, False),
    "one page twice": ([A, (1, 6, 0x2200, 0x200, 0x100, 0x100)], {}, False),
    "a segment within another": ([(1, 5, 0, 0, 0x10, 0x5000), (1, 5, 0, 0x2000, 1, 1)], {}, False),
    "an empty segment": ([A, (1, 6, 0, 0x5000, 0, 0)], {}, True),
    "an empty segment within a page": ([A, (1, 6, 0, 0x5001, 0, 0)], {}, True),
    "an empty segment within another": ([(1, 5, 0, 0, 0x10, 0x5000), (1, 5, 0, 0x2000, 0, 0)], {},
                                        False),
    "an empty segment below all": ([(1, 6, 0, 0, 0, 0), (1, 5, 0, 0x20000, 1, 1)], {}, True),
    "only an empty segment": ([(1, 6, 0, 0, 0, 0)], {}, False),
    "larger in the file": ([(1, 5, 0, 0, 0x201, 0x200)], {}, False),
    "another place in its page": ([(1, 5, 0x10, 0, 0x100, 0x100)], {}, False),
    "behind the end": ([A, B], dict(cut=0x28FF), False),
    "to the end": ([A, B], dict(cut=0x2900), True),
    "64 segments": ([(1, 5, 0, n << 12, 1, 1) for n in range(64)], {}, True),
    "65 segments": ([(1, 5, 0, n << 12, 1, 1) for n in range(65)], {}, False),
    "wraps": ([A, (1, 6, 0, (1 << 64) - 0x1000, 0, 0x2000)], {}, False),
    "larger than the enclave": ([(1, 6, 0, 0, 0, 1 << 26)], {}, False),
    "an object file": ([A, B], dict(kind=1), False),
    "a program": ([A, B], dict(kind=2), True),
    "another machine": ([A, B], dict(machine=183), False),
    "32 bits": ([A, B], dict(ident=b"\x7fELF\1\1\1" + bytes(9)), False),
    "big-endian": ([A, B], dict(ident=b"\x7fELF\2\2\1" + bytes(9)), False),
    "another system": ([A, B], dict(ident=b"\x7fELF\2\1\1\3" + bytes(8)), True),
    "headers of another size": ([A, B], dict(phentsize=64), False),
    "headers behind the end": ([A, B], dict(phoff=1 << 40), False),
    "more headers than there is file": ([A, B], dict(phnum=0xFFFE), False),
    "entry behind the enclave": ([A, B], dict(entry=1 << 26), False),
    "entry far away": ([A, B], dict(entry=(1 << 64) - 1), False),
    "only a header": ([A, B], dict(cut=63), False),
}  # fmt: skip


class Loaders:
    """One app, many loaders."""

    def __init__(self, mse):
        self.mse, self.code = mse, mse.inputs / "code"
        self.code.mkdir()
        self.tree = second.tree_digest([])
        self.settings = inputs.Settings(("python", "a:b"), "/", 64, 2, "self", bytes(range(32)))
        self.toml = mse.put(self.settings.toml(), ".toml")

    def same(self, loader):
        """Whether both accept it."""
        value = {"path": "/l", "sha256": sha256(loader)}
        raw = second.canonical({"files": [value], "format": "mse-runtime-v1", "loader": value,
                                "name": "n", "tee": "sim", "version": "1"})  # fmt: skip
        runtime = second.Runtime.read(raw)
        app = second.App(self.tree, self.settings.owner.hex(), self.settings.start, runtime.digest,
                         "sim", "self", "/", 64, 2)  # fmt: skip
        theirs = attempt(second.fingerprint, runtime, app, loader)
        done = self.mse.run("fingerprint", "--code", self.code, "--path", self.toml, "--owner",
                            self.settings.key, "--runtime", self.mse.put(raw), "--loader",
                            self.mse.put(loader))  # fmt: skip
        if theirs is None:
            assert done.code == NO and done.no_result, str(done)
        else:
            assert done.code == YES and done.out.decode() == theirs + "\n", str(done)
        return theirs is not None


@pytest.fixture
def loaders(mse):
    return Loaders(mse)


@pytest.mark.parametrize("name", LOADERS)
def test_loaders_of_all_shapes(loaders, name):
    segments, options, is_sound = LOADERS[name]
    assert loaders.same(inputs.elf(random.Random(1), segments, **options)) == is_sound


def test_loaders_with_a_flipped_bit_in_the_headers(loaders):
    rng, accepted, count = oracle.generator(), 0, oracle.rounds(30)
    for n in range(count):
        data = bytearray(inputs.elf(rng, [A, B]))
        at = rng.choice([rng.randrange(64), rng.randrange(64, 176)])
        data[at] ^= 1 << rng.randrange(8)
        accepted += loaders.same(bytes(data))
    assert 0 < accepted < count


# ---- the document ---------------------------------------------------------------------------


def test_values_of_the_document(tmp_path):
    document = (ROOT / "docs/fingerprint.md").read_text()
    tree = tmp_path / "tree"
    (tree / "data").mkdir(parents=True)
    (tree / "app.py").write_text("print('hello')\n")
    (tree / "data/table.csv").write_text("1,2,3\n")
    (tree / "latest").symlink_to("data/table.csv")
    (tree / "run.sh").write_text("#!/bin/sh\n")
    (tree / "run.sh").chmod(0o755)
    entries = second.entries_of(tree)
    data = bytearray(inputs.elf(random.Random(1), [A, B]))
    for n, vaddr in enumerate((0, 0x1000)):
        data[64 + 56 * n + 24 : 64 + 56 * n + 32] = vaddr.to_bytes(8, "little")
        data[64 + 56 * n + 48 : 64 + 56 * n + 56] = (0x1000).to_bytes(8, "little")
    data[176:] = b"\xee" * (len(data) - 176)
    data[0x1000:0x1180], data[0x2000:0x2900] = b"\x55" * 0x180, b"\x66" * 0x900
    loader = {"path": "/usr/bin/mse-enclave", "sha256": sha256(data)}
    raw = second.canonical({
        "files": [loader, {"path": "/usr/lib/libx.so.1", "sha256": sha256(b"library")}],
        "format": "mse-runtime-v1", "loader": loader, "name": "demo", "tee": "sim", "version": "1",
    })  # fmt: skip
    runtime = second.Runtime.read(raw)
    app = second.App(second.tree_digest(entries), bytes(range(32)).hex(), ("python", "app:app"),
                     runtime.digest, memory=64, threads=4)  # fmt: skip
    arguments, text = app.arguments(), second.manifest(runtime, app)
    registers = [bytes([n]) * 48 for n in range(1, 6)]
    third = second.rtmr3(arguments)
    for found in (
        f"tree = {app.tree}", f"runtime = {runtime.digest}",
        f"app digest = {second.app_digest(arguments)}", f"H(manifest) = {sha256(text)}",
        f"MRENCLAVE   = {second.fingerprint(runtime, app, bytes(data))}",
        f"{third[:64]}\n    {third[64:]}\n",
        f"TDX fingerprint = {second.tdx(*registers[:4], arguments)}",
        f"SNP fingerprint = {second.snp(registers[4], arguments)}",
        "".join(f"    {line}\n" for line in second.file_list(entries).decode().splitlines()),
        "".join(f"    {line}".rstrip() + "\n" for line in text.decode().splitlines()),
    ):  # fmt: skip
        assert found in document, found
