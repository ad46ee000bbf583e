# SPDX-License-Identifier: Apache-2.0
"""The TLS front among hostile and slow peers: deadlines, caps, floods, the edge, the end."""

import contextlib
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

import front_host
import pytest
from front_host import (  # noqa: F401
    PATIENCE, Peer, echo, ended, files, front, front_program, read_all, started, tcp, tls,
)  # fmt: skip
from OpenSSL import SSL

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LONG = 60000  # ms: longer than a test waits


def header(source, port, destination="192.0.2.1", to=443, command=0x21, more=b""):
    """PROXY protocol, version 2, 2.2: IPv4 or IPv6 over a stream."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    block = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    block += struct.pack("!HH", port, to) + more
    return SIGNATURE + struct.pack("!BBH", command, 0x21 if ":" in source else 0x11,
                                   len(block)) + block  # fmt: skip


def served(f, **options):
    """True if a new client is served."""
    p = Peer(f, **options).handshake()
    p.send(b"ping")
    assert p.read(4) == b"ping"
    p.end()
    assert p.read() == b""
    p.close()
    return True


def lasts(s):
    """Milliseconds until the peer closes."""
    start = time.monotonic()
    assert ended(s) in ("end", "reset")
    return (time.monotonic() - start) * 1000


# ---- what is not TLS ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\nHost: app.example\r\n\r\n", b"\0", b"\x16\x02", b"\x17\x03\x01\0\1x",
     b"\x80\x2e\1\0\2", b"\x16\3\1\0\0", b"\x16\3\1\x40\1", b"\x16\3\1\0\4\2\0\0\0",
     b"\x16\3\1\0\4\1\0\x40\1", header("192.0.2.7", 1), b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n"],
    ids=["http", "zero", "ssl2 version", "data record", "ssl2 hello", "empty record",
         "long record", "server hello", "long hello", "proxy v2", "proxy v1"],
)  # fmt: skip
def test_what_is_not_tls_is_closed_without_a_word(front, data):
    f = front(echo, "--hello-ms", LONG)
    s = tcp(f)
    s.sendall(data)
    assert s.recv(10) == b""
    s.close()
    f.wait_for(refused=1, open=0, failed=0)
    assert served(f)
    f.stop()


def test_a_hello_that_is_not_valid_is_told_so(front):
    f = front(echo, "--hello-ms", LONG)
    s = tcp(f)
    s.sendall(b"\x16\3\1\0\5\1\0\0\1\3")
    assert s.recv(100) == bytes([21, 3, 3, 0, 2, 2, 50])
    assert ended(s) == "end"
    f.stop()


def test_random_bytes_after_a_valid_hello_end_the_handshake(front):
    f = front(echo)
    p = Peer(f)
    p.socket.sendall(p.hello() + bytes(range(256)) * 300)
    assert ended(p.socket) in ("end", "reset")
    f.wait_for(failed=1, open=0)
    assert served(f)
    f.stop()


# ---- deadlines ------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [0, 1, 100], ids=["nothing", "a byte", "half a hello"])
def test_a_hello_has_a_deadline(front, sent):
    f = front(echo, "--hello-ms", 300)
    p = Peer(f)
    p.socket.sendall(p.hello()[:sent])
    assert 200 < lasts(p.socket) < 5000
    f.wait_for(open=0)
    f.stop()


def test_bytes_that_trickle_in_do_not_move_the_deadline(front):
    f = front(echo, "--hello-ms", 300)
    p = Peer(f)
    start = time.monotonic()
    with pytest.raises((ConnectionError, AssertionError)):
        for byte in p.hello():
            p.socket.sendall(bytes([byte]))
            if front_host.readable(p.socket, 0.05):
                assert p.socket.recv(1), "closed"
    assert time.monotonic() - start < 5
    p.close()
    f.stop()


def test_a_handshake_has_a_deadline_of_its_own(front):
    f = front(echo, "--handshake-ms", 300, "--hello-ms", LONG)
    p = Peer(f)
    p.socket.sendall(p.hello())
    assert 200 < lasts(p.socket) < 5000
    f.wait_for(open=0, failed=1)
    f.stop()


def test_an_idle_stream_ends_and_a_used_one_does_not(front):
    f = front(echo, "--idle-ms", 600)
    idle, used = Peer(f).handshake(), Peer(f).handshake()
    start = time.monotonic()
    while time.monotonic() - start < 1.5:
        used.send(b"x")
        assert used.read(1) == b"x"
        assert not front_host.readable(used.socket, 0.1)
    f.wait_for(open=1)
    assert ended(idle.socket) in ("end", "reset")
    assert lasts(used.socket) < 5000
    f.stop()


def test_a_half_closed_stream_has_a_deadline(front):
    def serve(c):
        read_all(c)  # and then: says nothing, ends nothing
        waiting.wait(PATIENCE)

    waiting = threading.Event()
    f = front(serve, "--half-close-ms", 300)
    p = Peer(f).handshake()
    p.end()
    assert 200 < lasts(p.socket) < 5000
    waiting.set()
    f.stop()


# ---- caps -----------------------------------------------------------------------------------


def test_a_full_table_drops_the_oldest_half_open(front):
    f = front(echo, "--connections", 4, "--hello-ms", LONG)
    stream = Peer(f).handshake()
    half_open = []
    for n in range(2, 5):
        half_open.append(tcp(f))
        f.wait_for(accepted=n)
    assert served(f)
    assert lasts(half_open[0]) < 5000
    f.wait_for(open=3, refused=1)  # the other two, and the stream
    stream.send(b"x")
    assert stream.read(1) == b"x"
    for s in (*half_open[1:], stream):
        s.close()
    f.stop()


def test_streams_are_not_dropped_for_new_clients(front):
    f = front(echo, "--connections", 3)
    streams = [Peer(f).handshake() for _ in range(3)]
    s = tcp(f)
    assert lasts(s) < 5000
    f.wait_for(open=3, refused=1)
    for p in streams:
        p.send(b"x")
        assert p.read(1) == b"x"
        p.close()
    f.wait_for(open=0)
    assert served(f)
    f.stop()


def test_a_full_table_of_handshakes_drops_the_oldest(front):
    f = front(echo, "--handshakes", 2, "--handshake-ms", LONG)
    peers = []
    for n in range(1, 4):
        peers.append(Peer(f))
        peers[-1].socket.sendall(peers[-1].hello())
        assert peers[-1].receive()
        f.wait_for(accepted=n)
    assert lasts(peers[0].socket) < 5000
    f.wait_for(open=2, handshaking=2)
    assert served(f)
    f.wait_for(open=1)
    for p in peers[1:]:
        p.close()
    f.stop()


def test_a_peer_at_its_limit_takes_nothing_from_others(front):
    f = front(echo, "--connections-per-peer", 2, "--hello-ms", LONG)
    other = tcp(f, "127.0.0.2")  # the oldest of all
    stream = Peer(f).handshake()
    half_open = tcp(f)
    f.wait_for(open=3)
    second = Peer(f).handshake()  # the peer's own half-open connection goes
    assert lasts(half_open) < 5000
    assert lasts(tcp(f)) < 5000  # two streams: it is refused
    assert served(f, source="127.0.0.2")
    for p in (stream, second):
        p.send(b"x")
        assert p.read(1) == b"x"
        p.close()
    f.wait_for(open=1)
    assert served(f)
    other.close()
    f.stop()


def raise_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"{hard} descriptors at most")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def test_others_are_served_beside_10000_idle_connections(front, front_program):
    raise_descriptors(11000)
    f = front(echo, "--connections-per-peer", 20000, "--hello-ms", LONG)
    before = f.memory()
    idle = [tcp(f) for _ in range(10000)]
    for _ in range(20):
        assert served(f)
    f.wait_for(open=10000)
    if not front_host.is_sanitized(front_program):
        assert f.memory() - before < 10000 * 1, "more than 1 KiB for a half-open connection"
    for s in idle:
        s.close()
    f.wait_for(open=0)
    f.stop()


def test_others_are_served_under_the_limits_that_hold_by_default(front):
    raise_descriptors(11000)
    f = front(echo)
    idle = [tcp(f) for _ in range(10000)]
    for _ in range(20):
        assert served(f)
    counts = f.counts()
    assert counts["open"] < 4097 and counts["refused"] >= 10000 - 4096
    for s in idle:
        s.close()
    f.stop()


def test_others_are_served_beside_1000_slow_handshakes(front):
    f = front(echo, "--hello-ms", LONG, "--handshake-ms", LONG)
    slow = [Peer(f) for _ in range(1000)]
    for p in slow:
        p.socket.sendall(p.hello())
    for _ in range(20):
        assert served(f)
    f.wait_for(handshaking=1000)
    for p in slow:
        p.close()
    f.wait_for(open=0, failed=1000)
    f.stop()


def test_an_idle_stream_costs_little(front, front_program):
    if front_host.is_sanitized(front_program):
        pytest.skip("sanitizers need memory of their own")
    f = front(echo, "--connections-per-peer", 5000)

    def used():
        p = Peer(f).handshake()
        p.send(b"x")
        assert p.read(1) == b"x"
        return p

    idle = [used() for _ in range(50)]  # what the first ones cost once
    before = f.memory()
    idle += [used() for _ in range(400)]
    assert (f.memory() - before) / 400 <= 15
    for p in idle:
        p.close()
    f.stop()


def test_a_flood_of_half_hellos_costs_a_bounded_amount(front, front_program):
    f = front(echo, "--hello-ms", LONG, "--connections-per-peer", 9000)
    hello = b"\x16\3\1\x40\0\1\0\x3f\xfc" + bytes(16000)
    before = f.memory()
    flood = []
    for _ in range(6000):
        flood.append(tcp(f))
        with contextlib.suppress(ConnectionError):
            flood[-1].sendall(hello)
    assert served(f)
    if not front_host.is_sanitized(front_program):
        # 32 MiB of early bytes, and what 6,000 connections cost; without a bound twice as much
        assert f.memory() - before < 96 << 10
    for s in flood:
        s.close()
    f.wait_for(open=0)
    f.stop()


# ---- the edge -------------------------------------------------------------------------------


def proxied(c):
    """Says what was read as far as the first letter of the stream's own data: "D"."""
    got = b""
    while b"D" not in got:
        got += c.recv(1 << 16)
    c.sendall(got.hex().encode())
    c.shutdown(socket.SHUT_WR)


def seen_by_app(f, **options):
    p = Peer(f, **options).handshake()
    p.send(b"D")
    got = bytes.fromhex(p.read().decode())
    own = p.socket.getsockname()
    p.end()
    p.close()
    assert got[-1:] == b"D"
    return got[:-1], own


@pytest.mark.parametrize(
    "sent",
    [header("198.51.100.7", 4711), header("2001:db8::7", 4711, "2001:db8::1"),
     header("198.51.100.7", 4711, more=b"\x04\0\3abc")],
    ids=["ipv4", "ipv6", "with a TLV"],
)  # fmt: skip
def test_the_edges_word_goes_to_the_app(front, sent):
    f = front(proxied, "--edge", "127.0.0.1/32", "--proxy-out")
    got, _ = seen_by_app(f, before=sent)
    size = 28 if sent[13] == 0x11 else 52
    assert got == sent[:14] + struct.pack("!H", size - 16) + sent[16:size]
    f.stop()


def test_a_strangers_address_is_the_kernels(front):
    f = front(proxied, "--edge", "10.0.0.0/8", "--proxy-out")
    got, own = seen_by_app(f)
    assert got == header("127.0.0.1", own[1], *f.address)
    f.stop()


def test_a_local_connection_of_the_edge_is_its_own(front):
    f = front(proxied, "--edge", "127.0.0.1/32", "--proxy-out")
    got, own = seen_by_app(f, before=SIGNATURE + b"\x20\0\0\0")
    assert got == header("127.0.0.1", own[1], *f.address)
    f.stop()


def test_the_app_is_told_nothing_unless_it_is_asked_for(front):
    f = front(proxied, "--edge", "127.0.0.1/32")
    assert seen_by_app(f, before=header("198.51.100.7", 4711))[0] == b""
    f.stop()


def test_a_header_may_come_in_any_segments(front):
    f = front(proxied, "--edge", "127.0.0.1/32", "--proxy-out")
    p = Peer(f)
    for byte in header("198.51.100.7", 4711) + p.hello():
        p.socket.sendall(bytes([byte]))
    p.handshake()
    p.send(b"D")
    assert bytes.fromhex(p.read().decode()) == header("198.51.100.7", 4711) + b"D"
    p.close()
    f.stop()


@pytest.mark.parametrize(
    "sent", [b"", SIGNATURE[:-1] + b"x", SIGNATURE + b"\x22\x11\0\0", SIGNATURE + b"\x21\x11\0\4abcd",
             SIGNATURE + b"\x21\x12\0\x0c" + bytes(12), SIGNATURE + b"\x21\x11\xff\xff"],
    ids=["none", "signature", "command", "short", "datagram", "long"],
)  # fmt: skip
def test_the_edge_has_to_send_a_header(front, sent):
    f = front(echo, "--edge", "127.0.0.0/8", "--hello-ms", LONG)
    p = Peer(f, before=sent)
    with contextlib.suppress(ConnectionError):
        p.socket.sendall(p.hello())
    assert ended(p.socket) in ("end", "reset")
    f.wait_for(refused=1, open=0)
    f.stop()


def test_clients_behind_the_edge_are_counted_by_their_own_address(front):
    f = front(echo, "--edge", "127.0.0.1/32", "--connections-per-peer", 1)
    one = Peer(f, before=header("198.51.100.7", 1)).handshake()
    with pytest.raises((ConnectionError, AssertionError)):
        Peer(f, before=header("198.51.100.7", 2)).handshake()
    other = Peer(f, before=header("198.51.100.8", 1)).handshake()
    # An IPv6 network of 64 bits is one peer.
    six = Peer(f, before=header("2001:db8::7", 1, "::1")).handshake()
    with pytest.raises((ConnectionError, AssertionError)):
        Peer(f, before=header("2001:db8::8", 1, "::1")).handshake()
    last = Peer(f, before=header("2001:db8:0:1::8", 1, "::1")).handshake()
    for p in (one, other, six, last):
        p.close()
    f.stop()


def test_ipv6_is_listened_to(front):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    f = front(proxied, "--proxy-out", listen="[::1]:0")
    got, own = seen_by_app(f)
    assert got == header("::1", own[1], *f.address)
    f.stop()


# ---- the end --------------------------------------------------------------------------------


def test_draining_lets_streams_finish_and_takes_no_new_ones(front):
    f = front(echo)
    stream, half_open = Peer(f).handshake(), tcp(f)
    f.wait_for(open=2)
    f.process.send_signal(signal.SIGTERM)
    f.line("draining")
    assert lasts(half_open) < 5000
    with pytest.raises(ConnectionError):
        tcp(f)
    stream.send(b"still served")
    assert stream.read(12) == b"still served"
    stream.end()
    assert stream.read() == b""
    stream.close()
    f.line("drained")
    f.is_clean()


def test_draining_has_a_deadline(front):
    f = front(echo, "--drain-ms", 300)
    stream = Peer(f).handshake()
    f.process.send_signal(signal.SIGTERM)
    f.line("draining")
    assert lasts(stream.socket) < 5000
    f.line("drained")
    f.is_clean()


def test_an_address_that_is_taken_is_said(front_program, files):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        p = subprocess.run(
            [front_program, "--cert", files[0], "--key", files[1], "--listen",
             "127.0.0.1:%d" % taken.getsockname()[1]],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    assert p.returncode == 2 and "address already in use" in p.stderr


@pytest.mark.slow
def test_connections_that_come_and_go_in_every_way_leave_nothing(front, front_program):
    """Leaks show as growth, and to a sanitizer."""
    f = front(echo)

    def round_of_all():
        for _ in range(50):
            assert served(f)
            for sent in (0, 50, 10000):
                p = Peer(f)
                p.socket.sendall(p.hello()[:sent])
                p.close(reset=sent == 50)
            p = Peer(f).handshake()
            p.send(bytes(100000))
            p.close(reset=True)
            with contextlib.suppress(SSL.Error):
                Peer(f, version=SSL.TLS1_2_VERSION).handshake().close()
            tls(f).close()
        f.wait_for(open=0)

    round_of_all()
    before = f.memory()
    for _ in range(10):
        round_of_all()
    if not front_host.is_sanitized(front_program):
        assert f.memory() - before < 500
    f.stop()
