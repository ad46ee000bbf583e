# SPDX-License-Identifier: Apache-2.0
"""Known pitfalls of verifiers, B, second half: freshness, attributes, types, lengths."""

import resource
from datetime import timedelta

import pytest
from harness import AT, SGX, SNP, TDX, UNKNOWN, accepted, refused, stamp

from testpki import bundle, quote, ratls, snp
from testpki.intel import Platform

DAY = timedelta(days=1)


# 13: freshness of collateral


@pytest.mark.parametrize("which", ("tcb", "qe"))
def test_13_statements_outside_their_window(judge, world, which):
    for options, code in (
        ({"issue_date": AT - 40 * DAY, "next_update": AT - DAY}, "expired"),
        ({"issue_date": AT + DAY, "next_update": AT + 30 * DAY}, "not-yet-valid"),
    ):
        done = judge.quote(world.sgx(), collateral=judge.collateral(**{which: options}))
        refused(done, "collateral", code, UNKNOWN)
        both = [judge.collateral(**{which: options}), judge.collateral()]
        accepted(judge.quote(world.sgx(), collateral=both))


def test_13_windows_that_never_overlap(judge, world):
    """CRL ends before the identity begins: at no instant is there a verdict."""
    items = judge.collateral(
        crls={"platform": {"this_update": AT - 9 * DAY, "next_update": AT - DAY}},
        qe={"issue_date": AT + DAY, "next_update": AT + 9 * DAY},
    )
    for days in (-8, -2, 0, 2, 8):
        done = judge.quote(world.sgx(), collateral=items, at=AT + days * DAY)
        assert done.code == 3 and done.report["verdict"] == "unknown", str(done)


def test_13_old_collateral_played_back(judge, world):
    new, old = judge.collateral(), judge.collateral(tcb={"evaluation": 18}, qe={"evaluation": 18})
    accepted(judge.quote(world.sgx(), "--min-tcb-eval", "21", collateral=new))
    accepted(judge.quote(world.sgx(), collateral=old))
    done = judge.quote(world.sgx(), "--min-tcb-eval", "19", collateral=old)
    refused(done, "tcb", "tcb")
    lower = judge.collateral(tcb={"evaluation": 17}, qe={"evaluation": 17})
    refused(judge.quote(world.sgx(), collateral=lower), "tcb", "tcb")  # the floor of 2026-09
    accepted(judge.quote(world.sgx(), "--min-tcb-eval", "17", collateral=lower))
    # with both at hand the newer one counts
    fresh = judge.collateral(tcb={"status": "OutOfDate", "evaluation": 22}, qe={"evaluation": 22})
    for pair in ([fresh, new], [new, fresh]):
        refused(judge.quote(world.sgx(), collateral=pair), "tcb", "tcb")


def only(judge, **options):
    return judge.collateral(kinds=("SGX",), **options)


@pytest.mark.parametrize(
    "options",
    ({"fmspc": bytes.fromhex("10a06f010001")}, {"pceid": b"\x01\x00"}),
    ids=lambda o: next(iter(o)),
)
def test_13_statements_about_other_platforms(judge, world, options):
    accepted(judge.quote(world.sgx(), collateral=only(judge)))
    done = judge.quote(world.sgx(), collateral=only(judge, tcb=options))
    assert done.code in (1, 3), str(done)
    found = done.check("collateral")
    assert found["outcome"] in ("failed", "unknown")
    assert found["code"] in ("missing", "mismatch")


def test_13_tdx_statements_for_sgx_and_the_other_way_round(judge, world):
    for have, check, make in (
        ("TDX", judge.quote, world.sgx),
        ("SGX", judge.td, world.tdx),
    ):
        items = bundle.bundle(bundle.intel_items(world.intel, kinds=(have,)))
        refused(check(make(), collateral=items), "collateral", "missing", UNKNOWN)
    # a TDX one that calls itself SGX, genuinely signed
    relabel = lambda inner: inner.update(id="SGX")  # noqa: E731
    items = [i for i in bundle.intel_items(world.intel, ("SGX",)) if i["kind"] != "tcb_info"]
    info = world.intel.tcb_info("TDX", edit=relabel)
    items.append(bundle.item("tcb_info", info, chain=world.intel.tcb_chain_pem()))
    done = judge.quote(world.sgx(), collateral=bundle.bundle(items))
    assert done.code != 0 or "tdx" not in done.out.decode().lower()


def test_13_processor_list_for_a_platform_leaf(judge, world):
    without = judge.collateral(crls={"platform": None})
    refused(judge.quote(world.sgx(), collateral=without), "revocation", "missing", UNKNOWN)
    processor = world.sgx(ca="processor")
    accepted(judge.quote(processor, collateral=without))
    without = judge.collateral(crls={"processor": None})
    refused(judge.quote(processor, collateral=without), "revocation", "missing", UNKNOWN)


# 14: debug


def test_14_debug_enclave_is_refused(judge, world):
    flags = quote.INIT | quote.MODE64 | quote.DEBUG
    for family in ("sgx", "sgx_v4", "sgx_v5"):
        accepted(judge.quote(getattr(world, family)()))
        refused(judge.quote(getattr(world, family)(flags=flags)), "attributes", "policy")
    accepted(judge.quote(world.sgx(flags=flags), "--allow-debug"))
    profiles = world.profiles()
    for name in ("mse", "gramine", "open-enclave-report"):
        make = lambda rd: world.sgx(rd, flags=flags)  # noqa: E731
        function = {"mse": ratls.mse, "gramine": ratls.gramine}.get(name, ratls.open_enclave_report)
        refused(judge.certificate(function(make, **world.hooks)), "attributes", "policy")
        accepted(judge.certificate(profiles[name]()))


def test_14_debug_td_is_refused(judge, world):
    for family in ("tdx", "tdx10", "tdx15"):
        make = getattr(world, family)
        accepted(judge.td(make()))
        for bit in (1, 2, 4, 0x80):
            done = judge.td(make(td_attributes=quote.TD_SEPT_VE_DISABLE | bit))
            refused(done, "attributes", "policy")
    accepted(judge.td(world.tdx(td_attributes=quote.TD_SEPT_VE_DISABLE | 1), "--allow-debug"))
    done = judge.td(world.tdx(td_attributes=quote.TD_SEPT_VE_DISABLE | 2), "--allow-debug")
    refused(done, "attributes", "policy")


def test_14_debug_snp_guest_is_refused(judge, world):
    policy = snp.POLICY_RESERVED | snp.POLICY_SMT
    accepted(judge.report(world.snp()))
    for vlek in (False, True):
        done = judge.report(world.snp(policy=policy | snp.POLICY_DEBUG, vlek=vlek))
        refused(done, "attributes", "policy")
    accepted(judge.report(world.snp(policy=policy | snp.POLICY_DEBUG), "--allow-debug"))


# 15: other attributes


def test_15_keys_an_app_may_not_have(judge, world):
    base = quote.INIT | quote.MODE64
    for bit, option in (
        (quote.PROVISION_KEY, "--allow-provision-key"),
        (quote.EINITTOKEN_KEY, "--allow-einittoken-key"),
    ):
        refused(judge.quote(world.sgx(flags=base | bit)), "attributes", "policy")
        accepted(judge.quote(world.sgx(flags=base | bit), option))


def test_15_what_no_option_allows(judge, world):
    everything = ("--allow-debug", "--allow-provision-key", "--allow-einittoken-key")
    base = quote.INIT | quote.MODE64
    accepted(judge.quote(world.sgx(flags=base | quote.KSS)))
    for flags in (quote.MODE64, quote.INIT, base | 1 << 3, base | 1 << 20, base | 1 << 63):
        refused(judge.quote(world.sgx(flags=flags), *everything), "attributes", "policy")


def test_15_td_attributes(judge, world):
    accepted(judge.td(world.tdx(td_attributes=quote.TD_SEPT_VE_DISABLE | 1 << 30 | 1 << 63)))
    refused(judge.td(world.tdx(td_attributes=0)), "attributes", "policy")
    accepted(judge.td(world.tdx(td_attributes=0), "--allow-sept-ve"))
    migratable = quote.TD_SEPT_VE_DISABLE | 1 << 29
    refused(judge.td(world.tdx(td_attributes=migratable)), "attributes", "policy")
    accepted(judge.td(world.tdx(td_attributes=migratable), "--allow-migratable"))
    for bit in (8, 20, 40):
        done = judge.td(world.tdx(td_attributes=quote.TD_SEPT_VE_DISABLE | 1 << bit))
        refused(done, "attributes", "policy")


# 16: versions and types


def test_16_each_kind_of_evidence_in_the_other_expectation(judge, world):
    """What is expected must apply to the kind of evidence."""
    refused(judge.quote(world.tdx()), "fingerprint", ("unsupported", "policy", "missing"), UNKNOWN)
    refused(judge.quote(world.tdx(), expect=("--mrsigner", "00" * 32)), "fingerprint", "policy")
    refused(judge.td(world.sgx()), "fingerprint", "policy")
    sgx_collateral = judge.collateral()
    done = judge.quote(world.sgx(), expect=SNP, collateral=sgx_collateral)
    refused(done, "fingerprint", "policy")


@pytest.mark.parametrize(
    "options, code",
    (
        # Any other version is no quote by its first bytes, and no SNP report by the rest.
        ({"version": 2}, ("unsupported", "value", "format", "truncated")),
        ({"version": 6}, ("unsupported", "value", "format", "truncated")),
        ({"att_key_type": 3}, ("unsupported", "value")),
        ({"att_key_type": 0}, ("unsupported", "value", "format", "truncated", "trailing")),
        ({"version": 4, "tee_type": 0x81}, ("truncated", "value", "format", "trailing", "limit")),
        ({"version": 4, "tee_type": 1}, ("unsupported", "value")),
        ({"version": 5, "body_type": 2}, ("value", "mismatch", "format")),
        ({"version": 5, "body_type": 3}, ("value", "mismatch", "format")),
        ({"version": 5, "body_type": 0}, ("unsupported", "value")),
        ({"version": 5, "body_size": 383}, ("value", "mismatch", "format")),
        ({"version": 5, "body_size": 584}, ("value", "mismatch", "format")),
        ({"version": 5, "tee_type": 0x81}, ("value", "mismatch", "format")),
    ),
    ids=str,
)
def test_16_headers_that_lie(judge, world, options, code):
    accepted(judge.quote(world.sgx_v5()))
    options = dict(options)
    version = options.pop("version", 3)
    refused(judge.quote(quote.make(world.intel, "sgx", version, **options)), "evidence", code)


def test_16_other_vendor_ids(judge, world):
    for vendor in (bytes(16), quote.VENDOR_INTEL, b"mse-simulatedtEe"):
        done = judge.quote(world.sgx(vendor_id=vendor))
        assert done.code == 1 and done.report["verdict"] == "fail", str(done)


def test_16_evidence_of_another_kind_than_was_announced(judge, world):
    done = judge.quote(snp.report(world.milan), expect=SNP, collateral=judge.amd())
    assert done.code == 1 and done.no_result and "--report" in done.err, str(done)
    done = judge.report(world.sgx(), expect=SGX, collateral=judge.collateral())
    assert done.code == 1 and done.no_result and "--quote" in done.err, str(done)
    done = judge.certificate(world.sgx())
    assert done.code == 1 and done.written == {}, str(done)


# 17: lengths

SIZES = (0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))


@pytest.mark.no_sanitizer
@pytest.mark.parametrize("family, kind, version", (("sgx", "sgx", 3), ("tdx", "td10", 4)))
def test_17_lengths_that_lie(judge, world, family, kind, version):
    check = judge.td if family == "tdx" else judge.quote
    good = quote.make(world.intel, kind, version)
    accepted(check(good, preexec_fn=limited))
    chain = len("".join(c.pem for c in world.intel.chain())) + 1
    fields = {"auth_size": (32, 0xFFFF), "cert_size": (chain, None), "signature_size": (None, None)}
    if version >= 4:
        fields["outer_size"] = (None, None)
    for name, (true, limit) in fields.items():
        near = (true - 1, true + 1) if true else ()
        for size in (*SIZES, *near):
            if limit and size > limit:
                continue
            evidence = quote.make(world.intel, kind, version, **{name: size})
            done = check(evidence, preexec_fn=limited, timeout=10)
            assert done.code == 1, (name, size, str(done))
            failed = [c["name"] for c in done.report["checks"] if c["outcome"] == "failed"]
            assert set(failed) & {"evidence", "chain", "signature"}, (name, size, str(done))


def test_17_every_prefix_of_a_quote(judge, world):
    good = world.sgx()
    for size in [1, 2, 47, 48, 431, 432, 435, 436, 1011, len(good) // 2, len(good) - 1]:
        refused(judge.quote(good[:size]), "evidence", ("truncated", "format", "unsupported"))


@pytest.mark.no_sanitizer
def test_17_bombs(judge, world):
    accepted(judge.quote(world.sgx() + bytes(4096)))
    done = judge.quote(world.sgx() + bytes(1 << 17))
    refused(done, "evidence", "limit")
    huge = judge.mse.put(b"")
    with open(huge, "wb") as out:
        out.truncate(1 << 34)
    done = judge.quote(huge, preexec_fn=limited)
    assert done.code in (1, 2, 4) and done.written == {}
    deep = b"\x30\x80" * 40000
    done = judge.certificate(deep)
    assert done.code == 1
    nested = b'{"a":' * 100000
    done = judge.quote(world.sgx(), collateral=nested)
    assert done.code != 0 and done.no_result and "nested" in done.err


# 18: trailing bytes


@pytest.mark.parametrize("family", ("sgx", "sgx_v4", "tdx", "tdx15"))
def test_18_zeros_may_follow_a_bare_quote_and_nothing_else(judge, world, family):
    check = judge.td if family.startswith("td") else judge.quote
    good = getattr(world, family)()
    accepted(check(good + bytes(300)))
    refused(check(good + bytes(299) + b"\x01"), "evidence", "trailing")
    refused(check(good + b"\x01"), "evidence", "trailing")


def test_18_bytes_behind_the_last_snp_certificate(judge, world):
    certs = snp.vek_certs(world.milan)

    def certificate(container):
        attested = ratls.tee_tools_snp(world.snp, certs, container=container, **world.hooks)
        return judge.certificate(attested, expect=SNP)

    accepted(certificate({}))
    for container in ({"trailing": b"\x00"}, {"count": 2}, {"count": 4}, {"count": 0},
                      {"count": 0xFFFFFFFF}, {"guid_size": 0}):  # fmt: skip
        done = certificate(container)
        refused(done, "evidence", ("trailing", "truncated", "limit", "value", "format"))


def test_18_padding_inside_certificates(judge, world):
    """tee-tools pads TDX quotes; MSE's own SGX quotes are exact."""
    done = judge.certificate(ratls.tee_tools_tdx(world.tdx, **world.hooks), expect=TDX)
    accepted(done)
    exact = lambda p: p + b"\x00"  # noqa: E731
    done = judge.certificate(ratls.mse(world.sgx, payload=exact, **world.hooks))
    refused(done, "evidence", ("trailing", "unsupported"))
    dirty = lambda p: p[:-1] + b"\x01"  # noqa: E731
    done = judge.certificate(ratls.tee_tools_tdx(world.tdx, payload=dirty, **world.hooks))
    refused(done, "evidence", "trailing")


def test_18_the_platform_is_what_the_collateral_is_about(judge, world):
    assert world.intel.platform == Platform()
    assert stamp(AT) in judge.quote(world.sgx()).out.decode()
