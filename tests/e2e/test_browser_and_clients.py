# SPDX-License-Identifier: Apache-2.0
"""Programs that import the saved certificate: it opens its own name and nothing else."""

import shutil
import socket
import ssl
import subprocess
from datetime import timedelta
from types import SimpleNamespace

import pytest
from harness import MRENCLAVE, YES

from testpki import keys, ratls, x509
from testpki.server import TlsServer

NAME = "app1.example"
DAY = timedelta(days=1)


# ---- clients: True if the request was answered, False if the peer was refused ------------------


def curl(server, name, trusted):
    done = subprocess.run(
        ["curl", "-q", "-sS", "--noproxy", "*", "--cacert", trusted, "--max-time", "20",
         "--connect-to", f"::{server.host}:{server.port}", f"https://{name}/"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 60), done.stderr
    return done.returncode == 0 and done.stdout == b"hello\n"


def s_client(server, name, trusted, *more):
    names = ["-verify_ip", name] if name[0].isdigit() else ["-verify_hostname", name]
    done = subprocess.run(
        ["openssl", "s_client", "-connect", server.authority, "-servername", name, *names,
         "-CAfile", trusted, "-no-CApath", "-no-CAstore", "-verify_return_error", "-quiet",
         "-no_ign_eof", *more],
        input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    refused = b"verify error" in done.stderr or b"verify failed" in done.stderr
    assert refused or done.returncode == 0, done.stderr
    return not refused


def strict(server, name, trusted):
    """What newer libraries do by default."""
    return s_client(server, name, trusted, "-x509_strict", "-partial_chain")


def python(server, name, trusted):
    context = ssl.create_default_context(cafile=str(trusted))
    try:
        with socket.create_connection((server.host, server.port), timeout=20) as raw:
            with context.wrap_socket(raw, server_hostname=name) as tls:
                tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return tls.recv(100).startswith(b"HTTP/1.1 200")
    except ssl.SSLCertVerificationError:
        return False


def gnutls(server, name, trusted):
    done = subprocess.run(
        ["gnutls-cli", "--x509cafile", str(trusted), "--verify-hostname", name, "--sni-hostname",
         name, "-p", str(server.port), server.host],
        input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    return done.returncode == 0


CLIENTS = {"curl": curl, "openssl": s_client, "openssl strict": strict, "python": python,
           "gnutls": gnutls}  # fmt: skip
PROGRAMS = {"curl": "curl", "openssl": "openssl", "openssl strict": "openssl",
            "gnutls": "gnutls-cli"}  # fmt: skip


@pytest.fixture(params=CLIENTS)
def client(request):
    program = PROGRAMS.get(request.param)
    if program and shutil.which(program) is None:
        pytest.skip(f"no {program} here")
    return CLIENTS[request.param]


# ---- what is imported ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(present):
    return present.certificate("mse")


@pytest.fixture
def saved(mse, present, good):
    """cert.pem as mse cloud verify wrote it."""
    with TlsServer(good) as server:
        done = mse.run(
            "cloud", "verify", NAME, "--connect", server.authority, "--fingerprint", MRENCLAVE,
            "--simulation-root", mse.put(present.roots_pem()), "--offline",
            "--collateral", mse.put(present.bundle()),
        )  # fmt: skip
    assert done.code == YES, str(done)
    return mse.work / "cert.pem"


def test_the_saved_certificate_opens_its_own_name(client, saved, present, good):
    with TlsServer(good) as server:
        assert client(server, NAME, saved)
        assert not client(server, "app2.example", saved)
    with TlsServer(present.certificate("mse", key=keys.generate("p256"))) as server:
        assert not client(server, NAME, saved), "a new certificate needs a new verification"


def test_what_was_not_imported_is_refused(client, saved, mse, present, good):
    other = mse.put(present.certificate("mse", names=("DNS:other.example",)).pem)
    with TlsServer(good) as server:
        assert not client(server, NAME, other)


@pytest.mark.parametrize("size", (9_000, 20_000, 60_000))
def test_38_large_certificates_can_be_used(client, mse, present, size):
    certificate = present.certificate("mse", pad_to=size)
    with TlsServer(certificate) as server:
        assert client(server, NAME, mse.put(certificate.pem))


# ---- attacks with the imported key ------------------------------------------------------------


def issuer_of(attested):
    """The imported certificate in the role of an issuer."""
    subject = x509.name(ratls.MSE.subject)
    return SimpleNamespace(der=attested.der, key=attested.key, subject=subject, pem=attested.pem)


def leaf(issuer, present, names, *, key=None, subject="CN=leaf", ca=False):
    extensions = [x509.basic_constraints(ca)]
    extensions += [x509.key_usage("keyCertSign", "digitalSignature")] if ca else []
    extensions += [x509.subject_alt_name(*names)] if names else []
    extensions.append(x509.authority_key_id(issuer.key))
    return x509.issue(
        key=key or keys.generate("p256"), subject=subject, issuer=issuer, extensions=extensions,
        not_before=present.at - DAY, not_after=present.at + DAY,
    )  # fmt: skip


def presented(*chain):
    return SimpleNamespace(
        pem="".join(c.pem for c in chain), key_pem=keys.private_pem(chain[0].key).decode()
    )


def attacks(own, present):
    """{attack: (name asked for, what the server shows)}."""
    issuer = issuer_of(own)
    sub = leaf(issuer, present, (), subject="CN=sub", ca=True)
    twin = ratls.plain(names=("DNS:bank.example",), key=own.key, **present.hooks)
    return {
        "another site": ("bank.example",
                         presented(leaf(issuer, present, ("DNS:bank.example",)), issuer)),
        "a name in the subject only": ("bank.example",
                                       presented(leaf(issuer, present, (),
                                                      subject="CN=bank.example"), issuer)),
        "an address": ("127.0.0.1", presented(leaf(issuer, present, ("IP:127.0.0.1",)), issuer)),
        "a subdomain": ("x." + NAME,
                        presented(leaf(issuer, present, ("DNS:x." + NAME,)), issuer)),
        "below a sub-CA": ("bank.example",
                           presented(leaf(sub, present, ("DNS:bank.example",)), sub, issuer)),
        "a twin": ("bank.example", twin),
        "its own name, other key": (NAME, presented(leaf(issuer, present, ("DNS:" + NAME,)),
                                                    issuer)),
    }  # fmt: skip


def test_22_and_39_the_imported_key_vouches_for_nothing_else(client, saved, present, good):
    for attack, (name, shown) in attacks(good, present).items():
        with TlsServer(shown) as server:
            assert not client(server, name, saved), attack
            assert server.wait() and server.app_bytes == 0


def test_39_the_attacks_do_work_against_a_ca(client, mse, present):
    """Controls: with the old shape another site is accepted, so that the test above can fail."""
    old = present.certificate("mse", ca=True, drop=(x509.OID_NC, x509.OID_KU, x509.OID_EKU))
    trusted = mse.put(old.pem)
    name, shown = attacks(old, present)["another site"]
    with TlsServer(shown) as server:
        accepted = client(server, name, trusted)
    if client is strict:
        assert not accepted  # by luck: it has no key usage
    else:
        assert accepted


def test_wget(mse, present):
    """wget has no way to name another address: the app is localhost here."""
    if shutil.which("wget") is None:
        pytest.skip("no wget here")
    certificate = present.certificate("mse", names=("DNS:localhost",))
    trusted = mse.put(certificate.pem)

    def get(server, host):
        return subprocess.run(
            ["wget", "--no-config", "--no-proxy", "-qO-", "--tries=1", "--timeout=20", "-4",
             f"--ca-certificate={trusted}", "--ca-directory=/nonexistent",
             f"https://{host}:{server.port}/"],
            capture_output=True, env=mse.env(), check=False,
        )  # fmt: skip

    with TlsServer(certificate) as server:
        done = get(server, "localhost")
        assert (done.returncode, done.stdout) == (0, b"hello\n"), done.stderr
        assert get(server, "127.0.0.1").returncode == 5
    issuer = issuer_of(certificate)
    for host, san in (("127.0.0.1", "IP:127.0.0.1"), ("localhost", "DNS:localhost")):
        with TlsServer(presented(leaf(issuer, present, (san,)), issuer)) as server:
            assert get(server, host).returncode == 5
    with TlsServer(ratls.plain(names=("DNS:localhost",), **present.hooks)) as server:
        assert get(server, "localhost").returncode == 5
