# SPDX-License-Identifier: Apache-2.0
"""A simulated machine for tests: platforms, a runtime with a program, and enclaves under it."""

import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

LOADER = "/usr/bin/mse-enclave"
LIBRARY = "/usr/lib/libpart.so"
OWNER = bytes(range(32)).hex()
LIMIT = 30


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def environment():
    """What sanitizers need, and nothing else that matters."""
    names = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
    return {name: os.environ[name] for name in names if name in os.environ}


def describe(files, loader=LOADER, tee="sim"):
    """mse-runtime-v1 in its canonical form; files: {path: content}."""
    value = {
        "format": "mse-runtime-v1", "name": "test", "version": "1", "tee": tee,
        "loader": {"path": loader, "sha256": sha256(files[loader])},
        "files": [{"path": p, "sha256": sha256(files[p])} for p in sorted(files)],
    }  # fmt: skip
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Runtime:
    """A root directory with the program in it, and its description."""

    def __init__(self, directory, program):
        self.dir = Path(directory)
        self.root = self.dir / "root"
        self.files = {LOADER: Path(program).read_bytes(), LIBRARY: b"a part of the runtime\n"}
        for path, content in self.files.items():
            place = self.place(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        self.description = self.dir / "runtime.json"
        self.description.write_bytes(describe(self.files))

    def place(self, path):
        return self.root / path[1:]

    def arguments(self, tree="11" * 32, owner=OWNER, words=("/bin/true",), **more):
        said = {"cert": "self", "health": "/health", "memory": "1024", "threads": "64",
                "unsigned": "no", "isolation": "process", **more}  # fmt: skip
        return ["mse-enclave", "format=1", f"tree={tree}", f"owner={owner}",
                *(f"{name}={value}" for name, value in said.items()),
                f"runtime={sha256(self.description.read_bytes())}",
                "command", *(f"arg={word}" for word in words)]  # fmt: skip


class Running:
    """One mse-simtee run and what it prints."""

    def __init__(self, words, pass_fds=()):
        self.process = subprocess.Popen(
            [str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment(), pass_fds=pass_fds,
        )  # fmt: skip
        self.pending = b""

    def line(self, limit=LIMIT):
        """The next line of standard output; None at its end."""
        end = time.monotonic() + limit
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], end - time.monotonic())
            assert ready, "no line in time"
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return None
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def lines(self):
        """All the rest, once the program has ended."""
        found = []
        while (line := self.line()) is not None:
            found.append(line)
        return found

    def end(self):
        """(exit status, standard error) after its end."""
        code = self.process.wait(timeout=LIMIT)
        err = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, err

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.end()


class Machine:
    """A platform's directory and the program that plays it."""

    def __init__(self, build, directory):
        self.simtee = Path(build) / "src" / "simtee" / "mse-simtee"
        self.dir = Path(directory)
        done = subprocess.run([self.simtee, "init", self.dir], capture_output=True, timeout=LIMIT,
                              env=environment(), check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr

    def words(self, runtime, instance, *options, arguments=None, root=True):
        where = ("--root", runtime.root) if root else ()
        return [self.simtee, "run", self.dir, "--runtime", runtime.description, *where, "--dir",
                instance, *options, "--", *(arguments or runtime.arguments())]  # fmt: skip

    def start(self, runtime, instance, *options, pass_fds=(), **more):
        return Running(self.words(runtime, instance, *options, **more), pass_fds)

    def copy(self, directory):
        other = object.__new__(Machine)
        other.simtee, other.dir = self.simtee, Path(directory)
        shutil.copytree(self.dir, other.dir)
        return other
