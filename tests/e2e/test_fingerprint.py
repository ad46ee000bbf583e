# SPDX-License-Identifier: Apache-2.0
"""mse fingerprint and mse runtime: what changes a fingerprint, what does not, and who says so."""

import base64
import hashlib
import io
import json
import os
import shutil
import struct
import tarfile
from pathlib import Path

import pytest
from harness import LOCAL, NO, USAGE, YES
from owner_app import KEY, LOADER, OWNER, SETTINGS, App, context, description, sha256

@pytest.fixture
def app(mse):
    return App(mse)


# ---- what changes a fingerprint -------------------------------------------------------------


def flip(code):
    data = bytearray((code / "data/table.csv").read_bytes())
    data[2] ^= 1
    (code / "data/table.csv").write_bytes(data)


def rename(code):
    (code / "data/table.csv").rename(code / "data/other.csv")
    (code / "latest").unlink()
    (code / "latest").symlink_to("data/table.csv")


def retarget(code):
    (code / "latest").unlink()
    (code / "latest").symlink_to("app.py")


CHANGES = {
    "a byte": (flip, ["differs data/table.csv"]),
    "a file added": (lambda c: (c / "new.py").write_text(""), ["extra   new.py"]),
    "a file removed": (lambda c: (c / "app.py").unlink(), ["missing app.py"]),
    "a file renamed": (rename, ["extra   data/other.csv", "missing data/table.csv"]),
    "made executable": (lambda c: (c / "run.sh").chmod(0o755), ["type    run.sh"]),
    "another link": (retarget, ["differs latest"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_gives_another_fingerprint_and_is_named(app, name):
    change, lines = CHANGES[name]
    before, published = app.value(), app.list()
    assert app.run("--compare", published).out.decode().strip() == before
    change(app.code)
    assert app.value() != before
    done = app.run("--compare", published)
    assert done.code == NO and done.out.decode().splitlines() == lines, str(done)
    # The list alone is enough to say it: no runtime is needed.
    done = app.mse.run("fingerprint", "--code", app.code, "--compare", published)
    assert done.code == NO and done.out.decode().splitlines() == lines, str(done)
    done = app.run("--compare", published, "--json")
    assert done.code == NO and "fingerprint" not in done.report
    assert [f"{d['change']:7} {d['path']}" for d in done.report["differences"]] == lines


def test_where_when_and_by_whom_changes_nothing(app):
    before = app.value()
    copy = app.mse.inputs / "elsewhere" / "copy"
    copy.mkdir(parents=True, mode=0o700)
    for name in ("run.sh", "data/table.csv", "app.py"):  # another order
        (copy / name).parent.mkdir(exist_ok=True, mode=0o700)
        shutil.copyfile(app.code / name, copy / name)
        (copy / name).chmod(0o600)
        os.utime(copy / name, (1, 1))
    (copy / "empty").mkdir()
    (copy / "latest").symlink_to("data/table.csv")
    env = app.mse.env(LC_ALL="tr_TR.UTF-8", LANG="C", TZ="Asia/Tokyo", HOME="/nonexistent")
    old = os.umask(0o077)
    try:
        assert app.value(code=copy, env=env, cwd=copy) == before
    finally:
        os.umask(old)


def test_ignored_files_change_nothing_but_the_list_of_them_does(app):
    (app.code / ".mseignore").write_text("*.log\n")
    before = app.value()
    (app.code / "a.log").write_text("x")
    assert app.value() == before
    for i in range(6):
        (app.code / f"{i}.log").write_text("x")
    note = [line for line in app.run().err.splitlines() if line.startswith("note: ")]
    assert len(note) == 1 and note[0].startswith("note: 7 paths of "), note
    assert note[0].endswith(" are left out by .mseignore: 0.log, 1.log, 2.log, 3.log, 4.log, ..."), note
    (app.code / ".mseignore").write_text("*.log\n\n")
    assert app.value() != before


@pytest.mark.parametrize(
    "line",
    ['memory = 2048', 'threads = 32', 'healthcheck_endpoint = "/other"',
     'python_application = "app:other"'],
)  # fmt: skip
def test_settings_change_it(app, line):
    before = app.value()
    key = line.split(" ")[0]
    kept = [x for x in SETTINGS.splitlines() if not x.startswith(key)]
    app.toml.write_text("\n".join([*kept, line, ""]))
    assert app.value() != before


def test_owner_certificate_and_runtime_change_it(app):
    values = {app.value()}
    other = base64.b64encode(b"Ed" + b"keyident" + bytes(range(1, 33))).decode()
    for words in ((), ("--cert", "owner"), ("--cert", "operator")):
        done = app.mse.run("fingerprint", *app.words()[:-1], other, *words)
        assert done.code == YES, str(done)
        values.add(done.out)
    app.runtime.write_bytes(description(version="2"))
    values.add(app.value())
    app.runtime.write_bytes(description(files={"/etc/hosts": sha256(b"")}))
    values.add(app.value())
    assert len(values) == 6


def test_key_may_be_a_file(app):
    file = app.mse.put(f"untrusted comment: a key\n{KEY}\n")
    done = app.mse.run("fingerprint", *app.words()[:-1], file)
    assert done.code == YES and done.out.decode().strip() == app.value(), str(done)


# ---- what goes into it ----------------------------------------------------------------------


def app_digest(arguments):
    data = b"mse-app-v1\n"
    for word in arguments[1:]:
        data += struct.pack("<I", len(word.encode())) + word.encode()
    return data


def test_explain_says_all_that_went_in(app):
    said = app.explain()
    runtime = sha256(app.runtime.read_bytes())
    assert said["fingerprint"] == app.value() and said["tee"] == "sim" and said["files"] == 4
    assert said["owner"] == OWNER.hex()
    assert said["arguments"] == [
        "mse-enclave", "format=1", f"tree={said['tree']}", f"owner={OWNER.hex()}", "cert=self",
        "health=/health", "memory=1024", "threads=64", "unsigned=no", "isolation=process",
        f"runtime={runtime}", "python=app:app",
    ]  # fmt: skip
    assert said["app_digest"] == sha256(app_digest(said["arguments"]))
    assert said["runtime"]["sha256"] == runtime
    assert said["runtime"]["loader"] == {
        "path": "/usr/bin/mse-enclave", "sha256": sha256(LOADER),
    }  # fmt: skip
    assert said["areas"][-1]["digest_after"] == said["fingerprint"]
    text = app.run("--explain").out.decode()
    for part in (said["tree"], runtime, "cert=self", said["areas"][0]["digest_after"], "1024 MiB"):
        assert part in text, part


def test_a_command_of_words_is_measured_word_by_word(app):
    app.toml.write_text(SETTINGS.replace('python_application = "app:app"',
                                         'command = ["/usr/bin/env", "", "a b"]'))  # fmt: skip
    assert app.explain()["arguments"][11:] == ["command", "arg=/usr/bin/env", "arg=", "arg=a b"]


def test_sgx_shares_the_enclave_and_says_so(mse):
    app = App(mse, "sgx", loader="/g/libpal.so", files={"/g/libsysdb.so": sha256(b"")})
    said = app.explain()
    assert "isolation=none" in said["arguments"] and said["tee"] == "sgx"
    app.runtime.write_bytes(description("sgx", "/g/libpal.so"))
    done = app.run()
    assert done.code == NO and done.no_result and "libsysdb.so" in done.err, str(done)


TDX = [bytes([i]) * 48 for i in range(1, 5)]
TDX_WORDS = [w for name, v in zip(("--mrtd", "--rtmr0", "--rtmr1", "--rtmr2"), TDX)
             for w in (name, v.hex())]  # fmt: skip


def test_tdx_and_snp_join_platform_and_app(mse):
    app = App(mse, "tdx")
    said = app.explain(*TDX_WORDS)
    data = app_digest(said["arguments"])
    digest = hashlib.sha256(data).digest()
    joined = b"mse-fingerprint-v1\ntdx\0" + b"".join(TDX) + digest
    assert said["fingerprint"] == sha256(joined)
    assert said["rtmr3"] == hashlib.sha384(bytes(48) + hashlib.sha384(data).digest()).hexdigest()

    app.runtime.write_bytes(description("snp"))
    said = app.explain("--measurement", "ab" * 48)
    digest = hashlib.sha256(app_digest(said["arguments"])).digest()
    assert said["fingerprint"] == sha256(b"mse-fingerprint-v1\nsnp\0" + b"\xab" * 48 + digest)


# ---- context --------------------------------------------------------------------------------


def by_context(app, file, *words):
    return app.mse.run("fingerprint", "--context", file, "--code", app.code, "--runtime",
                       app.runtime, *words)  # fmt: skip


def test_a_context_gives_the_same_fingerprint(app):
    said = app.explain()
    done = by_context(app, context(app, said))
    assert done.code == YES and done.out.decode().strip() == said["fingerprint"], str(done)
    done = by_context(app, context(app, said, files=app.list().read_text()), "--owner", KEY)
    assert done.code == YES and done.out.decode().strip() == said["fingerprint"], str(done)


def test_code_that_is_not_the_contexts_is_refused_and_named(app):
    said = app.explain()
    bare, listed = context(app, said), context(app, said, files=app.list().read_text())
    flip(app.code)
    done = by_context(app, bare)
    assert done.code == NO and done.no_result and "tree digest" in done.err, str(done)
    done = by_context(app, listed)
    assert done.code == NO and done.out == b"differs data/table.csv\n", str(done)


def test_a_context_that_cannot_be_verified_is_refused(app):
    said = app.explain()
    for origin in ("owner", "operator"):
        done = by_context(app, context(app, said, origin))
        assert done.code == USAGE and done.no_result and origin in done.err, str(done)
    app.runtime.write_bytes(description(version="2"))
    other = context(app, said)
    app.runtime.write_bytes(description())
    done = by_context(app, other)
    assert done.code == NO and "runtime" in done.err, str(done)
    key = base64.b64encode(b"Ed" + b"keyident" + bytes(range(1, 33))).decode()
    done = by_context(app, context(app, said), "--owner", key)
    assert done.code == NO and "owner" in done.err, str(done)


# ---- refusals -------------------------------------------------------------------------------


def test_the_loader_must_be_the_runtimes(app):
    loader = app.mse.inputs / "mse-enclave"
    given = app.mse.put(LOADER)
    loader.write_bytes(LOADER[:-1] + bytes([LOADER[-1] ^ 1]))
    done = app.run()
    assert done.code == NO and done.no_result and "loader" in done.err, str(done)
    assert app.run("--loader", given).code == YES
    loader.unlink()
    done = app.run("--json")
    assert done.code == LOCAL and done.no_result and "--loader" in done.err, str(done)
    assert app.run("--loader", given).code == YES


WRONG = {
    "no runtime": lambda a: ("--code", a.code, "--path", a.toml, "--owner", KEY),
    "no owner": lambda a: ("--code", a.code, "--path", a.toml, "--runtime", a.runtime),
    "another TEE": lambda a: (*a.words(), "--tee", "sgx"),
    "no TEE": lambda a: (*a.words(), "--tee", "SIM"),
    "certificate": lambda a: (*a.words(), "--cert", "me"),
    "TDX values": lambda a: (*a.words(), *TDX_WORDS),
    "SNP value": lambda a: (*a.words(), "--measurement", "ab" * 48),
    "short value": lambda a: (*a.words(), "--measurement", "ab" * 47),
    "list and runtime": lambda a: (*a.words(), "--list"),
    "context without code": lambda a: ("--context", a.toml, "--runtime", a.runtime),
    "context and path": lambda a: ("--context", a.toml, *a.words()),
    "an argument": lambda a: (*a.words(), "code"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage(app, name):
    done = app.mse.run("fingerprint", *WRONG[name](app))
    assert done.code == USAGE and done.out == b"", str(done)


def test_tdx_needs_all_its_values(mse):
    app = App(mse, "tdx")
    for i in range(0, 8, 2):
        done = app.run(*TDX_WORDS[:i], *TDX_WORDS[i + 2 :])
        assert done.code == USAGE and TDX_WORDS[i] in done.err, str(done)


def test_what_cannot_be_measured_is_named(app):
    os.mkfifo(app.code / "pipe")
    done = app.run("--json")
    assert done.code == NO and done.no_result and "pipe" in done.err, str(done)
    (app.code / "pipe").unlink()
    (app.code / "latest").unlink()
    (app.code / "latest").symlink_to("../outside")
    done = app.run("--json")
    assert done.code == NO and done.no_result and "latest" in done.err, str(done)


def test_the_list_is_one_line_a_file(app):
    lines = app.list().read_text().splitlines()
    table = sha256(b"1,2,3\n")
    assert lines == [
        f"f {sha256((app.code / 'app.py').read_bytes())} app.py",
        f"f {table} data/table.csv",
        f"l {sha256(b'data/table.csv')} latest",
        f"f {sha256((app.code / 'run.sh').read_bytes())} run.sh",
    ]
    done = app.mse.run("fingerprint", "--code", app.code, "--list", "--json")
    assert [f"{f['type']} {f['sha256']} {f['path']}" for f in done.report["files"]] == lines


# ---- runtime --------------------------------------------------------------------------------


def make_root(root):
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/lib").mkdir()
    (root / "usr/bin/mse-enclave").write_bytes(LOADER)
    (root / "usr/lib/libx.so.1.0").write_bytes(b"library")
    (root / "usr/lib/libx.so.1").symlink_to("/usr/lib/libx.so.1.0")
    (root / "lib").symlink_to("usr/lib")
    return root


def describe(mse, root, *words, loader="/usr/bin/mse-enclave"):
    return mse.run("runtime", "describe", root, "--name", "demo", "--version", "1", "--tee", "sim",
                   "--loader", loader, *words)  # fmt: skip


def test_a_description_is_canonical_json(mse):
    root = make_root(mse.inputs / "root")
    library = sha256(b"library")
    want = description(files={"/usr/lib/libx.so.1": library, "/usr/lib/libx.so.1.0": library})
    done = describe(mse, root)
    assert done.code == YES and done.out == want, str(done)
    done = describe(mse, root, "--output", "runtime.json")
    assert done.code == YES and done.out.decode() == sha256(want) + "\n", str(done)
    assert done.written == {"runtime.json": want}
    done = describe(mse, root, "--output", "runtime.json", "--json")
    assert done.report["sha256"] == sha256(want) and done.report["files"] == 3
    done = describe(mse, root, "--path", "/usr/bin")
    assert done.out == description()


def test_a_description_that_is_there_is_not_replaced_unasked(mse):
    root = make_root(mse.inputs / "root")
    (mse.work / "runtime.json").write_bytes(b"other")
    done = describe(mse, root, "--output", "runtime.json", "--json")
    assert done.code == LOCAL and done.no_result and done.written == {"runtime.json": b"other"}
    done = describe(mse, root, "--output", "runtime.json", "--force")
    assert done.code == YES and done.written["runtime.json"] != b"other"


def test_a_runtime_that_cannot_be_described_is_refused(mse):
    root = make_root(mse.inputs / "root")
    layout = mse.inputs / "layout"
    layout.mkdir()
    (layout / "oci-layout").write_text("{}")
    assert describe(mse, layout).code in (NO, LOCAL)
    fifo = mse.inputs / "fifo"
    os.mkfifo(fifo)
    words = ("runtime", "describe", root, "--tee", "sim", "--loader", "/usr/bin/mse-enclave")
    for done, code, text in (
        (describe(mse, root, loader="/usr/bin/nothing"), NO, "/usr/bin/nothing"),
        (describe(mse, root, "--path", "/nothing"), NO, "/nothing"),
        (describe(mse, root, "--path", "usr"), USAGE, "usr"),
        (describe(mse, root, loader="bin/x"), USAGE, "--loader"),
        (mse.run(*words, "--name", "", "--version", "1"), USAGE, "--name: "),
        (mse.run(*words, "--name", "a", "--version", "a\nb"), USAGE, "--version: "),
        (describe(mse, fifo), LOCAL, "neither"),
        (describe(mse, mse.inputs / "none"), LOCAL, "none"),
        (describe(mse, root, "--json"), USAGE, "--output"),
        (describe(mse, root, "--tee", "other"), USAGE, "--tee"),
        (mse.run("runtime", "describe", root), USAGE, "--name"),
    ):
        assert done.code == code and done.no_result and text in done.err, str(done)
        assert done.written == {}


def oci_layout(path, root):
    """An image of one layer with all that is under root."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def add(data, media):
        (blobs / sha256(data)).write_bytes(data)
        return {"mediaType": media, "digest": "sha256:" + sha256(data), "size": len(data)}

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(root, arcname=".")
    kind = "application/vnd.oci.image."
    config = {"architecture": "amd64", "os": "linux",
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(layer.getvalue())]}}
    manifest = {
        "schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
        "config": add(json.dumps(config).encode(), kind + "config.v1+json"),
        "layers": [add(layer.getvalue(), kind + "layer.v1.tar")],
    }  # fmt: skip
    index = {"schemaVersion": 2,
             "manifests": [add(json.dumps(manifest).encode(), kind + "manifest.v1+json")]}
    (path / "index.json").write_text(json.dumps(index))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


def test_an_image_is_described_as_its_directory(mse):
    root = make_root(mse.inputs / "root")
    image = oci_layout(mse.inputs / "image", root)
    for words in ((), ("--path", "/lib", "--path", "/usr/bin")):
        done = describe(mse, image, *words)
        assert done.code == YES, str(done)
        assert done.out == describe(mse, root, *words).out


def test_two_descriptions_are_compared_file_by_file(mse):
    a = mse.put(description(files={"/a": sha256(b"1"), "/b": sha256(b"1")}))
    b = mse.put(description(files={"/b": sha256(b"2"), "/c": sha256(b"1")}, version="2"))
    done = mse.run("runtime", "diff", a, a)
    assert done.code == YES and done.out == b"", str(done)
    done = mse.run("runtime", "diff", a, b)
    assert done.code == NO and done.out == b"version: 1 -> 2\n- /a\n~ /b\n+ /c\n", str(done)
    done = mse.run("runtime", "diff", a, b, "--json")
    assert done.code == NO and done.report["version"] == {"a": "1", "b": "2"}
    assert [(f["change"], f["path"]) for f in done.report["files"]] == [
        ("removed", "/a"), ("changed", "/b"), ("added", "/c"),
    ]  # fmt: skip
    done = mse.run("runtime", "diff", a, mse.put(a.read_bytes() + b"\n"))
    assert done.code == NO and done.out == b"" and "canonical" in done.err, str(done)
    assert mse.run("runtime", "diff", a).code == USAGE


# ---- the document ---------------------------------------------------------------------------


def document_loader():
    """The loader that docs/fingerprint.md describes under "Test values"."""
    header = b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0x40, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )  # fmt: skip
    for segment in (
        (1, 5, 0x1000, 0, 0, 0x180, 0x200, 0x1000),
        (1, 6, 0x2000, 0x1000, 0x1000, 0x900, 0x1800, 0x1000),
    ):
        header += struct.pack("<IIQQQQQQ", *segment)
    return header.ljust(0x1000, b"\xee") + (b"\x55" * 0x180).ljust(0x1000, b"\xee") + b"\x66" * 0x900


def test_values_of_the_document(mse):
    document = (Path(__file__).parents[2] / "docs/fingerprint.md").read_text()
    app, loader = App(mse), document_loader()
    (app.code / "run.sh").chmod(0o755)
    (mse.inputs / "mse-enclave").write_bytes(loader)
    value = json.loads(description(files={"/usr/lib/libx.so.1": sha256(b"library")}))
    value["loader"]["sha256"] = value["files"][0]["sha256"] = sha256(loader)
    app.runtime.write_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
    app.toml.write_text(SETTINGS + "memory = 64\nthreads = 4\n")
    said = app.explain()
    for found in (
        f"tree = {said['tree']}", f"runtime = {said['runtime']['sha256']}",
        f"app digest = {said['app_digest']}", f"MRENCLAVE   = {said['fingerprint']}",
    ):  # fmt: skip
        assert found in document, found
    for line in app.list().read_text().splitlines() + said["arguments"]:
        assert f"    {line}\n" in document, line


def test_differences_that_cannot_be_written_are_a_failure(mse):
    root = make_root(mse.inputs / "root")
    (root / "more").write_text("x")
    for name, path in (("a", "/"), ("b", "/more")):
        assert describe(mse, root, "--path", path, "--output", f"{name}.json").code == YES
    (mse.work / "code").mkdir()
    (mse.work / "code" / "x").write_text("x")
    (mse.work / "list").write_text("")
    with open("/dev/full", "wb") as full:
        for words in (("runtime", "diff", "a.json", "b.json"),
                      ("fingerprint", "--code", "code", "--compare", "list")):  # fmt: skip
            done = mse.run(*words, stdout=full)
            assert done.code == LOCAL and "written" in done.err, str(done)
