# SPDX-License-Identifier: Apache-2.0
"""SGX and TDX quotes v3, v4 and v5, correct by default and breakable in each single binding."""

import hashlib
import struct
from dataclasses import dataclass, fields

from . import collateral, keys

VENDOR_SIMULATED = b"mse-simulatedtee"
VENDOR_INTEL = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
TEE_SGX, TEE_TDX = 0, 0x81
INIT, DEBUG, MODE64, PROVISION_KEY, EINITTOKEN_KEY, KSS = 1, 2, 4, 16, 32, 128
TD_DEBUG, TD_SEPT_VE_DISABLE = 1, 1 << 28
AUTH_DATA = bytes(range(32))


def digest(label, size):
    """A recognisable fixed measurement."""
    return hashlib.sha512(f"mse test {label}".encode()).digest()[:size]


def _pad(value, size):
    if len(value) > size:
        raise ValueError(f"{len(value)} bytes do not fit into {size}")
    return value + bytes(size - len(value))


@dataclass
class SgxBody:
    """SGX report body, 384 bytes. reserved*: bytes for the fields that must be zero."""

    cpusvn: bytes = bytes(16)
    miscselect: int = 0
    reserved1: bytes = bytes(12)
    isvextprodid: bytes = bytes(16)
    flags: int = INIT | MODE64
    xfrm: int = 0xE7
    mrenclave: bytes = digest("mrenclave", 32)
    reserved2: bytes = bytes(32)
    mrsigner: bytes = digest("mrsigner", 32)
    reserved3: bytes = bytes(32)
    configid: bytes = bytes(64)
    isvprodid: int = 1
    isvsvn: int = 10
    configsvn: int = 0
    reserved4: bytes = bytes(42)
    isvfamilyid: bytes = bytes(16)
    report_data: bytes = bytes(64)

    type, tee = 1, TEE_SGX

    def encode(self):
        return struct.pack(
            "<16sI12s16sQQ32s32s32s32s64sHHH42s16s64s",
            *(_text(self, f.name) for f in fields(self)),
        )


@dataclass
class Td10Body:
    """TD 1.0 report body, 584 bytes."""

    tee_tcb_svn: bytes = collateral.TEE_TCB_SVN
    mrseam: bytes = digest("mrseam", 48)
    mrsignerseam: bytes = bytes(48)
    seam_attributes: bytes = bytes(8)
    td_attributes: int = TD_SEPT_VE_DISABLE
    xfam: int = 0x602E7
    mrtd: bytes = digest("mrtd", 48)
    mrconfigid: bytes = bytes(48)
    mrowner: bytes = bytes(48)
    mrownerconfig: bytes = bytes(48)
    rtmr0: bytes = digest("rtmr0", 48)
    rtmr1: bytes = digest("rtmr1", 48)
    rtmr2: bytes = digest("rtmr2", 48)
    rtmr3: bytes = bytes(48)
    report_data: bytes = bytes(64)

    type, tee = 2, TEE_TDX

    def encode(self):
        return struct.pack(
            "<16s48s48s8sQQ48s48s48s48s48s48s48s48s64s",
            *(_text(self, f.name) for f in fields(Td10Body)),
        )


@dataclass
class Td15Body(Td10Body):
    """TD 1.5 report body, 648 bytes."""

    tee_tcb_svn2: bytes = collateral.TEE_TCB_SVN
    mrservicetd: bytes = bytes(48)

    type = 3

    def encode(self):
        return super().encode() + struct.pack("<16s48s", self.tee_tcb_svn2, self.mrservicetd)


def _text(body, name):
    value = getattr(body, name)
    if isinstance(value, int):
        return value
    return _pad(value, len(type(body).__dataclass_fields__[name].default))


BODIES = {"sgx": SgxBody, "td10": Td10Body, "td15": Td15Body}

# What breaks= may name; one binding each, everything else stays coherent.
BREAKS = (
    "body_after_signing",  # one bit of the measurement is flipped after signing
    "signature",  # one bit of the quote signature
    "attestation_key",  # another attestation key, the body signed by it, QE report unchanged
    "auth_data",  # other authentication data than the QE report commits to
    "qe_report_data",  # QE REPORTDATA[0:32] is another hash (QE signature valid)
    "qe_report_data_tail",  # QE REPORTDATA[32:64] is not zero (QE signature valid)
    "qe_report_after_signing",  # one bit of the QE report after signing
    "qe_signature",  # one bit of the QE report signature
    "pck_key",  # QE report signed by a key that is not the PCK leaf's
    "chain_leaf_only",
    "chain_no_root",
    "chain_reordered",  # leaf, root, CA
    "chain_four",  # root twice
    "chain_garbage",  # no certificate at all
)


def qe_report(pki, td=False, **overrides):
    """The quoting enclave's own report, as the default QE identity describes it."""
    values = dict(
        cpusvn=pki.platform.cpusvn_bytes,
        flags=INIT | MODE64 | PROVISION_KEY,
        mrenclave=digest("td qe" if td else "qe", 32),
        mrsigner=collateral.TD_QE_SIGNER if td else collateral.QE_SIGNER,
        isvprodid=2 if td else 1,
        isvsvn=collateral.TD_QE_ISVSVN if td else collateral.QE_ISVSVN,
    )
    values.update(overrides)
    return SgxBody(**values)


def _flip(data, offset):
    return data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :]


def _chain(order, breaks, newline, nul, between):
    leaf, middle, root = order[0], order[len(order) // 2], order[-1]
    order = list(order)
    if "chain_leaf_only" in breaks:
        order = [leaf]
    if "chain_no_root" in breaks:
        order = [leaf, middle]
    if "chain_reordered" in breaks:
        order = [leaf, root, middle]
    if "chain_four" in breaks:
        order.append(root)
    text = between.join(c.pem for c in order).replace("\n", newline).encode()
    if "chain_garbage" in breaks:
        text = b"no certificate\n"
    return text + (b"\x00" if nul else b"")


def _certification(kind, size, data):
    return struct.pack("<HI", kind, len(data) if size is None else size) + data


def build(
    pki, body, *, version=3, header=None, breaks=(), padding=b"",
    tee_type=None, att_key_type=2, header_reserved=None, qe_svn=None, pce_svn=None,
    vendor_id=VENDOR_SIMULATED, user_data=None, body_type=None, body_size=None,
    attestation_key=None, attestation_public=None, auth_data=AUTH_DATA, auth_size=None,
    qe=None, qe_body=None, qe_report_data=None, pck=None, pck_key=None, ca=None, chain=None,
    cert_type=5, cert_size=None, cert_data=None, nested=None, outer_type=6, outer_size=None,
    newline="\n", nul=True, between="", signature=None, qe_signature=None, sign_digest=None,
    signature_size=None, edit_signature_data=None, edit=None,
):
    """The bytes of one quote.

    header / body: 48 raw bytes / a body object or raw bytes. breaks: name or names of BREAKS.
    qe: overrides of the QE report (dict); qe_body: the whole SgxBody; qe_report_data: its 64 bytes.
    pck: another leaf Cert; pck_key: signs the QE report; ca: "platform" or "processor";
    chain: the Certs of the certification data, in this order.
    cert_type, cert_data: inner certification data; nested: wrap into type 6 (default for v4, v5).
    *_size: written instead of the true length; signature_size is the field before the data.
    edit_signature_data(bytes), edit(bytes): last changes, before padding.
    """
    breaks = {breaks} if isinstance(breaks, str) else set(breaks)
    if breaks - set(BREAKS):
        raise ValueError(f"unknown break {breaks - set(BREAKS)}")
    raw_body = body if isinstance(body, bytes) else body.encode()
    is_td = not isinstance(body, bytes) and body.tee == TEE_TDX
    tee = tee_type if tee_type is not None else (TEE_TDX if is_td else TEE_SGX)
    if header is None:
        classic = version == 3
        svn = collateral.QE_ISVSVN if classic else 0
        header = struct.pack(
            "<HHIHH16s20s",
            version,
            att_key_type,
            (header_reserved or 0) if classic and tee_type is None else tee,
            svn if qe_svn is None else qe_svn,
            (pki.platform.pcesvn if classic else 0) if pce_svn is None else pce_svn,
            vendor_id,
            user_data if user_data is not None else digest("qe id", 16),
        )
    prefix = b""
    if version >= 5:
        prefix = struct.pack(
            "<HI",
            (1 if isinstance(body, bytes) else body.type) if body_type is None else body_type,
            len(raw_body) if body_size is None else body_size,
        )
    to_sign = header + prefix + raw_body
    ak = attestation_key or pki.key("attestation")
    committed = keys.raw_point(ak)
    if "attestation_key" in breaks:
        ak = pki.key("attestation-other")
    shown = attestation_public if attestation_public is not None else keys.raw_point(ak)
    if signature is None:
        signature = keys.ecdsa_raw(ak, to_sign, *([sign_digest] if sign_digest else []))
    if "signature" in breaks:
        signature = _flip(signature, 40)
    if "body_after_signing" in breaks:
        to_sign = _flip(to_sign, len(header + prefix) + (136 if is_td else 64))

    report = qe_body or qe_report(pki, is_td, **(qe or {}))
    bound = keys.sha256(committed + auth_data)
    if "qe_report_data" in breaks:
        bound = keys.sha256(bound)
    if qe_report_data is None:
        tail = b"\x01" * 32 if "qe_report_data_tail" in breaks else bytes(32)
        qe_report_data = bound + tail
    report.report_data = qe_report_data
    raw_report = report.encode()
    leaf = pck or (pki.pck if ca in (None, pki.ca) else pki.make_pck(ca=ca))
    if "pck_key" in breaks:
        pck_key = pki.key("pck-other")
    if qe_signature is None:
        qe_signature = keys.ecdsa_raw(pck_key or leaf.key, raw_report)
    if "qe_signature" in breaks:
        qe_signature = _flip(qe_signature, 40)
    if "qe_report_after_signing" in breaks:
        raw_report = _flip(raw_report, 64)
    if "auth_data" in breaks:
        auth_data = _flip(auth_data, 0)

    if cert_data is None:
        if cert_type == 5:
            order = chain or pki.chain(leaf, ca)
            cert_data = _chain(order, breaks, newline, nul, between)
        else:
            cert_data = _raw_certification(pki, cert_type, leaf)
    inner = (
        raw_report
        + qe_signature
        + struct.pack("<H", len(auth_data) if auth_size is None else auth_size)
        + auth_data
        + _certification(cert_type, cert_size, cert_data)
    )
    if nested if nested is not None else version >= 4:
        inner = _certification(outer_type, outer_size, inner)
    data = signature + shown + inner
    if edit_signature_data is not None:
        data = edit_signature_data(data)
    size = len(data) if signature_size is None else signature_size
    quote = to_sign + struct.pack("<I", size) + data
    if edit is not None:
        quote = edit(quote)
    return quote + padding


def _raw_certification(pki, cert_type, leaf):
    platform = pki.platform
    tail = platform.cpusvn_bytes + struct.pack("<H", platform.pcesvn) + platform.pceid
    if cert_type == 1:
        return platform.ppid + tail
    if cert_type in (2, 3):
        return digest("encrypted ppid", 64) * (4 if cert_type == 2 else 6) + tail
    if cert_type == 4:
        return leaf.der
    return digest("platform manifest", 64)


def make(pki, kind="sgx", version=3, report_data=bytes(64), **options):
    """A quote by name: kind "sgx", "td10" or "td15"; options of build() or fields of the body."""
    body_class = BODIES[kind]
    names = {f.name for f in fields(body_class)}
    values = {k: options.pop(k) for k in list(options) if k in names}
    if kind == "sgx":
        values.setdefault("cpusvn", pki.platform.cpusvn_bytes)
    body = body_class(report_data=report_data, **values)
    return build(pki, body, version=version, **options)


def sgx_v3(pki, report_data=bytes(64), **options):
    return make(pki, "sgx", 3, report_data, **options)


def sgx_v4(pki, report_data=bytes(64), **options):
    return make(pki, "sgx", 4, report_data, **options)


def td_v4(pki, report_data=bytes(64), **options):
    return make(pki, "td10", 4, report_data, **options)


def sgx_v5(pki, report_data=bytes(64), **options):
    return make(pki, "sgx", 5, report_data, **options)


def td10_v5(pki, report_data=bytes(64), **options):
    return make(pki, "td10", 5, report_data, **options)


def td15_v5(pki, report_data=bytes(64), **options):
    return make(pki, "td15", 5, report_data, **options)
