# SPDX-License-Identifier: Apache-2.0
"""libmse inside the handshake of a C program: nothing reaches a peer that was not verified."""

import ssl
import subprocess
from datetime import timedelta

import pytest
from harness import MRENCLAVE

from testpki import ratls
from testpki.keys import generate
from testpki.server import TlsServer

NAME = "app1.example"
REQUEST = len(b"GET /secret HTTP/1.0\r\n\r\n")
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture
def client(build, mse, present):
    path = build / "tests" / "tools" / "tls_client"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    roots, bundle = mse.put(present.roots_pem()), mse.put(present.bundle())

    def run(mode, server, at=(0, 0), fingerprint=MRENCLAVE, name=NAME):
        times = [str(int(present.at.timestamp() + seconds)) for seconds in at]
        done = subprocess.run(
            [path, mode, str(server.port), name, roots, bundle, fingerprint, *times],
            env=mse.env(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.fixture(scope="module")
def good(present):
    return present.certificate("mse")


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.name)
def test_verified_peers_get_the_request(client, good, version):
    with TlsServer(good, minimum=version, maximum=version) as server:
        lines = client("fresh", server)
        assert [line.split()[0] for line in lines] == ["ok", "ok"], lines
        assert server.wait(2) and server.app_bytes == 2 * REQUEST


def wrong(present):
    other = lambda rd: present.sgx(rd, mrenclave=bytes(32))  # noqa: E731
    debug = lambda rd: present.sgx(rd, flags=7)  # noqa: E731
    return {
        "no evidence": ratls.plain(**present.hooks),
        "key swapped": present.certificate("mse", bind_key=generate("p256")),
        "other code": ratls.mse(other, **present.hooks),
        "debug": ratls.mse(debug, **present.hooks),
        "other name": present.certificate("mse", names=("DNS:app2.example",)),
        "expired": present.certificate("mse", expired=True),
        "broken signature": present.certificate("mse", break_signature=True),
        "key of an unknown kind": ratls.dice(present.sgx, key=generate("p521"), **present.hooks),
    }


@pytest.mark.parametrize("mode", ("fresh", "write-first"))
@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.name)
def test_29_and_43_no_application_byte_reaches_the_wrong_peer(client, present, version, mode):
    for why, certificate in wrong(present).items():
        with TlsServer(certificate, minimum=version, maximum=version) as server:
            lines = client(mode, server)
            assert [line.split()[0] for line in lines] == ["refused", "refused"], (why, lines)
            assert server.wait(2) and server.app_bytes == 0, why
            assert not server.received


def test_30_the_second_connection_is_verified_again(client, present, good):
    for certificate in wrong(present).values():
        with TlsServer([good, certificate]) as server:
            lines = client("resume", server)
            assert [line.split()[0] for line in lines] == ["ok", "refused"], lines
            assert server.wait(2) and server.app_bytes == REQUEST


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.name)
def test_37_a_session_does_not_outlive_its_evidence(client, good, version):
    """Second connection ten years later, offering the session of the first."""
    late = timedelta(days=3650).total_seconds()
    with TlsServer(good, minimum=version, maximum=version, tickets=2) as server:
        lines = client("resume", server, at=(0, late))
        assert [line.split()[0] for line in lines] == ["ok", "refused"], lines
        assert server.wait(2) and server.app_bytes == REQUEST
    with TlsServer(good, minimum=version, maximum=version) as server:
        lines = client("resume", server, at=(0, 60))
        assert "reused 1" not in " ".join(lines), lines
        assert lines[0].startswith("ok")


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.name)
def test_37_a_session_that_nobody_verified_carries_nothing(client, present, version):
    """Made by a context without verification, offered to the one with it."""
    with TlsServer(ratls.plain(**present.hooks), minimum=version, maximum=version) as server:
        lines = client("foreign", server)
        assert lines[:2] == ["foreign reused 0", "foreign reused 1"], "the attack was not tried"
        assert [line.split()[0] for line in lines[2:]] == ["refused", "refused"], lines
        assert server.wait(4)
        assert server.app_bytes == 2 * len(b"x\r\n\r\n")


def test_37_no_renegotiation(client, good):
    version = ssl.TLSVersion.TLSv1_2
    with TlsServer(good, minimum=version, maximum=version) as server:
        lines = client("renegotiate", server)
        assert lines[0] == "renegotiate 0", lines


def test_old_versions_of_tls_are_refused(client, good):
    context = TlsServer(good, minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1_1)
    with context as server:
        server.contexts[0].set_ciphers("ALL:@SECLEVEL=0")
        lines = client("fresh", server)
        assert [line.split()[0] for line in lines] == ["refused", "refused"]
        assert server.wait(2) and server.app_bytes == 0


def test_41_a_wrong_expectation_is_no_client(build, mse, present, good):
    path = build / "tests" / "tools" / "tls_client"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    roots, bundle = mse.put(present.roots_pem()), mse.put(present.bundle())
    with TlsServer(good) as server:
        for text in ("", "00", MRENCLAVE[:-1] + "g"):
            done = subprocess.run(
                [path, "fresh", str(server.port), NAME, roots, bundle, text, "0", "0"],
                capture_output=True, timeout=60, check=False,
            )  # fmt: skip
            assert done.returncode == 2
        assert server.connections == 0
