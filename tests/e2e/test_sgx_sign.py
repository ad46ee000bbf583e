# SPDX-License-Identifier: Apache-2.0
"""mse sgx measure, sign and show against an independent computation in Python."""

import hashlib
import json
import os
import subprocess
from datetime import datetime, timezone

import pytest
import sgx_oracle
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from harness import LOCAL, NO, USAGE, YES

R, W, X, LOAD = sgx_oracle.R, sgx_oracle.W, sgx_oracle.X, sgx_oracle.LOAD
DATE = "2023-08-10"
PAL = sgx_oracle.elf(
    [(sgx_oracle.NOTE, R, 0x100, 0x100, 0x20, 0x20), (LOAD, R, 0, 0, 0x300, 0x300),
     (LOAD, R | X, 0x1000, 0x3000, 0x1001, 0x1001), (LOAD, R | W, 0x2FF0, 0x6FF0, 0x10, 0x1234)],
    0x3400, entry=0x3010,
)  # fmt: skip
BASED = sgx_oracle.elf([(LOAD, R | X, 0, 0x20000, 0x345, 0x1345)], 0x2000, entry=0x40)
MANIFEST = """loader.entrypoint.uri = "file:libsysdb.so"
loader.log_level = "error"
sgx.enclave_size = "4M"
sgx.max_threads = 2
sgx.isvprodid = 1
sgx.isvsvn = 10
sgx.trusted_files = ["file:libsysdb.so", "file:code/"]
"""


def pem(key, form=PrivateFormat.TraditionalOpenSSL, encryption=None):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


@pytest.fixture(scope="session")
def key():
    return rsa.generate_private_key(3, 3072)


class Enclave:
    """A working directory with an app, its manifest, a PAL and a key, and the commands over it."""

    def __init__(self, mse, key, manifest=MANIFEST, pal=PAL):
        self.mse, self.key = mse, key
        self.key_file = mse.put(pem(key), ".pem")
        self.pal_file = mse.put(pal, ".so")
        self.pal = pal
        (mse.work / "code" / "sub").mkdir(parents=True)
        (mse.work / "code" / "sub" / "x.py").write_bytes(b"x = 1\n")
        (mse.work / "code" / "app.py").write_bytes(b"import sub.x\n")
        (mse.work / "libsysdb.so").write_bytes(b"not really a library\n")
        self.write(manifest)

    def write(self, manifest):
        (self.mse.work / "app.manifest").write_text(manifest)

    def sign(self, *more, manifest="app.manifest", key=None, date=DATE, output="app.manifest.sgx",
             force=True, **options):  # fmt: skip
        dated = ["--date", date] if date else []
        words = ["--libpal", self.pal_file, "--key", key or self.key_file, "--output", output]
        words += ["--force"] if force else []
        return self.mse.run("sgx", "sign", manifest, *words, *dated, *more, **options)

    def measure(self, *more, manifest="app.manifest.sgx", libpal=None):
        return self.mse.run("sgx", "measure", manifest, "--libpal", libpal or self.pal_file, *more)

    def expect(self, done, size=4 << 20, threads=2, edmm=False, date=DATE, **settings):
        """Both files are there and hold exactly what they have to."""
        assert done.code == YES, done
        text = done.written["app.manifest.sgx"]
        mrenclave, _ = sgx_oracle.measure(text, self.pal, size, threads, edmm)
        want = sgx_oracle.sigstruct(self.key, bytes.fromhex(mrenclave), date, **settings)
        assert done.written["app.sig"] == want
        return mrenclave


@pytest.fixture
def enclave(mse, key):
    return Enclave(mse, key)


# ---- sign -----------------------------------------------------------------------------------


def test_manifest_and_signature_are_those_of_an_independent_computation(enclave):
    done = enclave.sign("--json")
    mrenclave = enclave.expect(done, prod_id=1, svn=10)
    text = done.written["app.manifest.sgx"].decode()
    assert text.count("[[sgx.trusted_files]]") == 3
    for path in ("libsysdb.so", "code/app.py", "code/sub/x.py"):
        digest = hashlib.sha256((enclave.mse.work / path).read_bytes()).hexdigest()
        assert f'uri = "file:{path}"\nsha256 = "{digest}"\n' in text
    assert done.report == {
        "schema": "mse-sgx-sign-v1", "mrenclave": mrenclave,
        "mrsigner": sgx_oracle.mrsigner(enclave.key), "manifest": "app.manifest.sgx",
        "sigstruct": "app.sig",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("sgx.debug = true\n", {"debug": True}),
        ("sgx.use_exinfo = true\n", {"exinfo": True}),
        ("sgx.edmm_enable = true\n", {"edmm": True}),
        ('sgx.cpu_features.avx = "required"\nsgx.cpu_features.avx512 = "disabled"\n',
         {"avx": "required", "avx512": "disabled"}),
        ('sgx.cpu_features.amx = "required"\nsgx.cpu_features.pkru = "required"\n',
         {"amx": "required", "pkru": "required"}),
        ('sgx.cpu_features.mpx = "required"\n', {"mpx": "required"}),
    ],
    ids=lambda v: v.split("=")[0] if isinstance(v, str) else None,
)  # fmt: skip
def test_settings_of_the_manifest_are_in_the_signature(enclave, more, expected):
    enclave.write(MANIFEST + more)
    enclave.expect(enclave.sign(), prod_id=1, svn=10, **expected)


def test_a_pal_at_a_fixed_address_stays_there(mse, key):
    enclave = Enclave(mse, key, pal=BASED)
    enclave.expect(enclave.sign(), prod_id=1, svn=10)


def test_the_rules_of_1_5_take_their_own_switches(enclave):
    enclave.write(MANIFEST.replace('loader.entrypoint.uri = "file', 'loader.entrypoint = "file')
                  + "sgx.require_avx512 = true\nsgx.require_exinfo = true\n")  # fmt: skip
    done = enclave.sign("--gramine", "1.5")
    enclave.expect(done, prod_id=1, svn=10, avx512="required", exinfo=True, fixed_mask=True)
    assert b"cpu_features" not in done.written["app.manifest.sgx"]


def test_openssl_verifies_the_signature(enclave, tmp_path):
    sig = enclave.sign().written["app.sig"]
    (tmp_path / "signed").write_bytes(sig[:128] + sig[900:1028])
    (tmp_path / "signature").write_bytes(sig[516:900][::-1])
    public = subprocess.run(
        ["openssl", "rsa", "-in", enclave.key_file, "-pubout", "-out", tmp_path / "public.pem"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert public.returncode == 0
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", tmp_path / "public.pem", "-signature",
         tmp_path / "signature", tmp_path / "signed"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_signing_again_gives_the_same_bytes(enclave):
    first = enclave.sign().written
    assert enclave.sign().written == first
    (enclave.mse.work / "code" / "app.py").write_bytes(b"import sub.x \n")
    changed = enclave.sign().written
    assert changed["app.manifest.sgx"] != first["app.manifest.sgx"]
    assert changed["app.sig"] != first["app.sig"]


def test_a_finished_manifest_stays_as_it_is_without_its_files(enclave):
    first = enclave.sign().written
    path = enclave.mse.put(first["app.manifest.sgx"], ".manifest.sgx")
    for name in ("libsysdb.so", "code/app.py", "code/sub/x.py"):
        (enclave.mse.work / name).unlink()
    done = enclave.sign("--sig", "app.sig", manifest=path)
    assert done.code == YES, done
    assert done.written["app.manifest.sgx"] == first["app.manifest.sgx"]
    assert done.written["app.sig"] == first["app.sig"]


def test_the_date_is_today_if_none_is_given(enclave):
    before = datetime.now(timezone.utc)
    sig = enclave.sign(date=None).written["app.sig"]
    days = {m.strftime("%d%m%Y") for m in (before, datetime.now(timezone.utc))}
    read = sig[20:24].hex()
    assert read[:4] + read[6:8] + read[4:6] in days


def test_no_date_is_a_date(enclave):
    enclave.expect(enclave.sign(date="0000-00-00"), date="0000-00-00", prod_id=1, svn=10)


@pytest.mark.parametrize("date", ["2023-02-29", "2023-8-10", "20230810", "2023-08-10T00:00:00Z",
                                  "today", "", "0000-00-01"])  # fmt: skip
def test_what_is_no_day_is_refused(enclave, date):
    done = enclave.sign("--date", date, date=None)
    assert done.code == USAGE and "--date" in done.err
    assert "app.sig" not in done.written


@pytest.mark.parametrize(
    ("name", "sig"),
    [("app.manifest", "app.sig"), ("dir/app.manifest", "dir/app.sig"), ("app", "app.sig"),
     ("x.manifest.toml", "x.manifest.toml.sig")],
)  # fmt: skip
def test_the_signature_lies_beside_the_input(enclave, name, sig):
    (enclave.mse.work / "dir").mkdir()
    (enclave.mse.work / name).write_text(MANIFEST)
    done = enclave.sign(manifest=name)
    assert done.code == YES, done
    assert len(done.written[sig]) == 1808 and "app.manifest.sgx" in done.written


def test_chroot_is_where_paths_begin(enclave):
    root = enclave.mse.work / "root"
    (root / "usr" / "lib").mkdir(parents=True)
    (root / "usr" / "lib" / "a").write_bytes(b"a")
    (root / "lib").symlink_to("usr/lib")
    enclave.write('loader.entrypoint.uri = "file:libsysdb.so"\nsgx.enclave_size = "4M"\n'
                  'sgx.max_threads = 2\nsgx.trusted_files = ["file:/lib/"]\n')  # fmt: skip
    done = enclave.sign("--chroot", "root")
    enclave.expect(done)
    assert b'uri = "file:/usr/lib/a"' in done.written["app.manifest.sgx"]


# ---- what is not signed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: pem(rsa.generate_private_key(65537, 3072)), "65537"),
        (lambda: pem(rsa.generate_private_key(3, 2048)), "2048 bits"),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8), "EC"),
        (lambda: b"no key\n", "no private key"),
        (lambda: b"", "no private key"),
    ],
    ids=["exponent 65537", "2048 bits", "elliptic curve", "no PEM", "empty"],
)
def test_a_key_that_sgx_does_not_take_is_refused_by_name(enclave, make, why):
    done = enclave.sign(key=enclave.mse.put(make()))
    assert done.code == NO and why in done.err, done
    assert not {"app.sig", "app.manifest.sgx"} & set(done.written)


def test_an_encrypted_key_is_refused_without_a_question(enclave, key):
    data = pem(key, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    done = enclave.sign(key=enclave.mse.put(data))
    assert done.code == NO and "encrypted" in done.err and done.out == b""


def test_a_pkcs8_key_signs_the_same(enclave, key):
    enclave.expect(enclave.sign(key=enclave.mse.put(pem(key, PrivateFormat.PKCS8))), prod_id=1,
                   svn=10)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"4M"', '"3M"', "power of two"),
        ('"4M"', '"512K"', "not large enough"),
        ('"4M"', '"16K"', "enclave_size: line 3"),
        ("max_threads = 2", "max_threads = 0", "max_threads: line 4"),
        ("max_threads = 2", "max_threads = 4097", "max_threads: line 4"),
        ("max_threads = 2", "max_threads = 64", "not large enough"),
        ("isvsvn = 10", "isvsvn = 65536", "isvsvn: line 6"),
        ('"file:code/"', '"file:absent"', "absent"),
        ("sgx.isvsvn", "sgx isvsvn", "line 6"),
    ],
)
def test_a_manifest_that_gives_no_enclave_leaves_nothing(enclave, old, new, why):
    enclave.write(MANIFEST.replace(old, new))
    done = enclave.sign()
    assert done.code == NO and why in done.err, done
    assert not {"app.sig", "app.manifest.sgx"} & set(done.written)


def test_if_one_file_cannot_be_written_the_other_is_not_there(enclave):
    (enclave.mse.work / "taken.sig").mkdir()
    done = enclave.sign("--sig", "taken.sig")
    assert done.code == LOCAL, done
    assert "app.manifest.sgx" not in done.written
    (enclave.mse.work / "app.manifest.sgx").write_bytes(b"as before")
    done = enclave.sign("--sig", "taken.sig")
    assert done.code == LOCAL and done.written["app.manifest.sgx"] == b"as before"
    assert not [name for name in done.written if ".mse-" in name]


def test_another_file_is_replaced_only_with_force(enclave):
    for name in ("app.manifest.sgx", "app.sig"):
        for file in ("app.manifest.sgx", "app.sig"):
            (enclave.mse.work / file).unlink(missing_ok=True)
        (enclave.mse.work / name).write_text("kept")
        done = enclave.sign(force=False)
        assert done.code == LOCAL, done
        outputs = {p.name: p.read_bytes() for p in enclave.mse.work.iterdir()
                   if p.name in ("app.manifest.sgx", "app.sig")}  # fmt: skip
        assert outputs == {name: b"kept"}
    assert enclave.sign().code == YES
    assert enclave.sign(force=False).code == YES, "the same again"


def test_no_input_is_written_over(enclave):
    link = enclave.mse.work / "link"
    link.hardlink_to(enclave.key_file)
    before = enclave.key_file.read_bytes()
    for words in (["--sig", enclave.key_file], ["--sig", "link"], ["--sig", enclave.pal_file],
                  ["--sig", "app.manifest"], ["--sig", "app.manifest.sgx"]):  # fmt: skip
        done = enclave.sign(*words)
        assert done.code == USAGE, done
    assert enclave.sign(output="app.manifest").code == USAGE
    assert enclave.key_file.read_bytes() == before
    assert (enclave.mse.work / "app.manifest").read_text() == MANIFEST


@pytest.mark.parametrize("left_out", ["--libpal", "--key", "--output", "manifest"])
def test_what_is_missing_is_wrong_usage(enclave, left_out):
    words = ["app.manifest", "--libpal", str(enclave.pal_file), "--key", str(enclave.key_file),
             "--output", "app.manifest.sgx"]  # fmt: skip
    if left_out == "manifest":
        words = words[1:]
    else:
        at = words.index(left_out)
        words = words[:at] + words[at + 2 :]
    done = enclave.mse.run("sgx", "sign", *words)
    assert done.code == USAGE and done.out == b""


@pytest.mark.parametrize("words", [["--gramine", "1.8"], ["--gramine", "1.5", "--chroot", "."]])
def test_rules_that_are_not_known_are_wrong_usage(enclave, words):
    done = enclave.sign(*words)
    assert done.code == USAGE and words[-2] in done.err


# ---- measure --------------------------------------------------------------------------------


def test_measure_explains_every_area(enclave):
    done = enclave.sign()
    mrenclave, digests = sgx_oracle.measure(done.written["app.manifest.sgx"], PAL, 4 << 20, 2)
    shown = enclave.measure("--json", "--explain").report
    assert shown["schema"] == "mse-sgx-measure-v1" and shown["mrenclave"] == mrenclave
    assert [(a["name"], a["digest_after"]) for a in shown["areas"]] == digests
    assert (shown["enclave_size"], shown["max_threads"], shown["edmm"]) == (4 << 20, 2, False)
    text = enclave.measure("--explain").out.decode()
    assert f"mrenclave {mrenclave}" in " ".join(text.split())
    for name, digest in digests:
        assert any(name in line and digest in line for line in text.splitlines())


def test_measure_takes_the_bytes_as_they_are(enclave):
    written = enclave.sign().written["app.manifest.sgx"]
    for text in (written, written + b"\n", written + b"# a comment", written.replace(b" = ", b"=")):
        path = enclave.mse.put(text)
        want, _ = sgx_oracle.measure(text, PAL, 4 << 20, 2)
        done = enclave.measure("--json", manifest=path)
        assert done.report["mrenclave"] == want
        assert "areas" not in done.report


def hostile():
    """(name, ELF file, what the message says)."""
    yield "empty", b"", "ELF"
    yield "text", b"#!/bin/sh\n", "ELF"
    yield "header only", PAL[:64], "truncated"
    yield "cut", PAL[:0x2800], "ends before"
    yield "no segment", sgx_oracle.elf([], 0x400), "no PT_LOAD"
    yield "overlap", sgx_oracle.elf([(LOAD, R, 0, 0, 1, 1)] * 2, 0x400), "shares a page"
    yield "huge", sgx_oracle.elf([(LOAD, R, 0, 0, 1, 2**63)], 0x400), "any enclave"
    yield "wraps", sgx_oracle.elf([(LOAD, R, 0, 2**64 - 4096, 1, 8192)], 0x400), "any enclave"
    yield "too large", sgx_oracle.elf([(LOAD, R, 0, 0, 1, 5 << 20)], 0x400), "not large enough"
    yield "other machine", sgx_oracle.elf([(LOAD, R, 0, 0, 1, 1)], 0x400, machine=3), "x86-64"
    yield "entry", sgx_oracle.elf([(LOAD, R, 0, 0, 1, 1)], 0x400, entry=2**63), "entry point"


@pytest.mark.parametrize(("file", "why"), [c[1:] for c in hostile()], ids=[c[0] for c in hostile()])
def test_a_pal_that_cannot_be_loaded_is_refused(enclave, file, why):
    enclave.sign()
    done = enclave.measure("--json", libpal=enclave.mse.put(file))
    assert done.code == NO and why in done.err, done
    assert done.no_result


def test_a_missing_file_is_a_local_failure(enclave):
    enclave.sign()
    assert enclave.measure(libpal="absent").code == LOCAL
    assert enclave.measure(manifest="absent").code == LOCAL
    assert enclave.mse.run("sgx", "measure", "app.manifest.sgx").code == USAGE


# ---- show -----------------------------------------------------------------------------------


def test_show_says_what_is_in_a_signature(enclave):
    enclave.write(MANIFEST + "sgx.debug = true\n")
    done = enclave.sign()
    mrenclave = enclave.expect(done, prod_id=1, svn=10, debug=True)
    shown = enclave.mse.run("sgx", "show", "app.sig", "--json")
    assert shown.code == YES
    want = {"mrenclave": mrenclave, "mrsigner": sgx_oracle.mrsigner(enclave.key), "date": DATE,
            "isv_prod_id": 1, "isv_svn": 10, "debug": True, "holds": True}  # fmt: skip
    assert want.items() <= shown.report.items()
    value, mask = sgx_oracle.xfrm()
    numbers = {"attributes": 6, "attribute_mask": 2**64 - 1, "xfrm": value, "xfrm_mask": mask,
               "misc_select": 0, "misc_mask": 2**32 - 1, "vendor": 0}  # fmt: skip
    assert {k: int(shown.report[k], 16) for k in numbers} == numbers
    text = enclave.mse.run("sgx", "show", "app.sig")
    assert text.code == YES and mrenclave in text.out.decode()


@pytest.mark.parametrize("at", [16, 40, 128, 600, 900, 928, 960, 1024, 1040, 1424])
def test_show_says_no_to_a_signature_that_does_not_hold(enclave, at):
    sig = bytearray(enclave.sign().written["app.sig"])
    sig[at] ^= 1
    done = enclave.mse.run("sgx", "show", enclave.mse.put(bytes(sig)), "--json")
    assert done.code == NO
    assert done.report["holds"] is False and done.report["reason"]


@pytest.mark.parametrize(
    ("change", "why"),
    [(lambda s: s[:-1], "truncated"), (lambda s: s + b"\0", "larger"),
     (lambda s: b"\0" + s[1:], "header"), (lambda s: s[:512] + b"\1" + s[513:], "exponent"),
     (lambda s: s[:20] + b"\x32" + s[21:], "date"), (lambda s: b"", "truncated")],
    ids=["short", "long", "header", "exponent", "date", "empty"],
)  # fmt: skip
def test_show_refuses_what_is_no_signature(enclave, change, why):
    sig = enclave.sign().written["app.sig"]
    done = enclave.mse.run("sgx", "show", enclave.mse.put(change(sig)), "--json")
    assert done.code == NO and done.no_result, done
    assert why in done.err or why in json.loads(done.out)["code"] or why == "larger", done


def test_an_answer_that_cannot_be_written_is_a_failure(enclave):
    enclave.sign()
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with open("/dev/full", "wb") as full:
        done = enclave.mse.run("sgx", "show", "app.sig", stdout=full)
    assert done.code == LOCAL
