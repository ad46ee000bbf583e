# SPDX-License-Identifier: Apache-2.0
"""What a handshake proves, and what it does not: replayed certificates, endless peers, reuse."""

import json
import socket
import ssl
import subprocess
import threading
import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import (
    AT, LOCAL, MRENCLAVE, MRSIGNER, NO, UNKNOWN, USAGE, accepted, refused, saved,
)  # fmt: skip
from test_trust_operator import instance_key, statement

from testpki import quote, ratls
from testpki.keys import generate
from testpki.server import TlsServer, listen

NAME = "app1.example"
REQUEST = len(b"GET /secret HTTP/1.0\r\n\r\n")
TLS12 = dict(minimum=ssl.TLSVersion.TLSv1_2, maximum=ssl.TLSVersion.TLSv1_2)
HANDSHAKE, ALERT = 22, 21
SERVER_KEY_EXCHANGE, SERVER_HELLO_DONE = 12, 14


class Peer:
    """A server in bytes: talk(socket) in a thread for each connection."""

    def __init__(self, talk):
        self.talk, self.connections, self.stopping = talk, 0, threading.Event()

    def __enter__(self):
        self.socket = listen("127.0.0.1")
        self.port = self.socket.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self):
        while not self.stopping.is_set():
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            client.settimeout(20)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            try:
                self.talk(client)
            except OSError:
                pass


def error_of(done):
    """The document that stands for a report where there is none."""
    error = json.loads(done.out)
    assert error["schema"] == "mse-error-v1" and set(error) == {
        "schema", "code", "subject", "message",
    }, str(done)  # fmt: skip
    return error


# ---- a genuine certificate in other hands ----------------------------------------------------


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


def first_flight(stream):
    """Records up to ServerHelloDone, and where in them each handshake message begins and ends."""
    raw, places, messages = bytearray(), [], []
    while True:
        head = read_exactly(stream, 5)
        body = read_exactly(stream, int.from_bytes(head[3:], "big"))
        assert head[0] == HANDSHAKE, "an alert instead of a flight"
        places += range(len(raw) + 5, len(raw) + 5 + len(body))
        raw += head + body
        start = messages[-1][2] if messages else 0
        while len(places) - start >= 4:
            length = int.from_bytes(bytes(raw[p] for p in places[start + 1 : start + 4]), "big")
            if len(places) - start < 4 + length:
                break
            messages.append((raw[places[start]], start, start + 4 + length))
            start = messages[-1][2]
        if messages and messages[-1][0] == SERVER_HELLO_DONE:
            return raw, places, messages


def relay(server, flip):
    """Somebody without the key between client and service; flip: change the proof of the key."""

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def talk(client):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as service:
            threading.Thread(target=pump, args=(client, service), daemon=True).start()
            raw, places, messages = first_flight(service)
            if flip:
                _, _, end = next(m for m in messages if m[0] == SERVER_KEY_EXCHANGE)
                raw[places[end - 1]] ^= 1
            client.sendall(raw)
            pump(service, client)

    return Peer(talk)


@pytest.fixture
def client(build, mse, present):
    path = build / "tests" / "tools" / "tls_client"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    roots, bundle = mse.put(present.roots_pem()), mse.put(present.bundle())
    now = str(int(present.at.timestamp()))

    def run(mode, server):
        done = subprocess.run(
            [path, mode, str(server.port), NAME, roots, bundle, MRENCLAVE, now, now],
            env=mse.env(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_a_relay_that_changes_nothing_is_the_service(client, good):
    """The relay itself is sound: what the next tests see is the flipped bit."""
    with TlsServer(good, **TLS12) as server, relay(server, flip=False) as peer:
        lines = client("fresh", peer)
        assert [line.split()[0] for line in lines] == ["ok", "ok"], lines
        assert all(line.endswith("proven 1") for line in lines), lines
        assert server.wait(2) and server.app_bytes == 2 * REQUEST


@pytest.mark.parametrize("mode", ("fresh", "write-first"))
def test_a_replayed_certificate_proves_nothing(client, good, mode):
    """Right in every way, only its key is elsewhere: no report, no proof, no byte."""
    with TlsServer(good, **TLS12) as server, relay(server, flip=True) as peer:
        lines = client(mode, peer)
        assert len(lines) == 2
        for line in lines:
            assert line.startswith("refused shaken "), lines
            assert line.endswith("written -1 verdict none proven 0"), lines
        assert server.wait(2) and server.app_bytes == 0


def test_a_replayed_certificate_is_not_saved(cloud, mse, good, present):
    bundle = mse.put(present.bundle())
    with TlsServer(good, **TLS12) as server, relay(server, flip=True) as peer:
        for words in (("--offline", "--collateral", bundle), ()):
            for more in ((), ("--json",)):
                done = cloud(peer, *words, *more)
                assert done.code == NO and done.written == {}, str(done)
                assert b"success" not in done.out and "does not hold the key" in done.err
                if more:
                    assert error_of(done)["code"] == "binding"


def test_a_refusal_comes_with_its_report_but_no_proof(client, present):
    debug = ratls.mse(lambda rd: present.sgx(rd, flags=7), **present.hooks)
    with TlsServer(debug) as server:
        for line in client("fresh", server):
            assert line.endswith("verdict fail proven 0"), line


@pytest.mark.parametrize("version", (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
def test_a_session_that_nobody_verified_sends_no_byte(client, good, present, version):
    """Resumed by its number (TLS 1.2) or key (1.3), even where the certificate is fine."""
    for certificate in (good, ratls.plain(**present.hooks)):
        with TlsServer(certificate, minimum=version, maximum=version) as server:
            server.contexts[0].options |= ssl.OP_NO_TICKET
            lines = client("foreign", server)
            assert lines[:2] == ["foreign reused 0", "foreign reused 1"], "the attack was not tried"
            assert lines[2] == "refused shaken 1 written -1 verdict none proven 0", lines
            assert server.wait(4)
            verified = sum(line.startswith("ok reused 0 ") for line in lines[2:])
            assert verified == sum(line.endswith("proven 1") for line in lines[2:])
            assert verified == 0 or certificate is good
            assert b"".join(server.received).count(b"secret") == verified


# ---- one context, one SSL, used again --------------------------------------------------------


def test_a_context_is_attached_once(client, good, present):
    for certificate, word in ((good, "ok"), (ratls.plain(**present.hooks), "refused")):
        with TlsServer(certificate) as server:
            lines = client("attach-twice", server)
            assert lines[0] == "second attach 0 usage 1"
            assert [line.split()[0] for line in lines[1:]] == [word, word], lines


@pytest.mark.parametrize("version", (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
def test_a_report_belongs_to_one_connection(client, good, present, version):
    """SSL_clear and SSL_dup take nothing along, and nothing is freed twice."""
    versions = dict(minimum=version, maximum=version)
    nothing = ["cleared verdict none proven 0", "copy verdict none proven 0"]
    fine, bad = "verdict incomplete proven 1", "verdict fail proven 0"
    plain = ratls.plain(**present.hooks)
    for certificates, first, second in (
        ([good, good], fine, fine), ([good, plain], fine, bad), ([plain, good], bad, fine),
    ):  # fmt: skip
        with TlsServer(certificates, **versions) as server:
            lines = client("recycle", server)
            assert lines[0] == f"first {first}" and lines[3] == f"second {second}", lines
            if first == fine:
                assert lines[1:3] == nothing, lines
            assert all(line.endswith("proven 0") for line in lines[1:3]), lines


# ---- peers that go on for ever ---------------------------------------------------------------


def record(kind, body):
    return bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body


HELLO_REQUEST = record(HANDSHAKE, bytes(4))
ENDLESS = {
    "hello requests": (b"", HELLO_REQUEST * 64, 0),
    "hello requests, slowly": (b"", HELLO_REQUEST, 0.05),
    "one message of 16 MB": (b"", record(HANDSHAKE, b"\x0b\xff\xff\xff" + bytes(16000)), 0),
    "a server hello, byte by byte": (record(HANDSHAKE, b"")[:3] + b"\x40\x00\x02\x00\x3f\xfc",
                                     b"\x03", 0.05),
    "alerts without weight": (b"", record(ALERT, b"\x01\x5a"), 0.05),
    "empty records": (b"", record(HANDSHAKE, b""), 0.01),
    "nothing": (b"", b"", 0.05),
}  # fmt: skip


@pytest.mark.parametrize("words", ((), ("--json",)), ids=("text", "json"))
@pytest.mark.parametrize("what", ENDLESS)
def test_endless_handshakes_end_by_the_deadline(cloud, what, words):
    head, part, pause = ENDLESS[what]
    stop = threading.Event()

    def talk(peer):
        peer.recv(65536)
        peer.sendall(head)
        while not stop.is_set():
            if part:
                peer.sendall(part)
            if pause:
                time.sleep(pause)

    try:
        with Peer(talk) as peer:
            started = time.monotonic()
            done = cloud(peer, "--timeout", "2", *words, timeout=20)
            spent = time.monotonic() - started
    finally:
        stop.set()
    assert done.code == UNKNOWN and done.written == {}, str(done)
    assert spent < 10, "the deadline is 2 seconds"
    assert peer.connections == 1
    if words:
        assert error_of(done)["code"] in ("timeout", "tls")


# ---- files and names -------------------------------------------------------------------------


def test_a_file_with_two_certificates_is_refused(judge, world):
    """Which of them was judged would be a matter of taste."""
    good, other = world.certificate("mse"), ratls.plain(**world.hooks)
    accepted(judge.certificate(good.pem))
    for text in (good.pem + other.pem, other.pem + good.pem, good.pem + good.pem,
                 good.pem + "\n\ntext\n" + good.pem):  # fmt: skip
        done = judge.certificate(text)
        assert done.code == NO and done.report["verdict"] == "fail", str(done)
        assert done.check("certificate")["outcome"] == "failed", str(done)


@pytest.mark.parametrize("more", ("DNS:app2.example", "IP:192.0.2.7", "DNS:sub.app1.example"))
def test_certificates_for_further_names_need_a_yes(cloud, present, more):
    """Whoever imports it lets its key speak for all of them."""
    certificate = present.certificate("mse", names=(f"DNS:{NAME}", more))
    name = more.split(":", 1)[1]
    with TlsServer(certificate) as server:
        for words in ((), ("--force",), ("--also-name", "other.example"),
                      ("--also-name", name + "x"), ("--json",)):  # fmt: skip
            done = cloud(server, *words)
            assert done.code == NO and done.written == {}, str(done)
            assert b"success" not in done.out and name in done.err and "--also-name" in done.err
        saved(cloud(server, "--also-name", name), certificate)


def test_the_name_asked_for_may_come_second(cloud, present):
    names = ("DNS:app0.example", f"DNS:{NAME}")
    certificate = present.certificate("mse", names=names)
    with TlsServer(certificate) as server:
        done = cloud(server)
        assert done.code == NO and done.written == {} and "app0.example" in done.err, str(done)
        saved(cloud(server, "--also-name", "APP0.example."), certificate)


# ---- what may be missing ---------------------------------------------------------------------


def registers(names):
    body = quote.Td10Body()
    rtmr = {f"rtmr{i}": value for i, value in enumerate(getattr(body, "rtmr", ()) or ())}
    value = lambda name: rtmr.get(name) or getattr(body, name)  # noqa: E731
    return [word for name in names for word in (f"--{name}", value(name).hex())]


def test_mrtd_alone_is_incomplete(judge, world):
    """Any kernel on this firmware has it: never a plain pass, and a failure where code counts."""
    for evidence in (world.tdx(), world.tdx15()):
        report = accepted(judge.td(evidence), fingerprint="waived")
        assert report["verdict"] == "incomplete"
        refused(judge.td(evidence, "--require-fingerprint"), "fingerprint", "policy")
        some = registers(("rtmr0", "rtmr1", "rtmr2"))
        accepted(judge.td(evidence, *some), fingerprint="waived")
        whole = registers(("rtmr0", "rtmr1", "rtmr2", "rtmr3"))
        accepted(judge.td(evidence, *whole, "--require-fingerprint"), fingerprint="passed")


def operator_key():
    public = instance_key("a").public_key()
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def test_a_missing_statement_is_refused_where_a_key_is_expected(judge, world):
    """Leaving it out must not be better than a wrong one."""
    key = operator_key()
    without = world.certificate("mse")
    signer = ("--mrsigner", MRSIGNER)
    words = ("--instance-key", key)
    done = judge.certificate(without, *words, expect=signer)
    refused(done, "instance", "missing")
    report = accepted(judge.certificate(without, *words, "--allow-no-instance", expect=signer),
                      instance="waived")  # fmt: skip
    assert report["verdict"] == "incomplete"
    refused(judge.certificate(without, *words, "--allow-no-instance", "--strict", expect=signer),
            "instance", "policy")  # fmt: skip
    # the code itself was checked: which app it is, is known
    accepted(judge.certificate(without, *words), instance="not applicable")
    until = int(AT.timestamp()) + 3600
    said = world.certificate("mse", extra=[statement("a", not_after=until)])
    accepted(judge.certificate(said, *words, expect=signer), instance="passed")
    # permission to leave it out is none to get it wrong
    wrong = world.certificate("mse", extra=[statement("b", not_after=until)])
    refused(judge.certificate(wrong, *words, "--allow-no-instance", expect=signer), "instance",
            "signature")  # fmt: skip


# ---- one refusal, one connection; errors that programs can read ------------------------------


def wrong(present):
    other = lambda rd: present.sgx(rd, mrsigner=bytes(32))  # noqa: E731
    return {
        "no evidence": ratls.plain(**present.hooks),
        "key swapped": present.certificate("mse", bind_key=generate("p256")),
        "other signer": ratls.mse(other, **present.hooks),
        "other name": present.certificate("mse", names=("DNS:app2.example",)),
        "CA": present.certificate("mse", ca=True),
        "further names": present.certificate("mse", names=(f"DNS:{NAME}", "DNS:b.example")),
    }


def test_a_refusal_is_not_asked_for_again(cloud, present, good):
    """Else a peer gets a second try at every certificate. Collateral is fetched in each run."""
    for why, certificate in wrong(present).items():
        with TlsServer([certificate, good]) as server:
            done = cloud(server)
            assert done.code == NO and done.written == {}, (why, str(done))
            assert server.wait(1) and server.connections == 1, why
            assert server.app_bytes == 0


def test_an_unknown_verdict_is_not_asked_for_again(cloud, good):
    with TlsServer(good) as server:
        done = cloud(server, pccs="http://127.0.0.1:9")
        assert done.code == UNKNOWN and done.written == {}, str(done)
        assert server.wait(1) and server.connections == 1


def test_json_errors_parse(cloud, mse, present, good):
    """Whatever goes wrong under --json: one document on standard output, or wrong usage."""
    (mse.work / "cert.pem").write_text("precious\n")
    with TlsServer(good) as server:
        done = cloud(server, "--json")
        assert done.code == LOCAL and error_of(done)["code"] == "exists", str(done)
        (mse.work / "cert.pem").unlink()
        for options in (dict(pccs="http://127.0.0.1:9"), dict(domain="app2.example")):
            done = cloud(server, "--json", **options)
            assert done.code in (NO, UNKNOWN)
            assert json.loads(done.out)["verdict"] in ("fail", "unknown"), str(done)
        done = cloud(server, "--json", "--timeout", "0")
        assert done.code == USAGE and error_of(done)["code"] == "usage", str(done)
    for mode in ("plain", "garbage", "close", "reset", "half"):
        with TlsServer(good, mode=mode) as server:
            done = cloud(server, "--json", "--timeout", "5")
            assert done.code == UNKNOWN and done.written == {}, (mode, str(done))
            assert error_of(done)["code"] in ("tls", "network"), (mode, str(done))
    done = cloud("127.0.0.1:1", "--json")
    assert done.code == UNKNOWN and error_of(done)["code"] in ("network", "timeout"), str(done)
    done = cloud("nobody.invalid:443", "--json", "--timeout", "5")
    assert done.code == UNKNOWN and error_of(done)["code"] in ("network", "timeout"), str(done)


def test_json_of_a_verified_certificate_that_is_not_saved(cloud, present):
    """No report that reads like success (docs/report.md): the exit status and a message."""
    for certificate in (
        present.certificate("mse", ca=True),
        present.certificate("mse", names=(f"DNS:{NAME}", "DNS:b.example")),
    ):
        with TlsServer(certificate) as server:
            done = cloud(server, "--json")
        assert done.code == NO and done.written == {}, str(done)
        assert done.out == b"" and "not saved" in done.err, str(done)
