# SPDX-License-Identifier: Apache-2.0
"""Certificates, CRLs, TCB infos and QE identities: what is in them, and whose they are."""

import re

from common import Case
from negatives import STATEMENTS

SGX_TYPES = {"Standard": 0, "Scalable": 1, "ScalableWithIntegrity": 2}
# How titles of the command line begin, by kind of file.
QE_TITLES = {"QE": "QE (SGX)", "TD_QE": "TD_QE (TDX)", "QVE": "QVE"}


def number(text):
    """A serial number whatever its leading zeros."""
    return None if text is None else int(text or "0", 16)


def name_parts(text):
    """The parts of a distinguished name in no particular order."""
    return None if text is None else sorted(re.split(r"(?<!\\),", text))


def code_in(reason):
    """The program's messages end in their code: "...: the signature does not verify (signature)"."""
    found = re.search(r"\(([a-z-]+)\)$", reason or "")
    return found.group(1) if found else None


def compare_pck(case, expected, got):
    """PCK extension; expected: members of the manifest, got: the program's "pck"."""
    case.equal("fmspc", expected["fmspc"], got.get("fmspc"))
    case.equal("pceid", expected["pceid"], got.get("pce_id"))
    comps = expected.get("tcb_comps", expected.get("cpusvn_comps"))
    case.equal("tcb components", bytes(comps).hex(), got.get("comp_svn"))
    case.equal("pcesvn", expected["pcesvn"], got.get("pce_svn"))
    case.equal("sgx type", SGX_TYPES.get(expected["sgx_type"]), got.get("sgx_type"))
    wanted = expected.get("configuration")
    configuration = None
    if "dynamic_platform" in got:
        configuration = {
            "dynamicPlatform": got["dynamic_platform"],
            "cachedKeys": got["cached_keys"],
            "smtEnabled": got["smt_enabled"],
        }
    case.equal("configuration", wanted, configuration)


def compare_vek(case, expected, got, issuer):
    case.equal("product", expected["product"], got.get("product"))
    tcb = {name: expected[name] for name in ("bl", "tee", "snp", "ucode")}
    tcb["fmc"] = expected.get("fmc", 0)
    case.equal("tcb", tcb, got.get("tcb"))
    case.equal("hwid", expected.get("hwid"), got.get("hwid"))
    case.equal("csp id", expected.get("csp_id"), got.get("csp_id"))
    case.equal("kind", "VLEK" if "VLEK" in issuer else "VCEK", got.get("kind"))


def certificate_fields(corpus, f):
    case = Case(f["file"], "fields")
    got = corpus.answer("certificate", f["file"])
    if f["role"] == "malformed":
        return case.skip("the manifest states no fields of a malformed certificate")
    if "error" in got:
        case.equal("readable", "yes", got["message"])
        return case
    case.equal("serial", number(f["serial"]), number(got["serial"]))
    for name in ("not_before", "not_after"):
        case.equal(name, f[name], got[name])
    for name in ("subject", "issuer"):
        case.equal(name, name_parts(f[name]), name_parts(got[name]))
    if "fmspc" in f and f.get("negative") and got.get("pck_error") == "value":
        # Read leniently for the manifest: components as negative integers, which is no DER of an SVN.
        case.true("components above 127", any(svn > 127 for svn in f["tcb_comps"]))
    elif "fmspc" in f:
        compare_pck(case, f, got.get("pck", {}))
        if f["ca"] is not None:
            case.equal("ca", f["ca"].capitalize(), re.search(r"PCK (\w+) CA", got["issuer"])[1])
        if f["revoked_in_corpus_crls"] is not None:
            listed = [str(corpus.path(name)) for name in f["revoked_in_corpus_crls"]]
            case.equal("revoked by", sorted(listed), sorted(got["listed_by"]))
    if "vek_ext" in f and f.get("negative") and got.get("vek_error") == "value":
        # Read leniently for the manifest: the chip id in a DER OCTET STRING, 66 bytes.
        case.true("chip id of 64 bytes", len(f["vek_ext"].get("hwid", "")) == 128)
        case.equal("shown size", "66 bytes", got["extensions"].get("1.3.6.1.4.1.3704.1.4"))
    elif "vek_ext" in f:
        compare_vek(case, f["vek_ext"], got.get("vek", {}), got["issuer"])
        if f.get("ask"):
            case.true("issuer is ask", f"CN={f['ask']}" in got["issuer"], got["issuer"])
    if f.get("ratls"):
        ratls = f["ratls"]
        case.equal("ca flag", bool(ratls["ca"]), got["is_ca"])
        names = got["names"].split(", ") if got["names"] else []
        case.equal("names", sorted(ratls["san"]), sorted(names))
        case.true("evidence OIDs", all(o in got["extensions"] for o in ratls["oids"]))
        if "bc_critical" in ratls:
            critical = "critical" in got["extensions"]["2.5.29.19"]
            case.equal("basicConstraints critical", ratls["bc_critical"], critical)
    return case


def compare_authentic(case, f, items, wanted):
    """One item, authentic or refused with one of the codes of its stated reason."""
    if not items:
        case.equal("readable", "one item", "none")
        return
    case.equal("authentic", wanted, items[0].get("authentic"))
    if not wanted and f.get("negative") and f.get("role") != "ratls":
        codes = STATEMENTS.get(f["negative"], {"a reason that negatives.py knows"})
        case.one_of("code", codes, code_in(items[0].get("reason")))


def certificate_chain(corpus, f):
    """Azure's and attested certificates end in no TEE vendor's root: the manifest has null there."""
    case = Case(f["file"], "chain")
    cas = [p for p in corpus.intel_cas + corpus.amd_cas if p != corpus.path(f["file"])]
    items = corpus.programs.check(corpus.path(f["file"]), cas)
    if f["role"] == "malformed":
        case.true("refused", not items or not items[0]["authentic"])
        return case
    compare_authentic(case, f, items, f["crypto"]["chain_ok_to_pinned_root"] is True)
    if items and "from" in items[0]:
        case.equal("from", f["not_before"], items[0]["from"])
        case.equal("until", f["not_after"], items[0]["until"])
    return case


def crl(corpus, f):
    case = Case(f["file"], "fields and signature")
    got = corpus.answer("crl", f["file"])
    case.equal("issuer", f["issuer_cn"], got.get("issuer_cn"))
    case.equal("thisUpdate", f["thisUpdate"], got.get("this_update"))
    case.equal("nextUpdate", f["nextUpdate"], got.get("next_update"))
    case.equal("revoked", f["revoked_count"], got.get("revoked"))
    items = corpus.programs.check(corpus.path(f["file"]), corpus.intel_cas + corpus.amd_cas)
    compare_authentic(case, f, items, f["crypto"]["signature_ok"])
    if items:
        title = f"CRL of {f['issuer_cn']}, {f['revoked_count']} revoked"
        case.equal("shown as", title, items[0]["holds"])
    return case


def signed_json(corpus, f):
    """TCB info (version 3) and QE identity (version 2).

    TCB infos of version 2, of the vendor's retired API, are refused although their signature is
    good: the reason must then be the version. Negatives may be unreadable: nothing vouches for
    them, and other readers take security versions that do not fit into a byte.
    """
    kind = f["kind"]
    case = Case(f["file"], "fields and signature")
    got = corpus.answer(kind, f["file"])
    good = f["crypto"]["signature_ok"]
    old = kind == "tcb_info" and f["version"] == 2
    if old or (not good and "error" in got):
        case.equal("error", "unsupported" if old else "value", got.get("error"))
    else:
        case.equal("id", f["id"], got.get("id"))
        case.equal("issueDate", f["issueDate"], got.get("issue_date"))
        case.equal("nextUpdate", f["nextUpdate"], got.get("next_update"))
        case.equal("evaluation", f["tcbEvaluationDataNumber"], got.get("evaluation"))
        if kind == "tcb_info":
            case.equal("fmspc", f["fmspc"], got.get("fmspc"))
            case.equal("pceId", f["pceId"], got.get("pce_id"))
    items = corpus.programs.check(corpus.path(f["file"]), corpus.intel_cas)
    compare_authentic(case, f, items, good and not old)
    if good and old and items:
        case.equal("code", "unsupported", code_in(items[0].get("reason")))
    if items and "error" not in got:
        if kind == "tcb_info":
            title = f"TCB info {f['id']}, FMSPC {f['fmspc']}, evaluation {got['evaluation']}, "
        else:
            title = f"enclave identity {QE_TITLES[f['id']]}, evaluation {got['evaluation']}"
        case.true("shown as", items[0]["holds"].startswith(title), items[0]["holds"])
        case.equal("from", f["issueDate"], items[0].get("from"))
        case.equal("until", f["nextUpdate"], items[0].get("until"))
    return case


KINDS = ("certificate", "crl", "tcb_info", "qe_identity")


def jobs(corpus):
    for f in corpus.of_kind("certificate"):
        yield lambda f=f: [certificate_fields(corpus, f), certificate_chain(corpus, f)]
    for f in corpus.of_kind("crl"):
        yield lambda f=f: [crl(corpus, f)]
    for f in corpus.of_kind("tcb_info", "qe_identity"):
        yield lambda f=f: [signed_json(corpus, f)]
