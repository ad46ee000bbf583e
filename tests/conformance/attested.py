# SPDX-License-Identifier: Apache-2.0
"""Attested certificates: the one profile that binds them, the evidence inside, and their dates."""

import hashlib
import re

from common import SECOND, Case, instant, middle, naive, text_of
from cryptography import x509
from negatives import EVIDENCE, compare
from quotes import ALL_STATUSES, compare_statuses, files_of, window_code

KINDS = ()  # certificates belong to statements.py; those with evidence are looked at again here

PROFILES = (
    "c8s", "constellation", "contrast", "dice", "dstack", "ego", "gramine", "mse", "openenclave",
    "rats-tls", "sgx-sdk", "tee-tools",
)  # fmt: skip
# The manifest's rules in the program's words. The point's hash is MSE's on SGX, tee-tools' else.
RULES = {
    "sha256(SPKI PEM || 00) [OE]": "openenclave",
    "sha256(PKCS#1 RSAPublicKey DER)": "rats-tls",
    "report_data[0:32]=sha256(claims-buffer); pubkey-hash=sha256(SPKI DER)": "dice",
    "sha256(SPKI DER)": "gramine",
}
POINT = "sha256(X9.62 uncompressed point, 65B/97B incl 04)"
OID_SGX = "1.2.840.113741.1337.6"


def profile_of(f):
    rules = f["key_binding_rule"]
    if POINT in rules:
        return "mse" if OID_SGX in f["ratls"]["oids"] else "tee-tools"
    return next((RULES[rule] for rule in rules if rule in RULES), None)


def policy_flags(f, permit=True):
    """The measurement of the evidence inside; unreadable for the manifest: any, which must fail."""
    measurement = f["ratls"]["evidence"][0]["evidence_measurement"] or "00" * 32
    flags = ["--fingerprint" if f["tee"] == "SGX" else "--mrtd", measurement, "--min-tcb-eval", "0"]
    for status in ALL_STATUSES:
        flags += ["--allow-tcb", status]
    if permit and any(e["evidence_debug"] for e in f["ratls"]["evidence"]):
        flags.append("--allow-debug")
    return flags


def verify(corpus, f, at, *, collateral=None, flags=()):
    return corpus.programs.verify(
        "certificate", corpus.path(f["file"]), at,
        collateral=corpus.intel_cas if collateral is None else collateral, flags=flags,
    )  # fmt: skip


def validity(f):
    return instant(f["ratls"]["not_before"]), instant(f["ratls"]["not_after"])


def judged_at(corpus, f):
    """An instant inside the dates of the certificate and of the PCK certificate in its quote."""
    begin, end = validity(f)
    leaf = re.search(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----",
                     corpus.read(f["file"]))  # fmt: skip
    if leaf:
        cert = x509.load_pem_x509_certificate(leaf[0])
        begin, end = max(begin, naive(cert.not_valid_before)), min(end, naive(cert.not_valid_after))
    return middle(begin, end)


def sound_signature(corpus, f):
    """What the program may say of the self-signature; SHA-1 is refused by design."""
    cert = x509.load_der_x509_certificate(corpus.read(f["file"]))
    if "sha1" in cert.signature_algorithm_oid._name.lower():
        return "failed unsupported"
    return "passed" if f["ratls"]["self_signed_ok"] else "failed signature"


def extensions(corpus, f):
    """Which evidence is found where, and that it is byte for byte what the manifest says."""
    case = Case(f["file"], "evidence extensions")
    got = corpus.answer("attested", f["file"])
    if "error" in got:
        case.equal("readable", "yes", got["message"])
        return case
    found = {e["oid"]: e for e in got["extensions"]}
    case.equal("OIDs", sorted(f["ratls"]["oids"]), sorted(found))
    for wanted in f["ratls"]["evidence"]:
        e = found.get(wanted["oid"], {})
        case.equal(f"{wanted['oid']} evidence", wanted["evidence_sha256"], e.get("sha256"))
        case.equal(f"{wanted['oid']} bound", wanted["binding_ok"], e.get("is_copy") is False)
        for name, own in (("evidence_len", "size"), ("trailing", "padding")):
            if name in wanted:
                case.equal(f"{wanted['oid']} {name}", wanted[name], e.get(own))
        quote = corpus.by_name.get(wanted["evidence_file"])
        if quote:
            digest = hashlib.sha256(corpus.read(quote["file"])).hexdigest()
            case.equal(f"{wanted['oid']} file", digest, e.get("sha256"))
    return case


def own_profile(corpus, f, profile):
    """Bound under its profile, named or found; certificate, evidence and claims as stated."""
    case = Case(f["file"], f"profile {profile}")
    at = judged_at(corpus, f)
    for flags in (["--profile", profile], []):
        report = verify(corpus, f, at, flags=policy_flags(f) + flags)
        title = " ".join(flags) or "found"
        case.equal(f"{title}: binding", "passed", report.both("binding"))
        case.equal(f"{title}: evidence", "passed", report.both("evidence"))
        used = {e.get("profile") for e in report.evidence}
        case.equal(f"{title}: profile", {profile}, used)
        case.equal(f"{title}: certificate", sound_signature(corpus, f), report.both("certificate"))
        shown = report.value.get("certificate", {})
        case.equal(f"{title}: unsafe shape", bool(f["ratls"]["ca"]) or f["ratls"]["ca"] is None,
                   shown.get("shape") == "unsafe")  # fmt: skip
        compare_evidence(case, f, report)
    return case


def compare_evidence(case, f, report):
    wanted = next(e for e in f["ratls"]["evidence"] if e["binding_ok"])
    claims = report.claims
    case.equal("tee", f["tee"], claims.get("tee"))
    if "report_data" in wanted:
        case.equal("report data", wanted["report_data"], claims.get("report_data"))
    if wanted["evidence_measurement"]:
        measurement = claims.get("mrenclave" if f["tee"] == "SGX" else "mrtd")
        case.equal("measurement", wanted["evidence_measurement"], measurement)
        case.equal("debug", wanted["evidence_debug"], claims.get("debug"))
    genuine = report.outcome("chain") == "passed" and report.outcome("signature") == "passed"
    case.equal("evidence genuine", wanted["evidence_crypto_ok"], genuine)


def other_profiles(corpus, f, profile):
    case = Case(f["file"], "other profiles")
    at = judged_at(corpus, f)
    for other in PROFILES:
        if other == profile:
            continue
        report = verify(corpus, f, at, flags=policy_flags(f) + ["--profile", other])
        case.equal(f"{other}: verdict", "fail", report.verdict)
        case.true(f"{other}: not bound", report.outcome("binding") != "passed")
        failed = "failed" in (report.outcome("binding"), report.outcome("evidence"))
        case.true(f"{other}: says so", failed, report.decided_against())
    return case


def dates(corpus, f):
    case = Case(f["file"], "dates")
    begin, end = validity(f)
    signature = sound_signature(corpus, f)
    for at, wanted in ((begin - SECOND, "failed not-yet-valid"), (begin, "passed"),
                       (end, "passed"), (end + SECOND, "failed expired")):  # fmt: skip
        report = verify(corpus, f, at, flags=policy_flags(f))
        wanted = wanted if signature == "passed" else signature
        case.equal(text_of(at), wanted, report.both("certificate"))
        case.true("refused", not report.positive, report.verdict)
    return case


def negative(corpus, f):
    case = Case(f["file"], "negative")
    report = verify(corpus, f, judged_at(corpus, f), flags=policy_flags(f, permit=False))
    compare(case, f["negative"], EVIDENCE, report)
    case.true("refused", not report.positive, report.verdict)
    return case


def find_window(corpus, f, wanted):
    """The items of a window that the manifest names for a quote of the same platform family.

    wanted: from, to, platform status, status of the quoting enclave. The module is not stated.
    """
    for quote in corpus.of_kind("sgx_quote", "tdx_quote"):
        for window in quote["matching_collateral"]["full_windows"]:
            if quote["tee"] == f["tee"] and [window["from"], window["to"]] == wanted[:2]:
                window = {**window, "platform_tcb_status": wanted[2], "qe_status": wanted[3]}
                window.pop("tdx_module_status", None)
                return window
    return None


def windows(corpus, f):
    """Statuses inside each window; the certificate's own dates may be over by then."""
    for wanted in f["ratls"]["evidence"][0].get("evidence_windows") or ():
        case = Case(f["file"], f"window from {wanted[0]}")
        window = find_window(corpus, f, wanted)
        if window is None:
            case.skip("the manifest names no collateral for this window")
            yield case
            continue
        for at in (instant(wanted[0]), middle(*map(instant, wanted[:2])), instant(wanted[1])):
            report = verify(corpus, f, at, collateral=files_of(corpus, window),
                            flags=policy_flags(f))  # fmt: skip
            for check in ("evidence", "chain", "revocation", "signature", "qe-identity",
                          "collateral", "binding", "tcb", "fingerprint", "attributes"):  # fmt: skip
                if check == "attributes" and f["tee"] == "TDX":
                    continue  # the manifest does not state the TD's attributes here
                # Nor does it state the registers, without which a TD's code is not compared.
                partly = check == "fingerprint" and f["tee"] == "TDX"
                case.equal(f"{text_of(at)}: {check}", "waived" if partly else "passed",
                           report.both(check))  # fmt: skip
            code = window_code(validity(f), at)
            case.equal(f"{text_of(at)}: certificate", f"failed {code}" if code else "passed",
                       report.both("certificate"))  # fmt: skip
            identity = corpus.by_name[window["qe_identity"]]
            if f["tee"] == "TDX":
                # Modules of major version 0 have no identity, so that there is no third status.
                case.equal("module version", "00", report.claims.get("tee_tcb_svn", "")[2:4])
            compare_statuses(case, window, report, identity["tcbEvaluationDataNumber"])
        yield case


def judge(corpus, f):
    profile = profile_of(f)
    if profile is None:
        case = Case(f["file"], "profile")
        case.equal("rule", "one that attested.py knows", f["key_binding_rule"])
        yield case
        return
    yield extensions(corpus, f)
    yield own_profile(corpus, f, profile)
    yield other_profiles(corpus, f, profile)
    yield dates(corpus, f)
    if f["negative"] is not None:
        yield negative(corpus, f)
    yield from windows(corpus, f)


def jobs(corpus):
    for f in corpus.files:
        if f.get("role") == "ratls":
            yield lambda f=f: list(judge(corpus, f))
