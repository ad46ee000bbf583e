# SPDX-License-Identifier: Apache-2.0
"""SEV-SNP reports v2, v3 and v5 with their signature, and the containers certificates travel in."""

import hashlib
import struct
import uuid

from cryptography.hazmat.primitives import hashes

from . import keys
from .amd import CPUID, Tcb

SIZE, SIGNED = 0x4A0, 0x2A0
POLICY_SMT, POLICY_RESERVED, POLICY_MIGRATE_MA = 1 << 16, 1 << 17, 1 << 18
POLICY_DEBUG, POLICY_SINGLE_SOCKET = 1 << 19, 1 << 20
GUIDS = {
    "vcek": "63da758d-e664-4564-adc5-f4b93be8accd",
    "vlek": "a8074bc2-a25a-483e-aae6-39c045a0b8a1",
    "ask": "4ab7b379-bbac-4fe4-a02f-05aef327c782",
    "ark": "c0b406a4-a803-4952-9743-3fb6014cd0ae",
}
# field: (offset, size); integers are little-endian
LAYOUT = {
    "version": (0x00, 4), "guest_svn": (0x04, 4), "policy": (0x08, 8), "family_id": (0x10, 16),
    "image_id": (0x20, 16), "vmpl": (0x30, 4), "sig_algo": (0x34, 4), "current_tcb": (0x38, 8),
    "platform_info": (0x40, 8), "flags": (0x48, 4), "reserved_4c": (0x4C, 4),
    "report_data": (0x50, 64), "measurement": (0x90, 48), "host_data": (0xC0, 32),
    "id_key_digest": (0xE0, 48), "author_key_digest": (0x110, 48), "report_id": (0x140, 32),
    "report_id_ma": (0x160, 32), "reported_tcb": (0x180, 8), "cpuid_family": (0x188, 1),
    "cpuid_model": (0x189, 1), "cpuid_stepping": (0x18A, 1), "reserved_18b": (0x18B, 21),
    "chip_id": (0x1A0, 64), "committed_tcb": (0x1E0, 8), "current_build": (0x1E8, 1),
    "current_minor": (0x1E9, 1), "current_major": (0x1EA, 1), "reserved_1eb": (0x1EB, 1),
    "committed_build": (0x1EC, 1), "committed_minor": (0x1ED, 1), "committed_major": (0x1EE, 1),
    "reserved_1ef": (0x1EF, 1), "launch_tcb": (0x1F0, 8), "launch_mit_vector": (0x1F8, 8),
    "current_mit_vector": (0x200, 8), "reserved_208": (0x208, 152),
}  # fmt: skip

BREAKS = (
    "report_after_signing",  # one bit of the measurement after signing
    "signature",  # one bit of R
    "signature_order",  # R and S exchanged
    "signature_big_endian",  # R and S written big-endian
    "vek_key",  # signed by a key that is not the VEK's
)


def digest(label, size):
    return hashlib.sha512(f"mse test snp {label}".encode()).digest()[:size]


def defaults(pki, version, vlek):
    """All non-zero fields of a correct report."""
    tcb = pki.tcb.encode(pki.product)
    values = dict(
        version=version,
        policy=POLICY_RESERVED | POLICY_SMT,
        sig_algo=1,
        current_tcb=tcb,
        platform_info=0x25,
        flags=1 << 2 if vlek else 0,
        measurement=digest("measurement", 48),
        report_id=digest("report id", 32),
        report_id_ma=b"\xff" * 32,
        reported_tcb=tcb,
        chip_id=bytes(64) if vlek else pki.chip_id,
        committed_tcb=tcb,
        launch_tcb=tcb,
        current_build=1,
        current_minor=58,
        current_major=1,
        committed_build=1,
        committed_minor=58,
        committed_major=1,
    )
    if version >= 3:
        family, model, stepping = CPUID[pki.product]
        values.update(cpuid_family=family, cpuid_model=model, cpuid_stepping=stepping)
    if version >= 5:
        values.update(launch_mit_vector=11, current_mit_vector=11)
    return values


def report(
    pki, report_data=bytes(64), *, version=3, vlek=False, key=None, breaks=(), edit=None,
    signature=None, edit_signed=None, **fields,
):
    """One 1184-byte report.

    fields: any name of LAYOUT as int or bytes (TCB fields also as Tcb); key: another signing key;
    edit_signed(bytes) before signing; edit(bytes) at the end; signature: 512 raw bytes instead.
    """
    breaks = {breaks} if isinstance(breaks, str) else set(breaks)
    if breaks - set(BREAKS):
        raise ValueError(f"unknown break {breaks - set(BREAKS)}")
    values = defaults(pki, version, vlek)
    values["report_data"] = report_data
    values.update(fields)
    out = bytearray(SIGNED)
    for name, value in values.items():
        offset, size = LAYOUT[name]
        if isinstance(value, Tcb):
            value = value.encode(pki.product)
        if isinstance(value, int):
            value = value.to_bytes(size, "little")
        if len(value) > size:
            raise ValueError(f"{name}: {len(value)} bytes")
        out[offset : offset + len(value)] = value
    body = bytes(out)
    if edit_signed is not None:
        body = edit_signed(body)
    if "vek_key" in breaks:
        key = pki.keys.get(f"{pki.label}-vek-other", "p384")
    if signature is None:
        signer = key or (pki.vlek if vlek else pki.vcek).key
        signature = encode_signature(*keys.ecdsa_rs(signer, body, hashes.SHA384()), breaks)
    if "report_after_signing" in breaks:
        body = body[:0x90] + bytes([body[0x90] ^ 1]) + body[0x91:]
    result = body + signature
    return edit(result) if edit is not None else result


def encode_signature(r, s, breaks=()):
    """R and S as 72 bytes little-endian each, zero-filled to 512 bytes."""
    order = "big" if "signature_big_endian" in breaks else "little"
    if "signature_order" in breaks:
        r, s = s, r
    data = r.to_bytes(72, order) + s.to_bytes(72, order)
    if "signature" in breaks:
        data = bytes([data[0] ^ 1]) + data[1:]
    return data + bytes(512 - 144)


def guid(name, order="rfc"):
    """GUID bytes of "vcek", "vlek", "ask", "ark" or a textual GUID; order "rfc" or "le"."""
    value = uuid.UUID(GUIDS.get(name, name))
    return value.bytes if order == "rfc" else value.bytes_le


def vek_certs(pki, vlek=False):
    """[(name, DER)] of a full chain; ASVK travels under the ASK GUID."""
    vek, issuer, ark = pki.chain(vlek)
    return [("ark", ark.der), ("vlek" if vlek else "vcek", vek.der), ("ask", issuer.der)]


def cert_table(certs, *, order="rfc", pad=0, terminator=True):
    """Kernel extended-report table: {GUID, u32 offset, u32 length}*, a zero entry, the data."""
    head = 24 * (len(certs) + (1 if terminator else 0))
    entries, data = b"", b""
    for name, content in certs:
        entries += guid(name, order) + struct.pack("<II", head + len(data), len(content))
        data += content
    out = entries + (bytes(24) if terminator else b"") + data
    return out + bytes(pad)


def tee_tools_payload(report_bytes, certs, *, count=None, order="rfc", trailing=b"", guid_size=16):
    """report || u32 n || n * (u32 length || GUID || DER); length covers GUID and DER.

    guid_size=0 writes lengths that cover the DER only.
    """
    out = report_bytes + struct.pack("<I", len(certs) if count is None else count)
    for name, content in certs:
        out += struct.pack("<I", guid_size + len(content)) + guid(name, order) + content
    return out + trailing


def extended_report(report_bytes, certs, **table):
    """The report followed by its certificate table, as in configfs-tsm outblob and auxblob."""
    return report_bytes + cert_table(certs, **table)
