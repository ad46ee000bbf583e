# SPDX-License-Identifier: Apache-2.0
"""A second reading of the generated evidence with python-cryptography only: parse, then verify."""

import base64
import hashlib
import json
import struct
import warnings

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

warnings.filterwarnings("ignore", message="Parsed a negative serial number")
warnings.filterwarnings("ignore", message="Parsed a serial number which wasn't positive")


class Bad(Exception):
    """Evidence that must not pass."""


def require(condition, what):
    if not condition:
        raise Bad(what)


def load_chain(pem):
    marker = b"-----END CERTIFICATE-----"
    parts = [p + marker for p in pem.split(marker)[:-1]]
    return [x509.load_pem_x509_certificate(p.lstrip(b"\0\r\n")) for p in parts]


def ecdsa_raw(public_key, signature, data, digest=hashes.SHA256()):
    half = len(signature) // 2
    r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    try:
        public_key.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest))
    except InvalidSignature:
        raise Bad("signature") from None


def signed_by(cert, issuer, what="chain"):
    """A certificate or CRL is signed by the issuer's key and names it."""
    require(cert.issuer == issuer.subject, f"{what}: issuer name")
    body = cert.tbs_certificate_bytes if hasattr(cert, "tbs_certificate_bytes") else (
        cert.tbs_certlist_bytes
    )  # fmt: skip
    key = issuer.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if cert.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10":
                pss = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
                key.verify(cert.signature, body, pss, hashes.SHA384())
            else:
                key.verify(cert.signature, body, padding.PKCS1v15(), cert.signature_hash_algorithm)
        else:
            key.verify(cert.signature, body, ec.ECDSA(cert.signature_hash_algorithm))
    except InvalidSignature:
        raise Bad(f"{what}: signature") from None


def valid_at(thing, at, what):
    at = at.replace(tzinfo=None)
    begin = getattr(thing, "not_valid_before", None) or thing.last_update
    end = getattr(thing, "not_valid_after", None) or thing.next_update
    require(begin <= at <= end, f"{what}: date")


def check_crl(der, issuer, cert, at):
    crl = x509.load_der_x509_crl(der)
    signed_by(crl, issuer, "crl")
    valid_at(crl, at, "crl")
    entry = crl.get_revoked_certificate_by_serial_number(cert.serial_number)
    require(entry is None, "revoked")


def elements(data):
    """The (tag, content) pairs of concatenated DER elements."""
    out, offset = [], 0
    while offset < len(data):
        tag, size, offset = data[offset], data[offset + 1], offset + 2
        if size & 0x80:
            count = size & 0x7F
            size, offset = int.from_bytes(data[offset : offset + count], "big"), offset + count
        out.append((tag, data[offset : offset + size]))
        offset += size
    return out


def extension(cert, oid):
    return cert.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value.value


def pck_values(cert):
    """{"components": [...], "pcesvn", "pceid", "fmspc"} of a PCK leaf."""
    outer = elements(extension(cert, "1.2.840.113741.1.13.1"))[0][1]
    members = [elements(c) for _, c in elements(outer)]
    tcb = [elements(c)[1][1] for _, c in elements(members[1][1][1])]
    return {
        "components": [int.from_bytes(v, "big") for v in tcb[:16]],
        "pcesvn": int.from_bytes(tcb[16], "big"),
        "pceid": members[2][1][1],
        "fmspc": members[3][1][1],
    }


def parse_quote(quote):
    version, _, tee = struct.unpack_from("<HHI", quote)
    offset, size = 48, 384
    if version == 4 and tee == 0x81:
        size = 584
    if version == 5:
        kind, size = struct.unpack_from("<HI", quote, 48)
        offset = 54
        require(size == {1: 384, 2: 584, 3: 648}[kind], "body size")
    body, end = quote[offset : offset + size], offset + size
    data = quote[end + 4 : end + 4 + struct.unpack_from("<I", quote, end)[0]]
    inner = data[128:]
    if version >= 4:
        kind, size = struct.unpack_from("<HI", inner)
        require(kind == 6 and size == len(inner) - 6, "type 6")
        inner = inner[6:]
    auth_size = struct.unpack_from("<H", inner, 448)[0]
    auth, rest = inner[450 : 450 + auth_size], inner[450 + auth_size :]
    kind, size = struct.unpack_from("<HI", rest)
    require(size == len(rest) - 6, "certification data size")
    rd = 320 if len(body) == 384 else 520
    return {
        "version": version, "td": len(body) > 384, "body": body, "signed": quote[:end],
        "signature": data[:64], "public": data[64:128], "qe": inner[:384],
        "qe_signature": inner[384:448], "auth": auth, "kind": kind, "certs": rest[6:],
        "report_data": body[rd : rd + 64],
    }  # fmt: skip


def signed_json(body, member, chain, root, at):
    """The inner object of a collateral reply whose signature, chain and dates hold."""
    certs = load_chain(chain.encode())
    require(len(certs) == 2 and same_key(certs[1], root), "collateral chain")
    signed_by(certs[0], certs[1], "tcb signing")
    head, tail = b'{"' + member.encode() + b'":', b',"signature":"'
    require(body.startswith(head) and body.endswith(b'"}'), "envelope")
    end = body.rindex(tail)
    inner = body[len(head) : end]
    ecdsa_raw(certs[0].public_key(), bytes.fromhex(body[end + len(tail) : -2].decode()), inner)
    value = json.loads(inner)
    now = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    require(value["issueDate"] <= now <= value["nextUpdate"], "collateral date")
    return value


def same_key(a, b):
    return a.public_key().public_numbers() == b.public_key().public_numbers()


def tcb_status(info, pck, tee_tcb_svn=None):
    """tcbStatus of the first level the platform reaches."""
    require(info["fmspc"].lower() == pck["fmspc"].hex(), "fmspc")
    require(info["pceId"] == pck["pceid"].hex(), "pceid")
    for level in info["tcbLevels"]:
        tcb = level["tcb"]
        wanted = [c["svn"] for c in tcb["sgxtcbcomponents"]]
        if any(h < w for h, w in zip(pck["components"], wanted)) or pck["pcesvn"] < tcb["pcesvn"]:
            continue
        if tee_tcb_svn is not None:
            wanted = [c["svn"] for c in tcb["tdxtcbcomponents"]]
            start = 2 if tee_tcb_svn[1] else 0
            if any(h < w for h, w in zip(tee_tcb_svn[start:], wanted[start:])):
                continue
        return level["tcbStatus"]
    raise Bad("no tcb level")


def qe_status(identity, qe):
    mask = bytes.fromhex(identity["attributesMask"])
    attributes = bytes(a & m for a, m in zip(qe[48:64], mask))
    require(attributes == bytes.fromhex(identity["attributes"]), "qe attributes")
    require(qe[128:160] == bytes.fromhex(identity["mrsigner"]), "qe mrsigner")
    prodid, svn = struct.unpack_from("<HH", qe, 256)
    require(prodid == identity["isvprodid"], "qe isvprodid")
    return isv_status(identity["tcbLevels"], svn)


def isv_status(levels, svn):
    for level in levels:
        if svn >= level["tcb"]["isvsvn"]:
            return level["tcbStatus"]
    raise Bad("no isvsvn level")


def check_quote(quote, intel, *, tcb_info=None, qe_identity=None, crls=None, at=None):
    """Parsed quote with "statuses": full check of a quote under the roots of an IntelPki."""
    at = at or intel.at
    q = parse_quote(quote)
    require(q["kind"] == 5, "certification data type")
    root = x509.load_der_x509_certificate(intel.root.der)
    certs = load_chain(q["certs"])
    require(len(certs) == 3, "chain length")
    leaf, ca, own_root = certs
    require(same_key(root, own_root), "root")
    signed_by(leaf, ca)
    signed_by(ca, own_root)
    for cert in certs:
        valid_at(cert, at, "certificate")
    which = "platform" if b"Platform" in ca.subject.public_bytes() else "processor"
    crls = crls or {"root": intel.root_crl(), "pck": intel.pck_crl(which)}
    check_crl(crls["root"], root, ca, at)
    check_crl(crls["pck"], ca, leaf, at)
    ecdsa_raw(leaf.public_key(), q["qe_signature"], q["qe"])
    bound = hashlib.sha256(q["public"] + q["auth"]).digest() + bytes(32)
    require(q["qe"][320:384] == bound, "qe report data")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + q["public"])
    ecdsa_raw(point, q["signature"], q["signed"])
    kind, qe_kind = ("TDX", "TD_QE") if q["td"] else ("SGX", "QE")
    chain = intel.tcb_chain_pem()
    info = signed_json(tcb_info or intel.tcb_info(kind), "tcbInfo", chain, root, at)
    identity = qe_identity or intel.qe_identity(qe_kind)
    identity = signed_json(identity, "enclaveIdentity", chain, root, at)
    require(info["id"] == kind and identity["id"] == qe_kind, "collateral id")
    svn = q["body"][:16] if q["td"] else None
    statuses = [tcb_status(info, pck_values(leaf), svn), qe_status(identity, q["qe"])]
    if q["td"] and svn[1]:
        name = f"TDX_{svn[1]:02x}"
        module = next(m for m in info["tdxModuleIdentities"] if m["id"] == name)
        statuses.append(isv_status(module["tcbLevels"], svn[0]))
    return {**q, "statuses": statuses}


def check_snp(report, chain, ark_pin, product, at):
    """chain: [VEK, ASK or ASVK, ARK] DER; the report's fields as a dict."""
    vek, ask, ark = (x509.load_der_x509_certificate(c) for c in chain)
    require(same_key(ark, x509.load_der_x509_certificate(ark_pin)), "ark")
    for cert, issuer in ((ark, ark), (ask, ark), (vek, ask)):
        signed_by(cert, issuer)
        valid_at(cert, at, "certificate")
    r, s = (int.from_bytes(report[o : o + 72], "little") for o in (0x2A0, 0x2E8))
    require(max(r, s) < 1 << 384, "signature size")
    ecdsa_raw(vek.public_key(), r.to_bytes(48, "big") + s.to_bytes(48, "big"), report[:0x2A0],
              hashes.SHA384())  # fmt: skip
    tcb = report[0x180:0x188]
    places = {"3.1": 0, "3.2": 1, "3.3": 6, "3.8": 7}
    if product == "Turin":
        places = {"3.9": 0, "3.1": 1, "3.2": 2, "3.3": 3, "3.8": 7}
    for path, place in places.items():
        value = elements(extension(vek, f"1.3.6.1.4.1.3704.1.{path}"))[0][1]
        require(int.from_bytes(value, "big") == tcb[place], f"tcb {path}")
    if report[0x48] >> 2 & 7 == 0:
        hwid = extension(vek, "1.3.6.1.4.1.3704.1.4")
        require(report[0x1A0:0x1E0] == hwid + bytes(64 - len(hwid)), "chip id")
    return {"report_data": report[0x50:0x90], "measurement": report[0x90:0xC0]}


def unbase64(text):
    return base64.b64decode(text, validate=True)
