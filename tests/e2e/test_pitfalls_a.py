# SPDX-License-Identifier: Apache-2.0
"""Known pitfalls of verifiers, A: roots of trust and certificate chains."""

from datetime import timedelta

import pytest
from harness import AT, MRSIGNER, SGX, SNP, UNKNOWN, accepted, refused

from testpki import bundle, quote, ratls, snp
from testpki.amd import AmdPki
from testpki.intel import IntelPki
from testpki.keys import KeyCache
from testpki.world import World

DAY = timedelta(days=1)


def forged_amd(world):
    """AMD's tree again under an RSA key of the attacker; sub-keys are the attacker's too."""
    return AmdPki("Milan", world.keys, AT, label="forged-milan")


# 1: root of trust taken from the evidence


def test_1_root_out_of_the_quote_is_not_believed(judge, forger):
    accepted(judge.quote(judge.world.sgx()))
    items = bundle.bundle(bundle.intel_items(forger.intel))
    for evidence in (forger.sgx(), forger.sgx_v4(), forger.sgx_v5()):
        refused(judge.quote(evidence, collateral=[items, judge.collateral()]), "chain", "root")
    refused(judge.td(forger.tdx(), collateral=[items, judge.collateral()]), "chain", "root")


def test_1_forged_certificate_with_complete_forged_collateral(judge, forger):
    accepted(judge.certificate(judge.world.certificate("mse")))
    items = bundle.bundle(bundle.intel_items(forger.intel))
    for profile in ("mse", "mse-legacy", "gramine", "dice", "open-enclave-report", "ego"):
        done = judge.certificate(forger.certificate(profile), collateral=items)
        refused(done, "chain", "root")


def test_1_evidence_json_brings_its_own_everything(judge, forger, world):
    good = bundle.evidence_json(world.intel, world.certificate("mse-legacy"))
    accepted(judge.mse.judge("evidence", good, *SGX, roots=world.roots_pem()))
    bad = bundle.evidence_json(forger.intel, forger.certificate("mse-legacy"))
    for more in ((), ("--name", "app1.example")):
        done = judge.mse.judge("evidence", bad, *SGX, *more, roots=world.roots_pem())
        refused(done, "chain", "root")


def test_1_simulated_evidence_is_nothing_without_the_simulation_root(judge, world):
    done = judge.certificate(world.certificate("mse"), roots=None)
    assert done.code == 1 and done.report["verdict"] == "fail"
    genuine_look = world.sgx(vendor_id=quote.VENDOR_INTEL)
    refused(judge.quote(genuine_look, roots=None), "chain", "root")
    refused(judge.quote(genuine_look), "chain", ("simulated", "root"))


# 2: SNP ARK from the evidence


def snp_certificate(world, pki, **options):
    report = snp.report(pki, **options)
    return snp.extended_report(report, snp.vek_certs(pki, options.get("vlek", False)))


def test_2_ark_out_of_the_evidence_is_not_believed(judge, world):
    accepted(judge.report(snp_certificate(world, world.milan)))
    forged = forged_amd(world)
    for vlek in (False, True):
        evidence = snp_certificate(world, forged, vlek=vlek)
        for collateral in (judge.amd(), judge.amd(forged)):
            refused(judge.report(evidence, collateral=collateral), "chain", "root")


def test_2_forged_ark_in_a_certificate(judge, world):
    certs = snp.vek_certs(world.milan)
    good = ratls.tee_tools_snp(world.snp, certs, **world.hooks)
    accepted(judge.certificate(good, expect=SNP))
    forged = forged_amd(world)
    evidence = lambda rd: snp.report(forged, rd)  # noqa: E731
    bad = ratls.tee_tools_snp(evidence, snp.vek_certs(forged), **world.hooks)
    done = judge.certificate(bad, expect=SNP, collateral=judge.amd(forged))
    refused(done, "chain", "root")


def test_2_ark_of_another_product(judge, world):
    """Genuine Genoa intermediates cannot vouch for a Milan machine, and the other way round."""
    genoa = AmdPki("Genoa", world.keys, AT)
    roots = world.roots_pem() + genoa.ark.pem
    good = snp.report(genoa)
    table = snp.vek_certs(genoa)
    done = judge.report(snp.extended_report(good, table), collateral=judge.amd(genoa), roots=roots)
    accepted(done)
    crossed = genoa.make_vcek(key=genoa.vcek.key, issuer=world.milan.ask)
    certs = [("vcek", crossed.der), ("ask", world.milan.ask.der), ("ark", world.milan.ark.der)]
    both = bundle.bundle(
        [*bundle.amd_items(genoa, vek=False), *bundle.amd_items(world.milan, vek=False)]
    )
    done = judge.report(snp.extended_report(good, certs), collateral=both, roots=roots)
    refused(done, "chain", ("chain", "mismatch", "root"))


@pytest.mark.parametrize("vlek", (False, True))
def test_2_ask_and_asvk_have_one_role_each(judge, world, vlek):
    pki = world.milan
    accepted(judge.report(snp_certificate(world, pki, vlek=vlek)))
    if vlek:
        leaf, issuer = pki.make_vlek(key=pki.vlek.key, issuer=pki.ask), pki.ask
    else:
        leaf, issuer = pki.make_vcek(key=pki.vcek.key, issuer=pki.asvk), pki.asvk
    certs = [("vlek" if vlek else "vcek", leaf.der), ("ask", issuer.der), ("ark", pki.ark.der)]
    evidence = snp.extended_report(snp.report(pki, vlek=vlek), certs)
    collateral = judge.amd(vek=False)
    refused(judge.report(evidence, collateral=collateral), "chain", "missing", UNKNOWN)


# 3: roots are keys, not files


def test_3_a_root_issued_again_with_the_same_key_is_the_same_root(judge, world):
    intel = world.intel
    later = intel.make_root(serial=intel.root.serial, not_after=AT + 26 * 365 * DAY)
    other = intel.make_root()
    assert later.der != intel.root.der != other.der
    for root in (intel.root, later, other):
        accepted(judge.quote(world.sgx(chain=[intel.pck, intel.platform_ca, root])))
        roots = root.pem
        accepted(judge.quote(world.sgx(), roots=roots))


def test_3_ca_and_signer_issued_again_with_the_same_key(judge, world):
    intel = world.intel
    again = IntelPki(world.keys, AT, certs={"tcb_signing": {"serial": 77}})
    middle = intel.make_ca("platform", not_after=AT + 20 * 365 * DAY)
    accepted(judge.quote(world.sgx(chain=[intel.pck, middle, intel.root])))
    items = bundle.bundle(bundle.intel_items(again))
    accepted(judge.quote(world.sgx(), collateral=items))


def test_3_the_name_of_the_root_is_worth_nothing(judge, world):
    impostor = IntelPki(KeyCache(), AT)
    assert impostor.root.subject == world.intel.root.subject
    evidence = quote.sgx_v3(impostor)
    refused(judge.quote(evidence), "chain", "root")
    # the genuine root beside a chain that does not end in it
    refused(
        judge.quote(
            quote.sgx_v3(impostor, chain=[impostor.pck, impostor.platform_ca, world.intel.root])
        ),
        "chain",
        ("signature", "chain", "root"),
    )


# 4: the embedded chain


@pytest.mark.parametrize(
    "options",
    (
        {},
        {"breaks": "chain_reordered"},
        {"breaks": "chain_four"},
        {"newline": "\r\n"},
        {"nul": False},
        {"between": "\n"},
        {"ca": "processor"},
    ),
    ids=str,
)
@pytest.mark.parametrize("make", ("sgx", "sgx_v4", "tdx15"))
def test_4_embedded_chains_that_are_fine(judge, world, make, options):
    done = (judge.td if make.startswith("td") else judge.quote)(getattr(world, make)(**options))
    if options.get("breaks") == "chain_four" and done.code != 0:
        refused(done, "chain", ("chain", "limit", "duplicate"))
    else:
        accepted(done)


@pytest.mark.parametrize(
    "options, code",
    (
        ({"breaks": "chain_garbage"}, "format"),
        ({"cert_data": b""}, "chain"),
        ({"breaks": "chain_leaf_only"}, "chain"),
        ({"between": "\x01"}, "format"),
    ),
    ids=str,
)
def test_4_embedded_chains_that_are_none(judge, world, options, code):
    refused(judge.quote(world.sgx(**options)), "chain", code)


def test_4_a_changed_issuer_is_noticed_though_the_leaf_is_fine(judge, world):
    intel = world.intel
    for part, name in ((intel.platform_ca, "CA"), (intel.pck, "leaf")):
        cert = type(part)(part.der[:-1] + bytes([part.der[-1] ^ 1]), part.key, part.subject, 1)
        chain = [intel.pck, cert, intel.root]
        if name == "leaf":
            chain = [cert, intel.platform_ca, intel.root]
        refused(judge.quote(world.sgx(chain=chain)), "chain", ("signature", "chain", "root"))


def test_4_a_leaf_alone_is_completed_out_of_the_collateral(judge, world):
    """Certification data of type 4."""
    evidence = world.sgx(cert_type=4, cert_data=world.intel.pck.pem.encode())
    accepted(judge.quote(evidence))
    items = [i for i in bundle.intel_items(world.intel) if i["kind"] != "crl"]
    done = judge.quote(evidence, collateral=bundle.bundle(items))
    refused(done, "chain", "missing", UNKNOWN)


@pytest.mark.parametrize("kind", (1, 2, 3, 7))
def test_4_other_certification_data_certifies_nothing_by_itself(judge, world, kind):
    done = judge.quote(world.sgx(cert_type=kind))
    assert done.code in (1, 3), str(done)
    assert done.check("chain")["outcome"] in ("failed", "unknown")
    assert done.written == {}


# 5: revocation


def crl_bundle(judge, **crls):
    return judge.collateral(crls=crls)


def test_5_a_revoked_pck_leaf(judge, world):
    serial = world.intel.pck.serial
    accepted(judge.quote(world.sgx(), collateral=crl_bundle(judge, platform={"revoked": [99]})))
    elsewhere = crl_bundle(judge, processor={"revoked": [serial]})
    accepted(judge.quote(world.sgx(), collateral=elsewhere))
    for make, run in ((world.sgx, judge.quote), (world.tdx, judge.td)):
        done = run(make(), collateral=crl_bundle(judge, platform={"revoked": [7, serial, 9]}))
        refused(done, "revocation", "revoked")


def test_5_a_ca_revoked_by_the_root(judge, world):
    serial = world.intel.platform_ca.serial
    accepted(judge.quote(world.sgx(), collateral=crl_bundle(judge, root={"revoked": [1]})))
    done = judge.quote(world.sgx(), collateral=crl_bundle(judge, root={"revoked": [serial]}))
    refused(done, "revocation", "revoked")


def test_5_a_revoked_tcb_signer(judge, world):
    serial = world.intel.tcb_signing.serial
    done = judge.quote(world.sgx(), collateral=crl_bundle(judge, root={"revoked": [serial]}))
    assert done.code in (1, 3), str(done)
    assert "revoked" in done.out.decode()
    assert done.written == {}


def test_5_crls_that_say_nothing(judge, world):
    intel = world.intel
    cases = (
        ("platform", {"next_update": AT - DAY, "this_update": AT - 30 * DAY}),
        ("platform", {"this_update": AT + DAY}),
        ("platform", {"signer": intel.processor_ca.key, "issuer": intel.processor_ca.subject}),
        ("platform", None),
        ("root", {"next_update": AT - DAY, "this_update": AT - 30 * DAY}),
        ("root", {"this_update": AT + DAY}),
        ("root", None),
    )
    forged = (
        ("platform", {"signer": world.keys.get("nobody")}),
        ("platform", {"break_signature": True}),
        ("root", {"signer": world.keys.get("nobody")}),
    )
    accepted(judge.quote(world.sgx()))
    for which, options in cases:
        done = judge.quote(world.sgx(), collateral=crl_bundle(judge, **{which: options}))
        refused(done, "revocation", ("missing", "expired", "not-yet-valid"), UNKNOWN)
    for which, options in forged:
        bad = crl_bundle(judge, **{which: options})
        refused(judge.quote(world.sgx(), collateral=bad), "revocation", "signature")
        # A forged list beside the genuine one does no harm, whichever comes first.
        accepted(judge.quote(world.sgx(), collateral=[bad, judge.collateral()]))
        accepted(judge.quote(world.sgx(), collateral=[judge.collateral(), bad]))


def test_5_revoked_amd_intermediates_and_leaf(judge, world):
    pki = world.milan
    evidence = snp_certificate(world, pki)
    accepted(judge.report(evidence, collateral=judge.amd(crl={"revoked": [0x999]})))
    done = judge.report(evidence, collateral=judge.amd(crl={"revoked": [pki.ask.serial]}))
    refused(done, "revocation", "revoked")
    vlek = snp_certificate(world, pki, vlek=True)
    accepted(judge.report(vlek, collateral=judge.amd(crl={"revoked": [pki.ask.serial]})))
    done = judge.report(vlek, collateral=judge.amd(crl={"revoked": [pki.asvk.serial]}))
    refused(done, "revocation", "revoked")
    for options in ({"next_update": AT - DAY}, {"this_update": AT + DAY}):
        done = judge.report(evidence, collateral=judge.amd(crl=options))
        refused(done, "revocation", ("expired", "not-yet-valid"), UNKNOWN)
    done = judge.report(evidence, collateral=judge.amd(crl=False))
    refused(done, "revocation", "missing", UNKNOWN)


# 6: certificate roles


def test_6_tcb_signer_as_pck(judge, world):
    intel = world.intel
    leaf = intel.tcb_signing
    for chain in ([leaf, intel.root, intel.root], [leaf, intel.platform_ca, intel.root]):
        done = judge.quote(world.sgx(pck=leaf, chain=chain))
        assert done.check("chain")["outcome"] in ("failed", "unknown") and done.code != 0
    dressed = intel.make_pck(issuer=intel.root)  # even with an SGX extension
    done = judge.quote(world.sgx(pck=dressed, chain=[dressed, intel.root, intel.root]))
    refused(done, "chain", "missing", UNKNOWN)


def test_6_pck_as_tcb_signer(judge, world):
    """A PCK leaf signs TCB info and identity: nothing of it is taken."""
    intel = world.intel
    chain = intel.pck.pem + intel.platform_ca.pem + intel.root.pem
    crls = [i for i in bundle.intel_items(intel, kinds=()) if i["kind"] == "crl"]
    for signed in ("tcb", "qe"):
        info = intel.tcb_info(signer=intel.pck.key if signed == "tcb" else None)
        identity = intel.qe_identity(signer=intel.pck.key if signed == "qe" else None)
        items = [
            bundle.item("tcb_info", info, chain=chain + intel.tcb_signing.pem),
            bundle.item("qe_identity", identity, chain=chain + intel.tcb_signing.pem),
        ]
        done = judge.quote(world.sgx(), collateral=bundle.bundle(crls + items))
        assert done.code in (1, 3), str(done)
        assert done.check("collateral")["outcome"] in ("failed", "unknown")


def test_6_a_leaf_without_sgx_extension(judge, world):
    leaf = world.intel.make_pck(sgx=False)
    refused(judge.quote(world.sgx(pck=leaf)), "chain", ("missing", "chain"))


def test_6_a_leaf_that_is_a_ca_or_below_a_leaf(judge, world):
    intel = world.intel
    sub = intel.make_pck(key=intel.key("sub"), issuer=intel.pck)
    evidence = world.sgx(pck=sub, chain=[sub, intel.pck, intel.platform_ca, intel.root])
    refused(judge.quote(evidence), "chain", ("chain", "limit", "mismatch", "signature", "root"))


def test_6_the_signer_expectation_does_not_help_a_forged_tree(judge, forger):
    """MRSIGNER is only a claim until the chain holds."""
    done = judge.quote(forger.sgx(), expect=("--mrsigner", MRSIGNER))
    refused(done, "chain", "root")


def test_6_worlds_differ_by_keys_only(forger, world):
    assert isinstance(forger, World)
    assert forger.intel.root.subject == world.intel.root.subject
    assert forger.intel.root.der != world.intel.root.der
