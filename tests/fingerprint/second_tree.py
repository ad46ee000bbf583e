# SPDX-License-Identifier: Apache-2.0
"""Tree digest and list of files, from docs/fingerprint.md alone; git says what is ignored."""

import hashlib
import os
import shutil
import stat
import struct
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from second_base import need, text_of

ENTRIES, FILE_BYTES, TEXT_BYTES, PARTS = 1048576, 4294967295, 4096, 128
RULES_BYTES = 1 << 20
IGNORE = b".mseignore"


class Ignore:
    """Answers of `git check-ignore`, asked away from the tree and from all of git's settings."""

    def __init__(self, directory):
        self.home = Path(directory)
        self.git = self.home / "git"
        for name in ("objects", "refs", "info"):
            (self.git / name).mkdir(parents=True)
        (self.git / "HEAD").write_text("ref: refs/heads/main\n")
        self.work = self.home / "work"

    def among(self, rules, directories, others):
        """The paths that these rules ignore. Git sees the directories, empty; all else is absent,
        so that nothing in the tree but the rules can have an effect."""
        (self.git / "info" / "exclude").write_bytes(rules)
        self.work.mkdir()
        top = os.open(self.work, os.O_RDONLY)
        try:
            for path in directories:
                os.mkdir(path, dir_fd=top)
            env = {
                "PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C",
                "GIT_DIR": str(self.git), "GIT_WORK_TREE": str(self.work),
                "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
            }  # fmt: skip
            done = subprocess.run(
                ["git", "-c", f"core.excludesFile={os.devnull}", "check-ignore", "--no-index",
                 "--stdin", "-z"],
                # A ":" at the beginning would have a meaning of its own.
                input=b"".join(b"./" + p + b"\0" for p in [*directories, *others]),
                env=env, cwd=self.work, capture_output=True, check=False,
            )  # fmt: skip
        finally:
            os.close(top)
            shutil.rmtree(self.work)
        if done.returncode not in (0, 1):
            raise OSError(done.stderr)
        return {path[2:] for path in done.stdout.split(b"\0") if path}


@dataclass
class Entry:
    kind: str
    path: bytes
    digest: bytes


@dataclass
class Found:
    """What a walk saw: an lstat mode for each path, and the links' targets."""

    modes: dict = field(default_factory=dict)
    targets: dict = field(default_factory=dict)


def walk(top_fd):
    """Everything below, ignored or not. Descriptors, since a path may be longer than PATH_MAX."""
    found = Found()

    def descend(fd, prefix):
        for name in os.listdir(fd):
            raw = os.fsencode(name)
            path = prefix + raw
            mode = os.lstat(raw, dir_fd=fd).st_mode
            found.modes[path] = mode
            if stat.S_ISLNK(mode):
                found.targets[path] = os.readlink(raw, dir_fd=fd)
            elif stat.S_ISDIR(mode):
                below = os.open(raw, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                try:
                    descend(below, path + b"/")
                finally:
                    os.close(below)

    descend(top_fd, b"")
    return found


def open_below(top_fd, path):
    """A file of the tree, part by part."""
    *parts, last = path.split(b"/")
    fd = os.dup(top_fd)
    for part in parts:
        below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
        os.close(fd)
        fd = below
    try:
        return os.fdopen(os.open(last, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd), "rb")
    finally:
        os.close(fd)


def content_digest(top_fd, path):
    hashed = hashlib.sha256()
    with open_below(top_fd, path) as file:
        need(os.fstat(file.fileno()).st_size <= FILE_BYTES, "file too large", path)
        while chunk := file.read(1 << 20):
            hashed.update(chunk)
    return hashed.digest()


def check_target(path, target, links):
    """The section's rule for a link that stands at path; links: the paths of all entries `l`."""
    text_of(target, TEXT_BYTES, "target")
    need(not target.startswith(b"/"), "absolute target", path, target)
    where = path.split(b"/")[:-1]
    for part in target.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            need(where, "target leaves the directory", path, target)
            where.pop()
        else:
            where.append(part)
        here = b"/".join(where)
        need(len(here) <= TEXT_BYTES, "target leads too deep", path)
        need(here not in links, "target leads through a link", path, target)


def entries_of(directory, ignore=None):
    """The sorted entries of a directory of code."""
    top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = walk(top)
        ignored = ignored_of(top, found, ignore) if IGNORE in found.modes else set()
        kept = sorted(path for path in found.modes if path not in ignored)
        for path in kept:
            text_of(path, TEXT_BYTES, "path")
            need(path.count(b"/") < PARTS, "too deep", path)
        directories = {path for path in kept if stat.S_ISDIR(found.modes[path])}
        links = {path for path in kept if path in found.targets}
        need(max(len(directories), len(kept) - len(directories)) <= ENTRIES, "too many")
        return [entry_of(top, path, found, links) for path in kept if path not in directories]
    finally:
        os.close(top)


def ignored_of(top, found, ignore):
    need(stat.S_ISREG(found.modes[IGNORE]), "the rules are no regular file")
    with open_below(top, IGNORE) as file:
        rules = file.read(RULES_BYTES + 1)
    need(len(rules) <= RULES_BYTES and b"\0" not in rules, "rules")
    directories = [p for p, m in found.modes.items() if stat.S_ISDIR(m)]
    others = [p for p, m in found.modes.items() if not stat.S_ISDIR(m)]
    if ignore is not None:
        return ignore.among(rules, directories, others) - {IGNORE}
    with tempfile.TemporaryDirectory() as place:
        return Ignore(place).among(rules, directories, others) - {IGNORE}


def entry_of(top, path, found, links):
    mode = found.modes[path]
    if path in links:
        target = found.targets[path]
        check_target(path, target, links)
        return Entry("l", path, hashlib.sha256(target).digest())
    need(stat.S_ISREG(mode), "neither file nor link", path)
    return Entry("x" if mode & 0o100 else "f", path, content_digest(top, path))


def tree_digest(entries):
    hashed = hashlib.sha256(b"mse-tree-v1\n")
    for e in entries:
        hashed.update(e.kind.encode() + struct.pack("<I", len(e.path)) + e.path + e.digest)
    return hashed.hexdigest()


# List of files


def file_list(entries):
    return b"".join(b"%c %s %s\n" % (e.kind.encode(), e.digest.hex().encode(), e.path)
                    for e in entries)  # fmt: skip
