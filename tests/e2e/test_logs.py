# SPDX-License-Identifier: Apache-2.0
"""mse cloud logs on records made with PyNaCl: what is printed, what is missed, what is named."""

import json
import os
import pty
import struct

import pytest
from harness import LOCAL, NO, USAGE, YES
from nacl.public import SealedBox
from nacl.signing import SigningKey
from test_configure import secret_key_file

from testpki import minisign

MS = 1_795_557_641_234  # 2026-11-24T22:00:41Z


@pytest.fixture(scope="module")
def owner():
    return minisign.Key()


def record(owner, sequence, text, *, lost=0, time=MS, outside=None, plain=None):
    public = SigningKey(seed(owner)).verify_key.to_curve25519_public_key()
    if plain is None:
        plain = b"mse-log-v1\n" + struct.pack(">QQQ", sequence, time, lost) + text
    box = SealedBox(public).encrypt(plain)
    return struct.pack(">IQ", len(box), outside or sequence) + box


def seed(owner):
    from cryptography.hazmat.primitives import serialization as s

    return owner.secret.private_bytes(s.Encoding.Raw, s.PrivateFormat.Raw, s.NoEncryption())


class Logs:
    def __init__(self, mse, owner):
        self.mse, self.key = mse, mse.put(secret_key_file(owner))

    def run(self, *files, words=(), **options):
        more = [w for data in files for w in ("--file", self.mse.put(data))]
        return self.mse.run("cloud", "logs", "--key", self.key, *more, *words, **options)


@pytest.fixture
def logs(mse, owner):
    return Logs(mse, owner)


def test_files_are_joined_in_order(logs, owner):
    older = record(owner, 1, b"one\n") + record(owner, 2, b"two \xc3\xa9\n")
    newer = record(owner, 3, b"three\nfour")
    for files in ((older, newer), (newer, older), (older, newer, older)):
        done = logs.run(*files)
        assert done.code == YES and done.out == b"one\ntwo \xc3\xa9\nthree\nfour", str(done)
        assert done.err == ""


def test_an_empty_log(logs):
    done = logs.run(b"")
    assert done.code == YES and done.out == b"" and done.err == ""


def test_gaps_are_named(logs, owner):
    data = b"".join(record(owner, n, b"%d\n" % n) for n in (4, 5, 7, 11))
    done = logs.run(data)
    assert done.code == YES and done.out == b"4\n5\n7\n11\n"
    assert "records 1 to 3 are not in these files any more" in done.err
    assert "record 6 is missing" in done.err and "records 8 to 10 are missing" in done.err


def test_losses_are_named(logs, owner):
    done = logs.run(record(owner, 1, b"a\n") + record(owner, 2, b"b\n", lost=4711))
    assert done.code == YES and "4711 bytes of output were lost before record 2" in done.err


def test_another_key(logs, owner):
    other = minisign.Key()
    done = logs.run(record(owner, 1, b"a\n") + record(other, 2, b"b\n") + record(owner, 3, b"c\n"))
    assert done.code == NO and done.out == b"a\nc\n", str(done)
    assert "record 2 is for another key" in done.err and "1 of 3 records" in done.err
    assert "missing" not in done.err


def test_a_changed_box(logs, owner):
    data = bytearray(record(owner, 1, b"abc\n"))
    data[-1] ^= 1
    done = logs.run(bytes(data))
    assert done.code == NO and done.out == b"" and "record 1 " in done.err


@pytest.mark.parametrize("made", [
    dict(outside=9), dict(plain=b"mse-log-v2\n" + struct.pack(">QQQ", 1, MS, 0) + b"x"),
    dict(plain=b"mse-log-v1\n" + struct.pack(">QQQ", 0, MS, 0) + b"x"),
    dict(plain=b"mse-log-v1\n" + struct.pack(">QQQ", 1, 1 << 63, 0) + b"x"),
], ids=["number", "tag", "zero", "time"])
def test_what_contradicts_itself_is_not_printed(logs, owner, made):
    done = logs.run(record(owner, 1, b"abc\n", **made))
    assert done.code == NO and done.out == b"" and "1 are falsified" in done.err, str(done)


def test_records_that_began_again_are_all_printed(logs, owner):
    done = logs.run(record(owner, 1, b"old\n"), record(owner, 1, b"new\n"))
    assert done.code == YES and sorted(done.out.splitlines()) == [b"new", b"old"]


def test_every_prefix_of_a_log(logs, owner, mse):
    """As a writer that was killed leaves it: whole records are printed, the rest is counted."""
    whole = record(owner, 1, b"a\n")
    data = whole + record(owner, 2, b"b\n")
    for cut in (1, 3, 4, 11, 12, 13, len(whole) - 1, len(whole), len(whole) + 1, len(data) - 1):
        done = logs.run(data[:cut])
        assert done.code == YES and done.out == (b"a\n" if cut >= len(whole) else b""), str(done)
        assert ("in the middle of a record" in done.err) == (cut != len(whole))


@pytest.mark.parametrize("data", [
    b"plain text, no log at all\n", struct.pack(">IQ", 0, 1), struct.pack(">IQ", 1 << 31, 1),
    struct.pack(">IQ", 200, 0) + bytes(200), struct.pack(">IQ", 200, 1 << 60) + bytes(200),
])  # fmt: skip
def test_what_is_no_log(logs, data):
    done = logs.run(data)
    assert done.code == NO and done.out == b"" and "no log" in done.err


def test_json_and_times(logs, owner):
    data = record(owner, 1, b"a\nb") + record(owner, 2, b"c\xff\n", lost=3)
    done = logs.run(data, words=("--json",))
    assert [json.loads(line) for line in done.out.splitlines()] == [
        {"sequence": 1, "time_ms": MS, "text": "a\nb"},
        {"sequence": 2, "time_ms": MS, "lost": 3, "text": "c\ufffd\n"},
    ]
    done = logs.run(data, words=("--times",))
    assert done.out == b"2026-11-24T22:00:41Z a\n2026-11-24T22:00:41Z bc\xff\n"


def test_a_terminal_gets_no_control_characters(logs, owner):
    text = b"\x1b[31mred\x07 \xc2\x9b1m \x9b \xc3\xa9\ttab\n"
    file = logs.mse.put(record(owner, 1, text))
    done = logs.mse.run("cloud", "logs", "--key", logs.key, "--file", file, "--json")
    assert b"\\u001b[31m" in done.out
    master, slave = pty.openpty()
    try:
        done = logs.mse.run("cloud", "logs", "--key", logs.key, "--file", file, stdout=slave)
        shown = os.read(master, 4096)
    finally:
        os.close(slave)
        os.close(master)
    assert done.code == YES
    assert shown == b"\\x1b[31mred\\x07 \\xc2\\x9b1m \\x9b \xc3\xa9\ttab\r\n"


def test_usage(logs, mse):
    assert mse.run("cloud", "logs", "--key", logs.key).code == USAGE
    assert mse.run("cloud", "logs", "--file", logs.key).code == USAGE
    assert mse.run("cloud", "logs", "--file", "/nowhere", "--key", logs.key).code == LOCAL
    assert logs.run(b"", words=("--key", logs.key)).code == USAGE
