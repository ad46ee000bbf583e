# SPDX-License-Identifier: Apache-2.0
"""mse cloud configure against a server of its own: what is sent, to whom, and what never is."""

import base64
import hashlib
import json
import shlex
import stat
import subprocess

import pytest
from config_server import UUID, ConfigServer, reply
from harness import LOCAL, MRENCLAVE, MRSIGNER, NO, UNKNOWN, USAGE, YES
from nacl.public import PrivateKey, SealedBox

from testpki import minisign, ratls

NAME = "app1.example"
CODE_KEY = bytes(range(32))
SECRETS = '{"password": "hunter2 \\u00e9",\n  "n": 1.50}\n'


def secret_key_file(key):
    """minisign's secret key without a password."""
    seed = key.secret.private_bytes_raw() if hasattr(key.secret, "private_bytes_raw") else None
    if seed is None:
        from cryptography.hazmat.primitives import serialization as s

        seed = key.secret.private_bytes(s.Encoding.Raw, s.PrivateFormat.Raw, s.NoEncryption())
    sealed = key.id + seed + key.raw
    check = hashlib.blake2b(b"Ed" + sealed, digest_size=32).digest()
    data = b"Ed" + b"\0\0" + b"B2" + bytes(48) + sealed + check
    return f"untrusted comment: minisign secret key\n{base64.b64encode(data).decode()}\n"


@pytest.fixture(scope="module")
def owner():
    return minisign.Key()


@pytest.fixture(scope="module")
def box():
    return PrivateKey.generate()


@pytest.fixture(scope="module")
def cert(present, box):
    return present.certificate("mse", x25519=bytes(box.public_key))


@pytest.fixture(scope="module")
def other_cert(present, box):
    return present.certificate("mse", x25519=bytes(box.public_key), key=present.keys.get("another"))


def context(owner, *, code_key=CODE_KEY, health="/health", uuid=UUID, unsigned=False,
            origin="self", pem=None):
    text = f"""version = "3.0"

[config]
name = "demo"
python_application = "app:app"
healthcheck_endpoint = "{health}"
memory = 1024
threads = 64
owner = "{owner.raw.hex()}"
isolation = "process"
unsigned = {str(unsigned).lower()}
runtime = "{'11' * 32}"
tree = "{'22' * 32}"
"""
    if pem:
        text += f'ssl_certificate = """\n{pem}"""\n'
    text += f"""
[instance]
id = "{uuid}"
domain_name = "{NAME}"
config_domain_name = "config.{NAME}"
ssl_certificate_origin = "{origin}"
expires_at = 2027-01-01T00:00:00Z
created_at = 2026-11-01T00:00:00Z
"""
    if code_key:
        text += f'\n[secret]\ncode_secret_key = "{code_key.hex()}"\n'
    return text


class Owner:
    """Runs the command with the owner's key, the world's roots and its collateral."""

    def __init__(self, mse, present, vendors, owner):
        self.mse, self.owner = mse, owner
        self.key = mse.put(secret_key_file(owner))
        self.base = ("--pccs", vendors.url, "--simulation-root", mse.put(present.roots_pem()))

    def run(self, server, *words, expect=("--fingerprint", MRENCLAVE), uuid=UUID, key=None,
            domain=NAME, wait="20", **options):
        more = ["--uuid", uuid] if uuid else []
        where = server if isinstance(server, str) else server.server.authority
        return self.mse.run(
            "cloud", "configure", domain, "--connect", where, "--key", key or self.key,
            "--wait", wait, "--min-level", "1", *self.base, *expect, *more, *words, **options,
        )  # fmt: skip


@pytest.fixture
def configure(mse, present, vendors, owner):
    return Owner(mse, present, vendors, owner)


def refused(done, server, code, *words):
    """The exit status, the words, and not one byte of a body."""
    assert done.code == code, str(done)
    for word in words:
        assert word in done.err, str(done)
    assert server.bodies == [] and server.configured is None


# ---- what is sent -----------------------------------------------------------------------------


def test_everything_an_owner_can_say(configure, cert, owner, box):
    sealed = {"db": "s3cret", "list": [1, 2]}
    words = (
        "--context", configure.mse.put(context(owner)),
        "--secrets", configure.mse.put(SECRETS),
        "--sealed-secrets", configure.mse.put(json.dumps(sealed)),
    )  # fmt: skip
    with ConfigServer(cert, owner.raw) as server:
        done = configure.run(server, *words, uuid=None)
        assert done.code == YES, str(done)
        body = server.bodies[0]
    assert len(server.bodies) == 1 and server.server.connections == 2
    said = json.loads(body)
    assert set(said) == {"uuid", "blind", "app_secrets", "app_sealed_secrets", "code_secret_key"}
    assert said["uuid"] == UUID and said["code_secret_key"] == CODE_KEY.hex()
    assert len(bytes.fromhex(said["blind"])) == 32 and said["blind"] == said["blind"].lower()
    assert SECRETS.encode() in body
    opened = SealedBox(box).decrypt(base64.urlsafe_b64decode(said["app_sealed_secrets"] + "=="))
    assert json.loads(opened) == sealed
    assert done.out.decode().startswith(f"Configured: instance {UUID}, epoch 1\n")
    assert done.written.keys() == {"cert.pem"} and done.written["cert.pem"].decode() == cert.pem


def test_the_least_that_can_be_said(configure, cert, owner):
    with ConfigServer(cert, owner.raw) as server:
        done = configure.run(server)
        assert done.code == YES, str(done)
    assert set(json.loads(server.bodies[0])) == {"uuid", "blind"}
    (get, _), (post, fields), (health, _) = server.heads
    assert get.startswith("GET / HTTP/1.1") and post.startswith("POST / HTTP/1.1")
    assert fields["host"] == NAME and fields["content-type"] == "application/json"
    assert health == "GET / HTTP/1.1"


def test_each_body_is_blinded_anew(configure, cert, owner):
    blinds = set()
    for epoch in (1, 2):
        with ConfigServer(cert, owner.raw, epoch=epoch) as server:
            assert configure.run(server).code == YES
        blinds.add(json.loads(server.bodies[0])["blind"])
    assert len(blinds) == 2


def test_a_box_that_was_sealed_before_goes_as_it_is(configure, cert, owner, box):
    sealed = SealedBox(box.public_key).encrypt(b'{"a":1}')
    text = base64.urlsafe_b64encode(sealed).decode()
    for epoch, value in ((1, text), (2, text.rstrip("=") + "\n")):
        with ConfigServer(cert, owner.raw, epoch=epoch) as server:
            done = configure.run(server, "--sealed-secrets", configure.mse.put(value))
            assert done.code == YES, str(done)
        assert json.loads(server.bodies[0])["app_sealed_secrets"] == value.strip()


def test_an_owners_certificate(configure, cert, other_cert, owner):
    """After the configuration the app shows the owner's certificate: that is waited for."""
    key, pem = configure.mse.put(other_cert.key_pem), configure.mse.put(other_cert.pem)
    with ConfigServer([cert, other_cert], owner.raw) as server:
        done = configure.run(server, "--ssl-private-key", key, "--ssl-certificate", pem)
        assert done.code == YES, str(done)
    said = json.loads(server.bodies[0])
    assert said["ssl_private_key"] == other_cert.key_pem
    assert said["ssl_certificate"] == other_cert.pem
    assert "--cacert" not in done.out.decode()


def test_an_owners_certificate_out_of_the_context(configure, cert, other_cert, owner):
    file = configure.mse.put(context(owner, origin="owner", pem=other_cert.pem))
    with ConfigServer([cert, other_cert], owner.raw) as server:
        done = configure.run(server, "--context", file)
        refused(done, server, USAGE, "--ssl-private-key")
        assert server.server.connections == 0
        done = configure.run(server, "--context", file, "--ssl-private-key",
                             configure.mse.put(other_cert.key_pem))  # fmt: skip
        assert done.code == YES, str(done)
    assert json.loads(server.bodies[0])["ssl_certificate"] == other_cert.pem


def test_unsigned_only_where_the_context_says_so(configure, cert, owner):
    with ConfigServer(cert, owner.raw, unsigned=True) as server:
        refused(configure.run(server), server, NO, "asks for no signature")
        file = configure.mse.put(context(owner, unsigned=True))
        done = configure.run(server, "--context", file)
        assert done.code == YES and "without a signature" in done.out.decode(), str(done)
    assert "mse-signature" not in server.heads[-2][1]


def test_sealing_beforehand(configure, cert, owner, box, mse):
    """Two steps: sealed by whoever has the secrets, sent by whoever has the owner's key."""
    secrets, sealed = mse.put('{"db":"s3cret"}'), mse.work / "sealed"
    with ConfigServer(cert, owner.raw) as server:
        def seal(*expect):
            return mse.run("cloud", "seal", NAME, "--connect", server.server.authority,
                           "--secrets", secrets, "--output", sealed, *configure.base, *expect)

        for expect, code in ((("--mrsigner", MRSIGNER), USAGE), (("--fingerprint", "00" * 32), NO)):
            done = seal(*expect)
            assert done.code == code and not sealed.exists(), str(done)
        done = seal("--fingerprint", MRENCLAVE)
        assert done.code == YES and done.out == b"", str(done)
        text = sealed.read_text().strip()
        opened = SealedBox(box).decrypt(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        assert opened == b'{"db":"s3cret"}'
        assert configure.run(server, "--sealed-secrets", sealed).code == YES
    assert json.loads(server.bodies[0])["app_sealed_secrets"] == text


def test_evidence_without_a_key_to_seal_to(configure, present, owner):
    with ConfigServer(present.certificate("mse"), owner.raw) as server:
        done = configure.run(server, "--sealed-secrets", configure.mse.put("{}"))
        refused(done, server, NO, "names no key")


# ---- who is told ------------------------------------------------------------------------------


def test_a_server_without_evidence_gets_no_byte(configure, owner, present):
    with ConfigServer(ratls.plain(**present.hooks), owner.raw) as server:
        refused(configure.run(server), server, NO, "nothing was sent")
        assert server.server.wait(1) and server.server.app_bytes == 0


def test_evidence_about_another_key_gets_no_byte(configure, owner, present, forger):
    with ConfigServer(forger.certificate("mse"), owner.raw) as server:
        refused(configure.run(server), server, NO, "nothing was sent")
        assert server.server.wait(1) and server.server.app_bytes == 0


def test_other_code_gets_no_byte(configure, cert, owner):
    with ConfigServer(cert, owner.raw) as server:
        done = configure.run(server, expect=("--fingerprint", "00" * 32))
        refused(done, server, NO, "fingerprint", "nothing was sent")
        assert server.server.wait(1) and server.server.app_bytes == 0


def test_unchecked_code_is_no_addressee(configure, cert, owner):
    with ConfigServer(cert, owner.raw) as server:
        for expect in ((), ("--mrsigner", "00" * 32)):
            done = configure.run(server, expect=expect)
            refused(done, server, USAGE, "code that was checked")
        assert server.server.connections == 0


def test_a_certificate_that_changes_between_connections_is_no_app(configure, cert, other_cert, owner):
    with ConfigServer([cert, other_cert], owner.raw) as server:
        done = configure.run(server)
        assert done.code == NO and "another certificate" in done.err, str(done)
    assert server.configured is not None and b"ready:" not in done.out


def test_a_relay_that_shows_another_certificate_gets_no_usable_signature(configure, cert, other_cert, owner):
    """The statement names the certificate of this connection: another instance refuses it."""
    with ConfigServer(other_cert, owner.raw) as server:
        server.certs = [cert]  # what the instance behind the relay has
        done = configure.run(server)
        assert done.code == NO and "no signature of the owner" in done.err, str(done)
    assert server.configured is None


# ---- what is refused before any traffic --------------------------------------------------------


@pytest.mark.parametrize("words, said", [
    (("--uuid", "nonsense"), "--uuid"),
    (("--wait", "x"), "--wait"),
    (("--timeout", "0"), "--timeout"),
    (("--health", "health"), "--health"),
    (("--output", "-"), "--output"),
    (("--code", "."), "--code: needs --context"),
    (("--secrets", "/dev/null/x"), "--secrets"),
])
def test_wrong_options(configure, cert, owner, words, said):
    with ConfigServer(cert, owner.raw) as server:
        uuid = None if "--uuid" in words else UUID
        more = {"wait": "20"}
        if "--wait" in words:
            more["wait"], words = "x", ()
        done = configure.run(server, *words, uuid=uuid, **more)
        assert done.code in (USAGE, LOCAL) and said in done.err, str(done)
        assert server.server.connections == 0


@pytest.mark.parametrize("option, content", [
    ("--secrets", "{not json"), ("--secrets", '{"a":1,"a":2}'), ("--sealed-secrets", "[1]"),
    ("--sealed-secrets", "not base64url!"), ("--sealed-secrets", ""), ("--context", "x"),
    ("--ssl-private-key", "x"),
])  # fmt: skip
def test_wrong_files(configure, cert, owner, option, content):
    file = configure.mse.put(content)
    with ConfigServer(cert, owner.raw) as server:
        done = configure.run(server, option, file)
        refused(done, server, USAGE, str(file))
        assert server.server.connections == 0


def test_wrong_keys_and_contexts(configure, cert, owner):
    other = minisign.Key()
    with ConfigServer(cert, owner.raw) as server:
        done = configure.run(server, "--context", configure.mse.put(context(other)))
        refused(done, server, USAGE, "owner that the context names")
        another = "00000000-0000-4000-8000-000000000002"
        done = configure.run(server, "--context", configure.mse.put(context(owner, uuid=another)))
        refused(done, server, USAGE, "--uuid")
        assert server.server.connections == 0
        done = configure.run(server, uuid=None)
        refused(done, server, USAGE, "--uuid")
        done = configure.run(server, key=configure.mse.put(secret_key_file(other)))
        assert done.code == NO and "no signature" in done.err, str(done)
    assert server.configured is None


def test_a_body_beyond_what_an_instance_takes(configure, cert, owner):
    big = configure.mse.put(json.dumps("x" * ((1 << 20) - 100)))
    with ConfigServer(cert, owner.raw) as server:
        refused(configure.run(server, "--secrets", big), server, NO, "1048576")


# ---- epochs -----------------------------------------------------------------------------------


def test_an_older_epoch_is_shown_and_refused(configure, cert, owner):
    with ConfigServer(cert, owner.raw, epoch=5) as server:
        assert configure.run(server).code == YES
    for epoch in (5, 4, 1, 0):
        with ConfigServer(cert, owner.raw, epoch=epoch) as server:
            done = configure.run(server)
            refused(done, server, NO, "older epoch", f"epoch {epoch},", "epoch 5 ")
    with ConfigServer(cert, owner.raw, epoch=6) as server:
        assert configure.run(server).code == YES
    with ConfigServer(cert, owner.raw, epoch=2) as server:
        assert configure.run(server, "--accept-older-epoch").code == YES
    with ConfigServer(cert, owner.raw, epoch=3) as server:
        assert configure.run(server).code == YES


def test_a_refused_epoch_is_not_remembered(configure, cert, owner):
    for _ in range(2):
        with ConfigServer(cert, owner.raw, uuid="00000000-0000-4000-8000-000000000009") as server:
            done = configure.run(server)
            assert done.code == NO and "another instance" in done.err, str(done)
    with ConfigServer(cert, owner.raw) as server:
        assert configure.run(server).code == YES


def test_epochs_are_those_of_one_instance(configure, cert, owner):
    other = "00000000-0000-4000-8000-000000000003"
    for uuid in (UUID, other):
        with ConfigServer(cert, owner.raw, epoch=1, uuid=uuid) as server:
            assert configure.run(server, uuid=uuid).code == YES


def test_a_memory_that_was_changed_is_not_believed(configure, cert, owner):
    with ConfigServer(cert, owner.raw, epoch=9) as server:
        assert configure.run(server).code == YES
    (file,) = [p for p in (configure.mse.home / ".local/state/mse/epochs").iterdir() if UUID in p.name]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    tag, line = text.splitlines()
    assert tag == "mse-epoch-memory-v1"
    said = bytearray(base64.b64decode(line))
    assert int.from_bytes(said[113:121], "big") == 9 and len(said) == 185
    said[120] = 1
    with ConfigServer(cert, owner.raw, epoch=2) as server:
        for wrong in (f"{tag}\n{base64.b64encode(said).decode()}\n", text[:-1], "", text + "\n"):
            file.write_text(wrong)
            refused(configure.run(server), server, LOCAL, "memory of an epoch was damaged")
        file.unlink()
        file.symlink_to("/nowhere")
        done = configure.run(server)
        assert done.code != YES and server.bodies == [], str(done)


# ---- what the instance says -------------------------------------------------------------------


GARBAGE = {
    "no HTTP": (b"\x00\x01garbage\r\n\r\n", UNKNOWN),
    "a cut head": (b"HTTP/1.1 200 OK\r\nMse-St", UNKNOWN),
    "another version": (b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", UNKNOWN),
    "bare line feeds": (b"HTTP/1.1 200 OK\nMse-Status: Waiting\r\n\r\n", UNKNOWN),
    "control characters": (b"HTTP/1.1 200 OK\r\nMse-Status: \x1b[2J\r\n\r\n", UNKNOWN),
    "an endless head": (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 4000, UNKNOWN),
    "a long body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", UNKNOWN),
    "a bad length": (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", UNKNOWN),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", UNKNOWN),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", UNKNOWN),
    "an interim reply": (b"HTTP/1.1 100 Continue\r\n\r\n", UNKNOWN),
    "more than it says": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", UNKNOWN),
    "an app": (reply(200, b"hello"), NO),
    "a configured one": (reply(200, b"", "Mse-Status: Configured"), NO),
    "503": (reply(503, b"", "Mse-Status: Waiting"), NO),
    "two nonces": (reply(200, b"", "Mse-Status: Waiting", "Mse-Epoch: 1",
                         "Mse-Nonce: " + "00" * 32, "Mse-Nonce: " + "11" * 32), UNKNOWN),
    "a short nonce": (reply(200, b"", "Mse-Status: Waiting", "Mse-Epoch: 1", "Mse-Nonce: 00"),
                      UNKNOWN),
    "a nonce alone": (reply(200, b"", "Mse-Status: Waiting", "Mse-Nonce: " + "00" * 32), UNKNOWN),
    "an epoch alone": (reply(200, b"", "Mse-Status: Waiting", "Mse-Epoch: 1"), UNKNOWN),
    "a great epoch": (reply(200, b"", "Mse-Status: Waiting", "Mse-Nonce: " + "00" * 32,
                            "Mse-Epoch: 99999999999999999999"), UNKNOWN),
    "an end": (reply(200, b"", "Mse-Status: Waiting", "Connection: close", "Mse-Epoch: 1",
                     "Mse-Nonce: " + "00" * 32), UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize("name", GARBAGE)
def test_other_answers_than_an_offer(configure, cert, owner, name):
    answer, code = GARBAGE[name]
    cut_short = {"a cut head", "an endless head", "a long body"}

    def get(server):
        return answer

    with ConfigServer(cert, owner.raw, get=get) as server:
        if name in cut_short:
            serve = server.answer
            server.server.handler = lambda data, stream: (serve("GET", {}, b""))
        refused(configure.run(server), server, code)


@pytest.mark.parametrize("answer, code, words", [
    (reply(401, b""), NO, "status 401"),
    (reply(422, b'{"detail":"wrong \\u001b[31m key"}'), NO, r"wrong \x1b[31m key"),
    (reply(500, b"plain words"), NO, "plain words"),
    (reply(204), UNKNOWN, "may have been taken or not"),
    (b"garbage\r\n\r\n", UNKNOWN, "may have been taken or not"),
    (b"HTTP/1.1 200 OK\r\n\r\n", YES, ""),
    (None, UNKNOWN, "may have been taken or not"),
])  # fmt: skip
def test_answers_to_the_configuration(configure, cert, owner, answer, code, words):
    def post(server, fields, body):
        return answer if answer is not None else b""

    with ConfigServer(cert, owner.raw, post=post) as server:
        if answer is None:
            server.judge = lambda *_: None
            server.post = None
        elif answer.endswith(b"OK\r\n\r\n"):
            server.server.handler = closing(server)
        done = configure.run(server, wait="0")
        assert done.code == code and words in done.err, str(done)


def closing(server):
    """Answers, then closes: without a length the end of the connection is that of the reply."""
    def handler(data, stream):
        stream.sendall(server.waiting())
        while b"}" not in stream.recv(65536):
            pass
        return b"HTTP/1.1 200 OK\r\n\r\n"

    return handler


def test_silence_ends_at_the_deadline(configure, cert, owner):
    def silent(data, stream):
        while stream.recv(65536):
            pass
        return b""

    with ConfigServer(cert, owner.raw) as server:
        server.server.handler = silent
        done = configure.run(server, "--timeout", "1")
        refused(done, server, UNKNOWN, "timed out")


def test_drops_end_at_the_deadline_too(configure, cert, owner):
    """A byte now and then keeps no connection alive for ever."""
    def slow(data, stream):
        stream.settimeout(0.05)
        try:
            while True:
                stream.sendall(b"H")
                try:
                    if not stream.recv(1):
                        return b""
                except TimeoutError:
                    pass
        except OSError:
            return b""

    with ConfigServer(cert, owner.raw) as server:
        server.server.handler = slow
        done = configure.run(server, "--timeout", "1")
        assert done.code == UNKNOWN, str(done)
    assert server.configured is None


# ---- afterwards -------------------------------------------------------------------------------


def test_the_app_is_waited_for_and_the_printed_line_works(configure, cert, owner):
    file = configure.mse.put(context(owner))
    with ConfigServer(cert, owner.raw, ready_after=3) as server:
        done = configure.run(server, "--context", file)
        assert done.code == YES, str(done)
        assert server.heads[-1][0] == "GET /health HTTP/1.1" and len(server.heads) == 6
        line = done.out.decode().split("The app is ready:\n")[1].strip()
        assert line.startswith("curl --cacert ./cert.pem ") and line.endswith(f"https://{NAME}/health")
        curl = subprocess.run(
            shlex.split(line) + ["--silent", "--show-error"], cwd=configure.mse.work,
            capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        assert curl.stdout == b"fine\n", curl.stderr


def test_an_app_that_never_answers(configure, cert, owner):
    with ConfigServer(cert, owner.raw, ready_after=10**9) as server:
        done = configure.run(server, "--json", wait="1")
        assert done.code == UNKNOWN and "not ready in time" in done.err, str(done)
    assert done.report["ready"] is False and done.report["epoch"] == 1


def test_json(configure, cert, owner):
    with ConfigServer(cert, owner.raw) as server:
        done = configure.run(server, "--json", "--output", "x.pem")
        assert done.code == YES, str(done)
    assert done.report == {
        "schema": "mse-configure-v1", "uuid": UUID, "signed": True, "epoch": 1, "ready": True,
        "certificate_sha256": hashlib.sha256(cert.der).hexdigest(), "certificate": "x.pem",
        "url": f"https://{NAME}/",
    }  # fmt: skip


def test_secrets_are_in_no_argument_file_or_message(configure, cert, owner, mse):
    secrets = mse.put('{"password":"correct horse"}')
    with ConfigServer(cert, owner.raw, post=lambda *_: reply(422, b'{"detail":"no"}')) as server:
        done = configure.run(server, "--secrets", secrets, "--context", mse.put(context(owner)),
                             "--verbose")  # fmt: skip
    assert server.bodies and done.code == NO
    seen = done.err.encode() + done.out + b"".join(done.written.values())
    for path in mse.home.rglob("*"):
        seen += path.read_bytes() if path.is_file() else b""
    for word in (b"correct horse", CODE_KEY.hex().encode()):
        assert word not in seen


def test_another_file_stands_in_the_way_before_anything_is_sent(configure, cert, owner):
    (configure.mse.work / "cert.pem").write_text("precious\n")
    with ConfigServer(cert, owner.raw) as server:
        done = configure.run(server)
        refused(done, server, LOCAL, "--force")
        assert configure.run(server, "--force").code == YES
