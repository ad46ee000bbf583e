# SPDX-License-Identifier: Apache-2.0
"""Known pitfalls of verifiers, B: inside the quote, first half: signatures, QE, TCB, modules."""

import json

import pytest
from harness import AT, UNKNOWN, accepted, refused, stamp

from testpki import bundle, collateral, quote
from testpki.collateral import isv_level, tcb_level, tdx_module, tdx_module_identity

FAMILIES = ("sgx", "sgx_v4", "sgx_v5", "tdx", "tdx10", "tdx15")


def run(judge, family, evidence, *words, **options):
    check = judge.td if family.startswith("td") else judge.quote
    return check(evidence, *words, **options)


# 7: the way from the PCK to the body


@pytest.mark.parametrize("family", FAMILIES)
def test_7_every_link_between_pck_and_body(judge, world, family):
    make = getattr(world, family)
    accepted(run(judge, family, make()))
    for name in quote.BREAKS[:9]:
        done = run(judge, family, make(breaks=name))
        refused(done, "signature", ("signature", "binding", "mismatch"))


@pytest.mark.parametrize("family", ("sgx", "tdx"))
def test_7_no_signed_byte_can_be_changed(judge, world, family):
    """One bit of each eighth byte of header and body, one run for each."""
    good = getattr(world, family)()
    end = 48 + (584 if family == "tdx" else 384)
    for offset in range(0, end, 61):
        bad = good[:offset] + bytes([good[offset] ^ 0x10]) + good[offset + 1 :]
        done = run(judge, family, bad)
        assert done.code == 1 and done.report["verdict"] == "fail", (offset, str(done))
        assert done.check("signature")["outcome"] != "passed"


def test_7_zero_and_oversized_signature_numbers(judge, world):
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    numbers = (0, order, order + 1, (1 << 256) - 1)
    for r, s in [(n, 1) for n in numbers] + [(1, n) for n in numbers]:
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        for place in ("signature", "qe_signature"):
            refused(judge.quote(world.sgx(**{place: raw})), "signature", ("signature", "value"))


def test_7_attestation_keys_that_are_no_points(judge, world):
    for point in (bytes(64), b"\xff" * 64, bytes(31) + b"\x05" + bytes(31) + b"\x07"):
        done = judge.quote(world.sgx(attestation_public=point))
        refused(done, "signature", ("signature", "value", "mismatch"))


# 8: the quoting enclave's identity


def test_8_quoting_enclaves_that_are_not_the_vendors(judge, world):
    accepted(judge.quote(world.sgx()))
    debug = quote.INIT | quote.MODE64 | quote.PROVISION_KEY | quote.DEBUG
    for qe in (
        {"mrsigner": quote.digest("other", 32)},
        {"isvprodid": 2},
        {"flags": debug},
        {"flags": quote.MODE64 | quote.PROVISION_KEY},
        {"miscselect": 1},
    ):
        refused(judge.quote(world.sgx(qe=qe)), "qe-identity", ("mismatch", "policy"))
    refused(judge.td(world.tdx(qe={"isvprodid": 1})), "qe-identity", "mismatch")


def test_8_identities_that_describe_another_enclave(judge, world):
    for options in (
        {"mrsigner": quote.digest("other", 32)},
        {"isvprodid": 3},
        {"attributes": bytes.fromhex("13" + "00" * 15)},
        {"miscselect": bytes([1, 0, 0, 0])},
    ):
        done = judge.quote(world.sgx(), collateral=judge.collateral(qe=options))
        refused(done, "qe-identity", ("mismatch", "policy"))


@pytest.mark.parametrize("kind", ("qe_identity", "tcb_info"))
def test_8_missing_statements(judge, world, kind):
    items = [i for i in bundle.intel_items(world.intel) if i["kind"] != kind]
    for check, make in ((judge.quote, world.sgx), (judge.td, world.tdx)):
        done = check(make(), collateral=bundle.bundle(items))
        refused(done, "collateral", "missing", UNKNOWN)
        assert done.check("tcb")["outcome"] == "unknown"


def test_8_the_identity_of_the_td_quoting_enclave_is_another(judge, world):
    """Only the other kind of identity is at hand, or it is relabelled before signing."""
    everything = bundle.intel_items(world.intel)
    of_sgx = [i for i in everything if "/tdx/" not in i.get("source", "")]
    done = judge.td(world.tdx(), collateral=bundle.bundle(of_sgx))
    refused(done, "collateral", "missing", UNKNOWN)
    relabel = lambda inner: inner.update(id="TD_QE")  # noqa: E731
    identity = world.intel.qe_identity("QE", edit=relabel)
    items = [i for i in everything if i["kind"] != "qe_identity"]
    items.append(bundle.item("qe_identity", identity, chain=world.intel.tcb_chain_pem()))
    refused(judge.td(world.tdx(), collateral=bundle.bundle(items)), "qe-identity", "mismatch")


# 9: levels of the quoting enclave


@pytest.mark.parametrize(
    "svn, status", ((9, "UpToDate"), (6, "UpToDate"), (5, "OutOfDate"), (4, None), (0, None))
)
def test_9_the_level_is_the_first_not_above_the_report(judge, world, svn, status):
    levels = [isv_level(6), isv_level(5, "OutOfDate")]
    options = dict(collateral=judge.collateral(qe={"levels": levels}))
    done = judge.quote(world.sgx(qe={"isvsvn": svn}), **options)
    if status == "UpToDate":
        report = accepted(done)
        assert report["evidence"][0]["tcb"]["qe_status"] == status
        return
    assert done.code == 1, str(done)
    if status:
        assert done.report["evidence"][0]["tcb"]["qe_status"] == status
        refused(done, "tcb", "tcb")
        accepted(judge.quote(world.sgx(qe={"isvsvn": svn}), "--allow-tcb", "OutOfDate", **options))
    else:
        for word in ("OutOfDate", "OutOfDateConfigurationNeeded"):
            done = judge.quote(world.sgx(qe={"isvsvn": svn}), "--allow-tcb", word, **options)
            assert done.code == 1 and done.report["verdict"] == "fail"


def test_9_a_revoked_quoting_enclave_never_passes(judge, world):
    options = dict(collateral=judge.collateral(qe={"levels": [isv_level(1, "Revoked")]}))
    done = judge.quote(world.sgx(), "--allow-tcb", "OutOfDate", **options)
    refused(done, "tcb", ("tcb", "revoked"))


# 10: TCB status

STATUSES = {
    "UpToDate": True,
    "SWHardeningNeeded": True,
    "ConfigurationNeeded": False,
    "ConfigurationAndSWHardeningNeeded": False,
    "OutOfDate": False,
    "OutOfDateConfigurationNeeded": False,
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("family", ("sgx", "tdx"))
def test_10_each_status_is_told_and_judged(judge, world, family, status):
    options = dict(collateral=judge.collateral(tcb={"status": status}))
    evidence = getattr(world, family)()
    done = run(judge, family, evidence, **options)
    assert done.report["evidence"][0]["tcb"]["platform_status"] == status
    if STATUSES[status]:
        accepted(done)
    else:
        refused(done, "tcb", "tcb")
        accepted(run(judge, family, evidence, "--allow-tcb", status, **options))


def test_10_revoked_never_passes(judge, world):
    options = dict(collateral=judge.collateral(tcb={"status": "Revoked"}))
    allow = [w for s in STATUSES for w in ("--allow-tcb", s)]
    refused(judge.quote(world.sgx(), *allow, **options), "tcb", ("tcb", "revoked"))
    done = judge.quote(world.sgx(), "--allow-tcb", "Revoked", **options)
    assert done.code in (1, 2) and done.written == {}


def test_10_no_level_matches(judge, world):
    own = world.intel.platform
    high = tuple(min(255, c + 1) for c in own.components)
    for levels in ([tcb_level(high, own.pcesvn)], [tcb_level(own.components, own.pcesvn + 1)]):
        options = dict(collateral=judge.collateral(tcb={"levels": levels}))
        allow = [w for s in STATUSES for w in ("--allow-tcb", s)]
        refused(judge.quote(world.sgx(), *allow, **options), "tcb", "tcb")
    levels = [tcb_level(high, own.pcesvn), tcb_level(own.components, own.pcesvn, "OutOfDate")]
    done = judge.quote(world.sgx(), collateral=judge.collateral(tcb={"levels": levels}))
    found = refused(done, "tcb", "tcb")
    assert "OutOfDate" in found["reason"]


@pytest.mark.parametrize("which", ("tcb", "qe"))
def test_10_one_flipped_byte_of_a_statement(judge, world, which):
    def flip(data):
        at = data.index(b"UpToDate")
        return data[:at] + b"Uptodate" + data[at + 8 :]

    for options in ({"after_signing": flip}, {"signer": world.keys.get("nobody")}):
        bad = judge.collateral(**{which: options})
        done = judge.quote(world.sgx(), collateral=bad)
        assert done.code in (1, 3), str(done)
        assert done.check("collateral")["outcome"] in ("failed", "unknown")
        assert done.check("collateral")["code"] in ("signature", "missing")
        accepted(judge.quote(world.sgx(), collateral=[bad, judge.collateral()]))


# 11: TDX


@pytest.mark.parametrize(
    "levels, status",
    (
        ([isv_level(6)], "UpToDate"),
        ([isv_level(7), isv_level(5, "OutOfDate")], "OutOfDate"),
        ([isv_level(7)], None),
        ([isv_level(6, "Revoked")], "Revoked"),
    ),
)
def test_11_the_module_identity_counts(judge, world, levels, status):
    options = {"module_identities": [tdx_module_identity("TDX_01", levels)]}
    done = judge.td(world.tdx(), collateral=judge.collateral(tcb=options))
    if status == "UpToDate":
        assert accepted(done)["evidence"][0]["tcb"]["module_status"] == status
    else:
        assert done.code == 1 and done.report["verdict"] == "fail", str(done)
        assert "module_status" not in done.report["evidence"][0].get("tcb", {}) or (
            done.report["evidence"][0]["tcb"]["module_status"] != "UpToDate"
        )


def test_11_a_module_nobody_knows(judge, world):
    options = {"module_identities": [tdx_module_identity("TDX_09")]}
    done = judge.td(world.tdx(), collateral=judge.collateral(tcb=options))
    assert done.code in (1, 3), str(done)
    assert done.report["verdict"] in ("fail", "unknown")


@pytest.mark.parametrize(
    "fields",
    ({"mrsignerseam": b"\x01" + bytes(47)}, {"seam_attributes": b"\x01" + bytes(7)}),
    ids=lambda f: next(iter(f)),
)
@pytest.mark.parametrize("family", ("tdx", "tdx10", "tdx15"))
def test_11_the_module_must_be_the_vendors(judge, world, family, fields):
    make = getattr(world, family)
    accepted(judge.td(make()))
    done = judge.td(make(**fields))
    assert done.code == 1 and done.report["verdict"] == "fail", str(done)
    bad = [c for c in done.report["checks"] if c["outcome"] == "failed"]
    assert {c["name"] for c in bad} & {"collateral", "qe-identity", "tcb", "attributes"}, bad


def test_11_tdx_components_are_compared(judge, world):
    low = bytes((5, 1, 3, 0)) + bytes(12)
    done = judge.td(world.tdx(tee_tcb_svn=low))
    refused(done, "tcb", "tcb")
    # Version 1 of the module: components 0 and 1 are the module's own and judged by its identity.
    svns = list(collateral.TDX_COMPONENTS)
    svns[1] = 9
    own = world.intel.platform
    level = tcb_level(own.components, own.pcesvn, tdx=svns)
    accepted(judge.td(world.tdx(), collateral=judge.collateral(tcb={"levels": [level]})))
    svns[2] = 9
    level = tcb_level(own.components, own.pcesvn, tdx=svns)
    done = judge.td(world.tdx(), collateral=judge.collateral(tcb={"levels": [level]}))
    refused(done, "tcb", "tcb")


def test_11_module_members_of_the_tcb_info(judge, world):
    for options in (
        {"module": tdx_module(mrsigner=b"\x01" * 48)},
        {"module_identities": [tdx_module_identity("TDX_01", mrsigner=b"\x01" * 48)]},
    ):
        done = judge.td(world.tdx(), collateral=judge.collateral(tcb=options))
        assert done.code == 1 or options.get("module"), str(done)


# 12: signatures are over the received bytes


def reorder(data):
    members = json.loads(data)
    return json.dumps(dict(reversed(members.items())), separators=(",", ":")).encode()


FORMS = {
    "reordered": reorder,
    "spaced": lambda data: json.dumps(json.loads(data), indent=3).encode(),
    "escaped": lambda data: data.replace(b'"UpToDate"', b'"\\u0055pToDate"'),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", ("tcb", "qe"))
def test_12_other_spellings_pass_if_they_are_what_was_signed(judge, world, form, which):
    signed = judge.collateral(**{which: {"inner_bytes": FORMS[form]}})
    done = judge.quote(world.sgx(), collateral=signed)
    if form == "escaped":  # no vendor writes these: refused as such
        refused(done, "collateral", "value")
    else:
        accepted(done)
    changed = judge.collateral(**{which: {"after_signing": FORMS[form]}})
    done = judge.quote(world.sgx(), collateral=changed)
    assert done.code in (1, 3), str(done)
    assert done.check("collateral")["outcome"] in ("failed", "unknown")


@pytest.mark.parametrize("which, name", (("tcb", "tcbInfo"), ("qe", "enclaveIdentity")))
def test_12_the_same_object_twice(judge, world, which, name):
    """One copy carries the signature, the other one the lies."""

    def forward(inner, signature):
        lie = inner.replace(b'"OutOfDate"', b'"UpToDate"')
        return b'{"%s":%s,"%s":%s,"signature":"%s"}' % (
            name.encode(), inner, name.encode(), lie, signature.encode(),
        )  # fmt: skip

    def backward(inner, signature):
        lie = inner.replace(b'"OutOfDate"', b'"UpToDate"')
        return b'{"%s":%s,"%s":%s,"signature":"%s"}' % (
            name.encode(), lie, name.encode(), inner, signature.encode(),
        )  # fmt: skip

    for envelope in (forward, backward):
        bad = judge.collateral(**{which: {"envelope": envelope}})
        done = judge.quote(world.sgx(), collateral=bad)
        assert done.code in (1, 2, 3), str(done)
        if done.code != 2:
            assert done.check("collateral")["outcome"] in ("failed", "unknown")
        assert done.written == {}


@pytest.mark.parametrize("which", ("tcb", "qe"))
def test_12_members_twice_inside_the_signed_object(judge, world, which):
    for twice in (("id", "SGX"), ("version", 3), ("tcbLevels", [])):
        bad = judge.collateral(**{which: {"duplicate": twice}})
        done = judge.quote(world.sgx(), collateral=bad)
        assert done.code in (1, 3), (twice, str(done))
        assert done.check("collateral")["outcome"] in ("failed", "unknown")


def test_12_the_instant_is_in_the_report(judge, world):
    done = judge.quote(world.sgx())
    assert accepted(done)["at"] == stamp(AT)
