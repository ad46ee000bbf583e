# SPDX-License-Identifier: Apache-2.0
"""Certificates and CRLs written element by element, so that every part can be made wrong."""

import base64
import ipaddress
import os
from collections import namedtuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from . import der, keys

Ext = namedtuple("Ext", "oid value critical", defaults=(False,))

ATTRIBUTES = {
    "CN": "2.5.4.3",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
}
KEY_USAGE_BITS = {
    "digitalSignature": 0,
    "nonRepudiation": 1,
    "keyEncipherment": 2,
    "keyCertSign": 5,
    "cRLSign": 6,
}
EKU = {"serverAuth": "1.3.6.1.5.5.7.3.1", "clientAuth": "1.3.6.1.5.5.7.3.2"}
OID_SKI, OID_KU, OID_SAN, OID_BC = "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19"
OID_CRL_NUMBER, OID_REASON, OID_NC = "2.5.29.20", "2.5.29.21", "2.5.29.30"
OID_CDP, OID_AKI, OID_EKU = "2.5.29.31", "2.5.29.35", "2.5.29.37"


def name(text):
    """DER Name from "CN=a,O=b" (in this order) or a list of (attribute or OID, value) pairs."""
    if isinstance(text, bytes):
        return text
    pairs = [p.split("=", 1) for p in text.split(",")] if isinstance(text, str) else text
    parts = []
    for attribute, value in pairs:
        string = der.printable(value) if attribute == "C" else der.utf8(value)
        parts.append(der.set_of(der.seq(der.oid(ATTRIBUTES.get(attribute, attribute)), string)))
    return der.seq(*parts)


def basic_constraints(ca, pathlen=None, critical=True):
    parts = [der.boolean(True)] if ca else []
    if pathlen is not None:
        parts.append(der.integer(pathlen))
    return Ext(OID_BC, der.seq(*parts), critical)


def key_usage(*names, critical=True):
    value = 0
    for item in names:
        value |= 0x80 >> KEY_USAGE_BITS[item]
    unused = (value & -value).bit_length() - 1
    return Ext(OID_KU, der.bits(bytes([value]), unused), critical)


def extended_key_usage(*names, critical=False):
    return Ext(OID_EKU, der.seq(*(der.oid(EKU.get(n, n)) for n in names)), critical)


def general_name(text):
    """"DNS:a.example", "IP:127.0.0.1", "IP:10.0.0.0/8" (constraints), "URI:..."."""
    kind, value = text.split(":", 1)
    if kind == "DNS":
        return der.implicit(2, value.encode())
    if kind == "URI":
        return der.implicit(6, value.encode())
    if "/" in value:
        network = ipaddress.ip_network(value)
        return der.implicit(7, network.network_address.packed + network.netmask.packed)
    return der.implicit(7, ipaddress.ip_address(value).packed)


def subject_alt_name(*names, critical=False):
    return Ext(OID_SAN, der.seq(*map(general_name, names)), critical)


def name_constraints(permitted=(), excluded=(), critical=False):
    def subtrees(number, names):
        content = b"".join(der.seq(general_name(n)) for n in names)
        return der.explicit(number, content) if names else b""

    return Ext(OID_NC, der.seq(subtrees(0, permitted), subtrees(1, excluded)), critical)


def subject_key_id(key):
    return Ext(OID_SKI, der.octets(keys.key_id(key)))


def authority_key_id(key):
    return Ext(OID_AKI, der.seq(der.implicit(0, keys.key_id(key))))


def crl_distribution_point(url):
    point = der.explicit(0, der.explicit(0, general_name("URI:" + url)))
    return Ext(OID_CDP, der.seq(der.seq(point)))


def extension(ext):
    critical = der.boolean(True) if ext.critical else b""
    return der.seq(der.oid(ext.oid), critical, der.octets(ext.value))


def _pss_parameters():
    sha384 = der.seq(der.oid("2.16.840.1.101.3.4.2.2"), der.null())
    mgf1 = der.seq(der.oid("1.2.840.113549.1.1.8"), sha384)
    return der.seq(
        der.explicit(0, sha384),
        der.explicit(1, mgf1),
        der.explicit(2, der.integer(48)),
        der.explicit(3, der.integer(1)),
    )


_DIGESTS = {
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_ALGORITHMS = {
    "ecdsa-sha256": "1.2.840.10045.4.3.2",
    "ecdsa-sha384": "1.2.840.10045.4.3.3",
    "ecdsa-sha512": "1.2.840.10045.4.3.4",
    "rsa-sha1": "1.2.840.113549.1.1.5",
    "rsa-sha256": "1.2.840.113549.1.1.11",
    "rsa-sha384": "1.2.840.113549.1.1.12",
}


def algorithm_identifier(algorithm, null_parameters=False):
    if algorithm == "pss-sha384":
        return der.seq(der.oid("1.2.840.113549.1.1.10"), _pss_parameters())
    explicit_null = null_parameters or algorithm.startswith("rsa-")
    return der.seq(der.oid(_ALGORITHMS[algorithm]), der.null() if explicit_null else b"")


def default_algorithm(key):
    return "rsa-sha256" if isinstance(keys.public(key), rsa.RSAPublicKey) else "ecdsa-sha256"


def sign(key, message, algorithm):
    if algorithm == "pss-sha384":
        digest = hashes.SHA384()
        return key.sign(message, padding.PSS(padding.MGF1(digest), 48), digest)
    family, digest = algorithm.split("-")
    if family == "rsa":
        return key.sign(message, padding.PKCS1v15(), _DIGESTS[digest])
    return key.sign(message, ec.ECDSA(_DIGESTS[digest]))


def _signed(tbs, signer, algorithm, null_parameters, break_signature):
    signature = sign(signer, tbs, algorithm)
    if break_signature:
        # The last byte belongs to the value of s (or of the RSA number), not to its encoding.
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return der.seq(tbs, algorithm_identifier(algorithm, null_parameters), der.bits(signature))


def random_serial():
    return int.from_bytes(b"\x5a" + os.urandom(15), "big")


def certificate(
    *,
    key,
    signer,
    subject,
    issuer,
    not_before,
    not_after,
    serial=None,
    extensions=(),
    algorithm=None,
    null_parameters=False,
    break_signature=False,
    version=2,
    spki=None,
):
    """DER certificate for the public half of key, signed by the private key signer."""
    algorithm = algorithm or default_algorithm(signer)
    tbs = der.seq(
        der.explicit(0, der.integer(version)),
        der.integer(random_serial() if serial is None else serial),
        algorithm_identifier(algorithm, null_parameters),
        name(issuer),
        der.seq(der.time(not_before), der.time(not_after)),
        name(subject),
        spki if spki is not None else keys.spki(key),
        der.explicit(3, der.seq(*map(extension, extensions))) if extensions else b"",
    )
    return _signed(tbs, signer, algorithm, null_parameters, break_signature)


def crl(
    *,
    signer,
    issuer,
    this_update,
    next_update,
    revoked=(),
    number=1,
    extensions=None,
    algorithm=None,
    break_signature=False,
    reason=1,
):
    """DER CRL v2; revoked holds serials or (serial, date) pairs; next_update None leaves it out."""
    algorithm = algorithm or default_algorithm(signer)
    entries = []
    for item in revoked:
        serial, date = item if isinstance(item, tuple) else (item, this_update)
        entry = [der.integer(serial), der.time(date)]
        if reason is not None:
            entry.append(der.seq(extension(Ext(OID_REASON, der.enumerated(reason)))))
        entries.append(der.seq(*entry))
    if extensions is None:
        extensions = [Ext(OID_CRL_NUMBER, der.integer(number)), authority_key_id(signer)]
    tbs = der.seq(
        der.integer(1),
        algorithm_identifier(algorithm),
        name(issuer),
        der.time(this_update),
        der.time(next_update) if next_update is not None else b"",
        der.seq(*entries) if entries else b"",
        der.explicit(0, der.seq(*map(extension, extensions))) if extensions else b"",
    )
    return _signed(tbs, signer, algorithm, False, break_signature)


def pem(data, label="CERTIFICATE", newline="\n"):
    text = base64.b64encode(data).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    lines = [f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]
    return newline.join(lines)


class Cert:
    """A certificate with what is needed to issue below it: key, subject and serial."""

    def __init__(self, data, key, subject, serial):
        self.der, self.key, self.subject, self.serial = data, key, name(subject), serial

    @property
    def pem(self):
        return pem(self.der)


def issue(*, key, subject, issuer=None, serial=None, **options):
    """A Cert by the Cert issuer, or self-signed without; options are those of certificate()."""
    serial = random_serial() if serial is None else serial
    options.setdefault("signer", key if issuer is None else issuer.key)
    issuer_name = options.pop("issuer_name", subject if issuer is None else issuer.subject)
    data = certificate(key=key, subject=subject, issuer=issuer_name, serial=serial, **options)
    return Cert(data, key, subject, serial)
