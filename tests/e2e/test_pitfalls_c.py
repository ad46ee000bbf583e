# SPDX-License-Identifier: Apache-2.0
"""Known pitfalls of verifiers, C: AMD SEV-SNP."""

import pytest
from harness import AT, NO, SNP, UNKNOWN, accepted, refused

from testpki import bundle, snp
from testpki.amd import AmdPki, Tcb

BASE = snp.POLICY_RESERVED | snp.POLICY_SMT


@pytest.fixture(scope="module")
def milan(world):
    return world.milan


def with_vcek(pki, vcek, report=None, **fields):
    """A report with this VCEK beside it."""
    certs = [("vcek", vcek.der), ("ask", pki.ask.der), ("ark", pki.ark.der)]
    return snp.extended_report(report or snp.report(pki, key=vcek.key, **fields), certs)


def judged(judge, evidence, *words, **options):
    options.setdefault("collateral", judge.amd(vek=False))
    return judge.report(evidence, *words, **options)


# 19: the key belongs to the chip and its TCB


def test_19_vcek_of_another_chip(judge, milan):
    accepted(judged(judge, with_vcek(milan, milan.vcek)))
    other = milan.make_vcek(key=milan.vcek.key, hwid=b"\x07" * 64)
    refused(judged(judge, with_vcek(milan, other)), "collateral", "mismatch")
    done = judged(judge, with_vcek(milan, milan.vcek, chip_id=b"\x07" * 64))
    refused(done, "collateral", "mismatch")


@pytest.mark.parametrize("part", ("bl", "tee", "snp", "ucode"))
def test_19_vcek_of_another_tcb(judge, milan, part):
    for change in (1, -1):
        value = getattr(milan.tcb, part) + change
        if value < 0:
            continue
        other = milan.make_vcek(milan.tcb.but(**{part: value}), key=milan.vcek.key)
        refused(judged(judge, with_vcek(milan, other)), "collateral", "mismatch")
        fields = {"reported_tcb": milan.tcb.but(**{part: value})}
        refused(judged(judge, with_vcek(milan, milan.vcek, **fields)), "collateral", "mismatch")


@pytest.mark.parametrize("suffix", ("3.1", "3.2", "3.3", "3.8", "4"))
def test_19_vcek_that_says_nothing_of_it(judge, milan, suffix):
    bare = milan.make_vcek(key=milan.vcek.key, drop=(suffix,))
    refused(judged(judge, with_vcek(milan, bare)), "chain", ("missing", "format", "value"))


def test_19_vlek_and_vcek_are_not_exchangeable(judge, milan):
    vlek = snp.extended_report(snp.report(milan, vlek=True), snp.vek_certs(milan, vlek=True))
    accepted(judged(judge, vlek))
    # the report says VLEK, a VCEK signed it; and the other way round
    wrong = snp.report(milan, vlek=True, key=milan.vcek.key)
    done = judged(judge, with_vcek(milan, milan.vcek, wrong))
    assert done.code in (NO, UNKNOWN), str(done)
    wrong = snp.report(milan, key=milan.vlek.key)
    done = judged(judge, snp.extended_report(wrong, snp.vek_certs(milan, vlek=True)))
    assert done.code in (NO, UNKNOWN), str(done)
    accepted(judged(judge, vlek, "--signing-key", "vlek"))
    refused(judged(judge, vlek, "--signing-key", "vcek"), "attributes", "policy")


def test_19_masked_chip_id_and_no_signing_key(judge, milan):
    masked = with_vcek(milan, milan.vcek, chip_id=bytes(64), flags=1 << 1)
    refused(judged(judge, masked), "collateral", "mismatch")
    for key in (2, 7):
        done = judged(judge, with_vcek(milan, milan.vcek, flags=key << 2))
        assert done.code in (NO, UNKNOWN), str(done)


def test_19_signatures(judge, milan):
    for name in snp.BREAKS:
        report = snp.report(milan, breaks=name)
        done = judged(judge, with_vcek(milan, milan.vcek, report))
        form = name == "signature_big_endian"  # not of the form at all: more than 48 bytes
        refused(done, "evidence" if form else "signature", "value" if form else "signature")
    refused(
        judged(judge, with_vcek(milan, milan.vcek, sig_algo=2)),
        "evidence",
        ("unsupported", "value"),
    )


def test_19_the_reported_tcb_counts_not_the_platforms(judge, milan):
    """A platform with newer firmware that reports the older TCB: the VCEK is of the older one."""
    newer = milan.tcb.but(snp=milan.tcb.snp + 2)
    accepted(judged(judge, with_vcek(milan, milan.vcek, current_tcb=newer)))
    foreign = milan.make_vcek(newer, key=milan.vcek.key)
    refused(judged(judge, with_vcek(milan, foreign, current_tcb=newer)), "collateral", "mismatch")


# 20: policy


@pytest.mark.parametrize("vmpl", (1, 2, 3))
def test_20_privilege_levels(judge, milan, vmpl):
    accepted(judged(judge, with_vcek(milan, milan.vcek, vmpl=0)))
    evidence = with_vcek(milan, milan.vcek, vmpl=vmpl)
    refused(judged(judge, evidence), "attributes", "policy")
    accepted(judged(judge, evidence, "--max-vmpl", vmpl))
    refused(judged(judge, evidence, "--max-vmpl", vmpl - 1), "attributes", "policy")


def test_20_host_requested_report(judge, milan):
    """VMPL 0xFFFFFFFF: the hypervisor asked for it."""
    done = judged(judge, with_vcek(milan, milan.vcek, vmpl=0xFFFFFFFF), "--max-vmpl", 3)
    assert done.code == NO and done.report["verdict"] == "fail", str(done)


def test_20_migration(judge, milan):
    evidence = with_vcek(milan, milan.vcek, policy=BASE | snp.POLICY_MIGRATE_MA)
    refused(judged(judge, evidence), "attributes", "policy")
    accepted(judged(judge, evidence, "--allow-migration-agent"))
    refused(judged(judge, evidence, "--allow-debug"), "attributes", "policy")
    done = judged(judge, with_vcek(milan, milan.vcek, policy=snp.POLICY_SMT))
    assert done.code == NO, str(done)


def test_20_somebody_must_be_expected(judge, milan):
    evidence = with_vcek(milan, milan.vcek)
    done = judged(judge, evidence, expect=("--max-vmpl", "0"))
    assert done.code == 2 and done.no_result and "nobody is expected" in done.err
    done = judged(judge, evidence, expect=("--measurement", "00" * 48))
    refused(done, "fingerprint", "mismatch")
    refused(judged(judge, evidence, expect=("--fingerprint", "00" * 32)), "fingerprint", "mismatch")


def test_20_tcb_floors(judge, milan):
    evidence = with_vcek(milan, milan.vcek)
    tcb = milan.tcb

    def floor(**changes):
        t = tcb.but(**changes)
        return f"bl={t.bl},tee={t.tee},snp={t.snp},ucode={t.ucode}"

    accepted(judged(judge, evidence), tcb="waived")
    for name in ("reported", "committed", "launch"):
        option = f"--min-{name}-tcb"
        accepted(judged(judge, evidence, option, floor()))
        for part in ("bl", "tee", "snp", "ucode"):
            above = floor(**{part: getattr(tcb, part) + 1})
            refused(judged(judge, evidence, option, above), "tcb", "tcb")
    accepted(judged(judge, evidence, "--min-reported-tcb", floor()), tcb="passed")


def test_20_signed_identity(judge, milan):
    key = snp.digest("id key", 48)
    evidence = with_vcek(milan, milan.vcek, id_key_digest=key)
    accepted(judged(judge, evidence, expect=("--id-key-digest", key.hex())), signer="passed")
    done = judged(judge, evidence, expect=("--id-key-digest", "11" * 48))
    refused(done, "signer", "mismatch")
    # all zero means "no identity block", not an identity
    plain = with_vcek(milan, milan.vcek)
    done = judged(judge, plain, expect=("--id-key-digest", "00" * 48))
    assert done.code in (NO, 2), str(done)


# 21: the product is read, not guessed


@pytest.mark.parametrize("product", ("Genoa", "Turin"))
@pytest.mark.parametrize("vlek", (False, True))
def test_21_other_products(judge, world, product, vlek):
    pki = AmdPki(product, world.keys, AT)
    evidence = snp.extended_report(snp.report(pki, vlek=vlek), snp.vek_certs(pki, vlek))
    roots = world.roots_pem() + pki.ark.pem
    done = judge.report(evidence, collateral=judge.amd(pki, vek=False), roots=roots)
    accepted(done)
    # its root is not among those that are believed
    done = judge.report(evidence, collateral=judge.amd(pki, vek=False))
    assert done.code in (NO, UNKNOWN) and done.check("chain")["outcome"] != "passed", str(done)


def test_21_turin_has_its_own_byte_order(judge, world):
    pki = AmdPki("Turin", world.keys, AT)
    roots = world.roots_pem() + pki.ark.pem
    tcb = Tcb(1, 2, 4, 78, fmc=3)
    vcek = pki.make_vcek(tcb, key=pki.vcek.key)
    certs = [("vcek", vcek.der), ("ask", pki.ask.der), ("ark", pki.ark.der)]
    good = snp.report(pki, reported_tcb=tcb)
    run = lambda r, *w: judge.report(  # noqa: E731
        snp.extended_report(r, certs), *w, collateral=judge.amd(pki, vek=False), roots=roots
    )
    done = run(good, "--min-reported-tcb", "fmc=3,bl=1,tee=2,snp=4,ucode=78")
    accepted(done, tcb="passed")
    refused(run(good, "--min-reported-tcb", "fmc=4,bl=1,tee=2,snp=4,ucode=78"), "tcb", "tcb")
    milan_order = snp.report(pki, reported_tcb=tcb.encode("Milan"))
    refused(run(milan_order), "collateral", "mismatch")


def test_21_a_milan_report_cannot_pass_as_genoa(judge, world):
    genoa = AmdPki("Genoa", world.keys, AT)
    roots = world.roots_pem() + genoa.ark.pem
    report = snp.report(world.milan, cpuid_model=0x11)
    collateral = bundle.bundle(bundle.amd_items(world.milan) + bundle.amd_items(genoa))
    done = judge.report(report, collateral=collateral, roots=roots)
    assert done.code in (NO, UNKNOWN), str(done)
    accepted(judge.report(world.snp(), collateral=collateral, roots=roots))


def test_21_version_2_takes_the_product_from_its_certificate(judge, world):
    report = snp.report(world.milan, version=2)
    accepted(judge.report(snp.extended_report(report, snp.vek_certs(world.milan)), expect=SNP))
