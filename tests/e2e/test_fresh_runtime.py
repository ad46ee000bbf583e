# SPDX-License-Identifier: Apache-2.0
"""Fresh evidence of mse-enclave itself: by its own client, and by one that shares nothing with it."""

import json
import os
import resource
import signal
import socket
import subprocess
from base64 import b64decode
from pathlib import Path

import attest_oracle as oracle
import pytest
from attest_peer import AttestClient
from harness import NO, YES, Mse
from instance import CONFIG_NAME, NAME, Deployment, Instance, Platform
from OpenSSL import SSL

HTTP = b"GET /here HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"
ANSWER = b"hello\nGET /here HTTP/1.1\n"
REPORT_DATA = slice(48 + 320, 48 + 384)  # of an SGX quote: its header, then the report body


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    # Each test connection takes a descriptor here and one in the runtime, which inherits the limit.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    yield tmp_path_factory.mktemp("fresh")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def platform(build, place):
    return Platform(build, place / "tee")


@pytest.fixture(scope="module")
def deployment(program, build, place):
    return Deployment(Mse(program, place), build)


@pytest.fixture(scope="module")
def waiting(platform, deployment, place):
    """Not configured."""
    with Instance(platform, deployment, place / "waiting") as instance:
        instance.wait("waiting")
        yield instance
        assert instance.stop()[0] == 0, instance.err


@pytest.fixture(scope="module")
def running(platform, deployment, place):
    """Configured, and a quote takes 40 ms."""
    with Instance(platform, deployment, place / "running", "--quote-ms", "40") as instance:
        instance.wait("waiting")
        done = instance.configure("--force")
        assert done.code == YES, str(done)
        instance.wait("running")
        yield instance
        assert instance.stop()[0] == 0, instance.err


def quotes(instance):
    instance.process.send_signal(signal.SIGUSR1)
    return instance.wait("running")["quotes"]


def ask(instance, inner=b"", name=NAME):
    with AttestClient(instance.port, name) as client:
        client.ask(inner)
        return client.reply()


def verify(instance, *words):
    return instance.verify("--fingerprint", instance.fingerprint, "--json", *words)


def connect(instance, *words, text=HTTP):
    mse = instance.deployment.mse
    with mse.put(text).open("rb") as stdin:
        return mse.run("connect", NAME, "--connect", instance.address, *instance.platform.trust(),
                       "--fingerprint", instance.fingerprint, *words, stdin=stdin)  # fmt: skip


def instance_key(instance):
    operator = json.loads(instance.platform.operator.read_text())
    return ("--instance-key", operator["instance_key"])


# ---- what is said -----------------------------------------------------------------------------


def test_another_client_finds_its_own_connection_in_the_quote(waiting, running):
    for instance, configured in ((waiting, False), (running, True)):
        got, root = ask(instance)
        assert got.tee == oracle.SIM and got.evidence[REPORT_DATA] == root
        assert (len(got.statement) == 185) == configured
        assert got.release == b""


def test_A30_level_2_and_who_configured_it(waiting, running):
    report = verify(waiting).report
    assert report["level"] == 2 and report["configuration"]["state"] == "unconfigured"
    done = verify(running, "--fresh", *instance_key(running))
    assert done.code == YES, str(done)
    report = done.report
    assert report["level"] == 2 and report["configuration"]["signed"] is True
    owner = running.deployment.public.read_text()
    assert b64decode(owner.splitlines()[1])[10:].hex() == report["configuration"]["owner"]
    assert report["configuration"]["epoch"] >= 1


def test_A29_level_3_carries_the_app(running):
    done = connect(running)
    assert done.code == YES and done.out.endswith(b"\r\n\r\n" + ANSWER), str(done)


def test_the_owners_door_is_reached_at_level_3_too(waiting):
    done = connect(waiting)
    assert done.code == YES and b"Mse-Status: Waiting" in done.out, str(done)


def test_a_refused_peer_gets_nothing_of_the_input(running):
    before = quotes(running)
    mse = running.deployment.mse
    with mse.put(HTTP).open("rb") as stdin:
        done = mse.run("connect", NAME, "--connect", running.address, *running.platform.trust(),
                       "--fingerprint", "00" * 32, stdin=stdin)  # fmt: skip
    assert done.code == NO and done.out == b"" and "nothing was sent" in done.err
    assert quotes(running) == before, "it was refused in the handshake"


def test_bytes_behind_the_request_are_the_apps(running):
    with AttestClient(running.port, NAME) as client:
        client.nonce = os.urandom(32)
        client.send(oracle.request(client.nonce, b"http/1.1") + HTTP)
        got, root = client.reply()
        assert got.evidence[REPORT_DATA] == root
        assert client.rest().endswith(ANSWER)


def test_half_a_request_at_a_time(running):
    with AttestClient(running.port, NAME) as client:
        client.nonce = os.urandom(32)
        for byte in oracle.request(client.nonce, b"http/1.1"):
            client.send(bytes([byte]))
        got, root = client.reply()
        assert got.evidence[REPORT_DATA] == root
        client.send(HTTP)
        assert client.rest().endswith(ANSWER)


def test_one_request_a_connection(running):
    with AttestClient(running.port, NAME) as client:
        client.ask()
        client.reply()
        assert client.rest() == b""


@pytest.mark.no_sanitizer
def test_mse_connect_in_c(running, build, tmp_path):
    root = Path(__file__).resolve().parents[2]
    program, libs = tmp_path / "attested_client", build / "src"
    subprocess.run(
        ["gcc", "-std=c17", f"-I{root}/include", root / "examples/attested_client.c", "-o", program,
         f"-L{libs}", "-lmse", "-lssl", "-lcrypto", f"-Wl,-rpath,{libs}"], check=True,
    )  # fmt: skip

    def run(fingerprint, *more, port=running.port, name=NAME):
        return subprocess.run(
            [program, "127.0.0.1", str(port), name, running.platform.collateral, fingerprint,
             running.platform.root, *more], capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    done = run(running.fingerprint)
    assert done.returncode == 0 and b"hello\nGET / HTTP/1.1" in done.stdout, done.stderr
    for words in (("00" * 32,), (running.fingerprint,)):
        name = NAME if words[0] != running.fingerprint else "other.example"
        done = run(*words, name=name)
        assert done.returncode == 1 and done.stdout == b"", done.stdout


# ---- who gets nothing -------------------------------------------------------------------------


def nothing(client):
    """The connection ends without one byte."""
    try:
        return client.rest() == b""
    except (SSL.Error, OSError):
        return True


@pytest.mark.parametrize(
    "request_",
    [
        b"\x02" + bytes(34), b"GET / HTTP/1.1\r\n\r\n" + bytes(40), b"\x01\x02" + bytes(33),
        b"\x01\x00" + bytes(32) + b"\x01x", b"\x01\x01" + bytes(32) + b"\x00",
        oracle.request(bytes(32), b"h3"), oracle.request(bytes(32), b"mse-attest/1"),
        oracle.request(bytes(32)) + b"x", oracle.request(bytes(32)) * 2,
    ],
    ids=["version", "http", "flag", "no flag", "no name", "h3", "itself", "behind", "two"],
)  # fmt: skip
def test_a_wrong_request_ends_the_connection(running, request_):
    with AttestClient(running.port, NAME) as client:
        client.send(request_)
        assert nothing(client)
    got, root = ask(running)
    assert got.evidence[REPORT_DATA] == root


def test_tls_1_2_gets_nothing(running):
    with AttestClient(running.port, NAME, version=SSL.TLS1_2_VERSION) as client:
        assert client.connection.get_alpn_proto_negotiated() == oracle.ALPN
        client.send(oracle.request(bytes(32)))
        assert nothing(client)


def reused(client):
    return SSL._lib.SSL_session_reused(client.connection._ssl) == 1


@pytest.mark.parametrize("alpn", [b"http/1.1", oracle.ALPN], ids=["the app's", "its own"])
def test_a_resumed_session_gets_nothing(running, alpn):
    with AttestClient(running.port, NAME, alpn=(alpn,)) as client:
        client.ask() if alpn == oracle.ALPN else client.send(HTTP)
        assert client.rest()
        session = client.connection.get_session()
        client.connection.shutdown()  # else OpenSSL would not take it up again
    # it is good for the app
    with AttestClient(running.port, NAME, alpn=(b"http/1.1",), session=session) as client:
        assert reused(client)
        client.send(HTTP)
        assert client.rest().endswith(ANSWER)
        client.connection.shutdown()
    with AttestClient(running.port, NAME, session=session) as client:
        assert reused(client)
        client.send(oracle.request(bytes(32)))
        assert nothing(client)


def test_clients_that_go_away_are_no_harm(running):
    clients = [AttestClient(running.port, NAME) for _ in range(40)]
    for number, client in enumerate(clients):
        client.send(oracle.request(os.urandom(32), b"http/1.1" if number % 2 else b""))
    stays = clients.pop(20)
    for client in clients:
        # a reset, not an end
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.socket.close()
    size = int.from_bytes(stays.connection.recv(4), "big")
    assert 0 < size < 65536
    stays.socket.close()
    got, root = ask(running)
    assert got.evidence[REPORT_DATA] == root


def test_a_client_that_has_asked_may_end_its_side(running):
    with AttestClient(running.port, NAME) as client:
        client.ask()
        client.connection.shutdown()
        got, root = client.reply()
        assert got.evidence[REPORT_DATA] == root


@pytest.mark.slow
def test_a_client_that_never_asks_is_ended(running):
    with AttestClient(running.port, NAME) as client:
        client.send(b"\x01\x00")
        client.socket.settimeout(30)
        assert nothing(client)


# ---- many at once -----------------------------------------------------------------------------


class Crowd:
    """Connections that ask at the same time; the replies are read as they come."""

    def __init__(self, instance, count):
        self.clients = [AttestClient(instance.port, NAME) for _ in range(count)]

    def ask(self):
        for client in self.clients:
            client.ask()

    def replies(self):
        """[(Reply, root)] in the order of the connections."""
        found = []
        for client in self.clients:
            found.append(client.reply())
            client.socket.close()
        return found


@pytest.mark.no_sanitizer
def test_1000_waiting_clients_share_quotes_of_40_ms(running):
    crowd = Crowd(running, 1000)
    before = quotes(running)
    crowd.ask()
    replies = crowd.replies()
    made = quotes(running) - before
    assert all(got.evidence[REPORT_DATA] == root for got, root in replies)
    evidence = {}
    for got, _ in replies:
        evidence.setdefault(got.evidence, []).append(got)
    assert len(evidence) == made <= 40, made
    for tree in evidence.values():
        assert {got.count for got in tree} == {len(tree)}
        assert sorted(got.index for got in tree) == list(range(len(tree)))


@pytest.mark.no_sanitizer
def test_1000_clients_that_wait_share_one_quote(platform, deployment, place):
    """All that ask while a quote is made are the leaves of the next one."""
    with Instance(platform, deployment, place / "slow", "--quote-ms", "2000") as instance:
        instance.wait("waiting")
        crowd = Crowd(instance, 1000)
        crowd.ask()
        replies = crowd.replies()
        assert all(got.evidence[REPORT_DATA] == root for got, root in replies)
        trees = {got.evidence: got.count for got, _ in replies}
        # those that came before the first quote began, and all the rest
        assert len(trees) == 2 and max(trees.values()) >= 900, trees.values()


# ---- the owner's own certificate --------------------------------------------------------------


SETTINGS = """
name = "demo"
command = ["./app"]
healthcheck_endpoint = "/health"
memory = 256

[cloud]
code = "app"

[cloud.ssl]
domain_name = "{name}"
private_key = "{key}"
certificate = "{chain}"
"""


def test_B27_an_owners_certificate_is_verified_by_fresh_evidence(platform, mse, build, tmp_path):
    key, chain = tmp_path / "own.key", tmp_path / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", key, "-out", chain, "-days", "30", "-subj", f"/CN={NAME}", "-addext",
         f"subjectAltName=DNS:{NAME}", "-addext", "basicConstraints=critical,CA:FALSE"],
        check=True, capture_output=True,
    )  # fmt: skip
    owner = Deployment(mse, build, settings=SETTINGS.format(name=NAME, key=key, chain=chain))
    with Instance(platform, owner, tmp_path / "own") as instance:
        instance.wait("waiting")
        done = mse.run(
            "cloud", "configure", CONFIG_NAME, "--connect", instance.address, *platform.trust(),
            "--key", owner.key, "--context", owner.context, "--fingerprint", instance.fingerprint,
            "--ssl-private-key", key, "--ssl-certificate", chain, "--force", "--wait", "0",
        )  # fmt: skip
        assert done.code == YES, str(done)
        instance.wait("running")
        done = verify(instance, "--unsafe-shape", "--fresh")
        assert done.code == YES, str(done)
        report = done.report
        assert report["level"] == 2 and [e["fresh"] for e in report["evidence"]] == [True]
        assert done.written["cert.pem"] == chain.read_bytes()
        done = connect(instance)
        assert done.code == YES and done.out.endswith(ANSWER), str(done)
        # the config name ends on the enclave's own certificate
        got, root = ask(instance, name=CONFIG_NAME)
        assert got.evidence[REPORT_DATA] == root
