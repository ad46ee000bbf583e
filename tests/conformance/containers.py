# SPDX-License-Identifier: Apache-2.0
"""Files that hold evidence or collateral in the formats of other systems, and made negatives.

What the program does not read itself is taken apart here, by code that shares nothing with it, and
its parts are judged one by one.
"""

import base64
import hashlib
import json
import re
import struct
from datetime import datetime, timedelta, timezone

from common import Case, instant, middle, naive
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from negatives import FORGED_AMD, FORGED_CRL, KEY_SWAP
from quotes import compare_predicted, files_of, policy_flags, predict
from reports import HCL_HARDWARE, REPORT_DATA, hcl_verdict
from statements import code_in

KINDS = (
    "mse_evidence_json", "collateral_bundle_json", "oe_endorsements_listing",
    "oe_endorsements_bin", "oe_report", "oe_evidence_hex_listing", "az_vtpm_evidence_json",
    "tdx_quote_padded", "dstack_attestation", "synthetic_negative",
)  # fmt: skip
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
OE_HEADER = 16
OID_SNP = "1.2.840.113741.1337.7"
OID_DSTACK = "1.3.6.1.4.1.62397.1.8"
NOBODY = ["--fingerprint", "00" * 32, "--mrtd", "00" * 48, "--measurement", "00" * 48]


# ---- independent readers ----


def unbase64(text):
    """Either alphabet, with or without padding."""
    text = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def declared_size(quote):
    """Bytes of a quote by its own length fields."""
    version, tee = struct.unpack_from("<H2xI", quote)
    at = 48
    if version == 5:
        at += 6 + struct.unpack_from("<I", quote, 50)[0]
    else:
        at += 584 if tee == 0x81 else 384
    return at + 4 + struct.unpack_from("<I", quote, at)[0]


def leaf_of(quote):
    """The first certificate in PEM that a quote carries."""
    return x509.load_pem_x509_certificate(CERTIFICATE.search(quote)[0])


def without_comments(data):
    """Some vectors begin with lines of comment."""
    while data.startswith(b"#"):
        data = data[data.index(b"\n") + 1 :]
    return data


def signed_objects(data, member):
    """Each {"member": ...} in the bytes, as parsed JSON."""
    marker = b'{"' + member.encode() + b'":'
    out, at = [], data.find(marker)
    while at >= 0:
        text = data[at:].decode("utf-8", "replace")
        out.append(json.JSONDecoder().raw_decode(text)[0][member])
        at = data.find(marker, at + 1)
    return out


def certificate_with(oid, payload):
    """A self-signed certificate of a key of our own around an extension's payload."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app.example")])
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.public_key(key.public_key()).not_valid_before(start)
    builder = builder.not_valid_after(start + timedelta(days=9000))
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), payload)
    made = builder.add_extension(extension, critical=False).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def octets(data):
    size = len(data).to_bytes(2, "big")
    return b"\x04\x82" + size + data


# ---- collateral ----


def compare_items(case, items, counts):
    """How many items of each sort there are, by what the program calls them."""
    heads = ("certificate of ", "CRL of ", "TCB info ", "enclave identity ")
    got = {h.strip(): sum(i["holds"].startswith(h) for i in items) for h in heads}
    case.equal("items", counts, {**got, "unreadable": sum(
        i["holds"] == "unreadable item" for i in items)})  # fmt: skip


def authentic_but_old(case, items, infos):
    """All is genuine; TCB infos of version 2 are refused for their version, see statements.py."""
    for item in items:
        if item["authentic"]:
            continue
        case.equal(f"{item['holds']}: refused as", "unsupported", code_in(item.get("reason")))
        case.true("an old TCB info", any(i["version"] == 2 for i in infos))


def spans_of_bundle(data):
    """Dates inside a dcap-qvl bundle."""
    def crl(name):
        value = x509.load_der_x509_crl(bytes.fromhex(data[name]))
        return naive(value.last_update), naive(value.next_update)

    def signed(name):
        value = json.loads(data[name])
        return instant(value["issueDate"]), instant(value["nextUpdate"])

    return {
        "tcb_info": signed("tcb_info"), "qe_identity": signed("qe_identity"),
        "root_ca_crl": crl("root_ca_crl"), "pck_crl": crl("pck_crl"),
    }  # fmt: skip


def dcap_qvl(corpus, f):
    case = Case(f["file"], "items")
    data = json.loads(corpus.read(f["file"]))
    items = corpus.programs.check(corpus.path(f["file"])) or []
    chains = "".join(data[n] for n in data if n.endswith("issuer_chain")).encode()
    counts = {"certificate of": len(set(CERTIFICATE.findall(chains))), "CRL of": 2,
              "TCB info": 1, "enclave identity": 1, "unreadable": 0}  # fmt: skip
    compare_items(case, items, counts)
    for item in items:
        case.equal(f"{item['holds']}: authentic", True, item["authentic"])
    info = json.loads(data["tcb_info"])
    title = f"TCB info {info['id']}, FMSPC {info['fmspc'].lower()}, "
    case.true("TCB info", any(i["holds"].startswith(title) for i in items), title)
    yield case
    yield from dcap_qvl_quotes(corpus, f, spans_of_bundle(data))


def dcap_qvl_quotes(corpus, f, spans):
    """Quotes from beside the bundle, judged with the bundle alone."""
    wanted = {f"{s['path'].removesuffix('_collateral.json')}" for s in f["sources"]}
    for quote in corpus.of_kind("sgx_quote", "tdx_quote"):
        if not any(s["path"] in wanted for s in quote["sources"]):
            continue
        case = Case(f["file"], f"with {quote['file']}")
        spans["pck"] = tuple(instant(quote["pck"][n]) for n in ("not_before", "not_after"))
        begin, end = (max(s[0] for s in spans.values()), min(s[1] for s in spans.values()))
        at = middle(begin, end)
        report = corpus.programs.verify("quote", corpus.path(quote["file"]), at,
                                        collateral=[corpus.path(f["file"])],
                                        flags=policy_flags(quote))  # fmt: skip
        compare_predicted(case, report, predict(at, spans))
        case.equal("in date", begin <= end, set(predict(at, spans).values()) == {"passed"})
        yield case


def oe_endorsements(corpus, f):
    case = Case(f["file"], "items")
    data = corpus.read(f["file"])
    infos = signed_objects(data, "tcbInfo")
    old = sum(i["version"] == 2 for i in infos)
    items = corpus.programs.check(corpus.path(f["file"])) or []
    # Two of its three chains are the same.
    counts = {"certificate of": len(set(CERTIFICATE.findall(data))), "CRL of": 2,
              "TCB info": len(infos) - old, "unreadable": old,
              "enclave identity": len(signed_objects(data, "enclaveIdentity"))}  # fmt: skip
    compare_items(case, items, counts)
    authentic_but_old(case, items, infos)
    return [case]


def mse_evidence(corpus, f):
    """The original product's file: certificate and collateral, each item with its own dates."""
    data = json.loads(corpus.read(f["file"]))
    cert = x509.load_pem_x509_certificate(data["ratls_certificate"].encode())
    info = json.loads(bytes.fromhex(unbase64(data["tcb_info"]).decode()))["tcbInfo"]
    identity = json.loads(unbase64(data["qe_identity"]))["enclaveIdentity"]
    lists = [x509.load_pem_x509_crl(data[n].encode()) for n in ("root_ca_crl", "pck_platform_crl")]
    quote = cert.extensions.get_extension_for_oid(
        x509.ObjectIdentifier("1.2.840.113741.1337.6")
    ).value.value
    leaf = leaf_of(quote)
    spans = {
        "pck": (naive(leaf.not_valid_before), naive(leaf.not_valid_after)),
        "tcb_info": (instant(info["issueDate"]), instant(info["nextUpdate"])),
        "qe_identity": (instant(identity["issueDate"]), instant(identity["nextUpdate"])),
        "root_ca_crl": (naive(lists[0].last_update), naive(lists[0].next_update)),
        "pck_crl": (naive(lists[1].last_update), naive(lists[1].next_update)),
    }
    key = corpus.programs.file(data["signer_pk"].encode(), ".pem")
    flags = ["--signer-key", key, "--fingerprint", quote[112:144].hex(), "--min-tcb-eval", "0",
             "--allow-tcb", "OutOfDate"]  # fmt: skip
    instants = {at for span in spans.values() for at in span}
    instants |= {naive(cert.not_valid_before), naive(cert.not_valid_after)}
    instants |= {middle(*spans["qe_identity"]), middle(*spans["pck_crl"])}
    for at in sorted(instants):
        if not naive(cert.not_valid_before) <= at <= naive(cert.not_valid_after):
            continue
        case = Case(f["file"], f"at {at:%Y-%m-%dT%H:%M:%SZ}")
        report = corpus.programs.verify("evidence", corpus.path(f["file"]), at, flags=flags)
        predicted = predict(at, spans)
        compare_predicted(case, report, predicted)
        for check in ("binding", "certificate", "signer", "fingerprint", "attributes"):
            case.equal(check, "passed", report.both(check))
        case.equal("positive", set(predicted.values()) == {"passed"}, report.positive)
        yield case
    case = Case(f["file"], "items")
    items = corpus.programs.check(corpus.path(f["file"])) or []
    # Besides the TCB signing certificate: CA and root out of the quote, and its leaf.
    counts = {"certificate of": 4, "CRL of": 2, "TCB info": 1, "enclave identity": 1,
              "unreadable": 0}  # fmt: skip
    compare_items(case, items, counts)
    authentic_but_old(case, items, [info])
    yield case


# ---- evidence ----


def genuine_quote(case, corpus, path, quote, *, chain=True):
    """Chain and signature at an instant when the PCK certificate is valid."""
    leaf = leaf_of(quote)
    at = middle(naive(leaf.not_valid_before), naive(leaf.not_valid_after))
    report = corpus.programs.verify("quote", path, at, collateral=corpus.intel_cas, flags=NOBODY)
    case.equal("evidence", "passed", report.both("evidence"))
    if chain:
        case.equal("chain", "passed", report.both("chain"))
        case.equal("signature", "passed", report.both("signature"))
    else:
        case.equal("chain", "failed", report.outcome("chain"))
    case.true("refused", not report.positive, report.verdict)
    return report


def same_as_corpus(corpus, quote):
    digest = hashlib.sha256(quote).hexdigest()
    return next((f for f in corpus.of_kind("sgx_quote", "tdx_quote") if f["sha256"] == digest), None)


def padded_quote(corpus, f):
    """Zeros behind a quote change nothing; anything else there is refused."""
    case = Case(f["file"], "zeros behind the quote")
    data = corpus.read(f["file"])
    quote = data[: declared_size(data)]
    case.true("padded with zeros", len(quote) < len(data) and not any(data[len(quote) :]))
    report = genuine_quote(case, corpus, corpus.path(f["file"]), quote)
    bare = genuine_quote(case, corpus, corpus.programs.file(quote, ".quote"), quote)
    case.equal("same as without", (bare.checks, bare.evidence), (report.checks, report.evidence))
    yield case
    case = Case(f["file"], "other bytes behind the quote")
    changed = corpus.programs.file(data[:-1] + b"\x01", ".quote")
    report = corpus.programs.verify("quote", changed, instant("2026-01-01T00:00:00Z"), flags=NOBODY)
    case.equal("evidence", "failed trailing", report.both("evidence"))
    case.equal("verdict", "fail", report.verdict)
    yield case
    known = same_as_corpus(corpus, quote)
    for window in known["matching_collateral"]["full_windows"] if known else ():
        case = Case(f["file"], f"window from {window['from']}")
        at = middle(instant(window["from"]), instant(window["to"]))
        reports = [corpus.programs.verify("quote", path, at, collateral=files_of(corpus, window),
                                          flags=policy_flags(known))
                   for path in (corpus.path(f["file"]), corpus.path(known["file"]))]  # fmt: skip
        case.equal("same as without", reports[1].value, reports[0].value)
        yield case


def oe_report(corpus, f):
    """16 bytes of header and a quote; one byte of the size changed is refused."""
    case = Case(f["file"], "verdict")
    data = corpus.read(f["file"])
    case.equal("header", (1, 2, len(data) - OE_HEADER), struct.unpack_from("<IIQ", data))
    negative = "negative" in f["note"]
    genuine_quote(case, corpus, corpus.path(f["file"]), data[OE_HEADER:], chain=not negative)
    changed = corpus.programs.file(data[:8] + bytes([data[8] ^ 1]) + data[9:], ".bin")
    report = corpus.programs.verify("quote", changed, instant("2026-01-01T00:00:00Z"), flags=NOBODY)
    case.equal("wrong size", "failed value", report.both("evidence"))
    return [case]


def oe_evidence(corpus, f):
    case = Case(f["file"], "verdict")
    data = without_comments(corpus.read(f["file"]))
    quote = data[: declared_size(data)]
    case.equal("size", len(data), len(quote))
    genuine_quote(case, corpus, corpus.programs.file(quote, ".quote"), quote)
    return [case]


def az_vtpm(corpus, f):
    """An HCL report, and beside it the signed evidence: a TD quote, or the VCEK for its report."""
    data = json.loads(corpus.read(f["file"]))
    hcl = unbase64(data["hcl_report"])
    path = corpus.programs.file(hcl, ".hcl")
    tee = "TDX" if "td_quote" in data else "SNP"
    case = Case(f["file"], "HCL report")
    shown = corpus.programs.show(path).get("hcl", {})
    case.equal("type", tee, shown.get("hcl_type"))
    yield case
    if tee == "SNP":
        vcek = corpus.programs.file(unbase64(data["vcek"]), ".der")
        yield hcl_verdict(corpus, f, data=hcl, vcek=vcek)
        return
    case = Case(f["file"], "TD quote")
    padded = unbase64(data["td_quote"])
    report = genuine_quote(case, corpus, corpus.programs.file(padded, ".quote"),
                           padded[: declared_size(padded)])  # fmt: skip
    at = HCL_HARDWARE + REPORT_DATA["TDX"]
    case.equal("report data as in the HCL report", hcl[at : at + 64].hex(),
               report.claims.get("report_data"))  # fmt: skip
    yield case


def scale_bytes(data, at):
    """A SCALE byte vector: its bytes (Parity SCALE codec, compact lengths of up to four bytes)."""
    mode = data[at] & 3
    width = {0: 1, 1: 2, 2: 4}[mode]
    size = int.from_bytes(data[at : at + width], "little") >> 2
    return data[at + width : at + width + size]


def dstack(corpus, f):
    """Inside a certificate of another key the document is read whole, and refused as not bound."""
    case = Case(f["file"], "verdict")
    data = corpus.read(f["file"])
    case.equal("version and platform", b"\0\0", data[:2])
    quote = scale_bytes(data, 2)
    genuine_quote(case, corpus, corpus.programs.file(quote, ".quote"),
                  quote[: declared_size(quote)])  # fmt: skip
    at = instant("2026-01-01T00:00:00Z")
    path = corpus.programs.file(certificate_with(OID_DSTACK, octets(data)), ".der")
    report = corpus.programs.verify("certificate", path, at, flags=NOBODY)
    case.equal("under another key", "failed binding", report.both("binding"))
    case.equal("certificate", "passed", report.both("certificate"))
    case.equal("verdict", "fail", report.verdict)
    path = corpus.programs.file(certificate_with(OID_DSTACK, octets(data[:-1])), ".der")
    report = corpus.programs.verify("certificate", path, at, flags=NOBODY)
    case.true("cut", "failed truncated" in (report.both("binding"), report.both("evidence")),
              report.decided_against())  # fmt: skip
    return [case]


# ---- made negatives ----


def tee_tools_certs(payload):
    """[(GUID, DER)] behind the report."""
    count = struct.unpack_from("<I", payload, 1184)[0]
    out, at = [], 1188
    for _ in range(count):
        size = struct.unpack_from("<I", payload, at)[0]
        out.append((payload[at + 4 : at + 20], payload[at + 20 : at + 4 + size]))
        at += 4 + size
    return out


def kernel_table(certs):
    head, entries, data = 24 * (len(certs) + 1), b"", b""
    for guid, der in certs:
        entries += guid + struct.pack("<II", head + len(data), len(der))
        data += der
    return entries + bytes(24) + data


def forged_amd(corpus, f):
    """Consistent but for its root: nothing of it counts, with the forged root or without."""
    case = Case(f["file"], "forged")
    payload = corpus.read(f["file"])
    certs = tee_tools_certs(payload)
    flags = ["--measurement", payload[0x90:0xC0].hex()]
    cert = x509.load_der_x509_certificate(certs[0][1])
    at = middle(naive(cert.not_valid_before), naive(cert.not_valid_after))
    subjects = [x509.load_der_x509_certificate(der).subject.rfc4514_string() for _, der in certs]
    case.equal("certificates", len(certs), len(set(subjects)))
    some = [c for c, s in zip(certs, subjects) if "ARK" not in s]
    for title, used in (("all", certs), ("without root", some)):
        path = corpus.programs.file(payload[:1184] + kernel_table(used), ".report")
        report = corpus.programs.verify("report", path, at, flags=flags, collateral=corpus.amd_cas)
        case.equal(f"{title}: evidence", "passed", report.both("evidence"))
        case.one_of(f"{title}: chain", {"failed root", "failed chain", "failed signature"},
                    report.both("chain"))  # fmt: skip
        case.equal(f"{title}: verdict", "fail", report.verdict)
    path = corpus.programs.file(certificate_with(OID_SNP, payload), ".der")
    report = corpus.programs.verify("certificate", path, at, flags=flags)
    case.equal("under another key", "failed binding", report.both("binding"))
    return [case]


def synthetic(corpus, f):
    if f["negative"] == FORGED_AMD:
        return forged_amd(corpus, f)
    case = Case(f["file"], "forged")
    if f["negative"] == FORGED_CRL:
        items = corpus.programs.check(corpus.path(f["file"]), corpus.intel_cas) or [{}]
        case.equal("authentic", False, items[0].get("authentic"))
        case.one_of("code", {"signature", "expired"}, code_in(items[0].get("reason")))
    elif f["negative"] == KEY_SWAP:
        cert = x509.load_der_x509_certificate(corpus.read(f["file"]))
        at = middle(naive(cert.not_valid_before), naive(cert.not_valid_after))
        for flags in ([], ["--profile", "dice"]):
            report = corpus.programs.verify("certificate", corpus.path(f["file"]), at,
                                            flags=NOBODY + flags)  # fmt: skip
            case.equal("binding", "failed binding", report.both("binding"))
            case.equal("certificate", "passed", report.both("certificate"))
            case.equal("verdict", "fail", report.verdict)
    else:
        case.equal("negative", "a text that containers.py knows", f["negative"])
    return [case]


READERS = {
    "mse_evidence_json": mse_evidence, "collateral_bundle_json": dcap_qvl,
    "oe_endorsements_listing": oe_endorsements, "oe_endorsements_bin": oe_endorsements,
    "oe_report": oe_report, "oe_evidence_hex_listing": oe_evidence,
    "az_vtpm_evidence_json": az_vtpm, "tdx_quote_padded": padded_quote,
    "dstack_attestation": dstack, "synthetic_negative": synthetic,
}  # fmt: skip


def jobs(corpus):
    for f in corpus.of_kind(*KINDS):
        yield lambda f=f: list(READERS[f["kind"]](corpus, f))
