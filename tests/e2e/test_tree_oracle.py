# SPDX-License-Identifier: Apache-2.0
"""Tree digests against an implementation in Python that asks git what is ignored."""

import hashlib
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import unicodedata
from pathlib import Path

import pytest

import git_ignore
import oracle

NAMES = [
    "a", "b", "A", "a.py", "b.pyc", "main", "a b", " a", "a ", "é", "e\u0301", "日本", "😀", "-x",
    "#x", "!x", "*", "[a]", "\\", "a\\b", "\"q\"", "'", ".hidden", ".git", ".gitignored", "~",
    "__pycache__", "build", "node_modules", ".env", "a-b", "a.b", "a/b", "zz", "x" * 100, "0", "00",
]  # fmt: skip

RULES = [
    "*.pyc", "__pycache__/", "build", "/build", "a/**", "**/b", "!a.py", "*", "!*/", "!*.py", ".*",
    "!.mseignore", ".mseignore", "# a", "\\#x", "\\!x", "a\\ ", "[ab]", "?", "é", "/a*", "*b*",
    "node_modules/\n!node_modules/a", "a b", ".git", "x*/", "**/a/b", "日*",
]  # fmt: skip

LINKS = ["a", "a/b", "./a", "../a", "a/../b", "nowhere", "b/./a", ".", "..", "a//b", "a/", "日本"]


# ---- the other implementation ----


def walk(top, prefix=b""):
    """(path, is a directory) of everything, without following links."""
    for found in os.scandir(os.path.join(top, prefix)):
        path = prefix + found.name
        is_directory = found.is_dir(follow_symlinks=False)
        yield path, is_directory
        if is_directory:
            yield from walk(top, path + b"/")


def entry(top, path):
    """(type, digest) of what is no directory."""
    full = os.path.join(top, path)
    if os.path.islink(full):
        return b"l", hashlib.sha256(os.readlink(full)).digest()
    with open(full, "rb") as file:
        content = hashlib.sha256(file.read()).digest()
    return b"x" if os.stat(full).st_mode & 0o100 else b"f", content


def files_of(top):
    return [path for path, is_directory in walk(top) if not is_directory]


def entries_of(top, files, ignored):
    return {p: entry(top, p) for p in files if p not in ignored or p == b".mseignore"}


def entries(git, top, rules=None):
    """{path: (type, digest)}; rules is None where there is no .mseignore."""
    files = files_of(top)
    return entries_of(top, files, git.ignored(top, rules, files) if rules and files else ())


def links_are_sound(tree, found):
    """No link passes through another link of the tree, and none leaves it."""
    links = {path for path, (kind, _) in found.items() if kind == b"l"}
    for path in links:
        target = os.readlink(os.path.join(tree, path))
        where = path.split(b"/")[:-1]
        for part in target.split(b"/"):
            if part == b"..":
                if not where:
                    return False
                where.pop()
            elif part not in (b"", b"."):
                where.append(part)
                if b"/".join(where) in links:
                    return False
        if target.startswith(b"/"):
            return False
    return True


def digest_of(found):
    text = b"mse-tree-v1\n"
    for path, (kind, content) in sorted(found.items()):
        text += kind + struct.pack("<I", len(path)) + path + content
    return hashlib.sha256(text).hexdigest()


def list_of(found):
    return b"".join(kind + b" " + content.hex().encode() + b" " + path + b"\n"
                    for path, (kind, content) in sorted(found.items()))


# ---- trees ----


def fill(rng, top, depth, budget):
    os.makedirs(top, exist_ok=True)
    for name in rng.sample(NAMES, rng.randrange(1, 8)):
        path = os.path.join(top, name.replace("/", "_"))
        kind = rng.random()
        if budget[0] <= 0:
            return
        budget[0] -= 1
        if kind < 0.3 and depth < 5:
            fill(rng, path, depth + 1, budget)
        elif kind < 0.4:
            os.symlink(rng.choice(LINKS), path)
        else:
            with open(path, "wb") as file:
                file.write(rng.randbytes(rng.choice([0, 0, 1, 3, 20, 5000])))
            os.chmod(path, rng.choice([0o644, 0o600, 0o755, 0o744, 0o711, 0o455, 0o700]) | 0o400)


def random_tree(rng, top):
    """A tree and its rules, or None."""
    fill(rng, top, 0, [rng.choice([5, 10, 20, 40])])
    if rng.random() < 0.3:
        return None
    rules = "\n".join(rng.sample(RULES, rng.randrange(0, 5))) + rng.choice(["", "\n"])
    with open(os.path.join(top, ".mseignore"), "wb") as file:
        file.write(rules.encode())
    return rules.encode()


class Dump:
    """One process for many trees; they come and go, so it answers each before the next."""

    def __init__(self, *words, **options):
        self.process = subprocess.Popen([oracle.find_tool("tree_dump"), *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)

    def __call__(self, top):
        name = os.fsencode(top)
        self.process.stdin.write(b"%d\n%s" % (len(name), name))
        self.process.stdin.flush()
        word, answer = self.process.stdout.readline().decode().rstrip("\n").split(" ", 1)
        return word == "ok", json.loads(answer) if word == "ok" else answer

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait() == 0


@pytest.fixture(scope="module")
def dump():
    program = Dump()
    yield program
    program.close()


@pytest.fixture(scope="module")
def git(tmp_path_factory):
    return git_ignore.Git(tmp_path_factory.mktemp("git"))


@pytest.fixture
def tree(tmp_path):
    """A plain tree of three files, one in a directory."""
    top = tmp_path / "tree"
    (top / "lib").mkdir(parents=True)
    (top / "main.py").write_bytes(b"print()\n")
    (top / "lib" / "a.py").write_bytes(b"")
    (top / "run").write_bytes(b"#!/bin/sh\n")
    (top / "run").chmod(0o755)
    return top


def compare_batch(dump, git, directory, rng, count):
    """One run of git for all: once we have read a tree, its rules become those of git there."""
    git.ignored(directory, b"", [b"."])
    answers, files = {}, {}
    for i in range(count):
        name = b"%d/" % i
        top = os.path.join(os.fsencode(directory), name)
        rules = random_tree(rng, os.fsdecode(top))
        answers[name], files[name] = dump(top), files_of(top)
        if rules is not None:
            with open(top + b".gitignore", "xb") as file:
                file.write(rules)
    ignored = git.ask(directory, [name + path for name in files for path in files[name]])
    for name, (ok, answer) in answers.items():
        top = os.path.join(os.fsencode(directory), name)
        found = entries_of(top, files[name],
                           {p.removeprefix(name) for p in ignored if p.startswith(name)})
        assert ok == links_are_sound(top, found), (answer, found)
        if ok:
            assert answer[0] == digest_of(found), (sorted(found), answer[1])
            assert answer[1].encode() == list_of(found)
        else:
            assert "link" in answer
        shutil.rmtree(top)
    return sum(ok for ok, _ in answers.values())


def compare_random(dump, git, directory, count):
    rng = oracle.generator()
    accepted = sum(compare_batch(dump, git, directory, rng, min(100, count - i))
                   for i in range(0, count, 100))
    assert count // 4 < accepted < count


def test_random_trees(dump, git, tmp_path):
    compare_random(dump, git, tmp_path, oracle.rounds(400))


@pytest.mark.slow
def test_many_random_trees(dump, git, tmp_path, monkeypatch):
    monkeypatch.setenv("MSE_SEED", os.environ.get("MSE_SEED", "7"))
    compare_random(dump, git, tmp_path, oracle.rounds(10000))


def check(dump, git, top, rules=None):
    found = entries(git, os.fsencode(top), rules)
    ok, answer = dump(top)
    assert ok, answer
    assert answer[0] == digest_of(found)
    return answer[0]


def test_an_empty_tree_has_the_digest_of_the_tag(dump, tmp_path):
    (tmp_path / "empty" / "directory").mkdir(parents=True)
    assert dump(tmp_path)[1][:2] == [hashlib.sha256(b"mse-tree-v1\n").hexdigest(), ""]


def test_paths_are_sorted_as_bytes_across_directories(dump, git, tmp_path):
    """'-' and '.' come before '/', so a directory's entries lie behind its neighbours' names."""
    for path in ("a/z", "a-b", "a.b", "a0", "é/x", "z", "a/b/c", "a/b.c", "B"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    check(dump, git, tmp_path)
    paths = [line.split(" ", 2)[2] for line in dump(tmp_path)[1][1].splitlines()]
    assert paths == ["B", "a-b", "a.b", "a/b.c", "a/b/c", "a/z", "a0", "z", "é/x"]


def test_deep_and_wide_trees(dump, git, tmp_path):
    deep = tmp_path / "deep" / "/".join(["d"] * 127)
    deep.mkdir(parents=True)
    deep = deep.parent
    (deep / "f").write_text("x")
    wide = tmp_path / "wide"
    for i in range(3000):
        where = wide / str(i % 50)
        where.mkdir(parents=True, exist_ok=True)
        (where / f"{i}.py").write_text(str(i))
    check(dump, git, tmp_path / "deep")
    check(dump, git, wide)


def test_a_long_path(dump, git, tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(16):
        os.mkdir("x" * 240, dir_fd=here)
        below = os.open("x" * 240, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    name = "y" * (4096 - 16 * 241)  # more than any system call takes at once
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here))
    path = "/".join(["x" * 240] * 16 + [name])
    ok, answer = dump(tmp_path)
    assert ok and answer[1].endswith(" " + path + "\n") and len(path) == 4096
    assert answer[0] == digest_of({path.encode(): (b"f", hashlib.sha256().digest())})
    (tmp_path / ".mseignore").write_text("y*\n")
    assert dump(tmp_path)[1][1].count("\n") == 1
    (tmp_path / ".mseignore").unlink()
    os.close(os.open(name + "y", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here))
    os.close(here)
    ok, answer = dump(tmp_path)
    assert not ok and "more than 4096 bytes (limit)" in answer and answer.startswith("xxx")


def test_circumstances_do_not_matter(git, tree, tmp_path):
    """Times, owner, order of creation, threads, umask, locale, home and file modes but for x."""
    (tree / ".mseignore").write_text("*.o\n")
    (tree / "x.o").write_text("")
    want = digest_of(entries(git, os.fsencode(tree), b"*.o\n"))
    copy = tmp_path / "copy"
    old = os.umask(0o077)
    try:
        for path in sorted(tree.rglob("*"), reverse=True):
            to = copy / path.relative_to(tree)
            if path.is_file():
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(path.read_bytes())
                to.chmod(0o700 if os.access(path, os.X_OK) and path.name == "run" else 0o400)
                os.utime(to, (1, 2))
                if os.geteuid() == 0:
                    os.chown(to, 12345, 54321)
        (copy / "empty").mkdir()
        os.link(copy / "main.py", tmp_path / "another-name")
        home = tmp_path / "home"
        home.mkdir()
        hostile = git_ignore.hostile_home(home)
        for words, env in (
            (["1"], None), (["8"], None), ([], hostile), ([], {"LC_ALL": "tr_TR.UTF-8"}),
            ([], {"LC_ALL": "C", "LANG": "C"}), ([], {"TZ": "Asia/Tokyo"}),
        ):  # fmt: skip
            program = Dump(*words, env=env, cwd=home)
            assert program(copy)[1][0] == want
            assert program(tree)[1][0] == want
            program.close()
    finally:
        os.umask(old)


def test_nested_rules_and_those_of_git_have_no_effect(dump, git, tree):
    for name in ("lib/.mseignore", ".gitignore", "lib/.gitignore"):
        (tree / name).write_text("*\n")
    (tree / ".git" / "info").mkdir(parents=True)
    (tree / ".git" / "info" / "exclude").write_text("*\n")
    (tree / ".git" / "config").write_text("[core]\n\tbare = false\n")
    check(dump, git, tree)
    assert dump(tree)[1][1].count("\n") == 8


def test_the_rules_are_an_entry_whatever_they_say(dump, git, tree):
    digests = set()
    for rules in (b"*\n", b".mseignore\n", b".*\n", b""):
        (tree / ".mseignore").write_bytes(rules)
        assert ".mseignore\n" in dump(tree)[1][1]
        digests.add(check(dump, git, tree, rules))
    assert len(digests) == 4


CHANGES = {
    "content": lambda t: (t / "main.py").write_bytes(b"print( )\n"),
    "emptied": lambda t: (t / "main.py").write_bytes(b""),
    "a byte in an empty file": lambda t: (t / "lib/a.py").write_bytes(b"\0"),
    "executable": lambda t: (t / "main.py").chmod(0o744),
    "no longer executable": lambda t: (t / "run").chmod(0o655),
    "renamed": lambda t: (t / "main.py").rename(t / "Main.py"),
    "moved": lambda t: (t / "main.py").rename(t / "lib/main.py"),
    "moved up": lambda t: (t / "lib/a.py").rename(t / "a.py"),
    "slash becomes a letter": lambda t: (t / "lib/a.py").rename(t / "lib_a.py"),
    "one more": lambda t: (t / "b").write_bytes(b""),
    "one less": lambda t: (t / "lib/a.py").unlink(),
    "link for a file": lambda t: ((t / "main.py").unlink(), (t / "main.py").symlink_to("run")),
    "link with a file's content": lambda t: ((t / "run").unlink(),
                                             (t / "run").symlink_to("#!/bin/sh\n".strip())),
    "rules": lambda t: (t / ".mseignore").write_bytes(b""),
    "swapped": lambda t: ((t / "main.py").rename(t / "x"), (t / "lib/a.py").rename(t / "main.py"),
                          (t / "x").rename(t / "lib/a.py")),
}  # fmt: skip


def test_each_change_changes_the_digest(dump, git, tree, tmp_path):
    digests = {check(dump, git, tree)}
    for i, change in enumerate(CHANGES.values()):
        copy = tmp_path / str(i)
        shutil.copytree(tree, copy)
        change(copy)
        digests.add(check(dump, git, copy))
    assert len(digests) == 1 + len(CHANGES)


def test_a_links_target_matters_and_what_it_leads_to_does_not(dump, git, tree):
    (tree / "link").symlink_to("run")
    first = check(dump, git, tree)
    (tree / "link").unlink()
    (tree / "link").symlink_to("./run")
    assert check(dump, git, tree) != first


def test_an_ignored_file_does_not_matter(dump, git, tree):
    (tree / ".mseignore").write_text("*.log\nsecret/\n/up\n")
    rules = b"*.log\nsecret/\n/up\n"
    first = check(dump, git, tree, rules)
    (tree / "lib/x.log").write_text("x")
    (tree / "secret").mkdir()
    (tree / "secret/key").write_text("x")
    os.mkfifo(tree / "lib/fifo.log")
    os.symlink("/etc/passwd", tree / "secret/link")
    os.symlink("..", tree / "up")
    open(os.path.join(os.fsencode(tree), b"\xff\n.log"), "xb").close()
    assert dump(tree)[1][0] == first


# ---- what is refused ----


def refusals(top):
    """{name: (what is made, what the error must name, what it must say)}"""
    link = top.joinpath
    raw = os.fsencode(top)

    def make_socket():
        with socket.socket(socket.AF_UNIX) as s:
            here = os.open(top / "lib", os.O_RDONLY)
            s.bind(f"/proc/self/fd/{here}/s")
            os.close(here)

    def both():
        os.symlink("two", link("one"))
        os.symlink("one", link("two"))

    def through():
        os.symlink("lib", link("dir"))
        os.symlink("dir/a.py", link("x"))

    def through_and_back():
        os.symlink("lib", link("dir"))
        os.symlink("dir/../run", link("x"))

    def deep():
        os.makedirs(link("/".join(["d"] * 129)))

    return {
        "FIFO": (lambda: os.mkfifo(link("lib/fifo")), "lib/fifo", "a FIFO"),
        "socket": (make_socket, "lib/s", "a socket"),
        "not UTF-8": (lambda: open(raw + b"/lib/\xff", "x"), "lib/\\xff", "not UTF-8"),
        "surrogate": (lambda: open(raw + b"/\xed\xa0\x80", "x"), "\\xed\\xa0\\x80", "not UTF-8"),
        "overlong": (lambda: open(raw + b"/\xc0\xaf", "x"), "\\xc0\\xaf", "not UTF-8"),
        "newline": (lambda: open(link("a\nb"), "x"), "a\\x0ab", "control character"),
        "escape": (lambda: open(link("\x1b[31m"), "x"), "\\x1b[31m", "control character"),
        "delete": (lambda: open(link("\x7f"), "x"), "\\x7f", "control character"),
        "C1": (lambda: open(link("\u009b"), "x"), "\\xc2\\x9b", "control character"),
        "directory's name": (lambda: os.mkdir(raw + b"/\xfe"), "\\xfe", "not UTF-8"),
        "absolute": (lambda: os.symlink("/etc", link("x")), "x: ", "an absolute link (/etc)"),
        "leaves": (lambda: os.symlink("../a", link("x")), "x: ", "leaves the tree: ../a"),
        "leaves late": (lambda: os.symlink("a/../../../x", link("lib/x")), "lib/x: ", "leaves"),
        "leaves and comes back": (lambda: os.symlink("../tree/run", link("x")), "x: ", "leaves"),
        "itself": (lambda: os.symlink("x", link("x")), "x: ", "through another link (x)"),
        "each other": (both, "one: ", "through another link (two)"),
        "through": (through, "x: ", "through another link (dir)"),
        "through and back": (through_and_back, "x: ", "through another link (dir)"),
        "target's newline": (lambda: os.symlink("a\nb", link("x")), "x: ", "control character"),
        "target's bytes": (lambda: os.symlink(b"\xff", raw + b"/x"), "x: ", "not UTF-8"),
        "too deep": (deep, "d/d/d/", "more than 128 parts"),
        "rules are a link": (lambda: os.symlink("run", link(".mseignore")), ".mseignore", "a link"),
        "rules are a directory": (lambda: os.mkdir(link(".mseignore")), ".mseignore", "regular"),
        "rules are a FIFO": (lambda: os.mkfifo(link(".mseignore")), ".mseignore", "regular"),
        "rules hold NUL": (lambda: link(".mseignore").write_bytes(b"a\nb\0c\n"),
                           ".mseignore: line 2", "a NUL"),
        "too many rules": (lambda: link(".mseignore").write_bytes(b"a\n" * 4097), ".mseignore",
                           "more than 4096 rules (limit)"),
        "rules too large": (lambda: link(".mseignore").write_bytes(b"#" * (2**20 + 1)),
                            ".mseignore", "(limit)"),
    }  # fmt: skip


REFUSED = list(refusals(Path("/nowhere")))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(dump, tree, name):
    make, names, says = refusals(tree)[name]
    assert dump(tree)[0]
    made = make()
    if hasattr(made, "close"):
        made.close()
    ok, answer = dump(tree)
    assert not ok
    assert names in answer and says in answer, answer


def as_nobody():
    """A user without the right to read everything."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


@pytest.fixture
def open_directory():
    """One that every user reaches; those of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.parametrize("name", ["directory", "not searchable", "file", "rules", "top"])
def test_what_cannot_be_read_is_named(open_directory, name):
    top = open_directory / "tree"
    (top / "lib" / "deep").mkdir(parents=True)
    (top / "lib" / "file").write_text("x")
    (top / ".mseignore").write_text("")
    where, mode, says = {
        "directory": ("lib/deep", 0o000, "lib/deep: cannot open this directory: Permission denied"),
        "not searchable": ("lib", 0o444, "Permission denied"),
        "file": ("lib/file", 0o000, "lib/file: cannot open: Permission denied"),
        "rules": (".mseignore", 0o000, ".mseignore: cannot open: Permission denied"),
        "top": ("", 0o000, "Permission denied"),
    }[name]
    options = {}
    if os.geteuid() == 0:
        if subprocess.run([oracle.find_tool("tree_dump")], stdin=subprocess.DEVNULL,
                          preexec_fn=as_nobody, check=False).returncode != 0:
            pytest.skip("nobody cannot run the program")
        options["preexec_fn"] = as_nobody
    program = Dump(**options)
    assert program(top)[0]
    (top / where).chmod(mode)
    ok, answer = program(top)
    (top / where).chmod(0o755)
    program.close()
    assert not ok and says in answer, answer


def test_a_directory_that_is_none(dump, tmp_path):
    (tmp_path / "file").write_text("")
    for name, says in (("missing", "No such file"), ("file", "Not a directory")):
        ok, answer = dump(tmp_path / name)
        assert not ok and says in answer and str(tmp_path) in answer


def test_the_top_may_be_a_link_and_a_mount(dump, git, tree, tmp_path):
    (tmp_path / "link").symlink_to("tree")
    assert dump(tmp_path / "link")[1] == dump(tree)[1]
    assert dump(f"{tree}/")[1] == dump(f"{tree}/lib/..")[1] == dump(tree)[1]


def test_a_changing_tree_is_refused_or_read_as_it_was(tree, tmp_path):
    """Files come, go and turn into links that leave: never another file's hash, never a hang."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    secret_hash = hashlib.sha256(b"secret").hexdigest()
    stop = threading.Event()
    rng = random.Random(1)

    def change():
        while not stop.is_set():
            path = tree / f"lib/{rng.randrange(40)}"
            kind = rng.randrange(4)
            try:
                if kind == 0:
                    path.write_bytes(b"x" * rng.randrange(100000))
                elif kind == 1:
                    path.unlink()
                elif kind == 2:
                    path.unlink()
                    path.symlink_to("a.py")
                else:
                    temporary = tmp_path / "new"
                    temporary.symlink_to(secret)
                    temporary.rename(path)
            except OSError:
                (tmp_path / "new").unlink(missing_ok=True)

    program = Dump()
    worker = threading.Thread(target=change)
    worker.start()
    try:
        for _ in range(300):
            ok, answer = program(tree)
            if ok:
                assert secret_hash not in answer[1]
    finally:
        stop.set()
        worker.join()
    program.close()


@pytest.mark.slow
def test_a_hundred_thousand_files(dump, git, tmp_path):
    for i in range(100000):
        if i % 1000 == 0:
            (tmp_path / f"{i // 1000}").mkdir()
        (tmp_path / f"{i // 1000}" / f"file-{i}.py").write_bytes(b"%d" % i)
    check(dump, git, tmp_path)


def test_names_with_control_characters_are_those_of_unicode(dump, tmp_path):
    """Category Cc, in every plane that has one, and no other."""
    for code in [*range(1, 0x100), 0x200B, 0x2028, 0x202E, 0xFEFF, 0xE0001]:
        if chr(code) in "/":
            continue
        name = tmp_path / f"x{chr(code)}y"
        name.touch()
        assert dump(tmp_path)[0] == (unicodedata.category(chr(code)) != "Cc"), hex(code)
        name.unlink()
