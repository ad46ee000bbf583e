# SPDX-License-Identifier: Apache-2.0
"""Owner's keys and releases: minisign's prehashed format and canonical JSON, made independently."""

import base64
import hashlib
import json
import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Key:
    def __init__(self):
        self.id = os.urandom(8)
        self.secret = Ed25519PrivateKey.generate()
        self.raw = self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def text(self):
        return base64.b64encode(b"Ed" + self.id + self.raw).decode()

    @property
    def public(self):
        return f"untrusted comment: minisign public key\n{self.text}\n"

    def sign(self, data, comment="timestamp:0", algorithm=b"ED"):
        message = hashlib.blake2b(data).digest() if algorithm == b"ED" else data
        signature = self.secret.sign(message)
        whole = self.secret.sign(signature + comment.encode())
        return (
            "untrusted comment: signature\n"
            f"{base64.b64encode(algorithm + self.id + signature).decode()}\n"
            f"trusted comment: {comment}\n{base64.b64encode(whole).decode()}\n"
        )


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def release(fingerprints, names, not_before, days=90, **changes):
    """fingerprints: (tee, hex) pairs; not_before: seconds since 1970. A change to ... leaves out."""
    content = {
        "app": "shop",
        "fingerprints": [{"tee": tee, "hex": value} for tee, value in fingerprints],
        "format": 1,
        "min_tcb_eval": 0,
        "names": list(names),
        "not_after": not_before + days * 86400,
        "not_before": not_before,
        "previous": None,
        "runtime": "00" * 32,
        "serial": 1,
    }
    content.update(changes)
    return canonical({k: v for k, v in content.items() if v is not ...})
