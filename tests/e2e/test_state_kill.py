# SPDX-License-Identifier: Apache-2.0
"""A runtime that is killed while it saves its state finds the old one or the new one, whole."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def keeper(build):
    return Path(build) / "tests" / "tools" / "state_keeper"


def load(keeper, directory):
    done = subprocess.run(
        [keeper, "load", directory], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def kill_once(keeper, directory, chance):
    """Saves some states and is killed; returns the last one that was said to be saved."""
    with subprocess.Popen([keeper, "save", directory], stdout=subprocess.PIPE) as process:
        said = [process.stdout.readline() for _ in range(chance.randrange(4))]
        time.sleep(chance.random() * 0.004)  # waits for nothing: this is the random point
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
        assert process.wait() == -signal.SIGKILL
    return int([line for line in said if line.endswith(b"\n")][-1]) if said else None


def kill_often(keeper, directory, count):
    chance = random.Random(20260701)
    last = 0
    interrupted = 0
    for _ in range(count):
        said = kill_once(keeper, directory, chance)
        last = said if said is not None else last
        interrupted += any(p.name.startswith(".mse-") for p in directory.rglob("*"))
        found = load(keeper, directory)
        # what was said to be saved is there; one more may be
        assert last <= found <= last + 1
        last = found
        left = {p.name for p in (directory / "state").iterdir()} if found else set()
        assert left <= {"sealed"}
    return interrupted


def test_ten_kills_leave_a_whole_state(keeper, tmp_path):
    kill_often(keeper, tmp_path, 10)


@pytest.mark.slow
def test_two_hundred_kills_leave_a_whole_state(keeper, tmp_path):
    assert kill_often(keeper, tmp_path, 200) > 0, "no kill came between the file and its name"


def test_what_is_not_whole_would_be_seen(keeper, tmp_path):
    kill_once(keeper, tmp_path, random.Random(1))
    (tmp_path / "state").mkdir(exist_ok=True)
    sealed = tmp_path / "state" / "sealed"
    if not sealed.exists():
        with subprocess.Popen([keeper, "save", tmp_path], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline()
            process.send_signal(signal.SIGKILL)
    content = sealed.read_bytes()
    for broken in (content[:-1], content[: len(content) // 2], b"", content + b"\0"):
        sealed.write_bytes(broken)
        done = subprocess.run([keeper, "load", tmp_path], capture_output=True, timeout=60, check=False)
        assert done.returncode == 1
