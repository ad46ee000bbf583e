# SPDX-License-Identifier: Apache-2.0
"""mse fingerprint --original: encrypted files, arguments, manifest and MRENCLAVE of Cosmian MSE."""

import copy
import io
import json
import os
import posixpath
import random
import subprocess
import tarfile
from pathlib import Path

import pytest
import sgx_oracle
from container import Image, put_directory, put_tar, sha
from harness import LOCAL, NO, USAGE, YES

original = pytest.importorskip("original_oracle")  # needs PyNaCl and tomllib

KEY = bytes(range(32))
ID = "d17a9cbd-e2ff-4f77-ba03-e9d8ea58ca2e"
EXPIRY = 1893499200  # 2030-01-01T12:00:00Z
SUBJECT = "CN=example.org,O=Example,C=FR,L=Paris"
LIBPAL = sgx_oracle.elf([(sgx_oracle.LOAD, 5, 0, 0, 0x1234, 0x1234),
                         (sgx_oracle.LOAD, 6, 0x2000, 0x3000, 0x300, 0x1800)], 0x3000)  # fmt: skip
HOME = "/root"
GRAMINE = "usr/local/lib/x86_64-linux-gnu/gramine"

TEMPLATE = """\
# comments go
loader.entrypoint = "file:{{ gramine.libos }}"
libos.entrypoint = "{{ entrypoint }}"
loader.log_level = "{{ log_level }}"
loader.env.HOME = "/root"
loader.argv_src_file = "file:args"
sys.disallow_subprocesses = true
fs.mounts = [
  { path = "/lib", uri = "file:{{ gramine.runtimedir() }}" },
  { path = "/opt/input/app", uri = "file:{{ app_dir }}/" },
  { path = "/root", uri = "file:{{ home_dir }}/", type = "encrypted", key_name = "_sgx_mrenclave" },
  { path = "/key", uri = "file:{{ key_dir }}/", type = "encrypted", key_name = "_sgx_mrenclave" },
  { path = "/mse-app", uri = "file:{{ code_dir }}/", type = "encrypted", key_name = "_sgx_mrenclave" },
]
sgx.nonpie_binary = true
sgx.remote_attestation = "dcap"
sgx.enclave_size = "{{ enclave_size }}"
sgx.max_threads = 2
sgx.isvprodid = 1
sgx.isvsvn = 10
sgx.trusted_files = [
  "file:{{ entrypoint }}",
  "file:{{ gramine.libos }}",
  "file:{{ gramine.runtimedir() }}/",
  "file:{{ arch_libdir }}/",
  "file:/usr/{{ arch_libdir }}/",
  "file:{{ python.stdlib }}/",
  "file:{{ env.get('GRAMINE_VENV', '/usr/local') }}/lib/python3.10/",
  "file:/etc/localtime",
  "file:{{ env.get('GRAMINE_VENV', '/usr/local') }}/bin/mse-bootstrap",
  "file:args",
  "file:{{ app_dir }}/",
]
"""
RUN = f"""#!/bin/sh
    SUBJECT="{SUBJECT}"
    CERT_PATH="$APP_DIR/fullchain.pem"
    APP_DIR="/opt/input/app"
    SUBJECT="CN=another"
serialize python3 "-S" mse-bootstrap --ratls --certificate --host --port --app-dir --subject --san --id
""".encode()

BASE = [
    ("lib", ("l", "usr/lib")), ("bin", ("l", "usr/bin")),
    ("usr/bin/python3", ("l", "python3.10")), ("usr/bin/python3.10", b"interpreter"),
    ("usr/lib/python3.10/os.py", b"os"), ("usr/lib/python3.10/asyncio/a.py", b"a"),
    ("usr/lib/python3.10/asyncio+", b"sorted by parts"), ("usr/lib/python3.10/.hidden", b"h"),
    ("usr/lib/python3.10/gone.py", b"gone"), ("usr/lib/python3.10/test", ("l", "asyncio")),
    ("usr/lib/python3.10/empty/", None),
    ("usr/lib/x86_64-linux-gnu/libc.so.6", b"libc"),
    ("usr/lib/x86_64-linux-gnu/libz.so", ("l", "libz.so.1")),
    ("usr/lib/x86_64-linux-gnu/libz.so.1", b"libz"),
    ("usr/lib/x86_64-linux-gnu/dangling", ("l", "nowhere")),
    ("usr/lib/x86_64-linux-gnu/fifo", ("p", "")),
    ("usr/lib/x86_64-linux-gnu/abs", ("l", "/etc/localtime")),
    (f"{GRAMINE}/libsysdb.so", b"libsysdb"), (f"{GRAMINE}/sgx/libpal.so", LIBPAL),
    (f"{GRAMINE}/runtime/glibc", ("l", "glibc-2.37")),
    (f"{GRAMINE}/runtime/glibc-2.37/libc.so.6", b"patched libc"),
    ("opt/venv/lib/python3.10/site-packages/x.py", b"x"), ("opt/venv/bin/mse-bootstrap", b"boot"),
    ("opt/input/app/left.py.enc", b"hidden by what is mounted there"),
    ("usr/share/zoneinfo/UTC", b"TZif"), ("etc/localtime", ("l", "/usr/share/zoneinfo/UTC")),
    ("root/python.manifest.template", b"of another version"), ("root/args", b"left over"),
    ("usr/local/bin/mse-run", RUN),
]  # fmt: skip
TOP = [
    ("root/python.manifest.template", TEMPLATE.encode()),
    ("usr/lib/python3.10/.wh.gone.py", b""), ("opt/venv/lib/python3.10/site-packages/y.py", b"y"),
]  # fmt: skip
START = {"Env": ["PATH=/usr/local/bin:/usr/bin", "GRAMINE_VENV=/opt/venv"], "WorkingDir": "/root"}


def base_files():
    """The image's file system, by hand: its layers are simple."""
    files = original.Files([*BASE, *(e for e in TOP if ".wh." not in e[0])])
    del files.at["/usr/lib/python3.10/gone.py"]
    files.remove_below("/opt/input")
    return files


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return put_tar(tmp_path_factory.mktemp("image") / "image.tar",
                   Image([BASE, TOP], "plain", start=START).docker())  # fmt: skip


# ---- one deployment -------------------------------------------------------------------------

CODE = {
    "app.py": b"import flask\n", "package/__init__.py": b"", "package/module.py": b"m" * 200000,
    "templates/page.html": b"<html>", "sub/requirements.txt": b"flask==1\n", "Makefile": b"all:\n",
    "unicode-\u00e9.txt": "\u00e9".encode(), "x.pyc": b"ignored", "__pycache__/y": b"ignored",
    ".env": b"SECRET=1", ".cache/file": b"hidden", "build/kept": b"the rule build/ ignores nothing",
    "a.": b"dot", "exactly": b"p" * 65536, "exactly2": b"p" * 131072,
    ".mseignore": b"# rules\n\n*.py[cod]\n__pycache__\nbuild/\n!app.py\n.vscode/\n",
}  # fmt: skip


def write_code(directory, files):
    Path(directory).mkdir(exist_ok=True)
    for name, data in files.items():
        path = Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Path(directory)


class Deployment:
    """A context of the original, its code and its package; changes are made before it is run."""

    def __init__(self, mse, image, files=None, version="2.0"):
        self.mse, self.image, self.version = mse, image, version
        self.code = write_code(mse.inputs / "code", CODE if files is None else files)
        self.key = KEY
        self.nonces = original.nonces_of(self.code, mse.inputs / "first", random.Random(7))
        self.origin, self.certificate = "self", None
        self.size, self.san = 64, "app.example.org"

    def context(self):
        nonces = "".join(f'{json.dumps(path, ensure_ascii=False)} = "{nonce.hex()}"\n'
                         for path, nonce in self.nonces.items())  # fmt: skip
        key = f'code_secret_key = "{self.key.hex()}"\n' if self.key else ""
        certificate = f'ssl_app_certificate = """\n{self.certificate}"""\n' if self.certificate else ""
        return self.mse.put(f'''version = "{self.version}"
[config]
name = "app"
project = "default"
docker = "example/image:1"
python_application = "app:app"
{key}{certificate}
[instance]
id = "{ID}"
config_domain_name = "{self.san}"
enclave_size = {self.size}
expires_at = "2030-01-01 12:00:00+00:00"
ssl_certificate_origin = "{self.origin}"
[instance.nonces]
{nonces}''', ".toml")  # fmt: skip

    def run(self, *words, image=None):
        return self.mse.run("fingerprint", "--original", "--context", self.context(), "--code",
                            self.code, "--image", image or self.image, *words)  # fmt: skip

    def package(self, number=[0]):  # noqa: B006
        number[0] += 1
        return original.seal(self.code, self.mse.inputs / f"copy{number[0]}", self.key, self.nonces)

    def words(self, **changes):
        values = {"application": "app:app", "app_id": ID, "san": self.san, "subject": SUBJECT,
                  "expiry": EXPIRY}  # fmt: skip
        return original.arguments(**{**values, **changes})

    def expected(self, package=None, words=None, extra=(), files=None, **values):
        """(MRENCLAVE, manifest) of Python's own computation."""
        files = files or base_files()
        app_dir = values.get("app_dir", "/opt/input/app")
        package = self.package() if package is None else package
        for name, data in {**package, **dict(extra)}.items():
            files.put(f"{app_dir}/{name}", data)
        files.put(posixpath.join(HOME, "args"), original.serialize(words or self.words()))
        rendered = {
            "gramine.libos": f"/{GRAMINE}/libsysdb.so", "entrypoint": "/usr/bin/python3.10",
            "gramine.runtimedir()": f"/{GRAMINE}/runtime/glibc-2.37", "log_level": "error",
            "arch_libdir": "/lib/x86_64-linux-gnu", "app_dir": app_dir, "home_dir": "home",
            "key_dir": "key", "code_dir": "code", "enclave_size": f"{self.size}M",
            "python.stdlib": "/usr/lib/python3.10",
            "env.get('GRAMINE_VENV', '/usr/local')": "/opt/venv", **values,
        }  # fmt: skip
        _, text = original.manifest(TEMPLATE, rendered, files)
        size = int(rendered["enclave_size"][:-1]) << (20 if rendered["enclave_size"][-1] == "M" else 30)
        return original.mrenclave(text, LIBPAL, size, 2), text


@pytest.fixture
def deployed(mse, image):
    return Deployment(mse, image)


def value(done):
    assert done.code == YES, str(done)
    return done.out.decode().strip()


# ---- the whole ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ("1.0", "2.0"))
def test_the_fingerprint_is_that_of_the_original(mse, image, version):
    deployed = Deployment(mse, image, version=version)
    mrenclave, text = deployed.expected()
    saved = mse.inputs / "manifest"
    assert value(deployed.run("--manifest", saved)) == mrenclave
    assert saved.read_bytes() == text
    assert deployed.run().written == {}


def test_all_that_goes_in_is_explained(deployed):
    mrenclave, text = deployed.expected()
    package = deployed.package()
    done = deployed.run("--json", "--explain")
    assert done.code == YES, str(done)
    report = done.report
    assert report["schema"] == "mse-original-fingerprint-v1" and report["differences"] == []
    assert report["fingerprint"] == mrenclave and report["tee"] == "sgx"
    assert report["arguments"] == deployed.words()
    assert report["files"] == [{"name": name, "size": len(data), "sha256": sha(data)}
                               for name, data in sorted(package.items(),
                                                        key=lambda item: item[0].encode())]  # fmt: skip
    assert report["manifest_sha256"] == sha(text)
    assert (report["directory"], report["app_dir"]) == ("/root", "/opt/input/app")
    assert (report["interpreter"], report["gramine"]) == ("/usr/bin/python3.10", f"/{GRAMINE}")
    assert [a["name"] for a in report["areas"]][0] == "manifest"
    assert report["areas"][-1]["digest_after"] == sgx_oracle.measure(text, LIBPAL, 64 << 20, 2)[1][-1][1]
    text = deployed.run("--explain").out.decode()
    assert f"fingerprint {mrenclave}\n" in text and f"argument    {SUBJECT}\n" in text
    assert all(f" {name}\n" in text for name in package if name.isascii())


@pytest.mark.parametrize("form", ("layout", "layout.tar", "save"))
def test_every_form_of_the_image_gives_the_same(deployed, form):
    made = Image([BASE, TOP], "gzip", start=START)
    path = deployed.mse.inputs / "archive"
    if form == "layout":
        put_directory(path, made.files())
    else:
        put_tar(path, made.files() if form == "layout.tar" else made.docker())
    assert value(deployed.run(image=path)) == deployed.expected()[0]


def test_an_image_is_chosen_by_its_reference(deployed):
    made = Image([BASE, TOP], start=START, tag="one")
    other = Image([[("a", b"a")]], tag="two")
    index = {"schemaVersion": 2, "manifests": [made.entry(), other.entry()]}
    made.blobs.update(other.blobs)
    path = put_directory(deployed.mse.inputs / "two", made.files(index))
    assert deployed.run(image=path).code == NO
    assert value(deployed.run("--image-reference", "one", image=path)) == deployed.expected()[0]
    done = deployed.run("--image-reference", "two", image=path)
    assert done.code == NO and done.out == b"", str(done)


OPTIONS = {
    "--subject": ("CN=é, with blanks,O=\"x\"", "subject"), "--san": ("192.0.2.1", "san"),
    "--host": ("127.0.0.1", "host"), "--port": ("8443", "port"), "--timeout": ("3600", "timeout"),
}  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_each_argument_is_measured(deployed, option):
    given, name = OPTIONS[option]
    words = deployed.words(**{name: given})
    assert value(deployed.run(option, given)) == deployed.expected(words=words)[0]
    assert deployed.expected(words=words)[0] != deployed.expected()[0]


def test_size_and_log_level_are_measured_as_they_are_typed(deployed):
    assert value(deployed.run("--size", "1G")) == deployed.expected(enclave_size="1G")[0]
    assert value(deployed.run("--size", "1024M")) == deployed.expected(enclave_size="1024M")[0]
    assert deployed.run("--size", "1G").out != deployed.run("--size", "1024M").out
    assert value(deployed.run("--log-level", "debug")) == deployed.expected(log_level="debug")[0]


def test_a_directory_that_is_not_mounted_keeps_what_the_image_has_there(deployed):
    """Older images unpacked into /tmp/app."""
    more = [*TOP, ("tmp/app/of-the-image", b"kept"), ("tmp/app/app.py.enc", b"replaced")]
    path = put_tar(deployed.mse.inputs / "archive", Image([BASE, more], start=START).docker())
    files = base_files()
    files.put("/tmp/app/of-the-image", b"kept")
    words = deployed.words(app_dir="/tmp/app")
    want = deployed.expected(files=files, words=words, app_dir="/tmp/app")[0]
    assert value(deployed.run("--app-dir", "/tmp/app", image=path)) == want


CERTIFICATE = """-----BEGIN CERTIFICATE-----
TUlJQg==
-----END CERTIFICATE-----
"""


def test_an_owners_certificate_is_measured(deployed):
    deployed.origin = "owner"
    done = deployed.run()
    assert done.code == NO and "certificate" in done.err and done.out == b"", str(done)
    deployed.certificate = CERTIFICATE
    words = deployed.words(expiry=None)
    want = deployed.expected(words=words, extra={"fullchain.pem": CERTIFICATE.encode()}.items())[0]
    done = deployed.run()
    assert value(done) == want and "owner" in done.err


def test_a_deployment_behind_the_operators_certificate_is_computed_with_a_warning(deployed):
    deployed.origin = "operator"
    done = deployed.run()
    assert value(done) == deployed.expected()[0] and "operator" in done.err


# ---- the code -------------------------------------------------------------------------------


def test_links_are_followed_as_in_a_copy(mse, image):
    files = {"a/f": b"1", "b": b"2"}
    code = write_code(mse.inputs / "code", files)
    (code / "link").symlink_to("b")
    (code / "tree").symlink_to("a")
    outside = write_code(mse.inputs / "outside", {"o": b"3"})
    (code / "out").symlink_to(outside)
    deployed = Deployment(mse, image, files={})
    assert "tree/f" in deployed.nonces and "out/o" in deployed.nonces
    assert value(deployed.run()) == deployed.expected()[0]


RULES = ["*.py", "a*", "[ab]", "[!ab]*", "?", "a/", "a/b", "!a", "*", "b.*", "# a", " a", "[b-a]",
         "a b", "*.[pt]*", ".*", "é", "requirements.txt", "c"]  # fmt: skip
NAMES = ["a", "b", "c", "ab", "a.py", "b.txt", ".h", "é", "a b", " a", "requirements.txt", "!a",
         "x.enc", "#"]  # fmt: skip


def random_code(rng, directory):
    files = {}
    for _ in range(rng.randrange(1, 12)):
        parts = [rng.choice(NAMES) for _ in range(rng.randrange(1, 4))]
        name = "/".join(parts)
        if parts[0] == "requirements.txt" or any(
            f == name or f.startswith(name + "/") or name.startswith(f + "/") for f in files
        ):
            continue
        files[name] = rng.randbytes(rng.choice([0, 1, 31, 32, 33, 63, 64, 65, 1000, 65535, 65537]))
    files["main"] = b"one file at least"
    files[".mseignore"] = "\n".join(rng.sample(RULES, rng.randrange(4))).encode()
    return write_code(directory, files)


def test_random_trees_are_packed_as_the_original_did(mse, image, tmp_path):
    """Walk, ignore rules, names and every encrypted byte, against copytree, fnmatch and PyNaCl."""
    rng = random.Random(11)
    compared = 0
    for number in range(25):
        deployed = Deployment(mse, image, files={})
        deployed.code = random_code(rng, tmp_path / f"code{number}")
        deployed.nonces = original.nonces_of(deployed.code, tmp_path / "first", rng)
        package = deployed.package()
        done = deployed.run("--json", "--explain")
        if not package:
            assert done.code == NO
            continue
        assert done.code == YES, str(done)
        assert [(f["name"], f["sha256"]) for f in done.report["files"]] == sorted(
            (name, sha(data)) for name, data in package.items()
        )
        compared += len(package)
    assert compared > 40


# ---- differences ----------------------------------------------------------------------------


def differs(done, *changes):
    assert done.code == NO and done.out.decode().splitlines() == list(changes), str(done)
    assert done.written == {}


def put_package(mse, package, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=form) as archive:
        for name, data in package.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uname = len(data), 1700000000.25, "somebody"
            archive.addfile(info, io.BytesIO(data))
    return mse.put(out.getvalue(), ".tar")


def test_files_that_differ_are_named(deployed):
    tar = put_package(deployed.mse, deployed.package())
    assert value(deployed.run("--compare", tar)) == deployed.expected()[0]
    (deployed.code / "new.py").write_bytes(b"new")
    (deployed.code / "Makefile").unlink()
    differs(deployed.run(), "missing Makefile", "extra   new.py")
    done = deployed.run("--json")
    assert done.code == NO and "fingerprint" not in done.report
    assert done.report["differences"] == [{"change": "missing", "path": "Makefile"},
                                          {"change": "extra", "path": "new.py"}]  # fmt: skip
    assert "2 differences" in done.err


@pytest.mark.parametrize("form", (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT), ids=("pax", "gnu"))
def test_a_changed_file_is_named_if_the_package_is_there(deployed, form):
    tar = put_package(deployed.mse, deployed.package(), form)
    before = deployed.expected()[0]
    (deployed.code / "package" / "module.py").write_bytes(b"M" + b"m" * 199999)
    (deployed.code / "sub" / "requirements.txt").write_bytes(b"flask==2\n")
    assert value(deployed.run()) == deployed.expected()[0] != before
    differs(deployed.run("--compare", tar), "differs package/module.py",
            "differs sub/requirements.txt")  # fmt: skip
    (deployed.code / "sub" / "requirements.txt").unlink()
    (deployed.code / "sub2").mkdir()
    (deployed.code / "sub2" / "requirements.txt").write_bytes(b"")
    differs(deployed.run("--compare", tar), "differs package/module.py",
            "missing sub/requirements.txt", "extra   sub2/requirements.txt")  # fmt: skip


def test_hidden_files_need_a_nonce_but_are_not_measured(deployed):
    before = value(deployed.run())
    (deployed.code / ".env").write_bytes(b"SECRET=2")
    assert value(deployed.run()) == before
    (deployed.code / ".env").unlink()
    assert value(deployed.run()) == before
    (deployed.code / ".new").write_bytes(b"x")
    differs(deployed.run(), "extra   .new")
    with pytest.raises(KeyError):
        deployed.package()


# ---- home mode ------------------------------------------------------------------------------


def evidence(mse, **changes):
    args = {"subject": "CN=home.example,O=Home", "subject_alternative_name": "home.example",
            "expiration_date": 1900000000, "size": 128, "app_id": ID.upper(),
            "application": "main:app"}  # fmt: skip
    args.update(changes)
    return mse.put(json.dumps({"input_args": args, "ratls_certificate": "x"}, indent=4))


def test_a_package_and_its_evidence_are_enough(deployed):
    mse = deployed.mse
    words = deployed.words(subject="CN=home.example,O=Home", san="home.example", expiry=1900000000,
                           application="main:app")  # fmt: skip
    for package in (deployed.package(), {"app.py": b"plain", "sub/x": b""}):
        want = deployed.expected(package, words, enclave_size="128M")[0]
        common = ("fingerprint", "--original", "--package", put_package(mse, package), "--image",
                  deployed.image)  # fmt: skip
        assert value(mse.run(*common, "--evidence", evidence(mse))) == want
        other = deployed.words(subject="CN=home.example,O=Home", san="other", expiry=1900000000,
                               application="main:app")  # fmt: skip
        assert value(mse.run(*common, "--evidence", evidence(mse), "--san", "other")) == (
            deployed.expected(package, other, enclave_size="128M")[0]
        )
    done = deployed.run("--evidence", evidence(mse))
    assert value(done) == deployed.expected(words=words, enclave_size="128M")[0]


@pytest.mark.parametrize("change", (
    {"size": 0}, {"size": "4096"}, {"expiration_date": -1}, {"app_id": "x"}, {"subject": None},
    {"application": ["a"]}, {"application": ""},
))  # fmt: skip
def test_evidence_that_does_not_fit_is_refused(deployed, change):
    done = deployed.run("--evidence", evidence(deployed.mse, **change))
    assert done.code == NO and done.out == b"", str(done)


def test_a_package_with_a_link_is_refused(deployed):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "app.py"
        archive.addfile(info)
    done = deployed.mse.run("fingerprint", "--original", "--package", deployed.mse.put(out.getvalue()),
                            "--evidence", evidence(deployed.mse), "--image", deployed.image)  # fmt: skip
    assert done.code == NO and "link" in done.err, str(done)


# ---- refusals -------------------------------------------------------------------------------


def refused(done, *texts, code=NO):
    assert done.code == code and done.out == b"" and done.written == {}, str(done)
    for text in texts:
        assert text in done.err, str(done)


def test_requirements_are_refused_with_the_reason(deployed):
    (deployed.code / "requirements.txt").write_bytes(b"flask\n")
    refused(deployed.run(), "requirements.txt", "pip")


def test_a_context_without_the_key_is_refused(deployed):
    deployed.key = None
    refused(deployed.run(), "code key")


def test_the_key_is_not_shown(deployed):
    for words in ((), ("--explain",), ("--json", "--explain")):
        done = deployed.run(*words)
        assert KEY.hex() not in done.out.decode() + done.err


CHANGES = {
    "no template": (lambda base, top: top.pop(0), "other version", ()),
    "no Gramine": (lambda base, top: base.remove((f"{GRAMINE}/sgx/libpal.so", LIBPAL)), "Gramine", ()),
    "no python": (lambda base, top: base.remove(("usr/bin/python3", ("l", "python3.10"))), "python3", ()),
    "no mse-run": (lambda base, top: base.remove(("usr/local/bin/mse-run", RUN)), "mse-run", ()),
    "another mse-run": (lambda base, top: top.append(
        ("usr/local/bin/mse-run", RUN.replace(b"--ratls", b"--self-signed"))), "--ratls", ()),
    "no subject": (lambda base, top: top.append(
        ("usr/local/bin/mse-run", RUN.replace(b"SUBJECT=", b"NONE="))), "subject", ()),
    "no bootstrap": (lambda base, top: base.remove(("opt/venv/bin/mse-bootstrap", b"boot")),
                     "mse-bootstrap", ()),
    "no ELF": (lambda base, top: top.append((f"{GRAMINE}/sgx/libpal.so", b"text")), "libpal.so", ()),
    "statements": (lambda base, top: top.append(
        ("root/python.manifest.template", b"{% if x %}")), "line 1", ()),
    "size": (lambda base, top: None, "size", ("--size", '64M"')),
    "no power of two": (lambda base, top: None, "enclave_size", ("--size", "65M")),
    "timeout": (lambda base, top: None, "timeout", ("--timeout", "1 --debug")),
    "log level": (lambda base, top: None, "log level", ("--log-level", 'x"')),
    "app dir": (lambda base, top: None, "app directory", ("--app-dir", "relative")),
    "app dir dots": (lambda base, top: None, "app directory", ("--app-dir", "/a/../b")),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_cannot_be_reproduced_is_refused(deployed, name):
    change, text, words = CHANGES[name]
    base, top = copy.copy(BASE), copy.copy(TOP)
    change(base, top)
    if name == "no template":
        base = [e for e in base if "template" not in e[0]]
        text = "template"
    path = put_tar(deployed.mse.inputs / "archive", Image([base, top], start=START).docker())
    refused(deployed.run(*words, image=path), text)


def test_code_that_cannot_be_read_alike_is_refused(deployed):
    os.mkfifo(deployed.code / "fifo")
    deployed.nonces["fifo"] = bytes(24)
    refused(deployed.run(), "fifo")
    (deployed.code / "fifo").unlink()
    (deployed.code / "dangling").symlink_to("nowhere")
    refused(deployed.run(), "dangling")
    (deployed.code / "dangling").unlink()
    (deployed.code / "round").symlink_to(".")
    refused(deployed.run())
    (deployed.code / "round").unlink()
    for name in ("Makefile.enc", "app.py.enc/inside"):
        write_code(deployed.code, {name: b"x"})
        refused(deployed.run(), name.split("/")[0].removesuffix(".enc"), "encrypted")
        (deployed.code / name).unlink()
        if "/" in name:
            (deployed.code / name).parent.rmdir()
    (Path(os.fsdecode(os.fsencode(deployed.code) + b"/\xff"))).write_bytes(b"")
    refused(deployed.run(), "UTF-8")


def test_rules_that_cannot_be_read_are_refused(deployed):
    for data in (b"\xff", b"a\n" * 5000, b"a" * 5000, b"\n" * ((1 << 20) + 1)):
        (deployed.code / ".mseignore").write_bytes(data)
        done = deployed.run()
        assert done.code in (NO, LOCAL) and done.out == b"" and ".mseignore" in done.err, str(done)


@pytest.mark.parametrize("words, text", (
    ((), "--image"),
    (("--image", "i"), "--context"),
    (("--image", "i", "--context", "c"), "--code"),
    (("--image", "i", "--code", "c"), "--context"),
    (("--image", "i", "--code", "c", "--context", "c", "--package", "p"), "--package"),
    (("--image", "i", "--package", "p"), "--evidence"),
    (("--image", "i", "--package", "p", "--evidence", "e", "--compare", "c"), "--compare"),
    (("--image", "i", "--runtime", "r"), "--runtime"),
))  # fmt: skip
def test_wrong_usage(mse, words, text):
    done = mse.run("fingerprint", "--original", *words)
    assert done.code == USAGE and text in done.err and done.out == b"", str(done)


def test_a_context_of_format_3_is_for_the_other_fingerprint(mse, image):
    context = mse.put(f"""version = "3.0"
[config]
name = "a"
python_application = "app:app"
isolation = "process"
unsigned = false
[instance]
id = "{ID}"
ssl_certificate_origin = "self"
""")
    done = mse.run("fingerprint", "--original", "--context", context, "--code", mse.inputs, "--image",
                   image)  # fmt: skip
    refused(done, "3.0", code=USAGE)


# ---- vectors --------------------------------------------------------------------------------


def test_a_vector_gives_its_measurement_as_an_image(build, mse):
    """Made by Gramine's own tools; its paths are relative to the directory."""
    directory = os.environ.get("MSE_VECTORS")
    if not directory:
        pytest.skip("MSE_VECTORS names no directory")
    directory = Path(directory) / "measure"
    vectors = json.loads((directory / "vectors.json").read_text())["vectors"]
    seen = 0
    for vector in (v for v in vectors if v["gramine_tools"] == "1.5"):
        place = Path(directory) / vector["name"]
        layer = []
        with tarfile.open(place / "inputs.tar.xz") as inputs:
            for member in inputs:
                name = f"root/{member.name}"
                if member.isdir():
                    layer.append((name, None))
                elif member.isfile():
                    layer.append((name, inputs.extractfile(member).read()))
                else:
                    layer.append((name, ("l" if member.issym() else "p", member.linkname)))
        layer += [("root/app.manifest", (place / "app.manifest").read_bytes()),
                  ("pal.so", (Path(directory) / vector["libpal"]).read_bytes())]  # fmt: skip
        path = put_tar(mse.inputs / vector["name"], Image([layer]).docker())
        done = subprocess.run(
            [build / "tests" / "tools" / "image_measure", path, "/root", "app.manifest", "/pal.so",
             mse.inputs / "out"], capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == vector["expected"]["mrenclave"]
        assert (mse.inputs / "out").read_bytes() == (place / "app.manifest.sgx").read_bytes()
        seen += 1
    assert seen > 0
