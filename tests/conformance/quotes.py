# SPDX-License-Identifier: Apache-2.0
"""SGX and TDX quotes: fields, signatures, and the verdict in and around each window."""

from common import SECOND, Case, instant, middle, text_of
from negatives import EVIDENCE, compare
from statements import compare_pck, number

ALL_STATUSES = (
    "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded",
    "OutOfDate", "OutOfDateConfigurationNeeded",
)  # fmt: skip
ACCEPTED = ("UpToDate", "SWHardeningNeeded")  # without --allow-tcb
NO_MATCH = "NoMatchingLevel"
JUDGED = ("evidence", "chain", "revocation", "signature", "qe-identity", "collateral")
# Attribute bits that are refused unless allowed, and the option for each.
SGX_BITS = ((1 << 1, "--allow-debug"), (1 << 4, "--allow-provision-key"),
            (1 << 5, "--allow-einittoken-key"))  # fmt: skip
TD_BITS = ((1 << 0, "--allow-debug"), (1 << 29, "--allow-migratable"))
TD_SEPT_VE_DISABLE = 1 << 28


def little(text):
    return int.from_bytes(bytes.fromhex(text), "little")


def attribute_flags(f):
    """What this very file needs and no more."""
    if f["tee"] == "SGX":
        bits = little(f["attributes"][:16])
        return [option for bit, option in SGX_BITS if bits & bit]
    bits = little(f["td_attributes"])
    flags = [option for bit, option in TD_BITS if bits & bit]
    return flags + ([] if bits & TD_SEPT_VE_DISABLE else ["--allow-sept-ve"])


def identity_flags(f):
    """The enclave's own identity, and every status and evaluation number accepted."""
    if f["tee"] == "SGX":
        flags = ["--fingerprint", f["mrenclave"], "--mrsigner", f["mrsigner"],
                 "--isv-prod-id", f["isv_prod_id"], "--min-isv-svn", f["isv_svn"]]  # fmt: skip
    else:
        flags = ["--mrtd", f["mrtd"], "--mrseam", f["mrseam"], "--mrconfigid", f["mrconfigid"]]
        for i in range(4):
            flags += [f"--rtmr{i}", f[f"rtmr{i}"]]
    return flags + ["--min-tcb-eval", "0"]


def policy_flags(f, statuses=ALL_STATUSES):
    allowed = [word for status in statuses for word in ("--allow-tcb", status)]
    return identity_flags(f) + attribute_flags(f) + allowed


# ---- fields ----


def compare_claims(case, f, got):
    """The evidence as mse show prints it, against the manifest."""
    case.equal("tee", f["tee"], got.get("tee"))
    case.equal("quote version", f["quote_version"], got.get("quote_version"))
    case.equal("certification data", f["cert_data_type"], got.get("cert_data_type"))
    case.equal("debug", f["debug"], got.get("debug"))
    case.equal("report data", f["report_data"], got.get("report_data"))
    qe = got.get("quoting_enclave", {})
    case.equal("qe isvsvn", f["qe_isvsvn"], qe.get("isv_svn"))
    case.equal("qe mrsigner", f["qe_mrsigner"], qe.get("mrsigner"))
    names = ["mrenclave", "mrsigner", "isv_prod_id", "isv_svn"]
    if f["tee"] == "TDX":
        names = ["mrtd", "mrseam", "mrconfigid", "tee_tcb_svn", "rtmr0", "rtmr1", "rtmr2", "rtmr3"]
        names += ["mrservicetd"] if "mrservicetd" in f else []
        case.equal("attributes", little(f["td_attributes"]), int(got.get("td_attributes", "0"), 16))
        case.equal("xfam", little(f["xfam"]), int(got.get("xfam", "0"), 16))
        if "tee_tcb_svn_2" in f:
            case.equal("tee_tcb_svn2", f["tee_tcb_svn_2"], got.get("tee_tcb_svn2"))
    else:
        case.equal("cpusvn", f["cpusvn"], got.get("cpu_svn"))
        both = int(got.get("xfrm", "0"), 16) << 64 | int(got.get("attributes", "0"), 16)
        case.equal("attributes", little(f["attributes"]), both)
    for name in names:
        case.equal(name, f[name], got.get(name))


def compare_leaf(case, f, chain):
    """The PCK certificate that travels in the quote."""
    leaves = [c for c in chain if "pck" in c]
    if not leaves:
        case.equal("PCK certificate in the quote", "one", "none")
        return
    leaf, pck = leaves[0], f["pck"]
    case.equal("pck serial", number(pck["serial"]), number(leaf["serial"]))
    case.equal("pck not_before", pck["not_before"], leaf["not_before"])
    case.equal("pck not_after", pck["not_after"], leaf["not_after"])
    ca = pck["ca"].split()[-2] if " " in pck["ca"] else pck["ca"].capitalize()
    case.true("pck ca", f"CN=Intel SGX PCK {ca} CA" in leaf["issuer"], leaf["issuer"])
    compare_pck(case, pck, leaf["pck"])
    if f["crypto"]["embedded_chain_complete"]:
        case.true("chain has its CA and root", len(chain) >= 3, len(chain))
    if "revoked_in_crls" in pck:
        case.equal("revoked by", len(pck["revoked_in_crls"]), len(leaf["listed_by"]))


def has_pem(corpus, f):
    """A sample of the vendor has DER certificates there, which nobody who follows the text reads."""
    return b"-----BEGIN CERTIFICATE-----" in corpus.read(f["file"])


def fields(corpus, f):
    case = Case(f["file"], "fields")
    got = corpus.answer("quote", f["file"])
    shown = corpus.programs.show(corpus.path(f["file"])).get("evidence", {})
    if "error" in got:
        case.equal("readable", "yes", got["message"])
        return case
    case.equal("size", f["size"] if "size" in f else len(corpus.read(f["file"])), got["size"])
    case.equal("attestation key type", f["att_key_type"], got["att_key_type"])
    if "body_type" in f:
        case.equal("body type", f["body_type"], got["body_type"])
    compare_claims(case, f, shown)
    if f["pck"] is not None and f["cert_data_type"] == 5 and has_pem(corpus, f):
        compare_leaf(case, f, got["chain"])
    return case


# ---- verdicts ----


def merge(platform, *others):
    """Intel's rule for one status of several (SGX DCAP QVL, TCB status convergence)."""
    statuses = (platform, *others)
    if NO_MATCH in statuses:
        return NO_MATCH
    if "Revoked" in statuses:
        return "Revoked"
    if "OutOfDate" in others:
        configuration = "Configuration" in platform
        return "OutOfDateConfigurationNeeded" if configuration else "OutOfDate"
    if set(others) - {"UpToDate"}:
        raise ValueError(f"no rule for {statuses}")
    return platform


def window_code(span, at):
    if span is None:
        return "missing"
    if at < span[0]:
        return "not-yet-valid"
    return "expired" if at > span[1] else None


def predict(at, spans):
    """{check: outcome} from the dates of everything that counts.

    spans: {"pck" | "tcb_info" | "qe_identity" | "root_ca_crl" | "pck_crl": (from, to) or None}.
    """
    codes = {name: window_code(span, at) for name, span in spans.items()}
    out = {check: "passed" for check in JUDGED}
    # The list of the CA is looked at before that of the root.
    for name in ("pck_crl", "root_ca_crl"):
        if codes[name] and out["revocation"] == "passed":
            out["revocation"] = f"unknown {codes[name]}"
    for name in ("tcb_info", "qe_identity"):
        if codes[name] and out["collateral"] == "passed":
            out["collateral"] = f"unknown {codes[name]}"
    if codes["qe_identity"]:
        out["qe-identity"] = "unknown missing"
    if codes["pck"]:
        out["chain"] = f"failed {codes['pck']}"
        withdraw(out, JUDGED[2:], "unknown chain")
    return out


def withdraw(out, checks, why):
    """What rests on a check that did not pass is unknown; an earlier reason stays."""
    for check in checks:
        if out[check] == "passed":
            out[check] = why


def spans_of(corpus, f, window):
    """Dates of the items that a window names."""
    out = {"pck": (instant(f["pck"]["not_before"]), instant(f["pck"]["not_after"]))}
    for name in ("tcb_info", "qe_identity", "root_ca_crl", "pck_crl"):
        if window.get(name) is None:
            out[name] = None
            continue
        item = corpus.by_name[window[name]]
        begin = item.get("issueDate", item.get("thisUpdate"))
        end = item.get("nextUpdate")
        out[name] = (instant(begin), instant(end))
    return out


def compare_predicted(case, report, predicted):
    for check, wanted in predicted.items():
        got = report.both(check)
        if wanted == "unknown missing" and check == "collateral":
            got = got.split(" ")[0] + " missing" if got.startswith("unknown") else got
        case.equal(check, wanted, got)


def compare_statuses(case, window, report, qe_evaluation):
    tcb = report.evidence[0].get("tcb", {}) if report.evidence else {}
    case.equal("platform status", window["platform_tcb_status"], tcb.get("platform_status"))
    case.equal("module status", window.get("tdx_module_status"), tcb.get("module_status"))
    case.equal("qe status", window["qe_status"], tcb.get("qe_status"))
    # Both statements carry a number; the program reports the lower one, which its floor is about.
    case.equal("evaluation", min(window["tcb_eval_num"], qe_evaluation), tcb.get("evaluation"))
    merged = merged_status(window)
    case.equal("status", merged, tcb.get("status"))


def merged_status(window):
    module = [window["tdx_module_status"]] if window.get("tdx_module_status") else []
    return merge(window["platform_tcb_status"], window["qe_status"], *module)


def files_of(corpus, window):
    names = ("tcb_info", "qe_identity", "root_ca_crl", "pck_crl")
    return [corpus.path(window[n]) for n in names if window.get(n)] + corpus.intel_cas


def expect_verdict(case, report, verdict):
    codes = {"incomplete": 0, "pass": 0, "fail": 1, "unknown": 3}
    case.equal("verdict", verdict, report.verdict)
    case.equal("exit status", codes.get(verdict), report.code)


def inside(corpus, f, window, at, title):
    """Everything passes; the status decides."""
    case = Case(f["file"], f"{title} {text_of(at)}")
    report = corpus.programs.verify(
        "quote", corpus.path(f["file"]), at, collateral=files_of(corpus, window),
        flags=policy_flags(f),
    )  # fmt: skip
    merged = merged_status(window)
    accepted = merged not in (NO_MATCH, "Revoked")
    for check in (*JUDGED, "attributes", "fingerprint"):
        case.equal(check, "passed", report.both(check))
    case.equal("signer", "passed" if f["tee"] == "SGX" else "not applicable",
               report.outcome("signer"))  # fmt: skip
    case.equal("tcb", "passed" if accepted else "failed tcb", report.both("tcb"))
    compare_statuses(case, window, report,
                     corpus.by_name[window["qe_identity"]]["tcbEvaluationDataNumber"])  # fmt: skip
    case.equal("qe identity match", True, window["qe_identity_match"])
    expect_verdict(case, report, "incomplete" if accepted else "fail")
    return case


def outside(corpus, f, window, at, title):
    """No positive verdict, and the check whose statement is out of date says so."""
    case = Case(f["file"], f"{title} {text_of(at)}")
    report = corpus.programs.verify(
        "quote", corpus.path(f["file"]), at, collateral=files_of(corpus, window),
        flags=policy_flags(f),
    )  # fmt: skip
    predicted = predict(at, spans_of(corpus, f, window))
    case.true("something is out of date", set(predicted.values()) != {"passed"}, "nothing is")
    compare_predicted(case, report, predicted)
    case.true("refused", not report.positive, report.verdict)
    failed = "failed" in predicted["chain"] or report.outcome("tcb") == "failed"
    expect_verdict(case, report, "fail" if failed else "unknown")
    return case


def strict_policy(corpus, f, window, at):
    """Only what is accepted without being asked for."""
    case = Case(f["file"], f"default policy at {text_of(at)}")
    flags = identity_flags(f) + attribute_flags(f)
    report = corpus.programs.verify(
        "quote", corpus.path(f["file"]), at, collateral=files_of(corpus, window), flags=flags
    )
    merged = merged_status(window)
    case.equal("tcb", "passed" if merged in ACCEPTED else "failed tcb", report.both("tcb"))
    case.equal("positive", merged in ACCEPTED, report.positive)
    return case


def other_identity(corpus, f, window, at):
    """Each part of the identity that the file's own policy names is compared: one digit decides."""
    case = Case(f["file"], "another identity")
    names = ("--fingerprint", "--mrsigner") if f["tee"] == "SGX" else (
        "--mrtd", "--mrseam", "--mrconfigid", "--rtmr0", "--rtmr1", "--rtmr2", "--rtmr3"
    )  # fmt: skip
    for name in names:
        flags = policy_flags(f)
        place = flags.index(name) + 1
        flags[place] = flags[place][:-1] + ("0" if flags[place][-1] != "0" else "1")
        report = corpus.programs.verify(
            "quote", corpus.path(f["file"]), at, collateral=files_of(corpus, window), flags=flags
        )
        check = "signer" if name == "--mrsigner" else "fingerprint"
        case.equal(f"other {name}", "failed mismatch", report.both(check))
        case.true(f"other {name}: refused", not report.positive, report.verdict)
    return case


def attributes_refused(corpus, f, window, at):
    """Each attribute that this file needs an option for is refused without that option."""
    case = Case(f["file"], "attributes without permission")
    for option in attribute_flags(f):
        flags = [word for word in policy_flags(f) if word != option]
        report = corpus.programs.verify(
            "quote", corpus.path(f["file"]), at, collateral=files_of(corpus, window), flags=flags
        )
        case.equal(f"without {option}", "failed policy", report.both("attributes"))
        expect_verdict(case, report, "fail")
    return case


def full_window(corpus, f, window):
    begin, end = instant(window["from"]), instant(window["to"])
    at = middle(begin, end)
    yield inside(corpus, f, window, at, "inside")
    yield inside(corpus, f, window, begin, "at the beginning")
    yield inside(corpus, f, window, end, "at the end")
    yield outside(corpus, f, window, begin - SECOND, "before")
    yield outside(corpus, f, window, end + SECOND, "after")
    yield strict_policy(corpus, f, window, at)


def without_crls(corpus, f, window):
    """Revocation alone is unknown; everything else passes."""
    begin, end = instant(window["from"]), instant(window["to"])
    for title, at in (("inside", middle(begin, end)), ("from", begin), ("to", end),
                      ("before", begin - SECOND), ("after", end + SECOND)):  # fmt: skip
        case = Case(f["file"], f"without CRLs, {title} {text_of(at)}")
        report = corpus.programs.verify(
            "quote", corpus.path(f["file"]), at, collateral=files_of(corpus, window),
            flags=policy_flags(f),
        )  # fmt: skip
        predicted = predict(at, spans_of(corpus, f, window))
        if not f["crypto"]["quote_signature"]:
            predicted["signature"] = "failed signature"
            withdraw(predicted, ["qe-identity"], "unknown signature")
        compare_predicted(case, report, predicted)
        out = title in ("before", "after")
        case.equal("only revocation", not out, all(
            wanted == "passed" for check, wanted in predicted.items()
            if check not in ("revocation", "signature", "qe-identity")
        ))  # fmt: skip
        case.true("refused", not report.positive, report.verdict)
        yield case


def alone(corpus, f):
    """No collateral but the CAs: chain and signature are decided, the rest is unknown."""
    case = Case(f["file"], "chain and signatures")
    crypto = f["crypto"]
    at = instant(f["pck"]["not_before"])
    report = corpus.programs.verify(
        "quote", corpus.path(f["file"]), at, collateral=corpus.intel_cas, flags=policy_flags(f)
    )
    case.equal("evidence", "passed", report.both("evidence"))
    good = [crypto[n] for n in ("quote_signature", "att_key_bound_in_qe_report",
                                "qe_report_data_tail_zero", "qe_report_signature")]  # fmt: skip
    if crypto["pck_chain_to_intel_root"]:
        case.equal("chain", "passed", report.both("chain"))
        case.equal("signature", "passed" if all(good) else "failed signature",
                   report.both("signature"))  # fmt: skip
        pck = report.evidence[0].get("pck", {}) if report.evidence else {}
        case.equal("ca", f["pck"]["ca"], pck.get("ca"))
        for check in ("revocation", "collateral"):
            case.equal(check, "unknown missing", report.both(check))
    else:
        case.true("chain refused", report.outcome("chain") != "passed")
    case.true("refused", not report.positive, report.verdict)
    return case


def negative(corpus, f):
    """The stated reason is among the program's, without any permission."""
    case = Case(f["file"], "negative")
    at = instant(f["pck"]["not_before"]) if f.get("pck") else instant("2022-01-01T00:00:00Z")
    flags = identity_flags(f) if f.get("quote_version") else ["--fingerprint", "00" * 32]
    report = corpus.programs.verify(
        "quote", corpus.path(f["file"]), at, collateral=corpus.intel_cas, flags=flags
    )
    compare(case, f["negative"], EVIDENCE, report)
    case.true("refused", not report.positive, report.verdict)
    return case


def judge(corpus, f):
    if f["negative"] is not None:
        yield negative(corpus, f)
    if f["quote_version"] is None:
        yield Case(f["file"], "fields").skip("the manifest could not read it: malformed inside")
        return
    yield fields(corpus, f)
    matching = f["matching_collateral"]
    if f["pck"] is not None and f["cert_data_type"] == 5:
        yield alone(corpus, f)
    if f["pck"] is not None and not has_pem(corpus, f):
        yield Case(f["file"], "PCK fields").skip(
            f"certification data of type {f['cert_data_type']} without PEM: not in the quote"
        )
    if matching["window_without_crls"]:
        yield from without_crls(corpus, f, matching["window_without_crls"])
    for window in matching["full_windows"]:
        yield from full_window(corpus, f, window)
    if matching["full_windows"]:
        window = matching["full_windows"][0]
        at = middle(instant(window["from"]), instant(window["to"]))
        yield other_identity(corpus, f, window, at)
        yield attributes_refused(corpus, f, window, at)


KINDS = ("sgx_quote", "tdx_quote")


def jobs(corpus):
    for f in corpus.of_kind("sgx_quote", "tdx_quote"):
        yield lambda f=f: list(judge(corpus, f))
