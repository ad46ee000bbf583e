# SPDX-License-Identifier: Apache-2.0
"""The TLS front: versions, names, protocols, sessions, and what it refuses to negotiate."""

import os
import ssl
import subprocess

import front_host
import pytest
from front_host import (  # noqa: F401
    IDS, NAME, PATIENCE, VERSIONS, Peer, echo, ended, files, front, front_program, started, tls,
)  # fmt: skip
from OpenSSL import SSL


def test_versions_before_1_2_are_refused(front):
    f = front(echo)
    p = Peer(f)
    ctx = SSL.Context(SSL.TLS_CLIENT_METHOD)
    ctx.set_cipher_list(b"ALL:@SECLEVEL=0")
    ctx.set_min_proto_version(SSL.TLS1_VERSION)
    ctx.set_max_proto_version(SSL.TLS1_1_VERSION)
    p.ssl = SSL.Connection(ctx, None)
    p.ssl.set_connect_state()
    with pytest.raises(SSL.Error) as error:
        p.handshake()
    assert "protocol version" in str(error.value)
    p.close()
    f.wait_for(failed=1, open=0)
    f.stop()


@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
def test_alpn_takes_the_first_of_ours_that_the_client_has(front, version):
    f = front(echo, "--alpn", "h2", "--alpn", "http/1.1")
    for offer, chosen in (
        (["http/1.1", "h2"], "h2"), (["x", "http/1.1"], "http/1.1"), ([], None),
    ):  # fmt: skip
        with tls(f, alpn=offer, version=version) as s:
            assert s.selected_alpn_protocol() == chosen
    p = Peer(f, alpn=[b"spdy/3", b"http/1.0"])
    with pytest.raises(SSL.Error) as error:
        p.handshake()
    assert "alert no application protocol" in str(error.value)  # 120
    p.close()
    f.wait_for(open=0)
    f.stop()


@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
@pytest.mark.parametrize("name", ["other.example", None])
def test_a_name_without_a_certificate_is_refused(front, name, version):
    f = front(echo, "--name", NAME)
    with pytest.raises(ssl.SSLError) as error:
        tls(f, name, version=version)
    assert "UNRECOGNIZED_NAME" in error.value.reason  # 112
    with tls(f, NAME.upper().capitalize(), version=version) as s:  # case means nothing
        s.sendall(b"x")
        assert s.recv(1) == b"x"
    f.stop()


def test_a_name_is_refused_in_exactly_these_bytes(front):
    f = front(echo, "--name", NAME)
    p = Peer(f, name="other.example")
    p.socket.sendall(p.hello())
    assert p.socket.recv(100) == bytes([21, 3, 3, 0, 2, 2, 112])
    assert ended(p.socket) == "end"
    f.wait_for(open=0, refused=1, failed=0)
    f.stop()


@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
def test_a_session_resumes_until_its_context_ends(front, version):
    f = front(echo)
    ctx = front_host.context(f, version=version)

    def visit(session):
        with tls(f, ctx=ctx, session=session) as s:
            s.sendall(b"x")
            assert s.recv(1) == b"x"
            reused, again = s.session_reused, s.session
            s.unwrap()
        return reused, again

    reused, session = visit(None)
    assert not reused and session.has_ticket
    assert visit(session)[0]
    f.renew()
    assert not visit(session)[0]  # and it works: a full handshake
    f.stop()


@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
def test_without_tickets_nothing_resumes(front, version):
    f = front(echo, "--tickets", 0)
    ctx = front_host.context(f, version=version)
    sessions = []
    for _ in range(2):
        with tls(f, ctx=ctx, session=sessions[-1] if sessions else None) as s:
            s.sendall(b"x")
            assert s.recv(1) == b"x"
            assert not s.session_reused
            if s.session is not None:
                assert not s.session.has_ticket
                sessions.append(s.session)
    f.stop()


def s_client(f, *words, text=b"", **options):
    host, port = f.address
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", NAME, *words],
        input=text, capture_output=True, timeout=PATIENCE, check=False, **options,
    )  # fmt: skip


def test_renegotiation_is_refused(front):
    f = front(echo)
    p = s_client(f, "-tls1_2", text=b"R\n")
    assert b"no renegotiation" in p.stderr
    f.stop()


def test_early_data_is_not_offered(front, tmp_path):
    f = front(echo)
    saved = tmp_path / "session"
    reader = subprocess.Popen(
        ["openssl", "s_client", "-connect", "%s:%d" % f.address, "-servername", NAME,
         "-sess_out", saved],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    reader.stdin.write(b"echoed\n")
    reader.stdin.flush()
    seen = b""
    while b"echoed" not in seen:  # the ticket came before
        part = os.read(reader.stdout.fileno(), 1 << 16)
        assert part, seen
        seen += part
    seen += reader.communicate(timeout=PATIENCE)[0]
    assert b"Max Early Data: 0" in seen
    early = tmp_path / "early"
    early.write_bytes(b"early")
    p = s_client(f, "-sess_in", saved, "-early_data", early)
    assert b"early" not in p.stdout
    f.stop()


@pytest.mark.parametrize(
    "words",
    [("-cipher", "AES128-SHA", "-tls1_2"), ("-cipher", "ECDHE-ECDSA-AES128-SHA256", "-tls1_2"),
     ("-curves", "P-521", "-tls1_3"), ("-tls1_1",)],
    ids=["rsa", "cbc", "group", "tls11"],
)  # fmt: skip
def test_weak_choices_are_refused(front, words):
    f = front(echo)
    p = s_client(f, *words, "-brief")
    assert p.returncode != 0 and b"CONNECTION ESTABLISHED" not in p.stderr
    f.stop()


def test_key_updates_are_answered(front):
    """RFC 8446, 4.6.3, as s_client asks for it."""
    f = front(echo)
    host, port = f.address
    p = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", NAME, "-tls1_3"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    for text in (b"one\n", b"K\n", b"two\n"):
        p.stdin.write(text)
        p.stdin.flush()
        seen = b""
        while text != b"K\n" and text not in seen:
            part = os.read(p.stdout.fileno(), 1 << 16)
            assert part
            seen += part
        if text == b"K\n":
            while b"KEYUPDATE" not in seen:
                seen += os.read(p.stdout.fileno(), 1 << 16)
    p.stdin.close()
    p.stdout.close()
    p.wait(PATIENCE)
    f.stop()
