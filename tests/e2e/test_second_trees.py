# SPDX-License-Identifier: Apache-2.0
"""Trees against tests/fingerprint/second.py, which was written from the document alone."""

import json
import os
import shutil
import subprocess

import oracle
import pytest
from harness import NO, YES
from second_place import ignore, place, scratch  # noqa: F401: fixtures


class Dump:
    """One process for many trees."""

    def __init__(self):
        self.process = subprocess.Popen([oracle.find_tool("tree_dump")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)  # fmt: skip

    def __call__(self, top):
        """(digest, list), and why it was refused instead."""
        self.process.stdin.write(b"%d\n%s" % (len(top), top))
        self.process.stdin.flush()
        word, answer = self.process.stdout.readline().decode().rstrip("\n").split(" ", 1)
        if word != "ok":
            return None, answer
        digest, text, _ = json.loads(answer)
        return (digest, text.encode()), None

    def close(self):
        self.process.communicate()
        assert self.process.returncode == 0


@pytest.fixture(scope="module")
def dump():
    program = Dump()
    yield program
    program.close()


def compare_trees(dump, place, count):
    """Both read each tree the same, or both refuse it."""
    rng, accepted = oracle.generator(), 0
    for n in range(count):
        top = place.tree(rng)
        ours, why = dump(os.fsencode(top))
        theirs = place.read(top)
        assert ours == theirs, (n, why, ours, theirs)
        accepted += ours is not None
        shutil.rmtree(top)
    assert count // 3 < accepted < count


def test_random_trees(dump, place):
    compare_trees(dump, place, oracle.rounds(300))


@pytest.mark.slow
def test_many_random_trees(dump, place, monkeypatch):
    monkeypatch.setenv("MSE_SEED", os.environ.get("MSE_SEED", "4711"))
    compare_trees(dump, place, oracle.rounds(10000))


# name: (what is made in an empty directory, whether a tree like that can be measured)
TREES = {
    "nothing": (lambda t: None, True),
    "an empty directory of a bad name": (lambda t: os.mkdir(t / "a\nb"), False),
    "the same, ignored": (lambda t: (os.mkdir(t / "a\nb"), (t / ".mseignore").write_text("a*")),
                          True),
    "128 directories": (lambda t: os.makedirs(t / "/".join(["d"] * 128)), True),
    "129 directories": (lambda t: os.makedirs(t / "/".join(["d"] * 129)), False),
    "a link of the longest target": (lambda t: os.symlink("a/" * 2047 + "a", t / "x"), True),
    "a link that arrives too deep": (lambda t: (os.mkdir(t / "d"),
                                                os.symlink("a/" * 2047 + "a", t / "d/x")), False),
    "a file one byte too large": (lambda t: os.truncate(make(t / "x"), 1 << 32), False),
    "rules of the largest size": (lambda t: (t / ".mseignore").write_bytes(b"#" * (1 << 20)), True),
    "rules one byte larger": (lambda t: (t / ".mseignore").write_bytes(b"#" * (1 << 20) + b"#"),
                              False),
    "rules that ignore themselves": (lambda t: (t / ".mseignore").write_text("*"), True),
    "a link to an ignored link": (lambda t: (os.symlink("b", t / "a"), os.symlink("c", t / "b"),
                                             (t / ".mseignore").write_text("b")), True),
}  # fmt: skip


def make(path):
    path.touch()
    return path


@pytest.mark.parametrize("name", TREES)
def test_trees_at_the_limits(dump, place, name):
    fill, is_sound = TREES[name]
    top = place.directory / "tree"
    top.mkdir()
    fill(top)
    ours, why = dump(os.fsencode(top))
    assert ours == place.read(top), why
    assert (ours is not None) == is_sound, why


def test_the_list_of_one_is_read_by_the_other(mse, place):
    rng = oracle.generator()
    compared = 0
    for _ in range(12):
        top = place.tree(rng)
        theirs = place.read(top)
        done = mse.run("fingerprint", "--code", top, "--list")
        if theirs is None:
            assert done.code == NO and done.no_result, str(done)
            continue
        assert done.code == YES and done.out == theirs[1], str(done)
        done = mse.run("fingerprint", "--code", top, "--compare", mse.put(theirs[1]))
        assert done.code == YES and done.out.decode().split() == ["tree", theirs[0]], str(done)
        done = mse.run("fingerprint", "--code", top, "--compare", mse.put(theirs[1] + b"f "))
        assert done.code == NO and done.no_result, str(done)
        compared += 1
    assert compared > 3
