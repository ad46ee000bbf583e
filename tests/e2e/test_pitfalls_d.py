# SPDX-License-Identifier: Apache-2.0
"""Known pitfalls of verifiers, D: what ties the TLS key of a certificate to the evidence."""

from datetime import timedelta

import pytest
from harness import AT, MRENCLAVE, MRSIGNER, NO, SGX, SNP, TDX, accepted, refused

from testpki import cbor, quote, ratls, x509
from testpki.certs import Item, build
from testpki.keys import generate

DAY = timedelta(days=1)
BOUND = (*("evidence", "chain", "revocation", "signature", "collateral", "attributes"),
         "binding", "certificate")  # fmt: skip
# generator's name: (profiles the program may call it, how the code is named)
PROFILES = {
    "mse": ("mse", SGX), "mse-x25519": ("mse", SGX), "mse-tdx": ("tee-tools", TDX),
    "mse-snp": ("tee-tools", SNP), "mse-legacy": ("mse", SGX), "tee-tools-sgx": ("mse", SGX),
    "tee-tools-tdx": ("tee-tools", TDX), "tee-tools-snp": ("tee-tools", SNP),
    "tee-tools-snp-vlek": ("tee-tools", SNP), "tee-tools-snp-bare": ("tee-tools", SNP),
    "gramine-legacy": ("gramine", SGX), "gramine": ("gramine dice", SGX), "dice": ("dice", SGX),
    "dice-tdx": ("dice", TDX), "dice-snp": ("dice", SNP), "rats-tls-legacy": ("rats-tls", SGX),
    "sgx-sdk-old": ("sgx-sdk", SGX), "sgx-sdk": ("dice", SGX),
    "open-enclave-report": ("openenclave", SGX), "open-enclave-report-old": ("openenclave", SGX),
    "open-enclave-evidence": ("openenclave", SGX),
    "open-enclave-evidence-old": ("openenclave", SGX), "ego": ("ego", SGX),
    "dstack": ("dstack", TDX), "dstack-snp": ("dstack", SNP), "dstack-legacy": ("dstack", TDX),
    "c8s-snp": ("c8s", SNP), "c8s-tdx": ("c8s", TDX), "contrast-snp": ("contrast", SNP),
    "contrast-tdx": ("contrast", TDX),
}  # fmt: skip
NAMES = sorted({p for profiles, _ in PROFILES.values() for p in profiles.split()})


def both(judge):
    return [judge.collateral(), judge.amd()]


# 22: the key must be the one in REPORTDATA


@pytest.mark.parametrize("profile", PROFILES)
def test_22_a_certificate_of_another_key_is_refused(judge, world, profile):
    _, expect = PROFILES[profile]
    good = world.certificate(profile)
    accepted(judge.certificate(good, expect=expect, collateral=both(judge)), BOUND)
    kind = {"gramine": "p384", "gramine-legacy": "p384", "rats-tls-legacy": "rsa3072"}
    other = world.keys.get("another-leaf", kind.get(profile, "p256"))
    swapped = world.certificate(profile, bind_key=other)
    done = judge.certificate(swapped, expect=expect, collateral=both(judge))
    refused(done, "binding", "binding")


def test_22_no_option_waives_the_binding(judge, world):
    swapped = world.certificate("mse", bind_key=generate("p256"))
    everything = (
        "--allow-debug", "--allow-provision-key", "--allow-einittoken-key", "--allow-sept-ve",
        "--allow-migratable", "--allow-migration-agent", "--max-vmpl", "3", "--min-tcb-eval", "0",
        "--allow-tcb", "OutOfDate", "--allow-tcb", "ConfigurationNeeded",
    )  # fmt: skip
    for expect in (SGX, ("--mrsigner", MRSIGNER), (*SGX, "--mrsigner", MRSIGNER)):
        for words in ((), everything, ("--name", "app1.example"), ("--profile", "mse")):
            refused(judge.certificate(swapped, *words, expect=expect), "binding", "binding")


# 23: all 64 bytes


@pytest.mark.parametrize("profile", PROFILES)
def test_23_the_second_half_of_reportdata_counts(judge, world, profile):
    profiles, expect = PROFILES[profile]
    tail = world.certificate(profile, tail=b"\x01" * 32)
    done = judge.certificate(tail, expect=expect, collateral=both(judge))
    if set(profiles.split()) & {"mse", "tee-tools"}:
        report = accepted(done, BOUND)  # MSE's rule: an X25519 key, and it is shown
        assert report["x25519"] == "01" * 32
        assert report["evidence"][0]["profile"] == "mse"
    else:
        refused(done, "binding", "binding")
    ends = world.certificate(profile, tail=bytes(31) + b"\x01")
    if not set(profiles.split()) & {"mse", "tee-tools"}:
        done = judge.certificate(ends, expect=expect, collateral=both(judge))
        refused(done, "binding", "binding")


def test_23_and_31_the_second_key_is_shown_only_of_verified_evidence(judge, world, forger):
    key = bytes(range(32, 64))
    good = ratls.mse(world.sgx, x25519=key, **world.hooks)
    assert accepted(judge.certificate(good))["x25519"] == key.hex()
    forged = ratls.mse(forger.sgx, x25519=key, **forger.hooks)
    other_code = ratls.mse(
        lambda rd: world.sgx(rd, mrenclave=bytes(32)), x25519=key, **world.hooks
    )
    for bad in (forged, other_code):
        done = judge.certificate(bad)
        assert done.code == NO
        assert "x25519" not in done.report


# 24: the claims of DICE certificates

PAIR = (cbor.tstr("other"), cbor.bstr(b"x"))
CLAIMS = {
    "nonce only": dict(key_hash=False, nonce=b"\x00"),
    "empty": dict(key_hash=False),
    "key hash twice": dict(twice=True),
    "other key twice": dict(pairs=(PAIR, PAIR)),
    "indefinite map": dict(indefinite=True),
    "indefinite entry": dict(indefinite_entry=True),
    "trailing": dict(trailing=b"\x00"),
    "algorithm 0": dict(alg=0, hash_value=bytes(32)),
    "algorithm 2": dict(alg=2, hash_value=bytes(16)),
    "short hash": dict(hash_value=bytes(31)),
    "long hash": dict(hash_value=bytes(33)),
    "empty hash": dict(hash_value=b""),
    "no array": dict(entry=cbor.bstr(bytes(32))),
    "one member": dict(entry=cbor.array(cbor.uint(1))),
    "three members": dict(entry=cbor.array(cbor.uint(1), cbor.bstr(bytes(32)), cbor.uint(1))),
    "text algorithm": dict(entry=cbor.array(cbor.tstr("sha-256"), cbor.bstr(bytes(32)))),
    "wrong hash": dict(hash_value=bytes(32)),
    "number as key": dict(pairs=((cbor.uint(7), cbor.bstr(b"x")),)),
    "many": dict(pairs=[(cbor.tstr(f"k{i}"), cbor.bstr(b"x")) for i in range(64)]),
}


def dice(world, wrapper=None, **claims):
    make = lambda key: ratls.dice_claims(key, **claims)  # noqa: E731
    return ratls.dice(world.sgx, claims=make, wrapper=wrapper, **world.hooks)


@pytest.mark.parametrize("name", CLAIMS)
def test_24_claims_that_are_refused(judge, world, name):
    done = judge.certificate(dice(world, **CLAIMS[name]))
    assert done.code == NO, str(done)
    failed = [c["name"] for c in done.report["checks"] if c["outcome"] == "failed"]
    assert set(failed) & {"binding", "evidence"}, str(done)
    assert done.written == {}


def test_24_claims_that_are_fine(judge, world):
    for claims in ({}, {"nonce": b"\x00" * 8}, {"pairs": (PAIR,)}, {"alg": 7}, {"alg": 8}):
        accepted(judge.certificate(dice(world, **claims)), BOUND)


@pytest.mark.parametrize(
    "wrapper",
    (
        {"trailing": b"\x00"},
        {"extra": (cbor.uint(0),)},
        {"indefinite": True},
        {"tag": 60001},
        {"tag": 60002},
        {"tag": ratls.TAG_SNP},
        {"tag": 1},
    ),
    ids=str,
)
def test_24_wrappers_that_are_refused(judge, world, wrapper):
    done = judge.certificate(dice(world, wrapper))
    assert done.code == NO, str(done)
    assert {c["name"] for c in done.report["checks"] if c["outcome"] == "failed"} & {
        "binding", "evidence",
    }  # fmt: skip


# 25: each certificate by its own rule only


@pytest.mark.parametrize("profile", PROFILES)
def test_25_each_certificate_has_its_own_profile(judge, world, profile):
    own, expect = PROFILES[profile]
    certificate = world.certificate(profile)
    report = accepted(judge.certificate(certificate, expect=expect, collateral=both(judge)), BOUND)
    assert {e["profile"] for e in report["evidence"]} == set(own.split())
    for name in NAMES:
        done = judge.certificate(
            certificate, "--profile", name, expect=expect, collateral=both(judge)
        )
        if name in own.split():
            accepted(done, BOUND)
        else:
            found = [c for c in done.report["checks"] if c["outcome"] == "failed"]
            assert done.code == NO and found[0]["name"] in ("evidence", "binding"), str(done)
            assert found[0]["code"] in ("no-evidence", "unsupported", "binding")


RULES = {
    "point": ratls.rule_point,
    "spki": ratls.rule_spki,
    "pem": ratls.rule_pem_nul,
    "sha256 of pem without nul": lambda key: ratls.sha256(ratls.spki_pem(key)),
    "x and y": lambda key: ratls.sha256(ratls.bit_string(key)[1:]),
}
# OID, wrapper, the rules that count there for an EC key
PLACES = {
    "mse or gramine": (ratls.OID_QUOTE, bytes, {"point", "spki"}),
    "gramine": (ratls.OID_GRAMINE_LEGACY, bytes, {"spki"}),
    "sgx-sdk": (ratls.OID_SDK, bytes, {"pem"}),
    "openenclave or ego": (ratls.OID_OE_REPORT, ratls.oe_report, {"pem", "spki"}),
    "openenclave": (ratls.OID_OE_REPORT_OLD, ratls.oe_report, {"pem"}),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("place", PLACES)
def test_25_one_encoding_of_the_key_is_not_another(judge, world, place, rule):
    oid, wrap, fine = PLACES[place]
    item = Item(oid, world.sgx, RULES[rule], wrap)
    done = judge.certificate(build("cross", [item], ratls.MSE, **world.hooks))
    if rule in fine:
        accepted(done, BOUND)
    else:
        refused(done, "binding", "binding")


def test_25_constellation_says_why(judge, world):
    for profile, expect in (("constellation-tdx", TDX), ("constellation-snp", SNP)):
        done = judge.certificate(world.certificate(profile), expect=expect, collateral=both(judge))
        assert done.code == NO, str(done)
        assert "nonce" in done.out.decode()


# 26: several pieces of evidence


def other_enclave(world):
    return lambda rd: world.sgx(rd, mrenclave=quote.digest("other enclave", 32))


def test_26_measurement_of_one_enclave_and_binding_of_another(judge, world, forger):
    accepted(judge.certificate(ratls.gramine(world.sgx, **world.hooks)), BOUND)
    both_ways = (
        ratls.gramine(world.sgx, dice_evidence=other_enclave(world), **world.hooks),
        ratls.gramine(other_enclave(world), dice_evidence=world.sgx, **world.hooks),
    )
    for certificate in both_ways:
        for expect in (SGX, ("--mrsigner", MRSIGNER)):
            done = judge.certificate(certificate, expect=expect)
            refused(done, "binding", "binding")
    forged = ratls.gramine(world.sgx, dice_evidence=forger.sgx, **world.hooks)
    refused(judge.certificate(forged), "chain", "root")
    forged = ratls.gramine(forger.sgx, dice_evidence=world.sgx, **world.hooks)
    refused(judge.certificate(forged), "chain", "root")
    debug = lambda rd: world.sgx(rd, flags=quote.INIT | quote.MODE64 | quote.DEBUG)  # noqa: E731
    for pair in ((world.sgx, debug), (debug, world.sgx)):
        mixed = ratls.gramine(pair[0], dice_evidence=pair[1], **world.hooks)
        refused(judge.certificate(mixed), "attributes", "policy")


def test_26_evidence_of_two_kinds(judge, world):
    mixed = ratls.gramine(world.sgx, dice_evidence=world.tdx, **world.hooks)
    for expect in (SGX, TDX, (*SGX, *TDX)):
        assert judge.certificate(mixed, expect=expect).code == NO


def test_26_the_second_piece_is_bound_to_another_key(judge, world):
    stolen = world.certificate("dice")  # somebody else's, copied into ours
    extra = x509.Ext(ratls.OID_DICE, stolen.payload[0])
    key = generate("p256")
    mine = ratls.mse(world.sgx, key=key, extra=[extra], **world.hooks)
    refused(judge.certificate(mine), "binding", "binding")
    refused(judge.certificate(mine, "--profile", "mse"), "binding", "binding")


def test_26_the_same_extension_twice(judge, world):
    for options in ({"duplicate": True}, {"second_payload": b"\x00"}, {"second_payload": b""}):
        done = judge.certificate(world.certificate("mse", **options))
        assert done.code == NO, str(done)
        assert "duplicate" in [c.get("code") for c in done.report["checks"]], str(done)


# 27: an OID is not evidence wherever its bytes are


@pytest.mark.parametrize("place", ("subject", "san"))
@pytest.mark.parametrize("profile", ("mse", "gramine-legacy", "dice"))
def test_27_evidence_hidden_in_other_fields_is_none(judge, world, place, profile):
    hidden = world.certificate(profile, hide=place)
    refused(judge.certificate(hidden), "evidence", "no-evidence")
    mine = world.certificate(profile, hide=place, keep_evidence=True)
    accepted(judge.certificate(mine), BOUND)


def test_27_hidden_evidence_does_not_replace_the_real_one(judge, world):
    inner = world.certificate("mse")
    blob = x509.Ext("2.25.3", b"\x06\x09" + inner.der)
    wrong = ratls.mse(other_enclave(world), first=[blob], **world.hooks)
    refused(judge.certificate(wrong), "fingerprint", "mismatch")


# 28: the certificate around the evidence


@pytest.mark.parametrize(
    "options, code",
    (
        ({"expired": True}, "expired"),
        ({"not_yet_valid": True}, "not-yet-valid"),
        ({"break_signature": True}, "signature"),
        ({"issuer": "CN=somebody else"}, ("chain", "signature", "mismatch")),
        ({"sign_key": generate("p256")}, "signature"),
        ({"not_before": AT + DAY, "not_after": AT - DAY}, ("value", "expired", "not-yet-valid")),
        ({"version": 0}, ("value", "unsupported", "format")),
        ({"extra": [x509.Ext("2.25.77", b"\x05\x00", True)]}, ("unsupported", "value")),
    ),
    ids=lambda o: next(iter(o)) if isinstance(o, dict) else "",
)
@pytest.mark.parametrize("profile", ("mse", "gramine-legacy", "open-enclave-report"))
def test_28_fields_that_the_evidence_does_not_cover(judge, world, profile, options, code):
    accepted(judge.certificate(world.certificate(profile)), BOUND)
    refused(judge.certificate(world.certificate(profile, **options)), "certificate", code)


def test_28_damaged_certificates(judge, world):
    good = world.certificate("mse").der
    for size in (1, 4, 50, len(good) // 2, len(good) - 1):
        done = judge.certificate(good[:size])
        refused(done, "certificate", ("truncated", "format", "value"))
    refused(judge.certificate(good + b"\x00"), "certificate", ("trailing", "format"))
    for offset in range(4, len(good), 331):
        bad = good[:offset] + bytes([good[offset] ^ 0x40]) + good[offset + 1 :]
        assert judge.certificate(bad).code == NO, offset


def test_28_which_code_it_is_does_not_depend_on_the_certificate(judge, world):
    done = judge.certificate(world.certificate("mse"))
    assert done.report["evidence"][0]["claims"]["mrenclave"] == MRENCLAVE
