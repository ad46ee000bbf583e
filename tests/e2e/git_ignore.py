# SPDX-License-Identifier: Apache-2.0
"""What git itself ignores: the other implementation of the rules of a .mseignore."""

import os
import shutil
import subprocess

import pytest

# Settings of a user and a system that must not matter: each would ignore or attribute everything.
HOSTILE_CONFIG = "[core]\n\texcludesFile = {0}\n\tattributesFile = {0}\n\tignoreCase = true\n"


def hostile_home(directory):
    """Environment of a user whose every ignore file says '*'."""
    everything = directory / "everything"
    everything.write_text("*\n")
    for where in (".", ".config"):
        for name in (".gitignore", ".gitignore_global", ".mseignore", "git/ignore",
                     "git/attributes"):
            path = directory / where / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("*\n")
    config = HOSTILE_CONFIG.format(everything)
    for name in (".gitconfig", ".config/git/config"):
        (directory / name).write_text(config)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory / ".config"),
        "GIT_CONFIG_GLOBAL": str(directory / ".gitconfig"),
        "GIT_CONFIG_SYSTEM": str(directory / ".gitconfig"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.excludesFile",
        "GIT_CONFIG_VALUE_0": str(everything),
        "GIT_DIR": str(directory),
        "GIT_WORK_TREE": str(directory),
    }


class Git:
    """An empty repository; rules are those of its info/exclude, and no others."""

    def __init__(self, directory):
        if shutil.which("git") is None:
            pytest.skip("git is not installed")
        home = directory / "empty-home"
        home.mkdir()
        self.gitdir = directory / "repository"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1",
                    "LC_ALL": "C"}
        subprocess.run(["git", "init", "-q", "--bare", self.gitdir], env=self.env, check=True)
        self.env["GIT_DIR"] = str(self.gitdir)

    def ignored(self, tree, rules, paths):
        """Those of the paths (bytes, below tree) that git ignores; there is no .gitignore in it."""
        (self.gitdir / "info" / "exclude").write_bytes(rules)
        return self.ask(tree, paths)

    def ask(self, tree, paths):
        """The same where the rules are in files .gitignore."""
        done = subprocess.run(
            ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin",
             "-z"],
            input=b"".join(path + b"\0" for path in paths), capture_output=True, cwd=tree,
            env=dict(self.env, GIT_WORK_TREE=os.fsdecode(tree)), check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        return set(done.stdout.split(b"\0")) - {b""}
