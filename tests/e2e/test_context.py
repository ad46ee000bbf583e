# SPDX-License-Identifier: Apache-2.0
"""mse cloud context: what is stored, listed, removed, and what an export tells a stranger."""

import base64
import hashlib
import json
import os
import pty
import re
import stat
from pathlib import Path

import pytest
from harness import LOCAL, NO, USAGE, YES

tomllib = pytest.importorskip("tomllib")

ROOT = Path(__file__).resolve().parent.parent.parent
ID = "d17a9cbd-e2ff-4f77-ba03-e9d8ea58ca2e"
OTHER = "0f6d2f5c-7b1e-4c39-9d4c-1a2b3c4d5e6f"
KEY = bytes(range(7, 39))
NONCES = {"app.py": bytes(range(100, 124)), 'sub/q"\\é.py': bytes(range(150, 174))}
FILES = {"app.py": b"print()\n", 'sub/q"\\é.py': b""}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def nonces(table):
    lines = [f"{quoted(path)} = {quoted(n.hex())}" for path, n in NONCES.items()]
    return f"[{table}]\n" + "\n".join(lines) + "\n"


def old(version="2.0", origin="ssl_certificate_origin", uuid=ID, name="helloworld"):
    """As the original's command line writes them."""
    return (
        f'version = "{version}"\n\n[config]\nname = "{name}"\nproject = "default"\n'
        'docker = "ghcr.io/example/image:20230228"\npython_application = "app:app"\n'
        'tests = "/home/me/app/tests"\ntests_cmd = "pytest"\n'
        'tests_requirements = [ "intel-sgx-ra==2.0", "pytest==7.2.0",]\n'
        f'code_secret_key = "{KEY.hex()}"\n\n[instance]\nid = "{uuid}"\n'
        f'config_domain_name = "{uuid}.config.example"\nenclave_size = 4096\n'
        f'expires_at = 2023-06-10T12:34:56.123456+00:00\n{origin} = "self"\n\n'
        + nonces("instance.nonces")
    )


def tree():
    """(digest, list) as docs/fingerprint.md has them, by hashlib."""
    digest, lines = hashlib.sha256(b"mse-tree-v1\n"), ""
    for path in sorted(FILES, key=str.encode):
        raw, content = path.encode(), hashlib.sha256(FILES[path])
        digest.update(b"f" + len(raw).to_bytes(4, "little") + raw + content.digest())
        lines += f"f {content.hexdigest()} {path}\n"
    return digest.hexdigest(), lines


def new(uuid=ID, name="hello"):
    digest, files = tree()
    escaped = files.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'version = "3.0"\n[config]\nname = "{name}"\npython_application = "app:app"\n'
        f'healthcheck_endpoint = "/"\nmemory = 1024\nthreads = 64\nowner = "{"1a" * 32}"\n'
        f'isolation = "process"\nunsigned = false\nruntime = "{"2b" * 32}"\ntree = "{digest}"\n'
        f'[instance]\nid = "{uuid}"\nssl_certificate_origin = "self"\n'
        f'created_at = 2026-01-02T03:04:05Z\n[files]\nlist = """\n{escaped}"""\n'
        '[local]\nproject = "hidden"\ntests = "/home/me/app/tests"\ntests_cmd = "pytest"\n'
        f'[secret]\ncode_secret_key = "{KEY.hex()}"\n' + nonces("secret.nonces")
    )


FORMATS = {
    "1.0": old("1.0", "ssl_secret_origin"),
    "2.0": old(),
    "3.0": new(),
}


@pytest.fixture
def context(mse):
    def run(*words, **options):
        return mse.run("cloud", "context", *words, **options)

    return run


@pytest.fixture
def store(mse, context):
    def run(text, *words):
        done = context("--import", mse.put(text), *words)
        assert done.code == YES, str(done)
        return done

    return run


@pytest.fixture
def directory(mse):
    return mse.home / ".config" / "mse" / "context"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def assert_no_secret(data):
    """No secret in any spelling, nothing of the owner's machine."""
    for secret in (KEY, *NONCES.values()):
        for spelling in (
            secret, secret.hex().encode(), secret.hex().upper().encode(),
            base64.b64encode(secret).rstrip(b"="), base64.urlsafe_b64encode(secret).rstrip(b"="),
        ):  # fmt: skip
            assert spelling not in data
            assert spelling[4:20] not in data
    assert not re.search(rb"key|secret|nonce|tests|pytest|/home|hidden|project", data, re.I), data


# ---- storing and listing --------------------------------------------------------------------


@pytest.mark.parametrize("version", FORMATS)
def test_what_is_imported_is_stored_as_it_is_for_the_owner_only(store, directory, version):
    store(FORMATS[version])
    path = directory / ID / "context.mse"
    assert path.read_bytes() == FORMATS[version].encode()
    assert mode(path) == 0o600
    assert {mode(p) for p in (directory, directory / ID, directory.parent)} == {0o700}
    assert [p.name for p in (directory / ID).iterdir()] == ["context.mse"]


def test_the_list_is_sorted_and_says_when(store, context, directory):
    store(new())
    store(old(uuid=OTHER.upper(), name="elder"))
    os.utime(directory / OTHER / "context.mse", (1700000000, 1700000000))
    done = context("--list")
    assert done.code == YES
    assert done.out.decode().splitlines() == [
        f"{OTHER} -> elder (2023-11-14T22:13:20Z)",
        f"{ID} -> hello (2026-01-02T03:04:05Z)",
    ]
    listed = json.loads(context("--list", "--json").out)
    assert listed["schema"] == "mse-context-list-v1"
    assert [c["id"] for c in listed["contexts"]] == [OTHER, ID]
    assert [c["format"] for c in listed["contexts"]] == ["2.0", "3.0"]


def test_a_context_that_cannot_be_read_is_listed_with_a_mark(store, context, directory):
    store(new())
    for name, content in ((OTHER, "version = '9.9'"), (ID[:-1] + "0", None)):
        (directory / name).mkdir()
        if content:
            (directory / name / "context.mse").write_text(content)
    (directory / "notes").mkdir()
    (directory / ID.upper()).mkdir()
    done = context("--list")
    assert done.code == YES
    assert done.out.decode().splitlines() == [
        f"{OTHER} -> unsupported format",
        f"{ID[:-1]}0 -> unsupported format",
        f"{ID} -> hello (2026-01-02T03:04:05Z)",
    ]
    assert "context.mse:1:1: contexts of version 1.0, 2.0 and 3.0 are read" in done.err
    marked = json.loads(context("--list", "--json").out)["contexts"]
    assert [c["supported"] for c in marked] == [False, False, True]


def test_a_name_cannot_command_the_terminal(store, context):
    store(old(name="\\u001b[2J\\nforged -> line"))
    for words in (("--list",), ("--show", ID), ("--show", ID, "--json")):
        done = context(*words)
        assert done.code == YES and b"\x1b" not in done.out
    assert len(context("--list").out.splitlines()) == 1


def test_an_empty_store_is_an_empty_list(context, directory):
    assert context("--list").out == b""
    assert json.loads(context("--list", "--json").out)["contexts"] == []
    assert not directory.exists()


def test_the_alias_is_the_same_command(mse, store):
    store(new())
    assert mse.run("context", "--list").out == mse.run("cloud", "context", "--list").out


def test_another_context_of_the_same_deployment_needs_force(mse, store, context, directory):
    store(new())
    store(new())
    done = context("--import", mse.put(old()))
    assert done.code == LOCAL and "different file" in done.err
    assert (directory / ID / "context.mse").read_text() == new()
    store(old(), "--force")
    assert (directory / ID / "context.mse").read_text() == old()


@pytest.mark.parametrize(
    "text, place",
    [
        ("", ":1:1: "),
        (new().replace("threads", "treads"), ':7:1: unknown key "treads"'),
        (new() + '"../x" = "00"\n', ":31:1: "),
        (new().replace(KEY.hex(), KEY.hex()[1:]), ":"),
        (old() + "x", ":"),
        (new().replace("f ", "d ", 1), ":"),
    ],
    ids=["empty", "unknown key", "path", "short key", "trailing", "list"],
)
def test_what_is_no_context_is_not_stored(mse, context, directory, text, place):
    source = mse.put(text)
    done = context("--import", source)
    assert done.code == NO, str(done)
    assert f"{str(source)[-40:]}{place}" in done.err
    assert KEY.hex()[4:40] not in done.err
    assert not directory.exists()


def test_a_stored_context_of_another_deployment_is_refused(context, store, directory):
    store(new())
    (directory / ID).rename(directory / OTHER)
    done = context("--show", OTHER)
    assert done.code == NO and "of another deployment" in done.err
    assert done.out == b""


# ---- show -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", FORMATS)
def test_show_has_everything_but_secrets(store, context, version):
    store(FORMATS[version])
    done = context("--show", ID)
    assert done.code == YES
    assert_no_secret(done.out)
    shown = tomllib.loads(done.out.decode())
    stored = tomllib.loads(FORMATS[version])
    for table in ("config", "instance"):
        for key, value in shown[table].items():
            if key == "expires_at":
                value = value.replace(microsecond=stored[table][key].microsecond)
            assert stored[table].get(key, "self") == value
    if version == "3.0":
        assert shown["files"] == stored["files"] and shown["files"]["list"] == tree()[1]
    report = json.loads(context("--show", ID, "--json").out)
    assert report["schema"] == "mse-context-v1"
    assert (report["id"], report["format"]) == (ID, version)
    assert report["has_code_key"] is True and report["nonces"] == 2
    assert KEY.hex() not in json.dumps(report)


@pytest.mark.parametrize(
    "spelling", [ID.upper(), ID.replace("-", ""), "{%s}" % ID, f"urn:uuid:{ID}"]
)
def test_every_spelling_of_a_uuid_is_understood(store, context, spelling):
    store(new())
    assert context("--show", spelling).code == YES


@pytest.mark.parametrize("word", ["..", "../..", "", "x", ID + "/..", f"./{ID}", ID[:-1], "*"])
@pytest.mark.parametrize("action", ["--show", "--remove", "--export"])
def test_nothing_but_a_uuid_names_a_context(store, context, directory, action, word):
    store(new())
    done = context(action, word)
    assert done.code == USAGE and "is no UUID" in done.err
    assert (directory / ID / "context.mse").exists() and done.written == {}


# ---- remove and purge -----------------------------------------------------------------------


def test_remove_takes_the_whole_directory_and_follows_no_link(mse, store, context, directory):
    store(new())
    store(old(uuid=OTHER))
    precious = mse.put("precious")
    (directory / ID / "app.tar").write_text("x")
    (directory / ID / "more").mkdir()
    (directory / ID / "more" / "link").symlink_to(precious)
    (directory / ID / "up").symlink_to(precious.parent)
    assert context("--remove", ID).code == YES
    assert [p.name for p in directory.iterdir()] == [OTHER]
    assert precious.read_text() == "precious"
    done = context("--remove", ID)
    assert done.code == NO and ID in done.err


def test_a_link_in_place_of_a_context_is_removed_itself(mse, context, directory):
    directory.mkdir(parents=True)
    precious = mse.put("precious")
    (directory / ID).symlink_to(precious.parent)
    assert context("--remove", ID).code == YES
    assert precious.exists() and not (directory / ID).is_symlink()


def test_purge_does_not_happen_unasked(store, context, directory):
    store(new())
    store(old(uuid=OTHER))
    done = context("--purge")
    assert done.code == USAGE and "--yes" in done.err
    assert len(list(directory.iterdir())) == 2


@pytest.mark.parametrize("word", ["--yes", "-y"])
def test_purge_removes_contexts_and_nothing_else(store, context, directory, word):
    store(new())
    store(old(uuid=OTHER))
    (directory / "notes").mkdir()
    (directory / ID / "context.mse").write_text("unreadable")
    assert context("--purge", word).code == YES
    assert [p.name for p in directory.iterdir()] == ["notes"]
    assert context("--purge").code == YES  # nothing to ask about


@pytest.mark.parametrize("answer, code, left", [(b"yes\n", YES, 0), (b"no\n", NO, 1), (b"\n", NO, 1)])
def test_purge_asks_on_a_terminal(store, context, directory, answer, code, left):
    store(new())
    ours, its = pty.openpty()
    try:
        os.write(ours, answer)
        done = context("--purge", stdin=its)
    finally:
        os.close(ours)
        os.close(its)
    assert done.code == code, str(done)
    assert "[yes/no]" in done.err
    assert len(list(directory.iterdir())) == left


# ---- export ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", FORMATS)
@pytest.mark.parametrize("words", [(), ("--public",)])
def test_an_export_for_users_has_no_secret_in_it(mse, store, context, version, words):
    store(FORMATS[version])
    done = context("--export", ID, *words)
    assert done.code == YES and set(done.written) == {f"{ID}.toml"}
    exported = done.written[f"{ID}.toml"]
    assert_no_secret(exported)
    assert mode(mse.work / f"{ID}.toml") == 0o644
    assert ("cannot be computed without them" in done.err) == (version != "3.0")
    assert "WARNING" not in done.err
    # It is a context of its own.
    read = tomllib.loads(exported.decode())
    assert read["version"] == {"1.0": "2.0"}.get(version, version)
    assert context("--import", mse.work / f"{ID}.toml", "--force").code == YES
    again = context("--export", ID, "--output", "again.toml")
    assert again.written["again.toml"] == exported


def test_a_context_without_secrets_is_stored_and_shown(mse, store, context):
    store(new())
    context("--export", ID)
    done = context("--import", mse.work / f"{ID}.toml", "--force")
    assert "without code key" in done.err
    report = json.loads(context("--show", ID, "--json").out)
    assert report["has_code_key"] is False and report["nonces"] == 0


@pytest.mark.parametrize("version", FORMATS)
def test_a_secret_export_says_so_and_loses_nothing(mse, store, context, version):
    store(FORMATS[version])
    done = context("--export", ID, "--secret", "--output", "mine.toml")
    assert done.code == YES
    assert done.written["mine.toml"] == FORMATS[version].encode()
    assert mode(mse.work / "mine.toml") == 0o600
    assert "WARNING" in done.err and "SECRET KEY" in done.err


def test_a_secret_export_over_the_same_file_closes_it_to_others(mse, store, context):
    store(new())
    path = mse.work / "mine.toml"
    path.write_text(new())
    path.chmod(0o644)
    assert context("--export", ID, "--secret", "--output", path).code == YES
    assert mode(path) == 0o600


def test_an_export_replaces_no_other_file(mse, store, context):
    store(new())
    path = mse.work / f"{ID}.toml"
    path.write_text("mine")
    done = context("--export", ID)
    assert done.code == LOCAL and path.read_text() == "mine"
    assert context("--export", ID, "--force").code == YES
    assert context("--export", ID).code == YES  # the same
    assert tomllib.loads(path.read_text())["version"] == "3.0"


def test_what_is_not_stored_cannot_be_exported(context):
    done = context("--export", ID)
    assert done.code == NO and ID in done.err and done.written == {}


def test_our_writer_and_python_read_the_same(store, context):
    """Every text that needs an escape, through both readers."""
    name = "".join(map(chr, (*range(0x21, 0x7F), 0xE9, 0x20AC, 0x1F600)))
    store(new(name=quoted(name)[1:-1]))
    shown = tomllib.loads(context("--show", ID).out.decode())
    assert shown["config"]["name"] == name
    assert json.loads(context("--show", ID, "--json").out)["name"] == name


# ---- command line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--json",),
        ("--list", "--purge"),
        ("--show", ID, "--remove", ID),
        ("--list", "--list"),
        ("--list", "--output", "x"),
        ("--show", ID, "--secret"),
        ("--export", ID, "--secret", "--public"),
        ("--export", ID, "--json"),
        ("--export", ID, "--output", "-"),
        ("--export", ID, "--output", ""),
        ("--remove", ID, "--force"),
        ("--remove", ID, "--yes"),
        ("--show",),
        (ID,),
    ],
)
def test_wrong_usage_does_nothing(store, context, directory, words):
    store(new())
    done = context(*words)
    assert done.code == USAGE and done.err.startswith("mse: ")
    assert (directory / ID / "context.mse").exists() and done.written == {}


def test_without_a_home_nothing_is_guessed(mse, context):
    done = context("--list", env=mse.env(HOME=None))
    assert done.code == USAGE and "HOME" in done.err


# ---- the documents' examples ----------------------------------------------------------------


def code_blocks(page):
    text = (ROOT / "docs" / page).read_text()
    return re.findall(r"^```toml\n(.*?)^```", text, re.S | re.M)


def test_the_example_of_a_context_is_one(store, context):
    for text in code_blocks("context.md"):
        store(text, "--force")
        assert context("--show", tomllib.loads(text)["instance"]["id"]).code == YES


def test_examples_of_mse_toml_are_what_python_reads():
    blocks = code_blocks("mse-toml.md")
    assert len(blocks) >= 2
    for text in blocks:
        assert tomllib.loads(text)["name"]
