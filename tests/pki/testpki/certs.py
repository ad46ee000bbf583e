# SPDX-License-Identifier: Apache-2.0
"""One certificate around evidence: layout, validity, names, and the ways to get each wrong."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from . import der, keys, x509

OID_PADDING = "2.25.1"
DAY = timedelta(days=1)


@dataclass
class Item:
    """One evidence extension.

    evidence(report_data) -> bytes; report_data(key) -> at most 64 bytes, zero-filled;
    wrap(evidence) -> extension payload; same: reuse the evidence of the first item.
    """

    oid: str
    evidence: object
    report_data: object
    wrap: object = bytes
    same: bool = False


@dataclass
class Style:
    """How a profile's certificates look apart from the evidence.

    layout: order of bc, ku, eku, san, ski, aki, nc, evidence. validity: two datetimes, or None for
    one day before and 89 days after the reference time.
    """

    layout: str
    subject: str
    kind: str = "p256"
    ca: object = False
    bc_critical: bool = True
    serial: int = None
    validity: tuple = None
    null_parameters: bool = False
    eku: tuple = ("serverAuth",)
    algorithm: str = None


@dataclass
class Attested:
    """A certificate, its key, and what went into it (one list entry per evidence extension)."""

    profile: str
    der: bytes
    key: object
    report_data: list = field(default_factory=list)
    evidence: list = field(default_factory=list)
    payload: list = field(default_factory=list)

    @property
    def pem(self):
        return x509.pem(self.der)

    @property
    def key_pem(self):
        return keys.private_pem(self.key).decode()

    @property
    def spki(self):
        return keys.spki(self.key)

    def write(self, directory, name=None):
        """Writes NAME.pem, NAME.der and NAME.key; returns the path of the PEM file."""
        name = name or self.profile
        directory = Path(directory)
        (directory / f"{name}.pem").write_text(self.pem)
        (directory / f"{name}.der").write_bytes(self.der)
        (directory / f"{name}.key").write_text(self.key_pem)
        return directory / f"{name}.pem"


def fill(data, size=64):
    return data + bytes(size - len(data))


def san_constraints(names):
    """Non-critical constraints of client-importable certificates: these names, nothing below."""
    dns = [n for n in names if n.startswith("DNS:")]
    v4 = [n for n in names if n.startswith("IP:") and ":" not in n[3:]]
    v6 = [n for n in names if n.startswith("IP:") and ":" in n[3:]]
    permitted = dns + [n + "/32" for n in v4] + [n + "/128" for n in v6]
    excluded = ["DNS:." + n[4:] for n in dns]
    excluded += ([] if v4 else ["IP:0.0.0.0/0"]) + ([] if v6 else ["IP:::/0"])
    return x509.name_constraints(permitted, excluded)


def _hidden(subject, san, hide, blobs):
    """Evidence put where only a byte search finds it."""
    raw = b"".join(der.oid(oid) + der.octets(payload) for oid, payload in blobs)
    if hide == "subject":
        extra = der.set_of(der.seq(der.oid("2.5.4.10"), der.tlv(0x14, raw)))
        # Reopen the Name SEQUENCE and append one attribute (T61String: any bytes).
        content = subject[_header_size(subject) :]
        return der.seq(content, extra), san
    content = san.value[_header_size(san.value) :]
    other = der.tlv(0xA0, der.oid("2.25.2") + der.explicit(0, der.octets(raw)))
    return subject, san._replace(value=der.seq(content, other))


def _header_size(element):
    return 2 + (element[1] & 0x7F if element[1] & 0x80 else 0)


def build(
    profile, items, style, *, at=None, cache=None, key=None, key_kind=None, bind_key=None,
    tail=None, report_data=None, payload=None, oid=None, critical=False, duplicate=False,
    second_payload=None, names=("DNS:app1.example",), subject=None, issuer=None, ca="style",
    pathlen=None, drop=(), first=(), extra=(), hide=None, keep_evidence=False, expired=False,
    not_yet_valid=False, not_before=None, not_after=None, serial=None, sign_key=None,
    break_signature=False, algorithm=None, null_parameters=None, pad_to=0, version=2,
):
    """The certificate of a profile, as an Attested. The hooks of every profile function:

    at, cache (KeyCache), key, key_kind ("p521", "rsa3072", ...): the certificate's own key;
    bind_key: REPORTDATA commits to this key instead (wrong key); tail: bytes from REPORTDATA[32]
    on (whole half of 32); report_data: all 64 bytes; payload(bytes) -> bytes: last change of the
    extension payload; oid, critical: of the first evidence extension;
    duplicate=True: the first evidence extension twice; second_payload: bytes of the second one;
    names: "DNS:..", "IP:.." of the SAN, () for none; subject, issuer: text, pairs or DER;
    ca: True, False, or None for no basicConstraints; pathlen; drop: OIDs of extensions to leave
    out; first, extra: Exts before and after the others;
    hide="subject" or "san": OID and payload only inside that field, keep_evidence=True: there too;
    expired, not_yet_valid, not_before, not_after, serial; sign_key: signed by another key;
    break_signature; algorithm; null_parameters; pad_to: at least so many bytes in all.
    """
    at = der.utc(at if at is not None else datetime.now(timezone.utc))
    cache = cache or keys.KeyCache()
    kind = key_kind or style.kind
    key = key or cache.get(f"leaf-{profile}", kind)
    result = Attested(profile, b"", key)
    for item in items:
        rd = fill(item.report_data(bind_key or key))
        if tail is not None:
            rd = rd[:32] + fill(tail, 32)
        if report_data is not None:
            rd = report_data
        blob = result.evidence[0] if item.same and result.evidence else item.evidence(rd)
        result.report_data.append(rd)
        result.evidence.append(blob)
        content = item.wrap(blob)
        result.payload.append(payload(content) if payload is not None else content)

    oids = [item.oid for item in items]
    if oid is not None and oids:
        oids[0] = oid
    evidence = [
        x509.Ext(o, p, critical and i == 0) for i, (o, p) in enumerate(zip(oids, result.payload))
    ]
    subject_der = x509.name(subject if subject is not None else style.subject)
    san = x509.subject_alt_name(*names)
    if hide is not None:
        subject_der, san = _hidden(subject_der, san, hide, list(zip(oids, result.payload)))
        if not keep_evidence:
            evidence = []
    if duplicate or second_payload is not None:
        again = evidence[0].value if second_payload is None else second_payload
        evidence.append(evidence[0]._replace(value=again))

    is_ca = style.ca if ca == "style" else ca
    parts = {
        "bc": [] if is_ca is None else [x509.basic_constraints(is_ca, pathlen, style.bc_critical)],
        "ku": [x509.key_usage("digitalSignature")],
        "eku": [x509.extended_key_usage(*style.eku)],
        "san": [san] if names or hide == "san" else [],
        "ski": [x509.subject_key_id(key)],
        "aki": [x509.authority_key_id(key)],
        "nc": [san_constraints(names)] if names else [],
        "evidence": evidence,
    }
    layout = style.layout.split()
    if ca not in ("style", None) and "bc" not in layout:
        layout.append("bc")
    extensions = [ext for part in layout for ext in parts[part] if ext.oid not in drop]
    extensions = [*first, *extensions, *extra]

    begin, end = style.validity or (at - DAY, at + 89 * DAY)
    if expired:
        begin, end = at - 30 * DAY, at - DAY
    if not_yet_valid:
        begin, end = at + DAY, at + 30 * DAY
    options = dict(
        key=key,
        signer=sign_key or key,
        subject=subject_der,
        issuer=issuer if issuer is not None else subject_der,
        not_before=not_before or begin,
        not_after=not_after or end,
        serial=serial if serial is not None else style.serial,
        algorithm=algorithm or (style.algorithm if kind == style.kind else None),
        null_parameters=style.null_parameters if null_parameters is None else null_parameters,
        break_signature=break_signature,
        version=version,
    )
    result.der = x509.certificate(extensions=extensions, **options)
    missing = pad_to - len(result.der)
    if missing > 0:
        padding = x509.Ext(OID_PADDING, bytes(missing))
        result.der = x509.certificate(extensions=[*extensions, padding], **options)
    return result
