# SPDX-License-Identifier: Apache-2.0
"""What users see of an instance and can check, in all three certificate modes."""

import shutil
import subprocess
from pathlib import Path

import pytest
from attest_peer import AttestPeer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from harness import NO, YES, Mse, files_below
from instance import CONFIG_NAME, NAME, Deployment, Instance, Platform
from owner_door import Door
from probe_app import PROBE_APP, certificate_of, get

CURL_UNTRUSTED = 60
EVIDENCE = x509.ObjectIdentifier("1.2.840.113741.1337.6")
MRENCLAVE = slice(48 + 64, 48 + 96)  # of a quote: its header, then the report body
OTHER = "other.example"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("names")


@pytest.fixture(scope="module")
def platform(build, place):
    return Platform(build, place / "tee")


@pytest.fixture(scope="module")
def deployment(program, build, place):
    return Deployment(Mse(program, place), build, code={"app": PROBE_APP})


@pytest.fixture(scope="module")
def running(platform, deployment, place):
    with Instance(platform, deployment, place / "running") as instance:
        yield instance.configured()
        assert instance.stop()[0] == 0 and instance.problems == []


@pytest.fixture
def user(program, tmp_path):
    """A user with an empty home and an empty directory."""
    return Mse(program, tmp_path)


def verify(user, instance, *words, platform=None, address=None, domain=None):
    platform = platform or instance.platform
    return user.run("cloud", "verify", domain or instance.name, "--connect",
                    address or instance.address, *platform.trust(), *words)  # fmt: skip


def refused(done, *texts):
    """Exit status 1, no certificate, and the reasons."""
    assert done.code == NO, str(done)
    assert done.written == {}
    for text in texts:
        assert text in done.err + done.out.decode(), str(done)


def pem(der):
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


# ---- the app's own certificate ----------------------------------------------------------------


def test_A11_the_verified_certificate_is_the_one_to_use(running, deployment, user, place):
    done = verify(user, running, "--fingerprint", running.fingerprint)
    assert done.code == YES, str(done)
    assert done.written == {"cert.pem": pem(certificate_of(running))}
    answer = running.curl(user.work / "cert.pem", "/", "-o", "/dev/null", "-w", "%{http_code}")
    assert answer.stdout == b"200", answer.stderr
    with Instance(running.platform, deployment, place / "second") as second:
        second.wait("waiting")
        (user.work / "second.pem").write_bytes(pem(certificate_of(second)))
    answer = running.curl(user.work / "second.pem")
    assert answer.returncode == CURL_UNTRUSTED, answer


def test_D2_the_certificate_has_evidence_and_name(running, user):
    file = user.put(certificate_of(running))
    said = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", file, "-noout", "-text"],
                          check=True, capture_output=True, text=True).stdout  # fmt: skip
    assert f"X509v3 Subject Alternative Name: \n                DNS:{NAME}\n" in said
    assert f"{EVIDENCE.dotted_string}: " in said
    assert "X509v3 Basic Constraints: critical\n                CA:FALSE\n" in said
    assert f"Permitted:\n                  DNS:{NAME}\n" in said
    assert "ASN1 OID: prime256v1" in said
    found = x509.load_der_x509_certificate(certificate_of(running))
    quote = found.extensions.get_extension_for_oid(EVIDENCE).value.value
    assert quote[MRENCLAVE].hex() == running.fingerprint


def test_A7_only_code_in_an_enclave(running, deployment, build, user, place, tmp_path):
    """A certificate without evidence; a chain under somebody's own root; a debug enclave."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    real = x509.load_der_x509_certificate(certificate_of(running))
    plain = (
        x509.CertificateBuilder(names, names, key.public_key(), 1)
        .not_valid_before(real.not_valid_before).not_valid_after(real.not_valid_after)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    with peer(plain, key) as imitation:
        refused(verify(user, running, "--fingerprint", running.fingerprint,
                       address=imitation.authority), "evidence")  # fmt: skip
    own = Platform(build, tmp_path / "own")
    refused(verify(user, running, "--fingerprint", running.fingerprint, platform=own), "root")
    with Instance(running.platform, deployment, place / "debug", "--debug") as debug:
        debug.wait("waiting")
        refused(verify(user, debug, "--fingerprint", debug.fingerprint), "debug")


def peer(certificate, key):
    return AttestPeer(([certificate.public_bytes(Encoding.DER)], key), lambda asked: None, alpn=False)


def test_A8_the_operators_signature_is_compared(running, user):
    done = verify(user, running, *running.platform.signer, *running.platform.instance_key)
    assert done.code == YES, str(done)
    (user.work / "cert.pem").unlink()
    expected = "5a" * 32
    done = verify(user, running, "--mrsigner", expected)
    refused(done, expected)
    seen = verify(user, running, "--mrsigner", expected, "--json").check("signer")
    assert seen["outcome"] == "failed" and expected in str(seen)


def test_A9_one_byte_of_the_code_is_another_fingerprint(running, deployment, user, tmp_path):
    shutil.copytree(deployment.code, tmp_path / "code")
    words = ("--context", deployment.context, "--code", tmp_path / "code", "--runtime",
             deployment.runtime, "--loader", deployment.loader)  # fmt: skip
    done = verify(user, running, *words)
    assert done.code == YES, str(done)
    (user.work / "cert.pem").unlink()
    code = (tmp_path / "code" / "app").read_bytes()
    (tmp_path / "code" / "app").write_bytes(code.replace(b"there is room", b"there is Room"))
    refused(verify(user, running, *words), "differs app")
    words = [tmp_path / "code" if w == deployment.code else w for w in deployment.words]
    other = deployment.run("fingerprint", *words).strip()
    assert other != running.fingerprint
    refused(verify(user, running, "--fingerprint", other), other, running.fingerprint)


def test_A10_a_failed_check_leaves_no_certificate(running, user):
    wrong = ("--fingerprint", "00" * 32)
    refused(verify(user, running, *wrong, "--force"))
    (user.work / "cert.pem").write_text("an older one\n")
    done = verify(user, running, *wrong, "--force")
    assert done.code == NO and done.written == {"cert.pem": b"an older one\n"}, str(done)
    assert set(files_below(user.work)) == {"cert.pem"}


def test_A27_the_key_must_be_the_one_in_the_quote(running, user):
    """A relay with a key of its own shows all that the real certificate has."""
    real = x509.load_der_x509_certificate(certificate_of(running))
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder(
        real.issuer, real.subject, key.public_key(), real.serial_number, real.not_valid_before,
        real.not_valid_after,
        [e for e in real.extensions if e.oid != x509.ExtensionOID.AUTHORITY_KEY_IDENTIFIER],
    ).sign(key, hashes.SHA256())  # fmt: skip
    with peer(made, key) as relay:
        done = verify(user, running, "--fingerprint", running.fingerprint, "--json",
                      address=relay.authority)  # fmt: skip
        assert done.code == NO and done.written == {}, str(done)
        assert done.check("binding")["outcome"] == "failed"


def test_A28_another_apps_certificate_is_refused(running, deployment, user, place):
    """Of the same operator, and the fingerprint is not asked for. An instance does not even answer
    to another name; somebody who took its key would."""
    platform = running.platform
    words = (*platform.signer, *platform.instance_key)
    with Instance(platform, deployment, place / "b", name=OTHER) as other:
        other.wait("waiting")
        done = verify(user, other, *words)
        assert done.code == YES, str(done)
        (user.work / "cert.pem").unlink()
        done = verify(user, other, *words, domain=NAME)
        assert done.code not in (YES, NO) and done.written == {}, str(done)
        with pytest.raises(OSError, match="(?i)unrecognized.name"):
            certificate_of(other, NAME)
    file, key = place / "stolen.pem", place / "stolen.key"
    subprocess.run([platform.simtee, "certificate", platform.directory, "--name", OTHER, "--output",
                    file, "--key", key], check=True, capture_output=True)  # fmt: skip
    stolen = x509.load_pem_x509_certificate(file.read_bytes())
    with peer(stolen, load_pem_private_key(key.read_bytes(), None)) as thief:
        for domain, wanted in ((OTHER, YES), (NAME, NO)):
            done = verify(user, running, *words, address=thief.authority, domain=domain,
                          *(() if wanted == YES else ("--json",)))  # fmt: skip
            assert done.code == wanted, str(done)
            (user.work / "cert.pem").unlink(missing_ok=wanted == NO)
        assert done.written == {} and done.check("name")["outcome"] == "failed"


# ---- the owner's ------------------------------------------------------------------------------


class OwnPki:
    """CA, intermediate and leaf, by openssl."""

    def __init__(self, directory, name=NAME):
        self.directory, self.ca = directory, directory / "ca.pem"
        directory.mkdir()
        self._make("ca", "/CN=ca", "CA:TRUE")
        self._make("sub", "/CN=sub", "CA:TRUE", signer="ca")
        self._make("leaf", "/CN=x", "CA:FALSE", signer="sub", names=name)
        self.key, self.chain = directory / "leaf.key", directory / "chain.pem"
        self.chain.write_bytes(self._read("leaf") + self._read("sub"))

    def _read(self, name):
        return (self.directory / f"{name}.pem").read_bytes()

    def _make(self, name, subject, constraints, signer=None, names=None):
        d = self.directory
        words = ["-CA", d / f"{signer}.pem", "-CAkey", d / f"{signer}.key"] if signer else []
        more = ["-addext", f"subjectAltName=DNS:{names}"] if names else []
        request = d / f"{name}.csr"
        subprocess.run(
            ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", d / f"{name}.key", "-out", request, "-subj", subject, *more,
             "-addext", f"basicConstraints=critical,{constraints}"], check=True, capture_output=True,
        )  # fmt: skip
        signing = words or ["-signkey", d / f"{name}.key"]
        subprocess.run(
            ["openssl", "x509", "-req", "-in", request, "-out", d / f"{name}.pem", "-days", "30",
             "-copy_extensions", "copyall", *signing], check=True, capture_output=True,
        )  # fmt: skip

    def members(self):
        return {"ssl_private_key": self.key.read_text(), "ssl_certificate": self.chain.read_text()}


@pytest.fixture(scope="module")
def pki(place):
    return OwnPki(place / "pki")


@pytest.fixture(scope="module")
def owners(platform, deployment, pki, place):
    """Waits under cert=owner; what a test is refused it leaves as it was."""
    with Instance(platform, deployment, place / "owners", cert="owner") as instance:
        instance.wait("waiting")
        yield instance
        assert instance.stop()[0] == 0 and instance.problems == []


def shown(instance, name):
    """The chain as PEM, by openssl."""
    said = subprocess.run(
        ["openssl", "s_client", "-connect", instance.address, "-servername", name, "-showcerts"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
    return "".join(begin + part.partition(end)[0] + end for part in said.split(begin)[1:])


@pytest.mark.parametrize("name", ["key of another", "no key", "no chain", "another name", "no issuer"])
def test_an_owners_certificate_that_does_not_fit_is_refused(owners, pki, place, name):
    door = Door(owners, name=CONFIG_NAME)
    members = pki.members()
    if name == "key of another":
        members["ssl_private_key"] = (pki.directory / "sub.key").read_text()
    elif name == "no key":
        del members["ssl_private_key"]
    elif name == "no chain":
        del members["ssl_certificate"]
    elif name == "another name":
        members = OwnPki(place / "other-pki", OTHER).members()
    else:
        members["ssl_certificate"] = (
            (pki.directory / "leaf.pem").read_text() + pki.ca.read_text())  # fmt: skip
    status, _, problem = door.post(door.body(**members))
    assert status == 422 and problem["detail"], problem


def test_A3_B27_the_owners_chain_is_served_and_can_be_verified(owners, pki, user):
    own = certificate_of(owners, CONFIG_NAME)
    assert certificate_of(owners, NAME) == own, "before: there is no other"
    door = Door(owners, name=CONFIG_NAME)
    assert door.post(door.body(**pki.members()))[0] == 200
    owners.wait("running")
    for _ in range(2):  # and again after a restart
        assert shown(owners, NAME) == pki.chain.read_text()
        assert certificate_of(owners, CONFIG_NAME) == own
        answer = owners.curl(pki.ca, "/", "-o", "/dev/null", "-w", "%{http_code}")
        assert answer.stdout == b"200", answer.stderr
        done = verify(user, owners, "--fingerprint", owners.fingerprint, "--fresh",
                      "--unsafe-shape")  # fmt: skip
        assert done.code == YES, str(done)
        assert done.written == {"cert.pem": (pki.directory / "leaf.pem").read_bytes()}
        (user.work / "cert.pem").unlink()
        assert owners.stop()[0] == 0
        owners.start()
        owners.wait("running")


def test_A26_no_warning_is_to_be_accepted(platform, program, build, pki, place):
    """The page for users says so, and an app with a certificate of the Web's PKI can make browsers
    hold to it: what it says about that reaches them."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "clients.md").read_text()
    assert "Never click through a browser's warning" in page
    (place / "hsts").mkdir()
    field = b"Strict-Transport-Security: max-age=63072000"
    app = PROBE_APP.replace("Connection: close", f"Connection: close\\r\\n{field.decode()}")
    owner = Deployment(Mse(program, place / "hsts"), build, code={"app": app})
    with Instance(platform, owner, place / "hsts" / "instance", cert="owner") as instance:
        instance.wait("waiting")
        door = Door(instance, name=CONFIG_NAME)
        assert door.post(door.body(**pki.members()))[0] == 200
        instance.wait("running")
        assert field in instance.curl(pki.ca, "/", "-i").stdout
        assert instance.stop()[0] == 0


# ---- the operator's ---------------------------------------------------------------------------


def test_A4_with_the_operators_certificate_only_the_config_name_is_ours(
    platform, deployment, user, place
):
    """Users end at the operator's proxy, whose second leg is checked by this certificate."""
    with Instance(platform, deployment, place / "operators", cert="operator") as instance:
        instance.wait("waiting")
        door = Door(instance, name=CONFIG_NAME)
        assert door.post(door.body())[0] == 200
        instance.wait("running")
        own = x509.load_der_x509_certificate(certificate_of(instance, CONFIG_NAME))
        names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [CONFIG_NAME]
        done = verify(user, instance, "--fingerprint", instance.fingerprint, domain=CONFIG_NAME)
        assert done.code == YES, str(done)
        answer = instance.curl(user.work / "cert.pem", "/", "-o", "/dev/null", "-w",
                               "%{http_code}", name=CONFIG_NAME)  # fmt: skip
        assert answer.stdout == b"200", answer.stderr
        assert get(instance, "/secrets", name=CONFIG_NAME) == {}
        assert instance.curl(user.work / "cert.pem").returncode == CURL_UNTRUSTED
        assert instance.stop()[0] == 0


def test_the_three_modes_have_three_fingerprints(deployment):
    found = {deployment.fingerprint("--cert", cert) for cert in ("self", "owner", "operator")}
    assert len(found) == 3
