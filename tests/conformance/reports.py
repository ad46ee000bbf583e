# SPDX-License-Identifier: Apache-2.0
"""SEV-SNP reports, and Azure's HCL reports around them."""

import base64
import hashlib
import json
import struct

from common import SECOND, Case, instant, middle, text_of
from negatives import EVIDENCE, compare
from quotes import window_code

KINDS = ("snp_report", "azure_hcl_report")
FEATURES = ("smt", "migration_agent", "debug")
# CPUID family and first digit of the model.
PRODUCTS = {"190": "Milan", "191": "Genoa", "19a": "Genoa", "1a0": "Turin", "1a1": "Turin"}
HCL_DATA = 0x4D4
HCL_HARDWARE = 0x20
SNP_SIZE = 1184
REPORT_DATA = {"SNP": 0x50, "TDX": 128}


def policy_flags(f):
    flags = ["--measurement", f["measurement"], "--host-data", f["host_data"]]
    flags += ["--max-vmpl", f["vmpl"]] if f["vmpl"] else []
    flags += ["--signing-key", f["signing_key"].lower()]
    for bit, option in (("debug", "--allow-debug"), ("migrate_ma", "--allow-migration-agent")):
        flags += [option] if f[bit] else []
    return flags


def floor(f):
    """A minimum that this report just reaches."""
    parts = f["reported_tcb_parts"]
    return ["--min-reported-tcb", ",".join(f"{k}={v}" for k, v in parts.items())]


def product_of(f):
    return PRODUCTS.get(f.get("cpuid_fam_mod_step", "")[:3])


def fields(corpus, f):
    case = Case(f["file"], "fields")
    got = corpus.answer("snp", f["file"])
    claims = corpus.programs.show(corpus.path(f["file"])).get("evidence", {})
    if "error" in got:
        case.equal("readable", "yes", got["message"])
        return case
    case.equal("tee", f["tee"], claims.get("tee"))
    case.equal("product", product_of(f) or "unknown", claims.get("product"))
    case.equal("cpuid", f.get("cpuid_fam_mod_step"), got.get("cpuid"))
    case.equal("policy", int(f["policy"], 16), int(claims.get("policy", "0"), 16))
    case.equal("migration agent", f["migrate_ma"], claims.get("migration_agent"))
    for name in ("report_version", "guest_svn", "debug", "smt", "vmpl", "signing_key",
                 "mask_chip_key", "measurement", "host_data", "id_key_digest", "author_key_digest",
                 "chip_id", "report_data"):  # fmt: skip
        case.equal(name, f[name], claims.get(name))
    for name in ("reported_tcb", "current_tcb", "committed_tcb", "launch_tcb"):
        case.equal(name, f[name], got.get(name))
    return case


def decoded(raw, product):
    """Security versions out of eight bytes, in the order of the product."""
    b = bytes.fromhex(raw)
    if product == "Turin":
        return {"fmc": b[0], "bl": b[1], "tee": b[2], "snp": b[3], "ucode": b[7]}
    return {"fmc": 0, "bl": b[0], "tee": b[1], "snp": b[6], "ucode": b[7]}


def signer_files(corpus, f):
    return [corpus.path(f["crypto"]["signer_cert"]), *corpus.amd_cas]


def compare_signer(case, corpus, f, report):
    """What the verdict says of the certificate and of the versions it decodes with it."""
    signer = corpus.by_name[f["crypto"]["signer_cert"]]["vek_ext"]
    product = signer["product"].split("-")[0]
    vek = report.evidence[0].get("vek", {}) if report.evidence else {}
    case.equal("signer", f["crypto"]["signer"], f"SEV-{vek.get('kind')}")
    case.equal("signer product", signer["product"], vek.get("product"))
    case.equal("signer hwid", signer.get("hwid"), vek.get("hwid"))
    case.equal("signer csp id", signer.get("csp_id"), vek.get("csp_id"))
    case.equal("signer extensions", f["signer_ext"], signer)
    for name in ("reported_tcb", "current_tcb", "committed_tcb", "launch_tcb"):
        case.equal(f"{name} decoded", decoded(f[name], product), report.claims.get(name))
    parts = {**f["reported_tcb_parts"], "fmc": f["reported_tcb_parts"].get("fmc", 0)}
    case.equal("reported_tcb parts", parts, report.claims.get("reported_tcb"))


def amd_lists(corpus, f):
    """[(path, dates)] of the genuine lists of the root above this report's signer."""
    return [(corpus.path(c["file"]), (instant(c["thisUpdate"]), instant(c["nextUpdate"])))
            for c in corpus.of_kind("crl")
            if c["issuer_cn"] == f["crypto"]["ark"] and not c["negative"]]  # fmt: skip


def expected_revocation(lists, at):
    """Without a list, or with none in date, revocation is unknown."""
    codes = [window_code(dates, at) for _, dates in lists]
    if not codes:
        return {"unknown missing"}
    return {"passed"} if None in codes else {f"unknown {code}" for code in codes}


def inside(corpus, f, at, title):
    """All passes, but for revocation where no AMD list is there: that alone is unknown then."""
    case = Case(f["file"], f"{title} {text_of(at)}")
    lists = amd_lists(corpus, f)
    report = corpus.programs.verify(
        "report", corpus.path(f["file"]), at,
        collateral=signer_files(corpus, f) + [path for path, _ in lists],
        flags=policy_flags(f) + floor(f),
    )  # fmt: skip
    crypto = f["crypto"]
    case.true("manifest agrees", crypto["all_ok"] and crypto["tcb_matches_signer"] and
              crypto["chain_to_amd_root"] and crypto.get("hwid_matches_chip_id", True))  # fmt: skip
    for check in ("evidence", "chain", "signature", "collateral", "tcb", "attributes",
                  "fingerprint"):  # fmt: skip
        case.equal(check, "passed", report.both(check))
    case.equal("qe-identity", "not applicable", report.both("qe-identity"))
    wanted = expected_revocation(lists, at)
    case.one_of("revocation", wanted, report.both("revocation"))
    known = wanted == {"passed"}
    case.equal("verdict", "incomplete" if known else "unknown", report.verdict)
    case.equal("exit status", 0 if known else 3, report.code)
    case.equal("all that did not pass", set() if known else {"revocation"},
               set(report.decided_against()))  # fmt: skip
    compare_signer(case, corpus, f, report)
    return case


def outside(corpus, f, at, title):
    case = Case(f["file"], f"{title} {text_of(at)}")
    report = corpus.programs.verify(
        "report", corpus.path(f["file"]), at, collateral=signer_files(corpus, f),
        flags=policy_flags(f) + floor(f),
    )  # fmt: skip
    wanted = "failed not-yet-valid" if title == "before" else "failed expired"
    case.equal("chain", wanted, report.both("chain"))
    case.equal("verdict", "fail", report.verdict)
    case.equal("exit status", 1, report.code)
    return case


def refused_without(corpus, f, at):
    """Policy: a higher floor, another VMPL, another signer, a debug guest."""
    case = Case(f["file"], "policy")
    files = signer_files(corpus, f)
    parts = dict(f["reported_tcb_parts"])
    if parts["snp"] < 255:
        parts["snp"] += 1
        flags = policy_flags(f) + ["--min-reported-tcb",
                                   ",".join(f"{k}={v}" for k, v in parts.items())]  # fmt: skip
        report = corpus.programs.verify("report", corpus.path(f["file"]), at, collateral=files,
                                        flags=flags)  # fmt: skip
        case.equal("higher floor", "failed tcb", report.both("tcb"))
    other = "vlek" if f["signing_key"] == "VCEK" else "vcek"
    flags = ["--measurement", f["measurement"], "--signing-key", other]
    report = corpus.programs.verify("report", corpus.path(f["file"]), at, collateral=files,
                                    flags=flags)  # fmt: skip
    case.equal("other signing key", "failed policy", report.both("attributes"))
    flags = ["--measurement", f["measurement"]]
    report = corpus.programs.verify("report", corpus.path(f["file"]), at, collateral=files,
                                    flags=flags)  # fmt: skip
    allowed = f["vmpl"] == 0 and not f["debug"] and not f["migrate_ma"]
    case.equal("attributes by default", "passed" if allowed else "failed policy",
               report.both("attributes"))  # fmt: skip
    case.equal("tcb without a floor", "waived", report.outcome("tcb"))
    return case


def without_signer(corpus, f):
    """The certificate is not there: nothing can be said of chain and signature.

    Other chips' VCEKs do not fit and are passed over. VLEKs are not for a chip: one of another
    provider at the same versions would be taken, and found not to have signed. Left out here.
    """
    case = Case(f["file"], "negative")
    report = corpus.programs.verify(
        "report", corpus.path(f["file"]), instant("2026-01-01T00:00:00Z"),
        collateral=corpus.amd_cas + corpus.roles(("amd_vcek",)), flags=policy_flags(f),
    )  # fmt: skip
    compare(case, f["negative"], EVIDENCE, report)
    case.equal("signature", "unknown chain", report.both("signature"))
    case.equal("verdict", "unknown", report.verdict)
    case.equal("exit status", 3, report.code)
    return case


def judge(corpus, f):
    yield fields(corpus, f)
    if not f["crypto"]["signer_in_corpus"]:
        yield without_signer(corpus, f)
        yield Case(f["file"], "signature").skip(f["negative"])
        return
    if f["negative"] is not None:
        case = Case(f["file"], "negative")
        report = corpus.programs.verify("report", corpus.path(f["file"]),
                                        instant(f["window"]["from"]),
                                        collateral=signer_files(corpus, f),
                                        flags=["--measurement", f["measurement"]])  # fmt: skip
        compare(case, f["negative"], EVIDENCE, report)
        case.true("refused", not report.positive, report.verdict)
        yield case
    begin, end = instant(f["window"]["from"]), instant(f["window"]["to"])
    at = middle(begin, end)
    yield inside(corpus, f, at, "inside")
    for _, dates in amd_lists(corpus, f):
        if max(begin, dates[0]) <= min(end, dates[1]):
            yield inside(corpus, f, middle(max(begin, dates[0]), min(end, dates[1])), "with list")
    yield inside(corpus, f, begin, "at the beginning")
    yield inside(corpus, f, end, "at the end")
    yield outside(corpus, f, begin - SECOND, "before")
    yield outside(corpus, f, end + SECOND, "after")
    yield refused_without(corpus, f, at)


# ---- HCL ----


def runtime_of(data):
    """The runtime JSON's bytes, read independently."""
    size = struct.unpack_from("<I", data, HCL_DATA - 4)[0]
    return data[HCL_DATA : HCL_DATA + size]


def number_of(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def hcl_fields(corpus, f):
    case = Case(f["file"], "fields")
    data = corpus.read(f["file"])
    got = corpus.answer("hcl", f["file"])
    if "error" in got:
        case.equal("readable", "yes", got["message"])
        return case
    runtime = runtime_of(data)
    value = json.loads(runtime)
    case.equal("report type", f["report_type"], got["report_type"])
    case.equal("hash type", f["hash_type"], got["hash_type"])
    case.equal("runtime size", f["var_data_len"], got["runtime_size"])
    case.equal("runtime digest", hashlib.sha256(runtime).hexdigest(), got["runtime_sha256"])
    case.equal("user data", f["user_data"], got["user_data"])
    at = HCL_HARDWARE + REPORT_DATA[f["tee"]]
    case.equal("report data", data[at : at + 64].hex(), got["report_data"])
    bound = got["report_data"] == got["runtime_sha256"] + "00" * 32
    case.equal("bound", f["crypto"]["sha256(var_data)==report_data[0:32]"], bound)
    keys = {k["kid"]: k for k in value["keys"]}
    case.equal("keys", f["var_data_keys"], list(keys))
    case.equal("other members", f["var_data_other_fields"], [k for k in value if k != "keys"])
    case.equal("ak modulus", number_of(keys["HCLAkPub"]["n"]), number_of(got["ak_modulus"]))
    case.equal("ak exponent", number_of(keys["HCLAkPub"]["e"]), number_of(got["ak_exponent"]))
    shown = corpus.programs.show(corpus.path(f["file"])).get("hcl", {})
    case.equal("shown type", f["tee"], shown.get("hcl_type"))
    return case


def hcl_changed(corpus, f):
    """The runtime JSON is bound by its digest: one changed byte is refused."""
    case = Case(f["file"], "changed runtime")
    data = bytearray(corpus.read(f["file"]))
    data[HCL_DATA + 20] ^= 1
    path = corpus.programs.file(bytes(data), ".hcl")
    report = corpus.programs.verify("report", path, instant("2026-06-20T00:00:00Z"),
                                    flags=["--measurement", "00" * 48])  # fmt: skip
    case.equal("evidence", "failed", report.outcome("evidence"))
    case.equal("verdict", "fail", report.verdict)
    return case


def fitting_vcek(corpus, hardware):
    """The certificate of the corpus for this chip at these versions, or None."""
    chip, raw = hardware[0x1A0:0x1E0].hex(), hardware[0x180:0x188].hex()
    for f in corpus.of_kind("certificate"):
        if f["role"] != "amd_vcek" or f["vek_ext"].get("hwid", "").ljust(128, "0") != chip:
            continue
        tcb = decoded(raw, f["vek_ext"]["product"].split("-")[0])
        if all(tcb[name] == f["vek_ext"].get(name, 0) for name in tcb):
            return corpus.path(f["file"])
    return None


def hcl_verdict(corpus, f, data=None, vcek=None):
    """SNP: the report inside is judged as if it were alone. TDX: a TDREPORT cannot be judged."""
    case = Case(f["file"], "verdict")
    at = instant("2026-06-20T00:00:00Z")
    data = data or corpus.read(f["file"])
    path = corpus.programs.file(data, ".hcl")
    if data[HCL_DATA - 12] == 4:
        report = corpus.programs.verify("report", path, at, flags=["--mrtd", "00" * 48])
        case.equal("evidence", "failed unsupported", report.both("evidence"))
        case.equal("verdict", "fail", report.verdict)
        return case
    hardware = data[HCL_HARDWARE : HCL_HARDWARE + SNP_SIZE]
    alone = corpus.programs.file(hardware, ".report")
    vcek = vcek or fitting_vcek(corpus, hardware)
    files = corpus.amd_cas + ([vcek] if vcek else [])
    flags = ["--measurement", hardware[0x90:0xC0].hex()]
    inner = corpus.programs.verify("report", path, at, collateral=files, flags=flags)
    outer = corpus.programs.verify("report", alone, at, collateral=files, flags=flags)
    case.equal("evidence", "passed", inner.both("evidence"))
    case.equal("same checks as the report alone", outer.checks, inner.checks)
    case.equal("fingerprint", "passed", inner.both("fingerprint"))
    case.equal("verdict", "unknown", inner.verdict)
    against = {"revocation": "unknown missing"} if vcek else {
        "chain": "unknown missing", "signature": "unknown chain", "revocation": "unknown chain",
        "collateral": "unknown chain",
    }  # fmt: skip
    case.equal("all that did not pass", against, inner.decided_against())
    return case


def jobs(corpus):
    for f in corpus.of_kind("snp_report"):
        yield lambda f=f: list(judge(corpus, f))
    for f in corpus.of_kind("azure_hcl_report"):
        yield lambda f=f: [hcl_fields(corpus, f), hcl_changed(corpus, f), hcl_verdict(corpus, f)]
