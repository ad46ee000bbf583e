# SPDX-License-Identifier: Apache-2.0
"""Test keys by name, kept in a directory because RSA-4096 is slow to make."""

import hashlib
import os
import tempfile
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
RSA_BITS = {"rsa2048": 2048, "rsa3072": 3072, "rsa4096": 4096}
KINDS = (*CURVES, *RSA_BITS)


def generate(kind):
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind]())
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS[kind])


class KeyCache:
    """get("name", "kind") gives the same key each time; without a directory for this run only.

    Two processes may share a directory: a key file appears whole or not at all, and the first wins.
    """

    def __init__(self, directory=None):
        self.directory = None if directory is None else Path(directory)
        self.memory = {}
        if self.directory is not None:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def get(self, name, kind="p256"):
        if (name, kind) not in self.memory:
            self.memory[name, kind] = self._load(name, kind)
        return self.memory[name, kind]

    def _load(self, name, kind):
        if self.directory is None:
            return generate(kind)
        path = self.directory / f"{name}-{kind}.pem"
        if not path.exists():
            handle, temporary = tempfile.mkstemp(dir=self.directory, suffix=".tmp")
            with os.fdopen(handle, "wb") as out:
                out.write(private_pem(generate(kind)))
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            os.unlink(temporary)
        return load_trusted(path.read_bytes())


def load_trusted(pem):
    """Loads a key of our own making without the slow RSA consistency check, if that is possible."""
    try:
        return serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        # Before python-cryptography 39 the switch is a member of the backend.
        if hasattr(backend, "_rsa_skip_check_key"):
            backend._rsa_skip_check_key = True
        return serialization.load_pem_private_key(pem, None)


def shared_cache():
    """The cache all test programs of a user share: $TESTPKI_KEYS or the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return KeyCache(os.environ.get("TESTPKI_KEYS") or Path(base) / "mse-testpki")


def public(key):
    return key.public_key() if hasattr(key, "public_key") else key


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def spki(key):
    """DER SubjectPublicKeyInfo."""
    return public(key).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def spki_pem(key):
    return public(key).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def bit_string(key):
    """Content of the SPKI BIT STRING: the uncompressed point, or the DER RSAPublicKey."""
    if isinstance(public(key), rsa.RSAPublicKey):
        return public(key).public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        )
    return public(key).public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def key_id(key):
    """SHA-1 of the BIT STRING content, as in SubjectKeyIdentifier method 1."""
    return hashlib.sha1(bit_string(key)).digest()


def raw_point(key):
    """X || Y without the leading 04."""
    return bit_string(key)[1:]


def ecdsa_rs(key, message, digest=hashes.SHA256()):
    """ECDSA signature as the integers (r, s)."""
    return decode_dss_signature(key.sign(message, ec.ECDSA(digest)))


def ecdsa_raw(key, message, digest=hashes.SHA256(), size=32):
    """ECDSA signature as r || s, big-endian."""
    r, s = ecdsa_rs(key, message, digest)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def sha256(data):
    return hashlib.sha256(data).digest()
