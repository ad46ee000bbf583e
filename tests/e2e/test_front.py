# SPDX-License-Identifier: Apache-2.0
"""The TLS front: what goes through it is neither changed, cut nor ended otherwise than it was."""

import asyncio
import contextlib
import os
import random
import socket
import ssl
import subprocess
import sys
import threading

import front_host
import pytest
import websockets
from front_host import (  # noqa: F401
    IDS, NAME, PATIENCE, PEER_VERSIONS, VERSIONS, Peer, echo, ended, files, front, front_program,
    read_all, started, tcp, tls,
)  # fmt: skip
from OpenSSL import SSL


# ---- bytes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
def test_random_pieces_come_back_unchanged(front, version):
    f = front(echo)
    rng = random.Random(5)
    with tls(f, version=version) as s:
        for _ in range(150):
            data = rng.randbytes(rng.choice([1, 2, 17, 1000, 16384, 16385, 70000]))
            s.sendall(data)
            got = b""
            while len(got) < len(data):
                got += s.recv(rng.choice([1, 100, 1 << 16]))
            assert got == data
    f.stop()


@pytest.mark.parametrize("step", [1, 7, 250])
def test_a_hello_may_come_in_any_segments(front, step):
    f = front(echo)
    p = Peer(f).handshake(step=step)
    p.send(b"hello")
    assert p.read(5) == b"hello"
    p.end()
    assert p.read() == b""
    p.close()
    f.stop()


def test_a_hello_may_be_split_into_records(front):
    """RFC 8446, 5.1: a handshake message may be fragmented."""
    f = front(echo, "--name", NAME)
    p = Peer(f)
    body = p.hello()[5:]
    for part in (body[:2], body[2:9], body[9:]):
        p.socket.sendall(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part)
    while True:
        assert p.receive()
        with contextlib.suppress(SSL.WantReadError):
            p.ssl.do_handshake()
            break
    p.flush()
    p.send(b"x")
    assert p.read(1) == b"x"
    p.close()


def test_data_may_come_with_the_last_flight_of_the_handshake(front):
    """Finished, a request and close_notify in one segment, before there is a way to the app."""
    f = front(echo)
    p = Peer(f, version=SSL.TLS1_3_VERSION)
    p.socket.sendall(p.hello())
    while True:
        assert p.receive()
        with contextlib.suppress(SSL.WantReadError):
            p.ssl.do_handshake()
            break
    p.ssl.sendall(b"request" * 5000)
    p.ssl.shutdown()
    p.flush()
    assert p.read() == b"request" * 5000
    p.close()
    f.stop()


@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
def test_64_mib_both_ways_at_once(front, version):
    f = front(echo)
    block = random.Random(6).randbytes(1 << 20)
    with tls(f, version=version) as s:
        writer = threading.Thread(target=lambda: [s.sendall(block) for _ in range(64)])
        writer.start()
        for _ in range(64):
            got = bytearray()
            while len(got) < len(block):
                got += s.recv(len(block) - len(got))
            assert got == block
        writer.join(PATIENCE)
    f.stop()


# ---- ends -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", PEER_VERSIONS, ids=IDS)
def test_the_client_may_end_first_and_still_read(front, version):
    def serve(c):
        request = read_all(c)  # up to the end
        c.sendall(request[::-1] * 40000)

    f = front(serve)
    p = Peer(f, version=version).handshake()
    p.send(b"0123456789")
    p.end()
    assert p.read() == b"9876543210" * 40000
    p.close()
    f.backend.wait()
    assert f.backend.errors == []
    f.stop()


@pytest.mark.parametrize("version", PEER_VERSIONS, ids=IDS)
def test_the_app_may_end_first_and_still_read(front, version):
    got = []

    def serve(c):
        c.sendall(b"greeting")
        c.shutdown(socket.SHUT_WR)
        got.append(read_all(c))

    f = front(serve)
    p = Peer(f, version=version).handshake()
    assert p.read() == b"greeting"  # and close_notify
    p.send(b"answer" * 30000)
    p.end()
    f.backend.wait()
    assert got == [b"answer" * 30000] and f.backend.errors == []
    assert ended(p.socket) == "end"
    f.stop()


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_a_cut_connection_is_no_end_for_the_app(front, reset):
    ready = threading.Event()

    def serve(c):
        assert c.recv(4) == b"half"
        ready.set()
        read_all(c)

    f = front(serve)
    p = Peer(f).handshake()
    p.send(b"half")
    assert ready.wait(PATIENCE)
    p.close(reset)
    f.backend.wait()
    assert [type(e) for e in f.backend.errors] == [ConnectionResetError]
    f.stop()


def test_a_record_that_was_changed_is_no_end_for_the_app(front):
    ready = threading.Event()

    def serve(c):
        assert c.recv(4) == b"half"
        ready.set()
        read_all(c)

    f = front(serve)
    p = Peer(f).handshake()
    p.send(b"half")
    assert ready.wait(PATIENCE)
    p.ssl.sendall(b"more")
    record = bytearray(p.output())
    record[-1] ^= 1
    p.socket.sendall(record)
    with pytest.raises(SSL.Error) as error:
        p.read()
    assert "bad record mac" in str(error.value)
    p.close()
    f.backend.wait()
    assert [type(e) for e in f.backend.errors] == [ConnectionResetError]
    f.stop()


def test_a_reset_by_the_app_is_no_end_for_the_client(front):
    def serve(c):
        c.sendall(b"half of it")
        assert c.recv(2) == b"ok"
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    f = front(serve)
    p = Peer(f).handshake()
    assert p.read(10) == b"half of it"
    p.send(b"ok")
    with pytest.raises(AssertionError, match="no close_notify"):
        p.read()
    p.close()
    f.stop()


@pytest.mark.parametrize("version", PEER_VERSIONS, ids=IDS)
def test_a_backend_that_is_not_there_gets_the_client_a_proper_end(front, version):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = "127.0.0.1:%d" % gone.getsockname()[1]
    f = front(address)
    p = Peer(f, version=version).handshake()
    p.send(b"GET / HTTP/1.1\r\n\r\n" * 5000)
    assert p.read() == b""  # nothing is answered in the app's place
    assert f.counts()["open"] == 1  # a closed socket would reset what the client is still to read
    assert ended(p.socket) == "end"
    f.wait_for(open=0)
    f.stop()


def test_a_backend_that_never_answers_gets_the_client_a_proper_end(front):
    f = front(None, "--silent-backend", "--connect-ms", 200)
    p = Peer(f).handshake()
    assert p.read() == b""
    p.close()


def test_what_an_app_said_before_it_closed_arrives(front):
    """It did not read the request, so its socket resets; its answer is still the client's."""

    def serve(c):
        assert c.recv(1)
        c.sendall(b"413 too large")

    f = front(serve)
    p = Peer(f).handshake()
    p.send(b"x" * 100000)
    assert p.read(13) == b"413 too large"
    p.close()
    f.stop()


def test_the_app_sees_no_connection_before_the_handshake_is_done(front):
    f = front(echo)
    p = Peer(f)
    p.socket.sendall(p.hello())
    assert p.receive()
    f.wait_for(handshaking=1, open=1)
    assert f.backend.count == 0
    p.close()
    f.wait_for(open=0, failed=1)
    assert f.backend.count == 0
    f.stop()


def test_a_unix_socket_is_a_way_to_the_app_too(front, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "app"))
        listener.listen()
        f = front(str(tmp_path / "app"))
        p = Peer(f).handshake()
        p.send(b"ping")
        with listener.accept()[0] as c:
            assert c.recv(10) == b"ping"
            c.sendall(b"pong")
            c.shutdown(socket.SHUT_WR)
            assert p.read() == b"pong"
            p.end()
            assert c.recv(10) == b""
        p.close()
    f.stop()


# ---- back-pressure --------------------------------------------------------------------------


def test_a_reader_that_does_not_read_costs_a_bounded_amount(front, front_program):
    sent = [0]

    def serve(c):
        c.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while sent[0] < 1 << 30:
                sent[0] += c.send(bytes(1 << 16))

    f = front(serve, "--buffer", 256 << 10)
    slow = []
    for _ in range(10):
        s = tcp(f)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.append(front_host.context(f).wrap_socket(s, server_hostname=NAME))
    before = f.memory()
    for _ in slow:
        f.backend.wait()
    grown = f.memory() - before
    assert sent[0] < 1 << 30, "the app was never stopped"
    if not front_host.is_sanitized(front_program):
        assert grown < 10 * 400, f"{grown} KiB for ten streams of at most 256 KiB"
    for s in slow:
        s.close()
    f.stop()


def test_an_app_that_does_not_read_costs_a_bounded_amount(front, front_program):
    go_on, got = threading.Event(), []

    def serve(c):
        go_on.wait(PATIENCE)
        got.append(len(read_all(c)))

    f = front(serve, "--buffer", 256 << 10)
    before = f.memory()
    s = tls(f)
    s.settimeout(1)
    size = 0
    with contextlib.suppress(TimeoutError):
        while size < 1 << 30:
            size += s.send(bytes(1 << 16))
    assert size < 1 << 30
    if not front_host.is_sanitized(front_program):
        assert f.memory() - before < 1024
    go_on.set()
    s.settimeout(PATIENCE)
    with contextlib.suppress(ssl.SSLError, OSError):
        s.unwrap()  # the record that was cut by the time-out cannot be finished: a reset is right
    s.close()
    f.backend.wait()
    assert len(got) + len(f.backend.errors) == 1
    f.stop()


def test_all_arrives_at_a_slow_reader(front):
    data = random.Random(7).randbytes(8 << 20)

    def serve(c):
        c.sendall(data)

    f = front(serve, "--buffer", 100000)
    s = tcp(f)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    with front_host.context(f).wrap_socket(s, server_hostname=NAME) as s:
        got = bytearray()
        while part := s.recv(3000):  # smaller than a record, and than what the app writes
            got += part
    assert got == data
    f.stop()


# ---- protocols of apps ----------------------------------------------------------------------


def test_websocket_messages_go_both_ways(front):
    async def reply(connection, *_):
        async for message in connection:
            await connection.send(message)

    async def talk():
        async with websockets.serve(reply, "127.0.0.1", 0) as backend:
            f = front("127.0.0.1:%d" % backend.sockets[0].getsockname()[1], "--alpn", "http/1.1")
            async with websockets.connect(
                f"wss://{NAME}/", host=f.address[0], port=f.address[1],
                ssl=front_host.context(f), server_hostname=NAME,
            ) as s:  # fmt: skip
                for message in ("text", b"\0\1\2" * 100000):
                    await s.send(message)
                    assert await asyncio.wait_for(s.recv(), PATIENCE) == message
            return f

    asyncio.run(talk()).stop()


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_curl_speaks_the_protocol_that_was_chosen(front, tmp_path, protocol):
    (tmp_path / "app_of_test.py").write_text(
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http':\n"
        "        return\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': scope['http_version'].encode()})\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        os.set_inheritable(fd, True)
        app = subprocess.Popen(
            [sys.executable, "-m", "hypercorn", "--bind", f"fd://{fd}", "app_of_test:app"],
            cwd=tmp_path, pass_fds=[fd], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            f = front("127.0.0.1:%d" % listener.getsockname()[1], "--alpn", protocol)
            host, port = f.address
            p = subprocess.run(
                ["curl", "-sS", "--cacert", f.cert, "--max-time", str(PATIENCE), "--http2",
                 "--resolve", f"{NAME}:{port}:{host}", f"https://{NAME}:{port}/"],
                capture_output=True, check=False,
            )  # fmt: skip
            assert p.stdout.decode() == {"http/1.1": "1.1", "h2": "2"}[protocol], p.stderr
        finally:
            app.terminate()
            app.wait(PATIENCE)


# ---- streams that end in the runtime --------------------------------------------------------


def command(f, text, more=b""):
    p = Peer(f).handshake()
    p.send(text + more)
    return p


def test_a_handler_answers_and_ends(front):
    f = front(echo, "--handler")
    p = command(f, b"f")
    assert p.read() == b"answer"
    p.end()
    p.close()
    f.line("closed")
    p = command(f, b"e", b"xyz")
    assert p.read(3) == b"xyz"
    p.end()
    assert p.read() == b"end"
    p.close()
    f.line("closed")
    f.stop()


@pytest.mark.parametrize("how", [b"a", b"d", b"w"], ids=["abort", "deadline", "too much"])
def test_a_handler_ends_a_stream_without_a_word(front, how):
    f = front(echo, "--handler")
    p = command(f, how)
    assert ended(p.socket) in ("end", "reset")
    f.line("closed")
    f.wait_for(open=0)
    f.stop()


def test_a_handler_is_told_that_a_cut_stream_is_gone(front):
    f = front(echo, "--handler")
    p = command(f, b"e", b"x")
    assert p.read(1) == b"x"
    p.close(reset=True)
    f.line("closed")
    f.stop()


def test_a_stream_goes_from_a_handler_to_the_app(front):
    f = front(echo, "--handler")
    p = command(f, b"r", b"first bytes")
    f.line("closed")  # the handler's part is done
    assert p.read(11) == b"first bytes"
    p.send(b"and more")
    p.end()
    assert p.read() == b"and more"
    p.close()
    f.stop()
