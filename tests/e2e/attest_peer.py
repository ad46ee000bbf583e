# SPDX-License-Identifier: Apache-2.0
"""A peer that speaks mse-attest/1, in Python: honest, or in any way dishonest; and a client."""

import os
import select
import socket
import threading
from dataclasses import dataclass

import attest_oracle as oracle
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL, crypto

TIMEOUT = 20


@dataclass
class Asked:
    """One request and the connection it came on."""

    spki: bytes
    exporter: bytes
    nonce: bytes
    inner: bytes
    rest: bytes

    def leaf(self, configuration=oracle.NOTHING):
        return oracle.leaf(self.spki, self.exporter, self.nonce, configuration)


def _pkey(key):
    return crypto.PKey.from_cryptography_key(key)


def _wait(connection, write=False):
    sock = connection.fileno()
    ready = select.select([] if write else [sock], [sock] if write else [], [], TIMEOUT)
    if ready == ([], [], []):
        raise TimeoutError


def _do(connection, function, *words):
    while True:
        try:
            return function(*words)
        except SSL.WantReadError:
            _wait(connection)
        except SSL.WantWriteError:
            _wait(connection, write=True)


def read(connection, size):
    data = b""
    while len(data) < size:
        data += _do(connection, connection.recv, size - len(data))
    return data


def read_all(connection):
    data = b""
    try:
        while True:
            data += _do(connection, connection.recv, 65536)
    except SSL.ZeroReturnError:
        return data


def read_request(connection):
    """Of the stream alone: whoever waits for more would wait for ever."""
    head = read(connection, 35)
    return head + read(connection, head[34])


class AttestPeer:
    """with AttestPeer(certificate, answer) as p: connect to p.authority.

    certificate: an Attested, or (chain of DER, key). answer(asked) -> bytes of the whole reply, or
    None to say nothing until the client goes; cut: the connection ends behind the reply without
    close_notify. echo: after a request with CONTINUE comes what the client says, reversed by lines.
    alpn: False: the peer knows no ALPN. asked: every request; said: what came behind them.
    """

    def __init__(self, certificate, answer, *, alpn=True, version=None, echo=False):
        chain, key = (certificate if isinstance(certificate, tuple)
                      else ([certificate.der], certificate.key))  # fmt: skip
        self.answer, self.echo = answer, echo
        self.asked, self.said = [], []
        self.spki = x509.load_der_x509_certificate(chain[0]).public_key()
        self.context = SSL.Context(SSL.TLS_METHOD)
        self.context.use_certificate(crypto.load_certificate(crypto.FILETYPE_ASN1, chain[0]))
        for more in chain[1:]:
            self.context.add_extra_chain_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, more))
        self.context.use_privatekey(_pkey(key))
        if alpn:
            self.context.set_alpn_select_callback(self._choose)
        if version:
            self.context.set_max_proto_version(version)
        self.threads = []

    def _choose(self, _, offered):
        self.offered = offered
        return oracle.ALPN if oracle.ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(TIMEOUT)
        self.socket.close()
        for thread in self.threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive()

    def _accept(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, sock):
        sock.settimeout(None)
        connection = SSL.Connection(self.context, sock)
        connection.set_accept_state()
        with sock:
            try:
                _do(connection, connection.do_handshake)
                if connection.get_alpn_proto_negotiated() == oracle.ALPN:
                    self._attest(connection)
                else:
                    self.said.append(read_all(connection))
                connection.shutdown()
                read_all(connection)
            except (SSL.Error, OSError):
                pass

    def _attest(self, connection):
        nonce, inner, rest = oracle.read_request(read_request(connection))
        exporter = connection.export_keying_material(oracle.LABEL, 32, nonce)
        spki = self.context_spki()
        self.asked.append(Asked(spki, exporter, nonce, inner, rest))
        reply = self.answer(self.asked[-1])
        if reply is not None:
            connection.sendall(reply)
        if self.echo and inner:
            self._echo(connection)
        else:
            self.said.append(read_all(connection))

    def _echo(self, connection):
        data = b""
        while not data.endswith(b"bye\n"):
            part = _do(connection, connection.recv, 65536)
            data += part
            connection.sendall(part.upper())
        self.said.append(data)

    def context_spki(self):
        return self.spki.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def honest(evidence, statement=b"", /, *, tee=oracle.SIM, before=0, behind=0, **change):
    """answer of a good peer: this connection's leaf between others. change: of Reply's fields."""

    def answer(asked):
        others = [oracle.numbered(i, 64) for i in range(before + behind)]
        leaves = [*others[:before], asked.leaf(oracle.configuration_of(statement)),
                  *others[before:]]  # fmt: skip
        reply = oracle.Reply(tee, before, len(leaves), tuple(oracle.path(leaves, before)),
                             evidence(oracle.root(leaves)), statement)  # fmt: skip
        for name, value in change.items():
            setattr(reply, name, value(getattr(reply, name)) if callable(value) else value)
        return reply.encode()

    return answer


class AttestClient:
    """A client of a real service; judges nothing by itself."""

    def __init__(self, port, name, *, alpn=(oracle.ALPN,), session=None, version=None):
        context = SSL.Context(SSL.TLS_METHOD)
        if version:
            context.set_max_proto_version(version)
        if alpn:
            context.set_alpn_protos(list(alpn))
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self.socket.settimeout(None)
        self.connection = SSL.Connection(context, self.socket)
        self.connection.set_tlsext_host_name(name.encode())
        if session is not None:
            self.connection.set_session(session)
        self.connection.set_connect_state()
        _do(self.connection, self.connection.do_handshake)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def spki(self):
        key = self.connection.get_peer_certificate().to_cryptography().public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def send(self, data):
        self.connection.sendall(data)

    def ask(self, inner=b"", nonce=None):
        self.nonce = nonce or os.urandom(32)
        self.send(oracle.request(self.nonce, inner))

    def reply(self):
        """(Reply, the root that it should be about)."""
        size = int.from_bytes(read(self.connection, 4), "big")
        assert size <= 65536
        got = oracle.read_reply(read(self.connection, size))
        exporter = self.connection.export_keying_material(oracle.LABEL, 32, self.nonce)
        one = oracle.leaf(self.spki, exporter, self.nonce,
                          oracle.configuration_of(got.statement))  # fmt: skip
        return got, oracle.root_of_path(one, got.index, got.count, got.path)

    def rest(self):
        return read_all(self.connection)
