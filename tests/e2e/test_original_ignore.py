# SPDX-License-Identifier: Apache-2.0
"""The original's .mseignore: what Python's fnmatch makes of its lines, and nothing else."""

import fnmatch
import sys

import oracle
import pytest

NAMES = [
    "a", "b", "ab", "ba", "abc", "a b", " a", "a ", "#a", "!a", "a*", "[a]", "a]", "]", "[", "\\a",
    "-", "a-b", "^", "!", "A", "a.b", ".a", ".env", "é", "éa", "😀", "a\tb", "a\nb", "c", "d", "x",
    "z", "_", "&", "|", "~", "&&", "*", "?", "app.py", "app.pyc", "__pycache__", "a\x85", "0",
]  # fmt: skip
PIECES = [
    "a", "b", "c", "z", "*", "*", "**", "?", "[", "[", "]", "]", "!", "-", "-", "^", "\\", ".", " ",
    "/", "[ab]", "[!a]", "[a-c]", "[c-a]", "[!c-a]", "[c-a!b]", "[]a]", "[!]a]", "é", "😀", "[é-😀]",
    "#", "&&", "||", "~~", "--", "\t", "_", "A", "[a-c-e]", "[--0]", "[z-a-c]",
]  # fmt: skip
FIXED = [
    "", "a", "*", "**", "?", "??", "*a", "a*", "*a*b*", "[ab]", "[!ab]", "[^ab]", "[a-c]", "[c-a]",
    "[!c-a]", "[c-a!b]", "[c-a!b-d]", "[c-a!-z]", "[c-a]*", "[a-]", "[-a]", "[!-a]", "[!a-]", "[]",
    "[!]", "[]]", "[!]]", "[]-a]", "[!]-x]", "[a", "[a-", "a]", "[[]", "[[a]", "[]!x]", "[]-!x]",
    "[a-c-e]", "[a-cxd-b]", "[a-c-]", "[c-a-]", "[b-a-z]", "[--a]", "[a--]", "[---]", "[!--a]",
    "[\\]", "[\\a]", "\\*", "[&&]", "[a&&b]", "[~~]", "[||]", ".vscode/", "a/b", "!a", "#a", " #a",
    " a", "a ", "  ", "\t", "\u3000", "\u3000# a", "*.py[cod]", ".git*", "*.egg-info/", "x\\", "é",
    "[é]", "[!é]", "[a-é]", "a\x85b", "a\u2028b", "a\x1cb", "a\x0bb", "a\rb", "a\r\nb", "\ufeffa",
]  # fmt: skip


def lines(text):
    """As the original reads them: str.splitlines of a text file, without blanks and comments."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [one for one in text.splitlines() if one.strip() and not one.strip().startswith("#")]


def ignored(text):
    return "".join("01"[any(fnmatch.fnmatchcase(n, p) for p in lines(text))] for n in NAMES)


def compare(texts):
    tool = oracle.find_tool("glob_dump")
    names = "".join(name + "\0" for name in NAMES).encode()
    answers = oracle.run(tool, [text.encode() + b"\xff" + names for text in texts])
    for text, (ok, answer) in zip(texts, answers):
        assert ok, (text, answer)
        assert answer == ignored(text), (text, [n for n, x, y in zip(NAMES, answer, ignored(text))
                                                if x != y])  # fmt: skip
    return sum(answer.count("1") for _, answer in answers) / (len(texts) * len(NAMES))


needs_python = pytest.mark.skipif(sys.version_info < (3, 11), reason="ranges like [b-a] differ")


@needs_python
def test_known_globs():
    compare(FIXED)
    compare(["x\n" + glob + "\n" for glob in FIXED])


@needs_python
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_random_globs():
    rng = oracle.generator()
    texts = ["\n".join("".join(rng.choice(PIECES) for _ in range(rng.choice([1, 1, 2, 3, 4, 6, 9])))
                       for _ in range(rng.choice([1, 1, 1, 2, 4])))
             for _ in range(oracle.rounds(20000))]  # fmt: skip
    assert 0.02 < compare(texts) < 0.98
