# SPDX-License-Identifier: Apache-2.0
"""The TLS front alone (tests/tools/front_server.c), plain backends for it, and TLS peers."""

import contextlib
import functools
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
PEER_VERSIONS = [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION]
IDS = ["tls12", "tls13"]
NAME = "app.example"
PATIENCE = 15  # seconds that any wait may take before a test fails


def make_certificate(directory):
    """(certificate, key) files of a self-signed P-256 certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = directory / "cert.pem", directory / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))  # fmt: skip
    return files


def readable(thing, seconds):
    """poll, for descriptors may be above what select takes."""
    poll = select.poll()
    poll.register(thing, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Front:
    """One running front_server."""

    def __init__(self, program, files, *words, connect=None, listen="127.0.0.1:0"):
        words = ["--cert", files[0], "--key", files[1], "--listen", listen, *words]
        if connect is not None:
            words += ["--connect", connect]
        self.cert = files[0]
        self.process = subprocess.Popen(
            [program, *map(str, words)], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        host, port = self.line("ready").split()[1].rsplit(":", 1)
        self.address = host.strip("[]"), int(port)

    def line(self, start):
        """The next line of output that begins so."""
        while True:
            assert readable(self.process.stdout, PATIENCE), f"no line {start}"
            line = self.process.stdout.readline()
            assert line, f"front_server ended with {self.process.wait()}"
            if line.startswith(start):
                return line.strip()

    def counts(self):
        self.process.send_signal(signal.SIGUSR2)
        return {k: int(v) for k, v in (p.split("=") for p in self.line("accepted=").split())}

    def wait_for(self, **wanted):
        """Until the counts are these; asking is what lets time pass."""
        for _ in range(5000):
            counts = self.counts()
            if all(counts[name] == value for name, value in wanted.items()):
                return counts
            readable(self.process.stdout, 0.002)
        raise AssertionError(f"{counts}, not {wanted}")

    def renew(self):
        self.process.send_signal(signal.SIGUSR1)
        self.line("renewed")

    def memory(self):
        """Resident KiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def stop(self):
        """Ends it as an operator does; leaks and errors of a sanitizer show in the status."""
        self.process.send_signal(signal.SIGTERM)
        self.line("drained")
        self.is_clean()

    def is_clean(self):
        assert self.process.wait(PATIENCE) == 0
        self.process.stdout.close()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Backend:
    """Plain TCP: each connection is served by a thread of its own. errors: what they met."""

    def __init__(self, serve, backlog=1000):
        self.serve, self.threads, self.errors, self.count = serve, [], [], 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.connect = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.done = threading.Semaphore(0)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.count += 1
            connection.settimeout(PATIENCE)
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        try:
            with connection:
                self.serve(connection)
        except Exception as error:  # the test looks at it
            self.errors.append(error)
        self.done.release()

    def wait(self):
        """Until one more connection has been served."""
        assert self.done.acquire(timeout=PATIENCE), "the backend still serves"

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def read_all(connection):
    parts = []
    while part := connection.recv(1 << 18):
        parts.append(part)
    return b"".join(parts)


def echo(connection):
    """Byte by byte as it comes, and the end as well."""
    while data := connection.recv(1 << 16):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def context(front, alpn=(), version=None):
    ctx = ssl.create_default_context(cafile=front.cert)
    if alpn:
        ctx.set_alpn_protocols(list(alpn))
    if version is not None:
        ctx.minimum_version = ctx.maximum_version = version
    return ctx


def tcp(front, source=None):
    s = socket.create_connection(front.address, PATIENCE, source and (source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def tls(front, name=NAME, ctx=None, session=None, **options):
    """A connection of Python's ssl, after its handshake."""
    ctx = ctx or context(front, **options)
    if name is None:
        ctx.check_hostname = False
    s = tcp(front)
    try:
        return ctx.wrap_socket(s, server_hostname=name, session=session)
    except BaseException:
        s.close()
        raise


@functools.cache
def peer_context(version, alpn):
    ctx = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if version is not None:
        ctx.set_min_proto_version(version)
        ctx.set_max_proto_version(version)
    if alpn:
        ctx.set_alpn_protos(list(alpn))
    return ctx


class Peer:
    """TLS whose records are in the test's hands: what is sent, when, and in which pieces."""

    def __init__(self, front, name=NAME, version=None, alpn=(), before=b"", source=None):
        self.ssl = SSL.Connection(peer_context(version, tuple(alpn)), None)
        self.ssl.set_tlsext_host_name(name.encode())
        self.ssl.set_connect_state()
        self.socket = tcp(front, source)
        if before:
            self.socket.sendall(before)

    def output(self):
        """What OpenSSL wants to send."""
        try:
            return self.ssl.bio_read(1 << 20)
        except SSL.WantReadError:
            return b""

    def hello(self):
        with contextlib.suppress(SSL.WantReadError):
            self.ssl.do_handshake()
        return self.output()

    def receive(self):
        """Whatever comes next; False at the end of the TCP connection."""
        data = self.socket.recv(1 << 16)
        if data:
            self.ssl.bio_write(data)
        return bool(data)

    def handshake(self, step=None):
        """step: so many bytes in each segment of the first flight."""
        out = self.hello()  # nothing, if it was sent already
        step = step or max(1, len(out))
        for at in range(0, len(out), step):
            self.socket.sendall(out[at : at + step])
        while True:
            assert self.receive(), "closed in the handshake"
            try:
                self.ssl.do_handshake()
            except SSL.WantReadError:
                self.flush()
                continue
            self.flush()
            return self

    def flush(self):
        self.socket.sendall(self.output())

    def send(self, data):
        self.ssl.sendall(data)
        self.flush()

    def end(self):
        """close_notify alone: the TCP connection stays open, and so does the other direction."""
        self.ssl.shutdown()
        self.flush()

    def read(self, size=None):
        """So many bytes; or all up to close_notify, which must be there."""
        got = b""
        while size is None or len(got) < size:
            try:
                got += self.ssl.recv(1 << 16)
            except SSL.WantReadError:
                assert self.receive(), f"no close_notify after {len(got)} bytes"
            except SSL.ZeroReturnError:
                assert size is None, "an early end"
                break
        return got

    def close(self, reset=False):
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()


def ended(s):
    """How a raw socket ends: "end" or "reset"; what came before is thrown away."""
    try:
        while s.recv(1 << 16):
            pass
        return "end"
    except ConnectionResetError:
        return "reset"
    finally:
        s.close()


def is_sanitized(program):
    """Sanitizers need memory of their own."""
    return b"__asan_init" in open(os.fspath(program), "rb").read()


# ---- fixtures ----


@pytest.fixture(scope="session")
def front_program(build):
    path = build / "tests" / "tools" / "front_server"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("front"))


@pytest.fixture
def started():
    """Everything to be stopped, in the opposite order."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def front(front_program, files, started):
    """front(backend function, words of front_server): a front before it; .backend is that."""

    def start(serve, *words, **options):
        backend = Backend(serve) if callable(serve) else None
        if backend is not None:
            started.callback(backend.close)
            options["connect"] = backend.connect
        elif serve is not None:
            options["connect"] = serve
        new = Front(front_program, files, *words, **options)
        started.callback(new.kill)
        new.backend = backend
        return new

    return start
