# SPDX-License-Identifier: Apache-2.0
"""A TLS server for end-to-end tests that can misbehave and counts what a client sends it."""

import socket
import ssl
import struct
import tempfile
import threading
from pathlib import Path

MODES = ("normal", "plain", "silent", "reset", "half", "garbage", "close")


def listen(host, port=0):
    """A listening socket on this port, or a free one, of an IPv4 or IPv6 address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(64)
    return sock


class Counters:
    """Counts guarded by a condition, so that a test can wait for them instead of sleeping."""

    def __init__(self):
        self.condition = threading.Condition()
        self.values = {}

    def add(self, name, amount=1):
        with self.condition:
            self.values[name] = self.values.get(name, 0) + amount
            self.condition.notify_all()

    def get(self, name):
        with self.condition:
            return self.values.get(name, 0)

    def wait(self, name, at_least, timeout):
        with self.condition:
            return self.condition.wait_for(lambda: self.values.get(name, 0) >= at_least, timeout)


def server_context(
    certificate, directory, *, alpn=None, minimum=None, maximum=None, tickets=None
):
    """SSLContext for one Attested-like object (attributes pem and key_pem; pem may be a chain)."""
    chain, key = Path(directory) / "server.pem", Path(directory) / "server.key"
    chain.write_text(certificate.pem)
    key.write_text(certificate.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    if alpn:
        context.set_alpn_protocols(alpn)
    if tickets is not None:
        context.num_tickets = tickets
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    return context


class TlsServer:
    """with TlsServer(cert) as s: connect to s.host, s.port; s.url; then s.app_bytes and friends.

    cert: one Attested, or a list: connection i gets cert i, later ones the last.
    mode: "normal" HTTPS; "plain" HTTP without TLS; "silent" never answers; "reset" RST after half
    of the first server flight; "half" the same with an orderly close; "garbage" bytes that are no
    TLS; "close" at once. A list of modes works like a list of certificates.
    alpn, minimum, maximum (ssl.TLSVersion), tickets (TLS 1.3 session tickets): of the context.
    handler(request_bytes, tls_socket) -> reply bytes: instead of the fixed reply.
    Counters: connections, handshakes, finished (connections over), app_bytes, requests.
    """

    def __init__(
        self, cert=None, *, host="127.0.0.1", port=0, mode="normal", body=b"hello\n", handler=None,
        alpn=None, minimum=None, maximum=None, tickets=None, timeout=20,
    ):
        self.certs = list(cert) if isinstance(cert, (list, tuple)) else [cert]
        self.modes = list(mode) if isinstance(mode, (list, tuple)) else [mode]
        if set(self.modes) - set(MODES):
            raise ValueError(f"unknown mode {set(self.modes) - set(MODES)}")
        self.host, self.wanted_port = host, port
        self.body, self.handler, self.timeout = body, handler, timeout
        self.tls = dict(alpn=alpn, minimum=minimum, maximum=maximum, tickets=tickets)
        self.counters = Counters()
        self.open = set()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.received = []

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.contexts = [
            None if c is None else server_context(c, self.directory.name, **self.tls)
            for c in self.certs
        ]
        self.socket = listen(self.host, self.wanted_port)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        # A blocked accept() is woken by shutdown, not by close.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(self.timeout)
        self.socket.close()
        with self.lock:
            for connection in list(self.open):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.counters.wait("finished", self.connections, self.timeout)
        self.directory.cleanup()

    @property
    def authority(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self):
        return f"{'http' if self.modes == ['plain'] else 'https'}://{self.authority}/"

    @property
    def connections(self):
        return self.counters.get("connections")

    @property
    def handshakes(self):
        return self.counters.get("handshakes")

    @property
    def app_bytes(self):
        """Application bytes received after handshakes; call wait() first."""
        return self.counters.get("app_bytes")

    @property
    def requests(self):
        return self.counters.get("requests")

    def wait(self, finished=1, timeout=10):
        """True once so many connections are over: then the counts of them are final."""
        return self.counters.wait("finished", finished, timeout)

    def _accept(self):
        number = 0
        while not self.stopping.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(self.timeout)
            with self.lock:
                self.open.add(connection)
            self.counters.add("connections")
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()
            number += 1

    def _serve(self, connection, number):
        mode = self.modes[min(number, len(self.modes) - 1)]
        context = self.contexts[min(number, len(self.contexts) - 1)]
        try:
            getattr(self, "_" + mode)(connection, context)
        except (OSError, ValueError):  # ValueError: unwrap() after the client is gone
            pass
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()
            self.counters.add("finished")

    def _normal(self, connection, context):
        options = dict(server_side=True, do_handshake_on_connect=False)
        with context.wrap_socket(connection, **options) as tls:
            with self.lock:
                self.open.discard(connection)
                self.open.add(tls)
            try:
                tls.do_handshake()
                self.counters.add("handshakes")
                self._http(tls)
                tls.unwrap()
            finally:
                with self.lock:
                    self.open.discard(tls)

    def _plain(self, connection, _):
        self._http(connection, mode_plain=True)

    def _http(self, stream, mode_plain=False):
        data = b""
        while b"\r\n\r\n" not in data:
            part = stream.recv(65536)
            if not part:
                break
            if mode_plain and not data and part[0] == 0x16:
                # A ClientHello: answered as web servers do, not counted as application data.
                stream.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return
            self.counters.add("app_bytes", len(part))
            data += part
        if not data:
            return
        self.received.append(data)
        self.counters.add("requests")
        if self.handler is not None:
            stream.sendall(self.handler(data, stream))
            return
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        stream.sendall(f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body)

    def _silent(self, connection, _):
        while connection.recv(65536):
            pass

    def _garbage(self, connection, _):
        connection.recv(65536)
        connection.sendall(bytes(range(255, -1, -1)) * 4)

    def _close(self, connection, _):
        pass

    def _first_flight(self, connection, context):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while not outgoing.pending:
            part = connection.recv(65536)
            if not part:
                return b""
            incoming.write(part)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
        return outgoing.read()

    def _half(self, connection, context):
        flight = self._first_flight(connection, context)
        connection.sendall(flight[: len(flight) // 2])

    def _reset(self, connection, context):
        self._half(connection, context)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
