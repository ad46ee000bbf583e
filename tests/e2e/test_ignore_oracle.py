# SPDX-License-Identifier: Apache-2.0
"""The rules of a .mseignore ignore what git ignores, for random rules over a tree of odd names."""

import os
import shutil
import subprocess

import pytest

import git_ignore
import oracle

NAMES = [
    b"a", b"b", b"ab", b"aa", b"ba", b"abc", b"a b", b" a", b"a ", b"#a", b"!a", b"a*", b"[a]",
    b"a]", b"\\a", b"a\\", b"a-b", b"-", b"A", b"a.b", b".a", "é".encode(), b"a\tb", b"a\r", b"x",
    b"\xff",
]  # fmt: skip

PIECES = [
    b"a", b"b", b"ab", b"c", b"*", b"*", b"**", b"?", b"/", b"/", b"/", b"[ab]", b"[!a]", b"[^b]",
    b"[a-c]", b"[", b"]", b"\\", b" ", b" ", b"#", b"!", b"**/", b"/**", b"/**/", b"\\ ", b"\\*",
    b"-", b".", b"x", b"\t", b"\r", b"[[:alpha:]]", b"[[:blank:]]", b"[]a]", b"[\\]a]", b"***",
    "é".encode(), b"[ ]", b"\\a", b"\\!", b"\\#", b"[:", b"a]", b"[a-", b"b*", b"a**", b"[[:x:]]",
    b"\v", b"\xff",
]  # fmt: skip

# What libgit2 alone gets wrong, and what is easily got wrong.
FIXED = [
    b"", b"\n", b"*", b".", b"..", b"/", b"//", b"!", b"!*", b"/*", b"*/", b"**", b"/**", b"**/",
    b"a", b"a/", b"/a", b"/a/", b"a/b", b"a/*", b"a/**", b"**/a", b"a/**/b", b"a**", b"/a**",
    b"x/a**", b"/a**/b", b"x/**b", b"a/**/**/b", b"/a**/**", b"**/**", b"/a**//", b"a/**/",
    b"a\\", b"a\\\n\nb", b"a\\ ", b"a ", b"a  ", b"a\\  ", b"\\ a", b" a", b"a\t", b"a\tb", b"a b",
    b"a\r", b"a\r\n", b"a\r\r\n", b"a\\\r\n", b"\ra", b"#a", b"\\#a", b"!#a", b"!!a", b"\\!a",
    b"\xef\xbb\xbfa", b"\xef\xbb\xbf\xef\xbb\xbfa", b"a\xef\xbb\xbf", b"*\n!a", b"*\n!*/\n!a",
    b"a\n!a/b", b"!a\na", b"a\n!a\na", b"b\n!a", b"!a/b\na/*", b"a/*\n!a/b",
    b"/*\n!/a\n/a/*\n!/a/b",
    b"[", b"[]", b"[!]", b"[]]", b"[!]]", b"[a", b"[a-", b"[a-]", b"[-a]", b"[a-c]", b"[c-a]",
    b"[[:alpha:]]", b"[[:nope:]]", b"[[:alpha]", b"[[:]]", b"[:alpha:]", b"[a-[:alpha:]]", b"[\\]]",
    b"[a/]b", b"a[/]b", b"a?b", b"a/?", b"\\a", b"\\\\a", b"a\\\\", b"a\\/", b"\\/a", b"/\\a/b",
    b"a\\*", b"[*]", b"[ ]a", b"[\t]", b"a[ -~]b", b"[\\ ]a", b"A", b"a//", b"//a", b"a//b",
    b"*a", b"*.b", b"*a*", b"?", b"???", b".*", b"*/a", b"*/*", b"?/a", b"a/b/", b"./a", b"a/.",
]  # fmt: skip


def make_tree(rng, top):
    """Paths below top: directories end in a slash."""
    paths = []

    def fill(prefix, depth):
        for name in rng.sample(NAMES, len(NAMES) if depth == 0 else 7):
            path = prefix + name
            if depth < 3 and len(paths) < 400 and rng.random() < 0.6:
                os.mkdir(os.path.join(top, path))
                paths.append(path + b"/")
                fill(path + b"/", depth + 1)
            else:
                open(os.path.join(top, path), "xb").close()
                paths.append(path)

    fill(b"", 0)
    return paths


def random_rule(rng, paths):
    if rng.random() < 0.3:
        rule = rng.choice(paths).rstrip(b"/")
        if rng.random() < 0.5:
            rule = rule.split(b"/")[-1]
        rule = bytearray(rule)
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(rule) + 1)
            rule[at:at + rng.randrange(2)] = rng.choice(PIECES)
        rule = bytes(rule)
    else:
        rule = b"".join(rng.choice(PIECES) for _ in range(rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6])))
    start = rng.choice([b"", b"", b"", b"", b"", b"!", b"/", b"!/"])
    return start + rule + rng.choice([b"", b"", b"", b"", b"", b"/", b" ", b"\r"])


def random_rules(rng, paths):
    lines = [random_rule(rng, paths) for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 5, 8]))]
    start = b"\xef\xbb\xbf" if rng.random() < 0.05 else b""
    return start + b"\n".join(lines) + rng.choice([b"\n", b"\n", b"\n", b""])


def document(rules, paths):
    """0xff ends the rules for the tool, so they have none: a 0xff there is any other such byte."""
    return rules.replace(b"\xff", b"\xfe") + b"\xff" + b"".join(path + b"\0" for path in paths)


class Rules:
    def __init__(self, directory):
        self.git = git_ignore.Git(directory)
        self.top = os.fsencode(directory / "tree")
        os.mkdir(self.top)
        self.paths = make_tree(oracle.generator(), self.top)

    def compare(self, cases):
        tool = oracle.find_tool("ignore_dump")
        answers = oracle.run(tool, [document(rules, self.paths) for rules in cases])
        names = [path.rstrip(b"/") for path in self.paths]
        ignored = 0
        for rules, (ok, answer) in zip(cases, answers):
            rules = rules.replace(b"\xff", b"\xfe")
            if not ok:
                # Refused by decision: see src/package/ignore_rules.h.
                slow = any(b"**" in line and line.count(b"*") > 4 for line in rules.split(b"\n"))
                assert rules.count(b"*") > 8 or b"**\\/" in rules or slow, (rules, answer)
                continue
            want = self.git.ignored(self.top, rules, names)
            ours = {name for name, digit in zip(names, answer) if digit == "1"}
            assert ours == want, (rules, sorted(ours ^ want)[:5])
            ignored += len(ours)
        return ignored / (len(cases) * len(names))


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    directory = tmp_path_factory.mktemp("ignore")
    yield Rules(directory)
    shutil.rmtree(directory, ignore_errors=True)


def test_known_rules(rules):
    rules.compare(FIXED)
    rules.compare([rule + b"\n" for rule in FIXED])


def test_random_rules(rules):
    rng = oracle.generator()
    cases = [random_rules(rng, rules.paths) for _ in range(oracle.rounds(600))]
    assert 0.02 < rules.compare(cases) < 0.98


@pytest.mark.slow
def test_many_random_rules(rules):
    rng = oracle.generator()
    rng.seed(rng.random())
    rules.compare([random_rules(rng, rules.paths) for _ in range(oracle.rounds(10000))])


def test_settings_of_the_user_do_not_matter(rules, tmp_path):
    """Nor is one of their files opened."""
    tool = oracle.find_tool("ignore_dump")
    env = git_ignore.hostile_home(tmp_path)
    frame = document(b"a\n!b\n*.tmp\n", rules.paths)
    frame = b"%d\n%s" % (len(frame), frame)
    plain = subprocess.run([tool], input=frame, capture_output=True, check=True)
    hostile = subprocess.run([tool], input=frame, capture_output=True, check=True, env=env,
                             cwd=tmp_path)
    assert hostile.stdout == plain.stdout
    assert b"1" in plain.stdout and b"0" in plain.stdout
    if shutil.which("strace") is None:
        return
    log = tmp_path / "strace"
    env["ASAN_OPTIONS"] = "detect_leaks=0"  # which cannot work where somebody traces already
    subprocess.run(["strace", "-f", "-o", log, "-e", "trace=%file", tool], input=frame,
                   capture_output=True, check=True, env=env, cwd=tmp_path)  # fmt: skip
    lines = [line for line in log.read_text().splitlines() if str(tmp_path) in line]
    assert all("execve" in line for line in lines), lines


def test_a_git_directory_is_ignored_only_if_the_rules_say_so(rules):
    """git itself never looks into one, so this is no case for the comparison."""
    tool = oracle.find_tool("ignore_dump")
    paths = [b".git/", b".git/config", b"a/.git/", b"a/.git", b".gitignore"]
    want = {b"": "00000", b"*.o\n": "00000", b".git\n": "11110", b"/.git/\n": "11000",
            b".git*\n!.git/\n": "00011", b".git/*\n": "01000"}
    answers = oracle.run(tool, [document(rule, paths) for rule in want])
    assert [answer for _, answer in answers] == list(want.values())
