# SPDX-License-Identifier: Apache-2.0
"""Documentation and program say the same: commands, options, keys, checks, profiles, links."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted((DOCS / "man").glob("*.[1-9]"))
# Build directories, caches and the version control's own files.
NOT_OURS = re.compile(r"^(\.git|build.*|__pycache__|\.pytest_cache|\.cache)$")


def our_files():
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not any(NOT_OURS.match(part) for part in parts):
            yield path


MARKDOWN = [p for p in our_files() if p.suffix == ".md"]


def page(name):
    """Source of a man page, with its escaped characters as they are shown."""
    return (DOCS / "man" / name).read_text().replace("\\-", "-").replace("\\e", "\\")


def say(build, *words, program="src/cli/mse"):
    done = subprocess.run(
        [build / program, *words], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def commands(build):
    text = say(build, "help").split("commands:\n")[1]
    return re.findall(r"^  (\S+(?: \S+)*?)  +\S", text, re.M)


def options(text):
    return re.findall(r"^  (--?[a-z0-9-]+)", text, re.M)


def options_of(build, command):
    """All of one command; help has none, and takes the name of a command only."""
    if command == "help":
        return []
    found = options(say(build, "help", *command.split()))
    # One option leads to a table of its own.
    more = say(build, *command.split(), "--original", "--help") if "--original" in found else ""
    return found + options(more)


def has_entry(text, option):
    """True if a list of the man page has an item for this option."""
    return re.search(rf"^\.It .*\bFl {re.escape(option[1:])}(?![a-z0-9-])", text, re.M)


def policy_keys():
    """[(name, is a list)] of the table in the code."""
    text = (ROOT / "src/verdict/policy.c").read_text()
    rows = re.findall(r'^    \{ \{ "(\w+)", .*", (true|false) \},', text, re.M)
    assert len(rows) > 30
    return [(name, is_list == "true") for name, is_list in rows]


def documented_keys():
    items = re.findall(r"^\.It Ic (\w+) Pq (.*)$", page("mse-policy.5"), re.M)
    return [(name, values.endswith(", list")) for name, values in items]


# ---- man pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_a_man_page_is_clean(path):
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_man_page_is_installed():
    installed = re.findall(r"'([^']+\.[1-9])'", (DOCS / "man/meson.build").read_text())
    assert sorted(installed) == [p.name for p in PAGES]


def test_every_command_is_in_the_man_page(build):
    text = page("mse.1")
    found = commands(build)
    assert "cloud verify" in found and "help" in found
    for name in found:
        assert re.search(rf"^\.It Cm {re.escape(name)}\b", text, re.M), name


def test_every_option_is_in_a_man_page(build):
    text = page("mse.1")
    keys = {name for name, _ in documented_keys()}
    for command in commands(build):
        for option in options_of(build, command):
            is_key = option[2:].replace("-", "_") in keys
            assert is_key or has_entry(text, option), f"{command}: {option}"


def test_every_option_of_the_man_page_exists(build):
    known = {"--help", "-h", "--version", "--"}
    for command in commands(build):
        known |= set(options_of(build, command))
    for option in re.findall(r"\bFl (-?[a-z0-9][a-z0-9-]*)", page("mse.1")):
        if option != "-option":  # stands for all of them
            assert f"-{option}" in known, option


def test_help_says_the_same_in_both_spellings(build):
    for command in commands(build):
        words = command.split()
        if command != "help":
            assert say(build, "help", *words) == say(build, *words, "--help"), command


def test_a_first_word_lists_its_commands(build):
    for group in {c.split()[0] for c in commands(build) if " " in c}:
        done = subprocess.run(
            [build / "src/cli/mse", group], capture_output=True, text=True, timeout=60
        )
        listed = re.findall(rf"^  ({group} \S+)", done.stderr, re.M)
        assert done.returncode == 2 and done.stdout == "", group
        assert listed == [c for c in commands(build) if c.startswith(f"{group} ")]


def test_every_option_of_the_simulated_tee_is_in_its_man_page(build):
    program = "src/simtee/mse-simtee"
    text = page("mse-simtee.1")
    found = re.findall(r"^  ([a-z]+)  ", say(build, "--help", program=program), re.M)
    assert "serve" in found
    for command in found:
        assert re.search(rf"^\.It Cm {command}$", text, re.M), command
        for option in options(say(build, command, "--help", program=program)):
            assert has_entry(text, option), f"{command}: {option}"


def test_policy_keys_are_those_of_the_code():
    assert sorted(documented_keys()) == sorted(policy_keys())


def declared():
    """{function: (result, parameters)} of the public headers."""
    text = "".join((ROOT / "include/mse" / n).read_text() for n in ("mse.h", "tls.h", "connect.h"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    out = {}
    pattern = r"MSE_API (?:MSE_CHECKED )?([^;()]*?)\b(mse_[a-z0-9_]+)\(([^;]*)\);"
    for result, name, parameters in re.findall(pattern, text):
        words = [" ".join(p.split()) for p in parameters.split(",")]
        out[name] = (" ".join(result.split()), words)
    return out


def test_prototypes_are_those_of_the_headers():
    found = {}
    for result, name, body in re.findall(
        r"^\.Ft (.*)\n\.Fo (\w+)\n((?:\.Fa .*\n)*)\.Fc$", page("libmse.3"), re.M
    ):
        found[name] = (result, [p.strip('"') for p in re.findall(r"^\.Fa (.*)$", body, re.M)])
    assert found == declared()


def test_exit_statuses_are_those_of_the_readme():
    text = " ".join((ROOT / "README.md").read_text().split())
    listed = re.search(r"Exit statuses: (.*?)\.(?: |$)", text).group(1)
    readme = dict(re.findall(r"(\d) (.*?)(?:;|$)", listed))
    section = page("mse.1").split(".Sh EXIT STATUS\n")[1].split(".El\n")[0]
    manual = {code: " ".join(what.split()) for code, what in
              re.findall(r"^\.It (\d)\n((?:[^.].*\n)+)", section, re.M)}  # fmt: skip
    assert set(readme) == set("01234")
    assert manual == readme


# ---- other documents ------------------------------------------------------------------------


def test_every_check_is_in_the_report():
    text = (ROOT / "src/verdict/verdict.c").read_text()
    names = re.findall(r'^        \[MSE_CHECK_\w+\] += "([a-z-]+)"', text, re.M)
    report = (DOCS / "report.md").read_text().split("### Checks")[1].split("### Evidence")[0]
    assert len(names) > 10
    table = report.split("| name | passes if |")[1]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.M) == names


def test_every_profile_is_in_the_formats():
    names = set()
    for path in (ROOT / "src/ratls").glob("*.c"):
        names |= set(re.findall(r'^    \.name = "([a-z0-9-]+)"', path.read_text(), re.M))
    text = (DOCS / "formats.md").read_text()
    table = text.split("| profile | OID |")[1].split("\n\n")[0]
    assert len(names) > 8
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.M)) == names


def slug(heading):
    """A heading's anchor, as GitHub and GitLab make it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def prose(path):
    """Without code blocks, which quote other things than links and headings."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M)
    return re.sub(r"(?m)^ {4,}(?![*-]).*$", "", text)


def anchors(path):
    seen = {}
    for heading in re.findall(r"^#{1,6} (.+)$", prose(path), re.M):
        name = slug(heading)
        seen[name] = seen.get(name, -1) + 1
        yield name if seen[name] == 0 else f"{name}-{seen[name]}"


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(path):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.is_file(), f"{link}: no such file"
        if anchor:
            assert anchor in set(anchors(target)), f"{link}: no such heading"


def test_every_document_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for path in DOCS.glob("*.md"):
        assert f"(docs/{path.name})" in text, path.name


def test_no_file_speaks_of_where_it_was_written():
    # Put together here, so that this file does not hold them itself.
    words = ["/wo" + "rk/", "shared/" + "spec", "DESI" + "GN.md", "/tmp/" + "brief", "/root" + "/",
             "ratls-" + "formats", "ratls-" + "pitfalls", "client-" + "trust.md",
             "verify-" + "speed", "this ses" + "sion", "previous ses" + "sion",
             "lib" + "rary/search", "anth" + "ropic", "chat" + "gpt", "open" + "ai",
             "language " + "model", "ai " + "assistant"]  # fmt: skip
    pattern = re.compile("|".join(map(re.escape, words)), re.I)
    for path in our_files():
        found = pattern.search(path.read_bytes().decode("utf-8", "replace"))
        assert not found, f"{path.relative_to(ROOT)}: {found.group(0)}"


# ---- completion -----------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_script_that_lists_every_command(build, shell):
    script = say(build, "completion", shell)
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=60)
    lists = [set(words.split()) for words in re.findall(r'compgen -W "([^"$]*)"', script)]
    for name in commands(build):
        first, *rest = name.split()
        assert any(first in words for words in lists), name
        assert not rest or any(rest[0] in words and first not in words for words in lists), name


def complete(build, *words):
    """What bash offers for the last of these words."""
    script = say(build, "completion", "bash")
    line = " ".join(f"'{w}'" for w in words)
    ask = (f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _mse; "
           'printf "%s\\n" "${COMPREPLY[@]}"')  # fmt: skip
    done = subprocess.run(
        ["bash", "-c", ask], capture_output=True, text=True, check=True, timeout=60,
        env={"PATH": f"{build / 'src/cli'}:/usr/bin:/bin"},
    )  # fmt: skip
    return done.stdout.split()


def test_completion_completes_commands_and_options(build):
    assert complete(build, "mse", "sh") == ["show"]
    assert set(complete(build, "mse", "collateral", "")) == {"fetch", "show", "check"}
    assert complete(build, "mse", "cloud", "verify", "--finger") == ["--fingerprint"]
