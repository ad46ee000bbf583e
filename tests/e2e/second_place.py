# SPDX-License-Identifier: Apache-2.0
"""Where the tests of the second implementation keep their trees; imports it for them."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import second_inputs as inputs

ROOT = Path(__file__).resolve().parents[2]
FINGERPRINT = ROOT / "tests" / "fingerprint"
sys.path.insert(0, str(FINGERPRINT))

import second  # noqa: E402


def attempt(function, *args):
    """What it returns, or None if it refuses."""
    try:
        return function(*args)
    except second.Refused:
        return None


def read_tree(top, ignore):
    found = second.entries_of(top, ignore)
    return second.tree_digest(found), second.file_list(found)


class Place:
    def __init__(self, directory, ignore):
        self.directory, self.ignore, self.count = directory, ignore, 0

    def tree(self, rng):
        """A new directory of code."""
        self.count += 1
        top = self.directory / str(self.count)
        inputs.make_tree(rng, os.fsencode(top))
        return top

    def read(self, top):
        """(digest, list), or None if it is refused."""
        return attempt(read_tree, top, self.ignore)


@pytest.fixture(scope="module")
def scratch():
    """In memory where that is possible: directories that come and go are slow on a disk."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as place:
        yield Path(place)


@pytest.fixture(scope="module")
def ignore(scratch):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (scratch / "ignore").mkdir()
    return second.Ignore(scratch / "ignore")


@pytest.fixture
def place(scratch, ignore):
    """Where code lies, and what says of it what is ignored."""
    directory = scratch / "code"
    directory.mkdir()
    yield Place(directory, ignore)
    shutil.rmtree(directory)
