# SPDX-License-Identifier: Apache-2.0
"""A configuration server made from the documentation: for the owner's client, well behaved or not."""

import base64
import hashlib
import json
import os
import struct
import threading

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from testpki.server import TlsServer

UUID = "00000000-0000-4000-8000-000000000001"


def certificate_sha256(attested):
    return hashlib.sha256(attested.der).digest()


def statement_text(nonce, certificate, body, epoch):
    digest = hashlib.sha256(b"mse-config-v1\n" + body).digest()
    return b"mse-configure-v1\n" + nonce + certificate + digest + struct.pack(">Q", epoch)


def reply(status, body=b"", *fields, reason="X"):
    head = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class ConfigServer:
    """with ConfigServer(cert, owner) as s: s.server is the TlsServer.

    owner: raw Ed25519 public key. get(server) and post(server, head, body) may be given to answer
    with other bytes; post returns None to judge as usual.
    """

    def __init__(self, cert, owner, *, uuid=UUID, epoch=1, get=None, post=None, ready_after=0,
                 unsigned=False, **options):
        self.certs = cert if isinstance(cert, list) else [cert]
        self.owner, self.uuid, self.epoch = owner, uuid, epoch
        self.get, self.post, self.unsigned = get, post, unsigned
        self.nonce, self.nonces = os.urandom(32), []
        self.configured, self.bodies, self.heads = None, [], []
        self.not_ready = ready_after
        self.problem = None
        self.lock = threading.Lock()
        self.server = TlsServer(cert, handler=self.serve, **options)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *words):
        self.server.__exit__(*words)

    # ---- HTTP ----

    def serve(self, data, stream):
        while data:
            while b"\r\n\r\n" not in data:
                part = stream.recv(65536)
                if not part:
                    return b""
                data += part
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
            length = int(fields.get("content-length", 0))
            while len(data) < length:
                part = stream.recv(65536)
                if not part:
                    return b""
                data += part
            body, data = data[:length], data[length:]
            with self.lock:
                self.heads.append((lines[0], fields))
                answer = self.answer(lines[0].split(" ")[0], fields, body)
            if answer is None:
                return b""
            stream.sendall(answer)
            if not data:
                data = stream.recv(65536)
        return b""

    def answer(self, method, fields, body):
        if self.configured is not None:
            if self.not_ready > 0:
                self.not_ready -= 1
                return reply(503, b"", "Mse-Status: Starting")
            return reply(200, b"fine\n")
        if method == "GET":
            if self.get is not None:
                return self.get(self)
            return self.waiting()
        self.bodies.append(body)
        if self.post is not None:
            answer = self.post(self, fields, body)
            if answer is not None:
                return answer
        return self.judge(fields, body)

    def waiting(self, *more):
        if self.unsigned:
            return reply(200, b"waiting", "Mse-Status: Waiting", *more)
        return reply(200, b"waiting", "Mse-Status: Waiting", f"Mse-Nonce: {self.nonce.hex()}",
                     f"Mse-Epoch: {self.epoch}", *more)

    def problem_reply(self, status, detail):
        self.problem = detail
        body = json.dumps({"type": "about:blank", "status": status, "detail": detail}).encode()
        return reply(status, body, "Content-Type: application/problem+json")

    def judge(self, fields, body):
        certificate = certificate_sha256(self.certs[0])
        text = statement_text(self.nonce, certificate, body, self.epoch)
        if not self.unsigned:
            try:
                VerifyKey(self.owner).verify(
                    text, base64.b64decode(fields["mse-signature"], validate=True))
            except (BadSignatureError, KeyError, ValueError):
                return self.problem_reply(401, "no signature of the owner")
            self.nonces.append(self.nonce)
            self.nonce = os.urandom(32)
        said = json.loads(body, object_pairs_hook=self.once)
        if said["uuid"] != self.uuid:
            return self.problem_reply(422, f"uuid: {said['uuid']} is another instance")
        self.configured = said
        return reply(200, b"Configured.\n", "Mse-Status: Configured", "Connection: close")

    @staticmethod
    def once(pairs):
        assert len({k for k, _ in pairs}) == len(pairs)
        return dict(pairs)
