# SPDX-License-Identifier: Apache-2.0
"""Runtime descriptions against tests/fingerprint/second.py, written from the document alone."""

import json
import os
import shutil

import oracle
import pytest
import second_inputs as inputs
from harness import NO, YES
from second_place import attempt, scratch, second  # noqa: F401: one is a fixture


PIECES = [
    b'"', b"\\", b",", b"{", b"}", b" ", b"\n", b"\\u0061", b"\\/", b"\\\\", b'\\"', b"/", b"..",
    b"/../", b"//", b"\xff", b"\x7f", b"\xc2\x85", b"\xc3\xa9", b"0", b"A", b"sgx", b'"name":"x",',
    b"null", b"1e0", b"\\ud800", b"\xf4\x90\x80\x80",
]  # fmt: skip
PATHS = ["/a/", "a", "/", "", "/a//b", "/./a", "/a/..", "/a.", "/" + "x" * 4095, "/" + "x" * 4096]
TEXTS = ["", "x" * 128, "x" * 129, "é" * 64, "é" * 64 + "x", "\u009f"]


def test_descriptions_are_refused_by_both(mse):
    """Mutated, and more often than not by a change that JSON alone would allow."""
    rng, accepted, count = oracle.generator(), 0, oracle.rounds(70)
    for n in range(count):
        value = inputs.description(rng, rng.choice(["sim", "sgx", "tdx", "snp"]), b"")
        kind = rng.randrange(8)
        if kind == 0:
            rng.shuffle(value["files"])
        elif kind == 6:
            value["files"] += value["files"][-1:]
        elif kind == 7:
            value["loader"]["sha256"] = "0" * 64
        elif kind == 1 and value["files"]:
            value["files"][0]["path"] = rng.choice(PATHS)
        elif kind == 2:
            value[rng.choice(["name", "version"])] = rng.choice(TEXTS)
        raw = second.canonical(value)
        if kind == 3:
            raw = oracle.mutate(rng, raw, PIECES)
        elif kind == 4:
            raw = json.dumps(value, sort_keys=True, indent=rng.choice([None, 1])).encode()
        theirs = attempt(second.Runtime.read, raw)
        file = mse.put(raw)
        done = mse.run("runtime", "diff", file, file)
        assert done.code == (YES if theirs else NO), (raw, str(done))
        accepted += theirs is not None
    assert count // 8 < accepted < count


def make_root(rng, top):
    """Directories, files, and links that lead to all kinds of places."""
    names = ["a", "b", "lib", "usr", "x.so", "é", "a b", "..x"]
    targets = ["a", "/a", "../a", "lib", "/lib", "/usr/lib/a", "../../../a", ".", "..", "/", "a/",
               "b/.", "/lib/../a", "nowhere", "/usr/x.so", "x.so", "lib/x.so", "é"]  # fmt: skip
    directories = [top]
    top.mkdir()
    if rng.random() < 0.8:
        (top / "a").write_bytes(b"a")
        directories.append(top / rng.choice(["lib", "usr"]))
        directories[1].mkdir()
    for _ in range(rng.randrange(3, 40)):
        odd = ["\udcff", "a\nb", "\u009f"] if rng.random() < 0.02 else names
        path = rng.choice(directories) / rng.choice(odd)
        if os.path.lexists(path):
            continue
        kind = rng.random()
        if kind < 0.3:
            path.mkdir()
            directories.append(path)
        elif kind < 0.6:
            path.symlink_to(rng.choice(targets))
        elif kind < 0.63:
            os.mkfifo(path)
        else:
            path.write_bytes(rng.randbytes(rng.choice([0, 1, 100])))


def test_random_roots_are_described_the_same(mse, scratch):
    rng, accepted, count = oracle.generator(), 0, oracle.rounds(40)
    for n in range(count):
        root = scratch / "root"
        make_root(rng, root)
        loader = rng.choice(["/a", "/a", "/a", "/lib/x.so", "/usr/lib/a", "/b"])
        paths = rng.choice([[], [], ["/"], ["/lib"], ["/usr", "/a"], ["/usr/lib/", "/usr"]])
        done = mse.run("runtime", "describe", root, "--name", "é", "--version", '"1\\', "--tee",
                       "sim", "--loader", loader,
                       *(w for p in paths for w in ("--path", p)))  # fmt: skip
        theirs = attempt(second.describe, root, "é", '"1\\', "sim", loader.encode(),
                         [p.encode() for p in paths or ["/"]])  # fmt: skip
        if theirs is None:
            assert done.code == NO and done.no_result, str(done)
        else:
            assert done.code == YES and done.out == theirs, str(done)
        accepted += theirs is not None
        shutil.rmtree(root)
    assert count // 8 < accepted < count


@pytest.mark.parametrize("depth, is_sound", [(127, True), (128, False)])
def test_roots_at_the_limit_are_described_the_same(mse, scratch, depth, is_sound):
    root = scratch / "root"
    (root / "/".join(["d"] * depth)).mkdir(parents=True)
    (root / "a").write_bytes(b"")
    done = mse.run("runtime", "describe", root, "--name", "n", "--version", "v", "--tee", "snp",
                   "--loader", "/a")  # fmt: skip
    theirs = attempt(second.describe, root, "n", "v", "snp", b"/a")
    shutil.rmtree(root)
    assert (done.code == YES) == is_sound, str(done)
    assert (done.out or None) == theirs
