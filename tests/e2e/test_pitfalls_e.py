# SPDX-License-Identifier: Apache-2.0
"""Known pitfalls of verifiers, E: freshness, relay, names, sizes."""

from datetime import timedelta

import pytest
from harness import AT, MRSIGNER, NO, SNP, accepted, refused, wrong_usage

from testpki import ratls, snp, x509
from testpki.amd import AmdPki
from testpki.intel import Platform

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


# 33: age


def test_33_certificates_older_than_allowed(judge, world):
    """Valid from one day before AT."""
    certificate = world.certificate("mse")
    accepted(judge.certificate(certificate), age="not applicable")
    for words in ("24h", "1d", "30d"):
        accepted(judge.certificate(certificate, "--max-age", words), age="passed")
    for words in ("23h", "1h"):
        refused(judge.certificate(certificate, "--max-age", words), "age", "expired")
    accepted(judge.certificate(certificate, "--max-age", "25h", at=AT + HOUR))
    refused(
        judge.certificate(certificate, "--max-age", "25h", at=AT + HOUR + SECOND), "age", "expired"
    )


def test_33_bare_evidence_has_no_age(judge, world):
    done = judge.quote(world.sgx(), "--max-age", "30d")
    refused(done, "age", "missing", 3)


def test_33_the_verdict_says_how_long_it_holds(judge, world):
    report = accepted(judge.certificate(world.certificate("mse"), "--max-age", "25h"))
    until = (AT + HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert report["holds_until"] == until and report["level"] == 1


def test_33_bad_durations(judge, world):
    for text in ("", "-1h", "1y", "h", "1.5d", "99999999999999999999d", "1h "):
        wrong_usage(judge.certificate(world.certificate("mse"), "--max-age", text), "max-age")


# 34: no nonce was asked for, so none is believed


def test_34_a_nonce_in_the_claims_makes_nothing_fresh(judge, world):
    for nonce in (b"\x00" * 8, b"\x5a" * 32):
        make = lambda key, n=nonce: ratls.dice_claims(key, nonce=n)  # noqa: E731
        certificate = ratls.dice(world.sgx, claims=make, **world.hooks)
        assert accepted(judge.certificate(certificate))["level"] == 1
        accepted(judge.certificate(certificate, "--min-level", "1"), level="passed")
        for level in ("2", "3"):
            done = judge.certificate(certificate, "--min-level", level)
            refused(done, "level", "policy")
    refused(judge.quote(world.sgx(), "--min-level", "1"), "level", "policy")


# 35: two genuine machines with the same code

OTHER = Platform(ppid=b"\x77" * 16, platform_instance_id=b"\x88" * 16)


def machines(world):
    pki = world.intel
    other = pki.make_pck(OTHER, key=pki.key("pck-b"), role="pck-b")
    a = ratls.mse(world.sgx, **world.hooks)
    b = ratls.mse(lambda rd: world.sgx(rd, pck=other), **world.hooks)
    return a, b


def test_35_machines_are_told_apart_by_a_list(judge, world):
    a, b = machines(world)
    accepted(judge.certificate(a), machine="not applicable")
    accepted(judge.certificate(b), machine="not applicable")
    own = Platform()
    for value in (own.ppid, own.platform_instance_id):
        words = ("--machine", value.hex())
        accepted(judge.certificate(a, *words), machine="passed")
        refused(judge.certificate(b, *words), "machine", "mismatch")
    words = ("--machine", OTHER.ppid.hex(), "--machine", own.ppid.hex())
    accepted(judge.certificate(a, *words))
    accepted(judge.certificate(b, *words))


def test_35_the_ppid_of_a_machine_is_what_its_leaf_says(judge, world):
    """Chip ids do not count for Intel, and zeros are no machine."""
    a, _ = machines(world)
    refused(judge.certificate(a, "--machine", "00" * 64), "machine", "mismatch")
    refused(judge.certificate(a, "--machine", "00" * 16), "machine", "mismatch")


def test_35_snp_machines(judge, world):
    milan = world.milan
    chip = milan.chip_id.hex()
    certs = snp.vek_certs(milan)
    a = ratls.tee_tools_snp(world.snp, certs, **world.hooks)
    accepted(judge.certificate(a, "--machine", chip, expect=SNP), machine="passed")
    refused(judge.certificate(a, "--machine", "07" * 64, expect=SNP), "machine", "mismatch")
    other = AmdPki("Milan", world.keys, AT, chip=b"\x07" * 64)
    evidence = lambda rd: snp.report(other, rd)  # noqa: E731
    b = ratls.tee_tools_snp(evidence, snp.vek_certs(other), **world.hooks)
    done = judge.certificate(b, expect=SNP, collateral=judge.amd(vek=False))
    accepted(done)
    done = judge.certificate(
        b, "--machine", chip, expect=SNP, collateral=judge.amd(vek=False)
    )
    refused(done, "machine", "mismatch")
    # a VLEK names a provider, not a machine
    vlek = ratls.tee_tools_snp(world.vlek, snp.vek_certs(milan, vlek=True)[1:], **world.hooks)
    accepted(judge.certificate(vlek, expect=SNP))
    refused(judge.certificate(vlek, "--machine", "00" * 64, expect=SNP), "machine", "mismatch")


def test_35_names_tell_two_apps_of_one_code_apart(judge, world):
    b = world.certificate("mse", names=("DNS:app2.example",))
    accepted(judge.certificate(b, "--name", "app2.example"), name="passed")
    refused(judge.certificate(b, "--name", "app1.example"), "name", "mismatch")


# 36: names

MATCH = (
    (("DNS:app1.example",), "app1.example", True),
    (("DNS:app1.example",), "APP1.Example", True),
    (("DNS:App1.EXAMPLE",), "app1.example", True),
    (("DNS:app1.example",), "app1.example.", None),
    (("DNS:a.example", "DNS:app1.example"), "app1.example", True),
    (("DNS:app1.example",), "app2.example", False),
    (("DNS:app1.example",), "x.app1.example", False),
    (("DNS:app1.example",), "example", False),
    (("DNS:app1.example",), "app1.example.org", False),
    (("DNS:*.example",), "app1.example", None),
    (("DNS:*.example",), "a.b.example", False),
    (("DNS:*.example",), "example", False),
    (("DNS:*.apps.example",), "app1.apps.example", True),
    (("DNS:*.apps.example",), "x.app1.apps.example", False),
    (("DNS:a*.apps.example",), "app1.apps.example", False),
    (("DNS:*",), "app1.example", False),
    (("DNS:*.*",), "app1.example", False),
    (("DNS:app1.*",), "app1.example", False),
    (("DNS:app1.example\0.evil.example",), "app1.example", False),
    (("DNS:",), "app1.example", False),
    (("IP:127.0.0.1",), "127.0.0.1", True),
    (("IP:127.0.0.1",), "127.0.0.2", False),
    (("IP:::1",), "::1", True),
    (("IP:::1",), "0:0:0:0:0:0:0:1", True),
    (("DNS:127.0.0.1",), "127.0.0.1", False),
    (("DNS:*.0.0.1",), "127.0.0.1", False),
    (("URI:https://app1.example/",), "app1.example", False),
    ((), "app1.example", False),
)


@pytest.mark.parametrize("names, asked, fine", MATCH, ids=lambda v: repr(v))
def test_36_names_of_certificates(judge, world, names, asked, fine):
    # Without constraints: what is asked is whether the name counts, not the shape.
    certificate = world.certificate("mse", names=names, drop=(x509.OID_NC,))
    done = judge.certificate(certificate, "--name", asked)
    if fine is None:
        assert done.code in (0, NO), str(done)
    elif fine:
        accepted(done, name="passed")
    else:
        assert done.code == NO, str(done)
        found = done.check("name")
        certificate_check = done.check("certificate")
        assert "failed" in (found["outcome"], certificate_check["outcome"]), str(done)


def test_36_common_names_do_not_count(judge, world):
    certificate = world.certificate("mse", names=(), subject="CN=app1.example")
    done = judge.certificate(certificate, "--name", "app1.example")
    refused(done, "name", ("mismatch", "missing"))
    certificate = world.certificate("mse", names=("DNS:b.example",), subject="CN=app1.example")
    refused(judge.certificate(certificate, "--name", "app1.example"), "name", "mismatch")


def test_36_the_waived_name_is_told(judge, world):
    accepted(judge.certificate(world.certificate("mse")), name="waived")
    done = judge.certificate(world.certificate("mse"), "--strict")
    refused(done, "name", "policy")
    words = ("--strict", "--name", "app1.example", "--mrsigner", MRSIGNER, "--min-level", "1")
    report = accepted(judge.certificate(world.certificate("mse"), *words))
    assert report["verdict"] == "pass"


# 38: sizes


@pytest.mark.parametrize("size", (9_000, 20_000, 65_536, 1_000_000))
def test_38_large_certificates(judge, world, size):
    certificate = world.certificate("mse", pad_to=size)
    assert len(certificate.der) >= size
    accepted(judge.certificate(certificate))
    accepted(judge.certificate(certificate.der))


def test_38_too_large_certificates(judge, world):
    certificate = world.certificate("mse", pad_to=(1 << 20) + 1)
    refused(judge.certificate(certificate), "certificate", "limit")
    done = judge.certificate(world.certificate("mse", pad_to=3 << 20))
    assert done.code != 0 and done.written == {}, str(done)


@pytest.mark.parametrize("kind", ("p256", "p384", "rsa2048", "rsa3072"))
def test_38_kinds_of_keys(judge, world, kind):
    key = world.keys.get(f"kind-{kind}", kind)
    for make in (ratls.dice, ratls.gramine_legacy):
        accepted(judge.certificate(make(world.sgx, key=key, **world.hooks)))
    done = judge.certificate(ratls.mse(world.sgx, key=key, **world.hooks))
    if kind.startswith("rsa"):  # POINT of an RSA key is what rats-tls hashes
        assert accepted(done)["evidence"][0]["profile"] == "rats-tls"
    else:
        assert accepted(done)["evidence"][0]["profile"] == "mse"


def test_38_a_kind_of_key_that_is_not_known(judge, world):
    key = world.keys.get("kind-p521", "p521")
    done = judge.certificate(ratls.dice(world.sgx, key=key, **world.hooks))
    refused(done, "certificate", "unsupported")
