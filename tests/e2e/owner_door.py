# SPDX-License-Identifier: Apache-2.0
"""The owner's side of the configuration server, made from the documentation: for any request, right
or wrong (docs/formats.md, "Configuration")."""

import base64
import hashlib
import json
import os

from config_server import statement_text
from harness import files_below
from instance import NAME
from nacl.signing import SigningKey
from probe_app import certificate_of, exchange


def signing_key(path):
    """Of an unencrypted minisign secret key: its seed lies behind 62 bytes of header."""
    raw = base64.b64decode(path.read_text().splitlines()[1])
    assert raw[2:4] == b"\0\0", "it has no password"
    return SigningKey(raw[62:94])


class Door:
    def __init__(self, instance, key=None, name=NAME):
        self.instance, self.name = instance, name
        self.key = key or signing_key(instance.deployment.key)
        self.certificate = hashlib.sha256(certificate_of(instance, name)).digest()

    def get(self, path="/"):
        return exchange(self.instance, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                        .encode(), self.name)  # fmt: skip

    def body(self, drop=(), **more):
        """What the owner would say, as JSON; drop: members that are left out."""
        said = {
            "uuid": self.instance.deployment.uuid, "blind": os.urandom(32).hex(),
            "code_secret_key": code_key(self.instance.deployment), **more,
        }  # fmt: skip
        return json.dumps({k: v for k, v in said.items() if k not in drop}).encode()

    def sign(self, body, nonce=None, epoch=None):
        _, fields, _ = self.get()
        nonce = nonce or bytes.fromhex(fields["mse-nonce"])
        epoch = int(fields["mse-epoch"]) if epoch is None else epoch
        text = statement_text(nonce, self.certificate, body, epoch)
        return base64.b64encode(self.key.sign(text).signature)

    def request(self, body, signature, length=None, path="/"):
        head = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close",
                f"Content-Length: {len(body) if length is None else length}"]  # fmt: skip
        if signature is not None:
            head.append(f"Mse-Signature: {signature.decode()}")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body

    def post(self, body, signature=True, **options):
        """(status, fields, problem or text). signature: True: a right one, None: none, or bytes."""
        if signature is True:
            signature = self.sign(body)
        status, fields, answer = exchange(
            self.instance, self.request(body, signature, **options), self.name
        )
        is_problem = fields.get("content-type") == "application/problem+json"
        return status, fields, json.loads(answer) if is_problem else answer.decode()


def code_key(deployment):
    for line in deployment.context.read_text().splitlines():
        if line.startswith("code_secret_key = "):
            return line.split('"')[1]
    raise AssertionError("the context has no code key")


def traces(instance):
    """All that is on the host's disk for an instance, but the log, which grows by itself."""
    found = files_below(instance.directory)
    return {name: data for name, data in found.items() if not name.startswith("log")}
