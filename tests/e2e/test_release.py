# SPDX-License-Identifier: Apache-2.0
"""mse keygen and mse release, against the minisign program in both directions."""

import base64
import hashlib
import json
import os
import pty
import select
import subprocess
import termios
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from harness import LOCAL, NO, USAGE, YES, Mse, files_below

HEX = "ab" * 32
OTHER = "cd" * 32
DATES = ("--not-before", "2026-11-24T22:00:41Z", "--not-after", "2027-02-22T22:00:41Z")
AT = ("--at", "2026-12-01")


def minisign(directory, *words, answers=(), check=True):
    """minisign reads passwords from a pipe too."""
    return subprocess.run(
        ["minisign", *map(str, words)], cwd=directory, check=check, capture_output=True,
        input="".join(f"{a}\n" for a in answers).encode(), timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": str(directory)},
    )  # fmt: skip


@pytest.fixture
def owner(mse):
    """A key pair without a password in the working directory."""
    done = mse.run("keygen", "--no-password", "--output", "owner.key")
    assert done.code == YES, str(done)
    return done.out.decode().strip()


def cheap_key(password):
    """A secret key file whose scrypt takes a megabyte (libsodium: N = 1024, p = 1), by hashlib."""
    key = ed25519.Ed25519PrivateKey.generate()
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    half = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    body, salt = bytes(range(8)) + seed + half, os.urandom(32)
    body += hashlib.blake2b(b"Ed" + body, digest_size=32).digest()
    stream = hashlib.scrypt(password, salt=salt, n=1024, r=8, p=1, dklen=len(body))
    limits = (32768).to_bytes(8, "little") + (16 << 20).to_bytes(8, "little")
    sealed = bytes(a ^ b for a, b in zip(body, stream))
    text = base64.b64encode(b"EdScB2" + salt + limits + sealed)
    public = base64.b64encode(b"Ed" + body[:8] + half).decode()
    return b"untrusted comment: cheap\n" + text + b"\n", public


def sign(mse, output, *words, app="shop", name="shop.example", key="owner.key", dates=DATES):
    return mse.run("release", "sign", "--key", key, "--app", app, "--name", name,
                   "--fingerprint", f"sgx:{HEX}", "--runtime", OTHER, "--output", output,
                   *dates, *words)  # fmt: skip


def canonical(**changes):
    """The bytes that RFC 8785 makes of a release, by another implementation."""
    release = {
        "app": "shop", "fingerprints": [{"hex": HEX, "tee": "sgx"}], "format": 1,
        "min_tcb_eval": 0, "names": ["shop.example"], "not_after": 1803333641,
        "not_before": 1795557641, "previous": None, "runtime": OTHER, "serial": 1, **changes,
    }  # fmt: skip
    return json.dumps(release, sort_keys=True, separators=(",", ":")).encode()


# ---- keys -------------------------------------------------------------------------------------


def test_a_key_pair_is_written_and_its_public_half_printed(mse):
    done = mse.run("keygen", "--no-password")
    assert done.code == YES
    assert sorted(done.written) == ["mse-owner.key", "mse-owner.key.pub"]
    key, public = mse.work / "mse-owner.key", mse.work / "mse-owner.key.pub"
    assert key.stat().st_mode & 0o777 == 0o600 and public.stat().st_mode & 0o777 == 0o644
    assert public.read_bytes().splitlines()[1] == done.out.strip()
    raw = base64.b64decode(done.out)
    secret = base64.b64decode(key.read_bytes().splitlines()[1])
    assert len(raw) == 42 and raw[2:10] == secret[54:62] and raw[10:] == secret[94:126]
    assert secret[126:] == hashlib.blake2b(b"Ed" + secret[54:126], digest_size=32).digest()


def test_a_key_is_not_replaced_without_force(mse, owner):
    before = (mse.work / "owner.key").read_bytes()
    done = mse.run("keygen", "--no-password", "--output", "owner.key")
    assert done.code == LOCAL and done.no_result and "--force" in done.err
    (mse.work / "owner.key").unlink()
    done = mse.run("keygen", "--no-password", "--output", "owner.key")
    assert done.code == LOCAL and "owner.key" not in done.written  # the public one is still there
    assert mse.run("keygen", "--no-password", "--output", "owner.key", "--force").code == YES
    assert (mse.work / "owner.key").read_bytes() != before


def test_nothing_is_left_when_the_public_key_cannot_be_written(mse):
    done = mse.run("keygen", "--no-password", "--public", "no/such/directory")
    assert done.code == LOCAL and done.no_result and done.written == {}


@pytest.mark.parametrize("public", ["./owner.key", "hard", "link"])
def test_force_does_not_put_the_public_key_in_place_of_the_secret_one(mse, owner, public):
    (mse.work / "link").symlink_to("owner.key")
    (mse.work / "hard").hardlink_to(mse.work / "owner.key")
    before = (mse.work / "owner.key").read_bytes()
    done = mse.run(
        "keygen", "--no-password", "--output", "owner.key", "--public", public, "--force"
    )
    assert done.code == USAGE and "--public" in done.err, str(done)
    assert (mse.work / "owner.key").read_bytes() == before


@pytest.mark.parametrize("public", ["no/such/directory", "directory"])
def test_force_keeps_the_old_keys_when_the_public_one_cannot_be_written(mse, owner, public):
    before = files_below(mse.work)
    (mse.work / "directory").mkdir()
    done = mse.run(
        "keygen", "--no-password", "--output", "owner.key", "--public", public, "--force"
    )
    assert done.code == LOCAL and done.no_result, str(done)
    assert done.written == before


def test_force_keeps_the_old_keys_when_the_secret_one_cannot_be_written(mse, owner):
    before = files_below(mse.work)
    (mse.work / "directory").mkdir()
    done = mse.run(
        "keygen", "--no-password", "--output", "directory", "--public", "owner.key.pub", "--force"
    )
    assert done.code == LOCAL and done.no_result, str(done)
    assert done.written == before
    done = mse.run("keygen", "--no-password", "--output", "directory", "--public", "p", "--force")
    assert done.code == LOCAL and done.written == before, str(done)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--no-password", "--password-file", "pw"),
        ("--no-password", "--public", "./mse-owner.key"),
        ("--no-password", "--public", "./././mse-owner.key"),
        ("--no-password", "--output", "-"),
        ("--no-password", "--output", ""),
        ("--no-password", "--public", "-"),
        ("--no-password", "--public", ""),
        ("--password-file", "pw", "--output", "./pw", "--force"),
        ("--password-file", "pw", "--public", "./pw", "--force"),
        ("--no-password", "extra"),
        ("--password-file", "empty"),
        ("--password-file", "two"),
        ("--password-file", "nul"),
        ("--password-file", "long"),
    ],
)
def test_wrong_usage_of_keygen_writes_nothing(mse, words):
    files = {"pw": b"x\n", "empty": b"\n", "two": b"a\nb\n", "nul": b"a\0b", "long": b"x" * 1023}
    for name, data in files.items():
        (mse.work / name).write_bytes(data)
    done = mse.run("keygen", *words)
    assert done.code == USAGE and done.no_result
    assert set(done.written) == set(files)


# ---- minisign -----------------------------------------------------------------------------------


def test_minisign_takes_our_key_and_our_signature(mse, owner):
    (mse.work / "text").write_text("runtime description\n")
    done = mse.run("release", "sign", "--key", "owner.key", "--file", "text")
    assert done.code == YES and "text.minisig" in done.written, str(done)
    out = minisign(mse.work, "-V", "-P", owner, "-m", "text").stdout.decode()
    assert "Signature and comment signature verified" in out and "file:text\thashed" in out
    minisign(mse.work, "-V", "-p", "owner.key.pub", "-m", "text")
    minisign(mse.work, "-S", "-s", "owner.key", "-m", "text", "-x", "by-minisign")
    minisign(mse.work, "-V", "-p", "owner.key.pub", "-m", "text", "-x", "by-minisign")
    # Deterministic signatures: the same bytes from both.
    ours, its = ((mse.work / name).read_text() for name in ("text.minisig", "by-minisign"))
    assert ours.splitlines()[1] == its.splitlines()[1]


def test_we_take_a_key_and_a_signature_of_minisign(mse):
    minisign(mse.work, "-G", "-W", "-p", "m.pub", "-s", "m.key")
    assert sign(mse, "r1", key="m.key").code == YES
    minisign(mse.work, "-V", "-p", "m.pub", "-m", "r1")
    (mse.work / "r2").write_bytes(canonical(serial=2))
    minisign(mse.work, "-S", "-s", "m.key", "-m", "r2")
    for release in ("r1", "r2"):
        done = mse.run("release", "verify", release, "--owner", "m.pub", *AT)
        assert done.code == YES, str(done)


def test_an_encrypted_key_goes_both_ways(mse):
    """The gigabyte of scrypt that minisign demands is used here and once below."""
    (mse.work / "pw").write_bytes(b"correct horse\r\n")
    (mse.work / "text").write_text("x")
    assert mse.run("keygen", "--output", "k", "--password-file", "pw", timeout=120).code == YES
    minisign(mse.work, "-S", "-s", "k", "-m", "text", answers=["correct horse"])
    minisign(mse.work, "-V", "-p", "k.pub", "-m", "text")
    (mse.work / "text.minisig").unlink()
    minisign(mse.work, "-G", "-p", "m.pub", "-s", "m", answers=["correct horse"] * 2)
    words = ("release", "sign", "--key", "m", "--file", "text", "--password-file", "pw")
    assert mse.run(*words, timeout=120).code == YES
    minisign(mse.work, "-V", "-p", "m.pub", "-m", "text")


def test_the_password_must_be_there_and_right(mse):
    key, public = cheap_key(b"correct horse")
    (mse.work / "k").write_bytes(key)
    (mse.work / "pw").write_bytes(b"correct horse")
    (mse.work / "wrong").write_bytes(b"correct horsE\n")
    (mse.work / "text").write_text("x")
    words = ("release", "sign", "--key", "k", "--file", "text")
    done = mse.run(*words, "--password-file", "wrong")
    assert done.code == USAGE and "wrong password" in done.err and "text.minisig" not in done.written
    done = mse.run(*words)
    assert done.code == USAGE and "--password-file" in done.err
    assert mse.run(*words, "--password-file", "none").code == LOCAL
    assert mse.run(*words, "--password-file", "pw").code == YES
    minisign(mse.work, "-V", "-P", public, "-m", "text")


def test_a_legacy_signature_is_refused(mse, owner):
    (mse.work / "r").write_bytes(canonical())
    minisign(mse.work, "-S", "-l", "-s", "owner.key", "-m", "r")
    minisign(mse.work, "-V", "-p", "owner.key.pub", "-m", "r")
    done = mse.run("release", "verify", "r", "--owner", owner, *AT)
    assert done.code == NO and done.no_result and "old format" in done.err


# ---- terminal -----------------------------------------------------------------------------------


class Terminal:
    """The program on a terminal of its own; what it prints there is what a person would see."""

    def __init__(self, mse, *words):
        self.ours, its = pty.openpty()
        self.process = subprocess.Popen(
            [mse.program, *words], stdin=its, stdout=its, stderr=its, cwd=mse.work, env=mse.env(),
            start_new_session=True,
        )  # fmt: skip
        self.its, self.seen, self.new = its, b"", b""

    def wait_for(self, text, deadline=60):
        end = time.monotonic() + deadline
        while text not in self.new:
            ready, _, _ = select.select([self.ours], [], [], max(0, end - time.monotonic()))
            assert ready, self.seen
            more = os.read(self.ours, 4096)
            self.seen, self.new = self.seen + more, self.new + more
        self.new = self.new.split(text, 1)[1]

    def say(self, data):
        os.write(self.ours, data)

    def finish(self, deadline=120):
        code = self.process.wait(deadline)
        echo = termios.tcgetattr(self.its)[3] & termios.ECHO
        os.close(self.its)
        try:
            while more := os.read(self.ours, 4096):
                self.seen += more
        except OSError:  # the other end is closed
            pass
        os.close(self.ours)
        assert echo, "the terminal was left silent"
        return code


def test_a_password_is_asked_twice_and_not_shown(mse):
    terminal = Terminal(mse, "keygen", "--output", "k")
    terminal.wait_for(b"New password for the key: ")
    terminal.say(b"wrong\x15hat-s\xc3\xa9\x7fecret\n")
    terminal.wait_for(b"The same once more: ")
    terminal.say(b"hat-secret\r")
    assert terminal.finish() == YES
    assert b"hat-s" not in terminal.seen and (mse.work / "k.pub").exists()
    (mse.work / "text").write_text("x")
    minisign(mse.work, "-S", "-s", "k", "-m", "text", answers=["hat-secret"])


def test_the_password_of_a_key_is_asked_once(mse):
    key, public = cheap_key("b\u00fccher".encode())
    (mse.work / "k").write_bytes(key)
    (mse.work / "text").write_text("x")
    terminal = Terminal(mse, "release", "sign", "--key", "k", "--file", "text")
    terminal.wait_for(b"Password of the key: ")
    terminal.say("b\u00fc\u00fc\x7fcher\n".encode())
    assert terminal.finish() == YES and b"cher" not in terminal.seen
    minisign(mse.work, "-V", "-P", public, "-m", "text")


@pytest.mark.parametrize(
    "answers, says",
    [
        ((b"one\n", b"two\n"), b"differ"),
        ((b"\n",), b"empty"),
        ((b"half\x03",), b"interrupted"),
        ((b"x" * 1023 + b"\n",), b"longer than"),
    ],
    ids=["two differ", "empty", "Ctrl-C", "too long"],
)
def test_a_password_that_is_none_makes_no_key(mse, answers, says):
    terminal = Terminal(mse, "keygen", "--output", "k")
    for prompt, answer in zip((b"New password for the key: ", b"once more: "), answers):
        terminal.wait_for(prompt)
        terminal.say(answer)
    assert terminal.finish() == USAGE
    assert says in terminal.seen and not list(mse.work.iterdir())


# ---- sign ---------------------------------------------------------------------------------------


def test_a_release_is_canonical_json(mse, owner):
    assert sign(mse, "r1").code == YES
    assert (mse.work / "r1").read_bytes() == canonical()
    done = sign(mse, "r2", "--name", "www.shop.example", "--fingerprint", f"tdx:{HEX}",
                "--fingerprint", f"snp:{OTHER.upper()}", "--min-tcb-eval", 17,
                "--previous", "r1")  # fmt: skip
    assert done.code == YES, str(done)
    digest = hashlib.sha256(canonical()).hexdigest()
    assert (mse.work / "r2").read_bytes() == canonical(
        serial=2, previous=digest, min_tcb_eval=17, names=["shop.example", "www.shop.example"],
        fingerprints=[{"hex": HEX, "tee": "sgx"}, {"hex": HEX, "tee": "tdx"},
                      {"hex": OTHER, "tee": "snp"}],
    )  # fmt: skip
    assert sign(mse, "r9", "--serial", 9, "--previous", "r2").code == YES
    assert json.loads((mse.work / "r9").read_bytes())["serial"] == 9


def test_a_release_counts_for_90_days_from_now(mse, owner):
    before = int(time.time())
    assert sign(mse, "r", dates=()).code == YES
    release = json.loads((mse.work / "r").read_bytes())
    assert before <= release["not_before"] <= int(time.time())
    assert release["not_after"] - release["not_before"] == 90 * 86400


def test_a_runtime_description_stands_for_its_digest(mse, owner):
    files = [{"path": "/usr/bin/python3", "sha256": HEX}]
    description = json.dumps(
        {"files": files, "format": "mse-runtime-v1", "loader": {"path": "/ld.so", "sha256": HEX},
         "name": "python", "tee": "sgx", "version": "1"},
        sort_keys=True, separators=(",", ":"),
    ).encode()  # fmt: skip
    (mse.work / "runtime.json").write_bytes(description)
    words = ("release", "sign", "--key", "owner.key", "--app", "shop", "--name", "a.example",
             "--fingerprint", f"sgx:{HEX}")  # fmt: skip
    done = mse.run(*words, "--runtime", "runtime.json", "--output", "r")
    assert done.code == YES, str(done)
    digest = hashlib.sha256(description).hexdigest()
    assert json.loads((mse.work / "r").read_bytes())["runtime"] == digest
    (mse.work / "runtime.json").write_bytes(description + b"\n")
    done = mse.run(*words, "--runtime", "runtime.json", "--output", "r2")
    assert done.code == NO and "r2" not in done.written


@pytest.mark.parametrize(
    "words",
    [
        ("--name", "Shop.example"),
        ("--name", "*.example"),
        ("--name", "shop.example"),
        ("--name", "192.0.2.1"),
        ("--fingerprint", HEX),
        ("--fingerprint", f"SGX:{HEX}"),
        ("--fingerprint", f"sgx:{HEX}"),
        ("--fingerprint", "sgx:abab"),
        ("--serial", "0"),
        ("--serial", "-1"),
        ("--serial", "1x"),
        ("--serial", "99999999999999999999"),
        ("--min-tcb-eval", "4294967296"),
        ("--key", "owner.key"),
        ("--file", "owner.key"),
        ("extra",),
    ],
    ids=" ".join,
)
def test_what_a_release_may_not_say_is_wrong_usage(mse, owner, words):
    done = sign(mse, "r", *words)
    assert done.code == USAGE and done.no_result
    assert sorted(done.written) == ["owner.key", "owner.key.pub"]


@pytest.mark.parametrize(
    "dates",
    [
        ("--not-before", "tomorrow"),
        ("--not-after", "2020-01-01"),
        ("--not-before", "2026-01-01", "--not-after", "2027-02-04"),
    ],
    ids=["no time", "before it begins", "399 days"],
)
def test_dates_that_cannot_be_are_wrong_usage(mse, owner, dates):
    done = sign(mse, "r", dates=dates)
    assert done.code == USAGE and "r" not in done.written
    longest = ("--not-before", "2026-01-01", "--not-after", "2027-02-03")
    assert sign(mse, "r", dates=longest).code == YES


@pytest.mark.parametrize(
    "missing", ["--app", "--name", "--fingerprint", "--runtime", "--output", "--key"]
)
def test_what_a_release_needs_must_be_given(mse, owner, missing):
    given = {"--key": "owner.key", "--app": "shop", "--name": "a.example",
             "--fingerprint": f"sgx:{HEX}", "--runtime": OTHER, "--output": "r"}  # fmt: skip
    words = [w for option, value in given.items() if option != missing for w in (option, value)]
    done = mse.run("release", "sign", *words)
    assert done.code == USAGE and "r" not in done.written


@pytest.mark.parametrize("option", ["--file", "--output"])
@pytest.mark.parametrize("name", ["-", ""])
def test_a_signature_of_nothing_that_has_a_name_is_wrong_usage(mse, owner, option, name):
    words = ("--key", "owner.key", option, name)
    done = mse.run("release", "sign", *words, stdin=subprocess.DEVNULL)
    assert done.code == USAGE and done.no_result and option in done.err, str(done)
    assert sorted(done.written) == ["owner.key", "owner.key.pub"]


def test_existing_files_are_not_replaced_and_none_is_left_alone(mse, owner):
    assert sign(mse, "r").code == YES
    before = (mse.work / "r").read_bytes()
    done = sign(mse, "r", "--serial", 2)
    assert done.code == LOCAL and (mse.work / "r").read_bytes() == before
    (mse.work / "s.minisig").write_text("in the way")
    done = sign(mse, "s")
    assert done.code == LOCAL and "s" not in done.written
    done = sign(mse, "no/such/directory/r")
    assert done.code == LOCAL
    (mse.work / "t").write_text("x")
    (mse.work / "t.minisig").write_text("in the way")
    assert mse.run("release", "sign", "--key", "owner.key", "--file", "t").code == LOCAL


def test_the_previous_release_must_be_of_the_same_owner_and_app_and_older(mse, owner):
    assert sign(mse, "r5", "--serial", 5).code == YES
    for words in (("--serial", 5), ("--serial", 4)):
        done = sign(mse, "next", "--previous", "r5", *words)
        assert done.code == USAGE and "next" not in done.written
    assert sign(mse, "next", "--previous", "r5", app="other").code == USAGE
    assert mse.run("keygen", "--no-password", "--output", "thief.key").code == YES
    done = sign(mse, "next", "--previous", "r5", key="thief.key")
    assert done.code == NO and "next" not in done.written
    (mse.work / "r5.minisig").unlink()
    done = sign(mse, "next", "--previous", "r5")
    assert done.code == LOCAL and "r5.minisig" in done.err


# ---- show and verify ------------------------------------------------------------------------


def test_show_says_that_nothing_was_checked(mse, owner):
    assert sign(mse, "r").code == YES
    (mse.work / "r.minisig").unlink()
    done = mse.run("release", "show", "r")
    assert done.code == YES
    assert done.out.startswith(b"NOT CHECKED ") and b"nothing was checked" in done.out
    assert HEX.encode() in done.out and "nothing was checked" in done.err
    shown = json.loads(mse.run("release", "show", "r", "--json").out)
    assert shown["checked"] is False and shown["schema"] == "mse-release-v1"
    assert shown["fingerprints"] == [{"tee": "sgx", "hex": HEX}]
    assert shown["sha256"] == hashlib.sha256(canonical()).hexdigest()
    assert mse.run("release", "show").code == USAGE
    (mse.work / "r").write_bytes(canonical() + b"\n")
    assert mse.run("release", "show", "r").code == NO


def test_a_good_release_is_verified_and_remembered(mse, owner):
    assert sign(mse, "r").code == YES
    words = ("--owner", owner, "--name", "SHOP.example.", *AT, "--json")
    done = mse.run("release", "verify", "r", *words)
    assert done.code == YES, str(done)
    said = json.loads(done.out)
    assert said["checked"] is True and said["owner"] == owner and said["name"] == "SHOP.example."
    assert "as of" in done.err
    state = mse.home / ".local/state/mse/releases"
    key = base64.b64decode(owner)[10:].hex()
    memory = json.loads((state / f"{key}-shop.json").read_bytes())
    assert base64.b64decode(memory["release"]) == canonical()
    assert base64.b64decode(memory["signature"]) == (mse.work / "r.minisig").read_bytes()
    done = mse.run("release", "verify", "r", "--owner", "owner.key.pub", *AT)
    assert done.code == YES and done.out.startswith(b"VERIFIED ") and b"not checked" in done.out


@pytest.mark.parametrize(
    "words, says",
    [
        (("--at", "2026-11-24T22:00:40Z"), "valid from"),
        (("--at", "2027-02-22T22:00:42Z"), "valid until"),
        ((*AT, "--name", "other.example"), "other.example"),
    ],
    ids=["too early", "too late", "another name"],
)
def test_a_release_that_does_not_count_is_not_remembered(mse, owner, words, says):
    assert sign(mse, "r").code == YES
    done = mse.run("release", "verify", "r", "--owner", owner, "--json", *words)
    assert done.code == NO and done.no_result and says in done.err
    assert not (mse.home / ".local").exists()
    for last in ("2026-11-24T22:00:41Z", "2027-02-22T22:00:41Z"):
        assert mse.run("release", "verify", "r", "--owner", owner, "--at", last).code == YES


def test_a_changed_release_is_refused_and_not_parsed(mse, owner):
    assert sign(mse, "r").code == YES
    good, signature = (mse.work / "r").read_bytes(), (mse.work / "r.minisig").read_text()
    verify = ("release", "verify", "r", "--owner", owner, *AT)
    for bad in (good + b"\n", good.replace(b"shop.example", b"evil.example"), b"", b"rubbish"):
        (mse.work / "r").write_bytes(bad)
        done = mse.run(*verify)
        assert done.code == NO and done.no_result and "signature" in done.err
    (mse.work / "r").write_bytes(good)
    for bad in (signature.replace("file:r", "file:s"), signature + "\n", "", "x" * 9000):
        (mse.work / "r.minisig").write_text(bad)
        assert mse.run(*verify).code == NO
    # Nobody signs the first line, so nobody is shown it.
    evil = signature.split("\n", 1)[1]
    (mse.work / "r.minisig").write_text("untrusted comment: checked by the authorities\n" + evil)
    done = mse.run(*verify)
    assert done.code == YES and b"authorities" not in done.out and "authorities" not in done.err
    (mse.work / "r.minisig").unlink()
    assert mse.run(*verify).code == LOCAL


def test_signed_rubbish_is_no_release(mse, owner):
    rubbish = (b"", b"[]", canonical() + b" ", canonical(format=2), canonical(extra=1))
    for i, content in enumerate(rubbish):
        (mse.work / f"r{i}").write_bytes(content)
        minisign(mse.work, "-S", "-s", "owner.key", "-m", f"r{i}")
        done = mse.run("release", "verify", f"r{i}", "--owner", owner, *AT)
        assert done.code in (NO, USAGE) and done.no_result, content


def test_another_owner_is_refused(mse, owner):
    assert sign(mse, "r").code == YES
    thief = mse.run("keygen", "--no-password", "--output", "thief.key").out.decode().strip()
    done = mse.run("release", "verify", "r", "--owner", thief, *AT)
    assert done.code == NO and "made with key" in done.err
    # The same ID, another key.
    raw = base64.b64decode(owner)[:10] + base64.b64decode(thief)[10:]
    done = mse.run("release", "verify", "r", "--owner", base64.b64encode(raw).decode(), *AT)
    assert done.code == NO and done.no_result


def test_an_older_release_is_refused_for_good(mse, owner):
    for serial in (1, 2):
        assert sign(mse, f"r{serial}", "--serial", serial).code == YES
    assert sign(mse, "twin", "--serial", 2, "--min-tcb-eval", 1).code == YES
    assert sign(mse, "other", app="other").code == YES

    def verify(name):
        return mse.run("release", "verify", name, "--owner", owner, *AT)

    assert [verify(n).code for n in ("r1", "r2", "r2")] == [YES] * 3
    done = verify("r1")
    assert done.code == NO and done.no_result and "older than one already seen" in done.err
    done = verify("twin")
    assert done.code == NO and "same serial" in done.err
    assert verify("other").code == YES and verify("r2").code == YES
    memory = next((mse.home / ".local/state/mse/releases").glob("*-shop.json"))
    memory.write_bytes(memory.read_bytes()[:-20])
    done = verify("r2")
    assert done.code == LOCAL and str(memory) in done.err
    memory.unlink()
    assert verify("r1").code == YES


def test_the_state_directory_is_where_the_environment_says(mse, owner, tmp_path):
    assert sign(mse, "r").code == YES
    words = ("release", "verify", "r", "--owner", owner, *AT)
    state = tmp_path / "elsewhere"
    assert mse.run(*words, env=mse.env(XDG_STATE_HOME=str(state))).code == YES
    assert list((state / "mse/releases").glob("*-shop.json"))
    done = mse.run(*words, env=mse.env(HOME=None))
    assert done.code == USAGE and "XDG_STATE_HOME" in done.err


@pytest.mark.parametrize("words", [(), ("r",), ("r", "--owner", "nothing"), ("r", "--owner", "r"),
                                   ("r", "--owner", "owner.key.pub", "--at", "never")])  # fmt: skip
def test_wrong_usage_of_verify_is_said_before_anything_is_read(mse, owner, words):
    (mse.work / "r").write_text("x")
    done = mse.run("release", "verify", *words)
    assert done.code == USAGE and done.no_result


def test_parallel_verifications_agree(program, tmp_path):
    mse = Mse(program, tmp_path)
    assert mse.run("keygen", "--no-password", "--output", "owner.key").code == YES
    for serial in range(1, 9):
        assert sign(mse, f"r{serial}", "--serial", serial).code == YES
    running = [
        subprocess.Popen(
            [mse.program, "release", "verify", f"r{serial}", "--owner", "owner.key.pub", *AT],
            cwd=mse.work, env=mse.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) for serial in range(1, 9)
    ]  # fmt: skip
    for process in running:
        _, err = process.communicate(timeout=60)
        assert process.returncode == YES or b"older than one already seen" in err, err
    assert running[-1].returncode == YES
    assert mse.run("release", "verify", "r7", "--owner", "owner.key.pub", *AT).code == NO
