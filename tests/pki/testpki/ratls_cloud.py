# SPDX-License-Identifier: Apache-2.0
"""RA-TLS certificate profiles of cloud systems: dstack, C8S, Contrast, Constellation."""

import base64
import hashlib
import json
import struct
from datetime import timedelta

from . import der, snp
from .certs import Item, Style, build
from .keys import sha256, spki
from .x509 import Ext, pem

OID_DSTACK_QUOTE = "1.3.6.1.4.1.62397.1.1"
OID_DSTACK_EVENTS = "1.3.6.1.4.1.62397.1.2"
OID_DSTACK_ATTESTATION = "1.3.6.1.4.1.62397.1.8"
OID_C8S = "1.3.6.1.4.1.66378.1.1"
OID_CONTRAST_SNP, OID_CONTRAST_TDX = "1.3.9901.2.1", "1.3.9901.2.2"
OID_CONSTELLATION_QEMU_TDX = "1.3.9900.5.99"
OID_CONSTELLATION_GCP_SNP = "1.3.9900.3.2"
HOURS = timedelta(hours=2)


# dstack

DSTACK = Style("ku eku san evidence", "CN=app1.example", ca=None, eku=("serverAuth", "clientAuth"))


def scale_size(value):
    """SCALE compact integer."""
    if value < 1 << 6:
        return bytes([value << 2])
    if value < 1 << 14:
        return struct.pack("<H", value << 2 | 1)
    if value < 1 << 30:
        return struct.pack("<I", value << 2 | 2)
    size = (value.bit_length() + 7) // 8
    return bytes([(size - 4) << 2 | 3]) + value.to_bytes(size, "little")


def scale_bytes(data):
    return scale_size(len(data)) + data


def scale_list(items):
    return scale_size(len(items)) + b"".join(items)


def tdx_event(imr=3, kind=0x08000001, event="app-id", payload=b"", digest=None):
    """One event of the log; by default an RTMR3 runtime event with its own digest."""
    if digest is None:
        text = struct.pack("<I", kind) + b":" + event.encode() + b":" + payload
        digest = hashlib.sha384(text).digest()
    head = struct.pack("<II", imr, kind) + scale_bytes(digest)
    return head + scale_bytes(event.encode()) + scale_bytes(payload)


def runtime_event(event, payload=b""):
    return scale_bytes(event.encode()) + scale_bytes(payload)


def dstack_v0(
    evidence, report_data, *, variant=0, events=(), certs=(), mr_config="", runtime=(), config="{}",
    version=0, trailing=b"",
):
    """SCALE V0. variant 0: TDX quote and event log; 3: SNP report, certificates, mr_config."""
    if variant == 3:
        body = scale_list([scale_bytes(c) for c in certs]) + scale_bytes(mr_config.encode())
    else:
        body = scale_list(list(events))
    return (
        bytes([version, variant])
        + scale_bytes(evidence)
        + body
        + scale_list(list(runtime))
        + report_data
        + scale_bytes(config.encode())
        + trailing
    )


def rule_dstack(key):
    return hashlib.sha512(b"ratls-cert:" + spki(key)).digest()


def dstack(evidence, *, single=False, v0=None, **hooks):
    """Extension .8. v0: options of dstack_v0(); single: only one OCTET STRING (wrong)."""
    state = {}

    def rule(key):
        state["rd"] = rule_dstack(key)
        return state["rd"]

    def wrap(blob):
        content = dstack_v0(blob, state["rd"], **(v0 or {}))
        return content if single else der.octets(content)

    return build("dstack", [Item(OID_DSTACK_ATTESTATION, evidence, rule, wrap)], DSTACK, **hooks)


def dstack_legacy(evidence, *, single=False, event_log=(), **hooks):
    """Extensions .1 (TDX quote) and .2 (JSON event log)."""
    wrap = bytes if single else der.octets
    log = Ext(OID_DSTACK_EVENTS, wrap(json.dumps(list(event_log)).encode()))
    hooks["extra"] = [log, *hooks.get("extra", ())]
    items = [Item(OID_DSTACK_QUOTE, evidence, rule_dstack, wrap)]
    return build("dstack-legacy", items, DSTACK, **hooks)


# C8S

C8S = Style("ku eku san evidence", "CN=c8s", ca=None, eku=("serverAuth", "clientAuth"))


def c8s_payload(tee_type, report, chain=(), *, chain_form="octets", extra=()):
    """TEEAttestation; chain: DER certificates.

    chain_form: "octets" one OCTET STRING of concatenated DER, "pem" one of PEM text,
    "sequence" SEQUENCE OF OCTET STRING, None: left out. extra: more DER members.
    """
    members = [der.integer(tee_type), der.octets(report)]
    if chain and chain_form == "octets":
        members.append(der.octets(b"".join(chain)))
    elif chain and chain_form == "pem":
        members.append(der.octets("".join(map(pem, chain)).encode()))
    elif chain and chain_form == "sequence":
        members.append(der.seq(*map(der.octets, chain)))
    return der.seq(*members, *extra)


def c8s_tdx_envelope(quote):
    """The JSON form TDX evidence travels in."""
    return json.dumps({"platform": "tdx", "evidence": {"quote": _b64(quote)}}).encode()


def c8s(evidence, *, tee="snp", chain=(), chain_form="octets", nonce=b"", envelope=None, **hooks):
    """tee "snp" or "tdx"; envelope(evidence) -> bytes: e.g. c8s_tdx_envelope; default raw bytes."""
    rule = lambda key: hashlib.sha384(spki(key) + nonce).digest()  # noqa: E731
    number = {"snp": 1, "tdx": 2}.get(tee, tee)

    def wrap(blob):
        report = envelope(blob) if envelope else blob
        return c8s_payload(number, report, chain, chain_form=chain_form)

    return build("c8s", [Item(OID_C8S, evidence, rule, wrap)], C8S, **hooks)


# Contrast

CONTRAST = Style("ku eku evidence", "CN=Contrast", ca=None)


def _varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def proto(number, value):
    """One protobuf field: int as varint, bytes length-delimited; zero and empty left out."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value) if value else b""
    return _varint(number << 3 | 2) + _varint(len(value)) + value if value else b""


# Field numbers of the report message, in the order of the report layout.
_REPORT_FIELDS = {
    "version": 1, "guest_svn": 2, "policy": 3, "family_id": 4, "image_id": 5, "vmpl": 6,
    "sig_algo": 7, "current_tcb": 8, "platform_info": 9, "flags": 10, "report_data": 11,
    "measurement": 12, "host_data": 13, "id_key_digest": 14, "author_key_digest": 15,
    "report_id": 16, "report_id_ma": 17, "reported_tcb": 18, "chip_id": 19, "committed_tcb": 20,
    "current_build": 21, "current_minor": 22, "current_major": 23, "committed_build": 24,
    "committed_minor": 25, "committed_major": 26, "launch_tcb": 27, "launch_mit_vector": 30,
    "current_mit_vector": 31,
}  # fmt: skip
_BYTES = {
    "family_id", "image_id", "report_data", "measurement", "host_data", "id_key_digest",
    "author_key_digest", "report_id", "report_id_ma", "chip_id",
}  # fmt: skip
_PRODUCT_NUMBER = {"Milan": 1, "Genoa": 2, "Turin": 3}


def snp_attestation_proto(report, certs=(), *, product="Milan", crl=None):
    """Attestation {report, certificate_chain, product}; certs as of snp.vek_certs()."""
    out = b""
    for name, number in _REPORT_FIELDS.items():
        offset, size = snp.LAYOUT[name]
        raw = report[offset : offset + size]
        out += proto(number, raw if name in _BYTES else int.from_bytes(raw, "little"))
    out += proto(28, report[snp.SIGNED :])
    family, model, stepping = report[0x188:0x18B]
    if family:
        base = min(family, 15)
        eax = (family - base) << 20 | (model >> 4) << 16 | base << 8 | (model & 15) << 4 | stepping
        out += proto(29, eax)
    numbers = {"vcek": 1, "ask": 2, "ark": 3, "vlek": 6}
    chain = b"".join(proto(numbers[name], data) for name, data in certs)
    if crl is not None:
        chain += proto(7, proto(1, b"crl") + proto(2, crl))
    return proto(1, out) + proto(2, chain) + proto(3, proto(1, _PRODUCT_NUMBER[product]))


def tdx_quote_proto(quote):
    """QuoteV4 {header, body, size, signed data, extra bytes} of a v4 TD quote."""
    u = lambda a, b: int.from_bytes(quote[a:b], "little")  # noqa: E731
    header = (
        proto(1, u(0, 2)) + proto(2, u(2, 4)) + proto(3, u(4, 8)) + proto(4, quote[8:10])
        + proto(5, quote[10:12]) + proto(6, quote[12:28]) + proto(7, quote[28:48])
    )  # fmt: skip
    body, offset = b"", 48
    numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11, 11, 12]
    for number, size in zip(numbers, [16, 48, 48, 8, 8, 8, *[48] * 8, 64]):
        body += proto(number, quote[offset : offset + size])
        offset += size
    size = u(632, 636)
    data, rest = quote[636 : 636 + size], quote[636 + size :]
    return (
        proto(1, header) + proto(2, body) + proto(3, size) + proto(4, _signed_data(data))
        + proto(5, rest)
    )  # fmt: skip


def _signed_data(data):
    report = data[134:518]
    fields = [(0, 16), (16, 4), (20, 28), (48, 16), (64, 32), (96, 32), (128, 32), (160, 96),
              (256, 2), (258, 2), (260, 60), (320, 64)]  # fmt: skip
    qe = b""
    for number, (offset, size) in enumerate(fields, 1):
        raw = report[offset : offset + size]
        qe += proto(number, int.from_bytes(raw, "little") if number in (2, 9, 10) else raw)
    auth_size = int.from_bytes(data[582:584], "little")
    end = 584 + auth_size
    auth = proto(1, auth_size) + proto(2, data[584:end])
    kind, size = struct.unpack_from("<HI", data, end)
    chain = proto(1, kind) + proto(2, size) + proto(3, data[end + 6 : end + 6 + size])
    inner = proto(1, qe) + proto(2, data[518:582]) + proto(3, auth) + proto(4, chain)
    kind, size = struct.unpack_from("<HI", data, 128)
    certification = proto(1, kind) + proto(2, size) + proto(3, inner)
    return proto(1, data[:64]) + proto(2, data[64:128]) + proto(3, certification)


def contrast(evidence, *, tee="snp", certs=(), product="Milan", crl=None, nonce=b"", **hooks):
    """REPORTDATA = SHA-512(SPKI || nonce); validity two hours around the reference time."""
    rule = lambda key: hashlib.sha512(spki(key) + nonce).digest()  # noqa: E731
    if tee == "snp":
        wrap = lambda r: snp_attestation_proto(r, certs, product=product, crl=crl)  # noqa: E731
        item = Item(OID_CONTRAST_SNP, evidence, rule, wrap)
    else:
        item = Item(OID_CONTRAST_TDX, evidence, rule, tdx_quote_proto)
    return build("contrast", [item], CONTRAST, **_two_hours(hooks))


# Constellation

CONSTELLATION = Style("ku eku evidence", "CN=Constellation", ca=None)


def _two_hours(hooks):
    if "at" in hooks and not {"expired", "not_yet_valid"} & hooks.keys():
        at = der.utc(hooks["at"])
        hooks.setdefault("not_before", at - HOURS)
        hooks.setdefault("not_after", at + HOURS)
    return hooks


def _b64(data):
    return base64.b64encode(data).decode()


def constellation(evidence, *, tee="tdx", certs=(), nonce=bytes(32), edit=None, **hooks):
    """JSON documents: QEMU TDX {RawQuote, UserData}; GCP SNP {InstanceInfo, UserData, ...}.

    The SNP form has no vTPM attestation in it (member Attestation is null). edit(dict) changes it.
    """
    state = {}

    def rule(key):
        state["user"] = sha256(spki(key))
        return sha256(state["user"] + nonce)

    def wrap(blob):
        if tee == "tdx":
            document = {"RawQuote": _b64(blob), "UserData": _b64(state["user"])}
        else:
            document = {
                "Attestation": None,
                "InstanceInfo": _b64(_instance_info(blob, certs)),
                "UserData": _b64(state["user"]),
            }
        if edit is not None:
            edit(document)
        return json.dumps(document, separators=(",", ":")).encode()

    oid_ = OID_CONSTELLATION_QEMU_TDX if tee == "tdx" else OID_CONSTELLATION_GCP_SNP
    return build("constellation", [Item(oid_, evidence, rule, wrap)], CONSTELLATION,
                 **_two_hours(hooks))  # fmt: skip


def _instance_info(report, certs):
    by_name = dict(certs)
    signer = by_name.get("vcek") or by_name.get("vlek")
    chain = "".join(pem(by_name[n]) for n in ("ask", "ark") if n in by_name)
    info = {
        "ReportSigner": _b64(pem(signer).encode()) if signer else None,
        "CertChain": _b64(chain.encode()),
        "AttestationReport": _b64(report),
    }
    return json.dumps(info, separators=(",", ":")).encode()
