# SPDX-License-Identifier: Apache-2.0
"""mse cloud verify: how it reaches a service, and what it refuses there."""

import ssl
import time
from datetime import timedelta

import pytest
from harness import MRENCLAVE, MRSIGNER, NO, UNKNOWN, saved, stopped

from testpki import ratls
from testpki.server import TlsServer

NAME = "app1.example"
SIGNER = ("--mrsigner", MRSIGNER)
CODE = ("--fingerprint", MRENCLAVE)


# ---- reaching it -----------------------------------------------------------------------------


def v6_works():
    try:
        with TlsServer(None, host="::1", mode="close"):
            return True
    except OSError:
        return False


needs_v6 = pytest.mark.skipif(not v6_works(), reason="no IPv6 here")


def test_an_address_is_a_name_like_any_other(cloud, present):
    certificate = present.certificate("mse", names=("IP:127.0.0.1",))
    with TlsServer(certificate) as server:
        saved(cloud("", domain=server.authority), certificate)
    other = present.certificate("mse", names=("IP:127.0.0.2", "DNS:127.0.0.1"))
    with TlsServer(other) as server:
        done = cloud("", "--output", "x", domain=server.authority)
        assert done.code == NO and set(done.written) == {"cert.pem"} and "name failed" in done.err



@needs_v6
def test_ipv6_addresses(cloud, present, mse):
    certificate = present.certificate("mse", names=("IP:::1",))
    with TlsServer(certificate, host="::1") as server:
        saved(cloud("", domain=f"[::1]:{server.port}"), certificate)
        saved(cloud("", domain=f"https://[::1]:{server.port}/"), certificate)
    named = present.certificate("mse")
    with TlsServer(named, host="::1") as server:
        saved(cloud(f"[::1]:{server.port}", "--force"), named)


def test_server_name_indication(cloud, present, good):
    seen = []
    with TlsServer(good) as server:
        server.contexts[0].sni_callback = lambda _, name, __: seen.append(name)
        cloud(server)
        cloud(server, "--force", domain="127.0.0.1", expect=(*SIGNER, "--name", NAME))
        cloud(server, "--force", "--name", "app1.example", domain="other.example")
        cloud(server, "--force", domain="127.0.0.1")
    assert seen == [NAME, NAME, NAME, None], seen


def test_name_replaces_the_domain(cloud, good):
    with TlsServer(good) as server:
        stopped(cloud(server, domain="other.example"), NO, "name")
        saved(cloud(server, "--name", NAME, domain="other.example"), good)


def test_another_apps_certificate_is_refused(cloud, present):
    with TlsServer(present.certificate("mse", names=("DNS:app2.example",))) as server:
        stopped(cloud(server), NO, "Verification: failed", "name failed")


def test_a_domain_may_come_as_a_url(cloud, good):
    with TlsServer(good) as server:
        saved(cloud(server, domain="https://app1.example/"), good)


@pytest.mark.parametrize(
    "mode, code, text",
    (
        ("plain", UNKNOWN, "TLS"),
        ("garbage", UNKNOWN, "handshake"),
        ("close", UNKNOWN, "handshake"),
        ("half", UNKNOWN, "handshake"),
        ("reset", UNKNOWN, "handshake"),
    ),
)
def test_services_that_misbehave(cloud, good, mode, code, text):
    with TlsServer(good, mode=mode) as server:
        stopped(cloud(server, "--timeout", "10"), code, text)


def test_a_service_that_never_answers(cloud, good):
    with TlsServer(good, mode="silent") as server:
        begin = time.monotonic()
        done = cloud(server, "--timeout", "1")
        assert time.monotonic() - begin < 5
    stopped(done, UNKNOWN, "timed out")


def test_nobody_listens(cloud, good):
    with TlsServer(good) as server:
        where = server.authority
    stopped(cloud(where), UNKNOWN)
    stopped(cloud("", domain="no-such-name.invalid"), UNKNOWN)


@pytest.mark.parametrize("version", ("TLSv1_2", "TLSv1_3"))
def test_versions_of_tls(cloud, good, version):
    number = getattr(ssl.TLSVersion, version)
    with TlsServer(good, minimum=number, maximum=number) as server:
        saved(cloud(server), good)


@pytest.mark.parametrize("size", (9_000, 20_000, 65_000, 1_000_000))
def test_38_large_certificates_over_the_network(cloud, present, size):
    certificate = present.certificate("mse", pad_to=size)
    with TlsServer(certificate) as server:
        done = cloud(server, "--timeout", "20")
        if size <= 65_000:
            saved(done, certificate)
        else:
            stopped(done, UNKNOWN, "larger than this program takes")


@pytest.mark.parametrize("kind", ("p384", "rsa2048", "rsa3072"))
def test_kinds_of_keys(cloud, present, kind):
    key = present.keys.get(f"kind-{kind}", kind)
    certificate = ratls.mse(present.sgx, key=key, **present.hooks)
    with TlsServer(certificate) as server:
        saved(cloud(server), certificate)


def test_a_key_that_is_not_known(cloud, present):
    key = present.keys.get("kind-p521", "p521")
    with TlsServer(ratls.dice(present.sgx, key=key, **present.hooks)) as server:
        stopped(cloud(server), NO, "certificate failed")


# ---- what is refused -------------------------------------------------------------------------


def test_every_refusal_names_its_check_and_writes_nothing(cloud, present):
    wrong = {
        "evidence": ratls.plain(**present.hooks),
        "binding": present.certificate("mse", bind_key=present.keys.get("another-leaf")),
        "certificate": present.certificate("mse", expired=True),
        "signer": ratls.mse(lambda rd: present.sgx(rd, mrsigner=bytes(32)), **present.hooks),
        "attributes": ratls.mse(lambda rd: present.sgx(rd, flags=7), **present.hooks),
        "signature": ratls.mse(
            lambda rd: present.sgx(rd, breaks="body_after_signing"), **present.hooks
        ),
    }
    for check, certificate in wrong.items():
        with TlsServer(certificate) as server:
            done = cloud(server, expect=(*SIGNER, *CODE))
            stopped(done, NO, f"  {check} failed")
            assert done.out == b"Checking your app...\n"
            assert server.wait() and server.app_bytes == 0 and server.handshakes == 0


def test_wrong_fingerprint_shows_both_values(cloud, good):
    with TlsServer(good) as server:
        done = cloud(server, expect=("--fingerprint", "11" * 32))
    stopped(done, NO, "fingerprint failed", "11" * 32, MRENCLAVE)


def test_without_the_simulation_root_nothing_simulated_passes(cloud, good):
    with TlsServer(good) as server:
        stopped(cloud(server, roots=False), NO)


def test_30_another_certificate_on_the_second_connection(cloud, present, good):
    """Verification is of the connection at hand: what was right once does not matter."""
    forged = ratls.plain(**present.hooks)
    with TlsServer([good, forged, good]) as server:
        saved(cloud(server), good)
        done = cloud(server, "--output", "second.pem")
        assert done.code == NO and set(done.written) == {"cert.pem"}
        saved(cloud(server), good)
        assert server.connections == 3


def test_old_certificates(cloud, present):
    at = present.at
    certificate = present.certificate("mse", not_before=at - timedelta(days=40))
    with TlsServer(certificate) as server:
        stopped(cloud(server, "--max-age", "30d"), NO, "age failed")
        saved(cloud(server, "--max-age", "41d"), certificate)
