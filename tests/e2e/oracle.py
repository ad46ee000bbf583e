# SPDX-License-Identifier: Apache-2.0
"""Runs a dump program of tests/tools over many documents."""

import os
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def find_tool(name):
    """From MSE_BUILD, else from a build directory in the tree; skips the test without one."""
    places = [pathlib.Path(os.environ["MSE_BUILD"])] if "MSE_BUILD" in os.environ else []
    places += sorted(ROOT.glob("build*"))
    for place in places:
        tool = place / "tests" / "tools" / name
        if tool.exists():
            return str(tool)
    pytest.skip(f"{name} is not built")
    return None


def run(tool, documents):
    """The answer to each document: (True, JSON text) or (False, error)."""
    frames = b"".join(b"%d\n%s" % (len(d), d) for d in documents)
    done = subprocess.run([tool], input=frames, capture_output=True, check=True, timeout=300)
    lines = done.stdout.decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(documents)
    return [(line.startswith("ok "), line.split(" ", 1)[1]) for line in lines]


def mutate(rng, document, pieces):
    """The document with one to three small changes."""
    text = bytearray(document)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            del text[at:at + rng.choice([1, 1, 2, 8])]
        elif kind == 1:
            text[at:at] = rng.choice(pieces)
        elif kind == 2:
            text[at:at + 1] = bytes([rng.choice([rng.randrange(256), rng.randrange(32, 127)])])
        elif kind == 3:
            end = rng.randrange(at, min(len(text), at + 40) + 1)
            text[at:at] = text[at:end]
        else:
            other = rng.randrange(len(text) + 1)
            text[at:at] = text[other:other + rng.choice([1, 4, 20])]
    return bytes(text)


def generator():
    """Always the same documents, unless MSE_SEED says otherwise."""
    return random.Random(int(os.environ.get("MSE_SEED", "1")))


def rounds(default):
    return int(os.environ.get("MSE_ORACLE_ROUNDS", default))
