# SPDX-License-Identifier: Apache-2.0
"""Known pitfalls of verifiers, F: what fails open, and instants at the edge of every window."""

from datetime import timedelta

import pytest
from harness import (
    AT, MRENCLAVE, MRSIGNER, NO, SGX, SNP, TDX, UNKNOWN, YES, accepted, refused, wrong_usage,
)  # fmt: skip

from testpki import bundle, quote, ratls, snp, x509
from testpki.intel import IntelPki, Platform

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
EVERYTHING = (
    "--allow-debug", "--allow-provision-key", "--allow-einittoken-key", "--allow-sept-ve",
    "--allow-migratable", "--allow-migration-agent", "--max-vmpl", "3", "--min-tcb-eval", "0",
    "--allow-tcb", "OutOfDate", "--allow-tcb", "OutOfDateConfigurationNeeded",
    "--allow-tcb", "ConfigurationNeeded", "--allow-tcb", "ConfigurationAndSWHardeningNeeded",
)  # fmt: skip


# 39: what an imported certificate could vouch for (saving it: test_cloud_verify)


@pytest.mark.parametrize(
    "options, shape",
    (
        ({}, "constrained"),
        ({"drop": (x509.OID_NC,)}, "leaf"),
        ({"ca": True}, "unsafe"),
        ({"ca": True, "pathlen": 0}, "unsafe"),
        ({"ca": None}, "unsafe"),
        ({"drop": (x509.OID_KU,), "extra": [x509.key_usage("keyCertSign")]}, "unsafe"),
        (
            {
                "drop": (x509.OID_KU,),
                "extra": [x509.key_usage("digitalSignature", "keyCertSign")],
            },
            "unsafe",
        ),
    ),
    ids=str,
)
def test_39_the_shape_of_a_certificate_is_told(judge, world, options, shape):
    report = accepted(judge.certificate(world.certificate("mse", **options)))
    assert report["certificate"]["shape"] == shape
    if shape == "unsafe":
        assert report["certificate"]["shape_reason"]


def test_39_constraints_of_other_names_are_no_constraints(judge, world):
    """They have to permit what the certificate is for, and nothing else."""
    for permitted, excluded in (
        (["DNS:bank.example"], []),
        ([], ["DNS:.app1.example"]),
        (["DNS:app1.example", "DNS:bank.example"], []),
        (["DNS:example"], ["IP:0.0.0.0/0", "IP:::/0"]),
        (["DNS:app1.example"], ["DNS:.app1.example"]),
    ):
        nc = x509.name_constraints(permitted, excluded)
        certificate = world.certificate("mse", drop=(x509.OID_NC,), extra=[nc])
        report = accepted(judge.certificate(certificate))
        assert report["certificate"]["shape"] != "constrained", (permitted, excluded)


# 40: no evidence


@pytest.mark.parametrize("words", ((), EVERYTHING), ids=("default", "everything allowed"))
@pytest.mark.parametrize("roots", (True, False))
def test_40_a_certificate_without_evidence_is_refused(judge, world, roots, words):
    options = {} if roots else {"roots": None}
    for certificate in (
        ratls.plain(**world.hooks),
        ratls.plain(extra=[x509.Ext("2.25.42", world.sgx())], **world.hooks),
        world.certificate("mse", oid="1.2.840.113741.1337.99"),
    ):
        done = judge.certificate(certificate, *words, **options)
        refused(done, "evidence", "no-evidence")


@pytest.mark.parametrize("profile", ("mse", "mse-tdx", "mse-snp", "gramine-legacy", "dice", "ego"))
def test_40_an_empty_payload_is_no_evidence(judge, world, profile):
    for content in (b"", b"\x00", bytes(64)):
        certificate = world.certificate(profile, payload=lambda _, c=content: c)
        for words in ((), EVERYTHING):
            done = judge.certificate(certificate, *words)
            assert done.code == NO, str(done)
            assert done.check("evidence")["outcome"] == "failed"
            assert done.written == {}


def test_40_an_empty_trust_store_is_no_trust(judge, world):
    wrong_usage(judge.quote(world.sgx(), roots=""), "is empty")
    for text in ("no PEM", ratls.plain(**world.hooks).key_pem):
        wrong_usage(judge.quote(world.sgx(), roots=text))


# 41: expected values

BAD_HEX = ("", "00", MRENCLAVE[:-1], MRENCLAVE[:-2], MRENCLAVE + "00", MRENCLAVE[:-1] + "g",
           "0x" + MRENCLAVE[2:], " " + MRENCLAVE[1:], MRENCLAVE[:-1] + "\n", "any",
           "*")  # fmt: skip


@pytest.mark.parametrize("text", BAD_HEX, ids=repr)
def test_41_values_that_are_none_are_usage_errors(judge, world, text):
    for option in ("--fingerprint", "--mrsigner", "--mrtd", "--measurement", "--machine"):
        done = judge.quote(world.sgx(), option, text)
        if option == "--machine" and len(text) == 32:
            continue
        wrong_usage(done)
        wrong_usage(judge.quote(world.sgx(), expect=(option, text)))


def test_41_upper_case_is_the_same_number(judge, world):
    done = judge.quote(world.sgx(), expect=("--fingerprint", MRENCLAVE.upper()))
    assert done.code in (YES, 2), str(done)  # the same value, or an error: never a quiet mismatch
    done = judge.quote(world.sgx(), expect=("--fingerprint", "AB" * 32))
    assert done.code in (NO, 2), str(done)


def test_41_an_expected_value_of_zeros_is_a_value(judge, world):
    zeros = ("--fingerprint", "00" * 32)
    refused(judge.quote(world.sgx(), expect=zeros), "fingerprint", "mismatch")
    refused(judge.quote(world.sgx(), expect=("--mrsigner", "00" * 32)), "signer", "mismatch")


def test_41_nobody_is_expected(judge, world):
    for words in ((), ("--isv-prod-id", "1"), ("--allow-debug",), ("--machine", "00" * 16),
                  ("--name", "app1.example"), ("--mrconfigid", "00" * 48)):  # fmt: skip
        done = judge.certificate(world.certificate("mse"), *words, expect=("--offline",))
        wrong_usage(done)


def test_41_several_values_of_one_key_are_alternatives(judge, world):
    accepted(judge.quote(world.sgx(), "--fingerprint", "11" * 32))
    done = judge.quote(
        world.sgx(), "--fingerprint", "22" * 32, expect=("--fingerprint", "11" * 32)
    )
    refused(done, "fingerprint", "mismatch")
    refused(judge.quote(world.sgx(), "--mrsigner", "11" * 32), "signer", "mismatch")


# 42: each permission permits one thing

ATTRIBUTES = {
    "--allow-debug": quote.DEBUG,
    "--allow-provision-key": quote.PROVISION_KEY,
    "--allow-einittoken-key": quote.EINITTOKEN_KEY,
}
OTHER_PERMISSIONS = ("--allow-sept-ve", "--allow-migratable", "--allow-migration-agent")


@pytest.mark.parametrize("option", (*ATTRIBUTES, *OTHER_PERMISSIONS))
def test_42_attribute_permissions_are_narrow(judge, world, option):
    for own, bit in ATTRIBUTES.items():
        done = judge.quote(world.sgx(flags=quote.INIT | quote.MODE64 | bit), option)
        if own == option:
            accepted(done)
        else:
            refused(done, "attributes", "policy")
    both = quote.INIT | quote.MODE64 | quote.DEBUG | quote.PROVISION_KEY
    refused(judge.quote(world.sgx(flags=both), option), "attributes", "policy")


TCB = ("ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
       "OutOfDateConfigurationNeeded")  # fmt: skip


@pytest.mark.parametrize("allowed", TCB)
def test_42_tcb_permissions_are_narrow(judge, world, allowed):
    for status in TCB:
        collateral = judge.collateral(tcb={"status": status})
        done = judge.quote(world.sgx(), "--allow-tcb", allowed, collateral=collateral)
        if status == allowed:
            accepted(done)
        else:
            refused(done, "tcb", "tcb")
    # allowing OutOfDate does not allow collateral that is
    stale = judge.collateral(tcb={"issue_date": AT - 40 * DAY, "next_update": AT - DAY})
    done = judge.quote(world.sgx(), "--allow-tcb", allowed, collateral=stale)
    refused(done, "collateral", "expired", UNKNOWN)


def test_42_permissions_end_on_their_day(judge, world):
    collateral = judge.collateral(tcb={"status": "OutOfDate"})
    run = lambda text, at: judge.quote(  # noqa: E731
        world.sgx(), "--allow-tcb", f"OutOfDate@{text}", collateral=collateral, at=at
    )
    accepted(run("2026-12-31", AT))
    refused(run("2026-10-31", AT), "tcb", "tcb")
    refused(run("2026-11-01", AT + DAY), "tcb", "tcb")
    accepted(run("2026-11-01T12:00:00Z", AT))
    refused(run("2026-11-01T12:00:00Z", AT + SECOND), "tcb", "tcb")


def test_42_wrong_permissions_are_usage_errors(judge, world):
    for text in ("", "outofdate", "OutOfDate ", "Everything", "OutOfDate@", "OutOfDate@2026",
                 "OutOfDate@2026-02-30", "UpToDate,OutOfDate", "NoMatch", "*"):  # fmt: skip
        wrong_usage(judge.quote(world.sgx(), "--allow-tcb", text), "allow")


# 45: the edges of windows


def edges(judge, run, first, last, before, after, check, code, status):
    """Accepted at both ends of a window, refused one second outside."""
    accepted(run(at=first))
    accepted(run(at=last))
    refused(run(at=before), check, code[0], status)
    refused(run(at=after), check, code[1], status)


BOTH = ("not-yet-valid", "expired")


@pytest.mark.parametrize("which", ("tcb", "qe"))
def test_45_edges_of_statements(judge, world, which):
    first, last = AT - DAY, AT + DAY
    items = judge.collateral(**{which: {"issue_date": first, "next_update": last}})
    run = lambda at: judge.quote(world.sgx(), collateral=items, at=at)  # noqa: E731
    edges(judge, run, first, last, first - SECOND, last + SECOND, "collateral", BOTH, UNKNOWN)


@pytest.mark.parametrize("which", ("root", "platform"))
def test_45_edges_of_revocation_lists(judge, world, which):
    first, last = AT - DAY, AT + DAY
    items = judge.collateral(crls={which: {"this_update": first, "next_update": last}})
    run = lambda at: judge.quote(world.sgx(), collateral=items, at=at)  # noqa: E731
    edges(judge, run, first, last, first - SECOND, last + SECOND, "revocation", BOTH, UNKNOWN)


@pytest.mark.parametrize("role", ("root", "platform_ca", "tcb_signing"))
def test_45_edges_of_intels_certificates(judge, world, role):
    first, last = AT - DAY, AT + DAY
    pki = IntelPki(world.keys, AT, certs={role: {"not_before": first, "not_after": last}})
    items = bundle.bundle(bundle.intel_items(pki))
    run = lambda at: judge.quote(quote.sgx_v3(pki), collateral=items, at=at)  # noqa: E731
    accepted(run(first))
    accepted(run(last))
    for at, code in ((first - SECOND, "not-yet-valid"), (last + SECOND, "expired")):
        done = run(at)
        if role == "root":  # a key, compiled in: its certificate's dates are nobody's statement
            assert done.code in (YES, NO, UNKNOWN)
            continue
        assert done.code in (NO, UNKNOWN), str(done)
        assert code in [c.get("code") for c in done.report["checks"]], str(done)


def test_45_edges_of_the_pck_leaf(judge, world):
    first, last = AT - DAY, AT + DAY
    leaf = world.intel.make_pck(not_before=first, not_after=last)
    run = lambda at: judge.quote(world.sgx(pck=leaf), at=at)  # noqa: E731
    edges(judge, run, first, last, first - SECOND, last + SECOND, "chain", BOTH, NO)


@pytest.mark.parametrize("role", ("vcek", "ask"))
def test_45_edges_of_amds_certificates(judge, world, role):
    first, last = AT - DAY, AT + DAY
    pki = world.milan
    make = getattr(pki, f"make_{role}")
    cert = make(key=getattr(pki, role).key, not_before=first, not_after=last)
    chain = dict(vcek=pki.vcek, ask=pki.ask, ark=pki.ark)
    chain[role] = cert
    evidence = snp.extended_report(snp.report(pki), [(n, c.der) for n, c in chain.items()])
    items = bundle.bundle([bundle.item("crl", pki.crl(), chain=pki.ark.pem)])
    run = lambda at: judge.report(evidence, collateral=items, at=at)  # noqa: E731
    edges(judge, run, first, last, first - SECOND, last + SECOND, "chain", BOTH, NO)


def test_45_edges_of_amds_revocation_list(judge, world):
    first, last = AT - DAY, AT + DAY
    items = judge.amd(crl={"this_update": first, "next_update": last})
    run = lambda at: judge.report(world.snp(), collateral=items, at=at)  # noqa: E731
    edges(judge, run, first, last, first - SECOND, last + SECOND, "revocation", BOTH, UNKNOWN)


def test_45_edges_of_the_certificate(judge, world):
    first, last = AT - DAY, AT + DAY
    certificate = world.certificate("mse", not_before=first, not_after=last)
    run = lambda at: judge.certificate(certificate, at=at)  # noqa: E731
    edges(judge, run, first, last, first - SECOND, last + SECOND, "certificate", BOTH, NO)


def test_45_what_the_report_says_it_holds_is_so(judge, world):
    certificate = world.certificate("mse")
    report = accepted(judge.certificate(certificate))
    for at, fine in (("holds_from", True), ("holds_until", True)):
        done = judge.certificate(certificate, "--at", report[at], at=None)
        assert (done.code == YES) == fine, str(done)


def test_45_times_that_are_none(judge, world):
    for text in ("", "now", "2026-13-01", "2026-02-30", "2026-11-01T25:00:00Z", "2026-11-01 12:00",
                 "1e9", "2026-11-01T12:00:00", "99999-01-01", "2026-11-01T12:00:00Zx"):  # fmt: skip
        wrong_usage(judge.quote(world.sgx(), "--at", text, at=None), "--at")


# 46: a signer is not an app


def test_46_product_and_version_of_the_same_signer(judge, world):
    signer = ("--mrsigner", MRSIGNER)
    accepted(judge.quote(world.sgx(), expect=signer), signer="passed", fingerprint="waived")
    accepted(judge.quote(world.sgx(), "--isv-prod-id", "1", "--min-isv-svn", "10", expect=signer))
    for words in (("--isv-prod-id", "2"), ("--isv-prod-id", "0"), ("--min-isv-svn", "11")):
        refused(judge.quote(world.sgx(), *words, expect=signer), "signer", "mismatch")
        # with a fingerprint as well, they still count
        refused(judge.quote(world.sgx(), *words, expect=(*SGX, *signer)), "signer", "mismatch")
    older = world.sgx(isvsvn=9)
    refused(judge.quote(older, "--min-isv-svn", "10", expect=signer), "signer", "mismatch")
    refused(judge.quote(world.sgx(isvprodid=7), "--isv-prod-id", "1"), "signer", "mismatch")


def test_46_the_signer_alone_is_told_to_be_not_enough(judge, world):
    done = judge.certificate(world.certificate("mse"), expect=("--mrsigner", MRSIGNER))
    report = accepted(done, instance="waived", fingerprint="waived")
    assert report["verdict"] == "incomplete"
    done = judge.certificate(
        world.certificate("mse"), "--require-fingerprint", expect=("--mrsigner", MRSIGNER)
    )
    refused(done, "fingerprint", "policy")


# 47: the rest of what was measured


def test_47_host_data_and_other_snp_fields(judge, world):
    data = snp.digest("host data", 32)
    evidence = world.snp(host_data=data)
    accepted(judge.report(evidence, "--host-data", data.hex()))
    refused(judge.report(world.snp(), "--host-data", data.hex()), "fingerprint", "mismatch")
    for option, field, size in (("--family-id", "family_id", 16), ("--image-id", "image_id", 16)):
        value = snp.digest(field, size)
        done = judge.report(world.snp(**{field: value}), option, value.hex())
        accepted(done)
        assert judge.report(world.snp(), option, value.hex()).code == NO


@pytest.mark.parametrize("field", ("rtmr0", "rtmr1", "rtmr2", "rtmr3", "mrseam", "mrconfigid",
                                   "mrowner", "mrownerconfig"))  # fmt: skip
def test_47_registers_of_a_td(judge, world, field):
    value = quote.digest(f"other {field}", 48)
    for family in ("tdx", "tdx15"):
        make = getattr(world, family)
        accepted(judge.td(make(**{field: value}), f"--{field}", value.hex()))
        refused(judge.td(make(), f"--{field}", value.hex()), "fingerprint", "mismatch")


def test_47_the_snp_fingerprint_covers_host_data(judge, world):
    def value(measurement, data):
        text = b"mse-fingerprint-v1\nsnp\x00" + measurement + data
        return ratls.sha256(text).hex()

    measurement = snp.digest("measurement", 48)
    good = value(measurement, bytes(32))
    accepted(judge.report(world.snp(), "--fingerprint", good))
    done = judge.report(world.snp(host_data=b"\x01" * 32), "--fingerprint", good)
    refused(done, "fingerprint", "mismatch")


def test_47_what_is_expected_of_another_kind_does_not_pass(judge, world):
    for check, evidence, words in (
        (judge.quote, world.sgx(), TDX),
        (judge.quote, world.sgx(), SNP),
    ):
        done = check(evidence, expect=words, collateral=judge.collateral())
        refused(done, "fingerprint", "policy")
    assert Platform() == world.intel.platform
