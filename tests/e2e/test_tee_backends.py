# SPDX-License-Identifier: Apache-2.0
"""The runtime's own code for Gramine, TDX and SEV-SNP on prepared trees: from the request for
evidence, answered with evidence of a test PKI, to a certificate that mse verifies."""

import hashlib
import json
import os
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import AT, MRENCLAVE, Judge, accepted, refused
from sim_machine import OWNER, environment

from testpki import quote, snp

ARGUMENTS = [
    "mse-enclave", "format=1", f"tree={'11' * 32}", f"owner={OWNER}", "cert=self",
    "health=/health", "memory=1024", "threads=64", "unsigned=no", "isolation=process",
    f"runtime={'22' * 32}", "command", "arg=/bin/true",
]  # fmt: skip
DIGEST_INPUT = b"mse-app-v1\n" + b"".join(
    len(a).to_bytes(4, "little") + a.encode() for a in ARGUMENTS[1:]
)
APP_DIGEST = hashlib.sha256(DIGEST_INPUT).digest()
RTMR3 = hashlib.sha384(bytes(48) + hashlib.sha384(DIGEST_INPUT).digest()).digest()
OIDS = {"gramine": "1.2.840.113741.1337.6", "snp": "1.2.840.113741.1337.7",
        "tdx": "1.2.840.113741.1337.8"}  # fmt: skip


class Tree:
    """Files of a kernel. Those that wait for somebody are FIFOs, and threads stand behind them."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.threads = []
        self.requests = []  # report data that was asked about

    def put(self, path, content):
        place = self.dir / path
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(place.name + ".new")
        part.write_bytes(content)
        part.rename(place)  # nobody sees half of it

    def fifo(self, path):
        place = self.dir / path
        place.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(place)
        return place

    def behind(self, act):
        thread = threading.Thread(target=act, daemon=True)  # what nobody asks waits for ever
        thread.start()
        self.threads.append(thread)


def gramine(tree, evidence, type_=b"dcap"):
    """Gramine, "Attestation and secret provisioning": the quote is made when it is opened."""
    tree.put("dev/attestation/attestation_type", type_)
    tree.put("dev/attestation/user_report_data", bytes(64))
    tree.put("dev/attestation/keys/_sgx_mrenclave", bytes(range(16)))
    place = tree.fifo("dev/attestation/quote")

    def answer():
        with place.open("wb", buffering=0) as file:
            data = (tree.dir / "dev/attestation/user_report_data").read_bytes()
            tree.requests.append(data)
            file.write(evidence(data))

    tree.behind(answer)


ENTRY = "sys/kernel/config/tsm/report/mse-enclave"


def tsm(tree, provider, evidence, aux=None, rounds=1, others=()):
    """Linux, Documentation/ABI/testing/configfs-tsm; others: rounds in which somebody else writes."""
    tree.put(f"{ENTRY}/provider", provider + b"\n")
    tree.put(f"{ENTRY}/generation", b"7\n")
    if aux is not None:
        tree.put(f"{ENTRY}/auxblob", aux)
    if provider == b"sev_guest":
        tree.put(f"{ENTRY}/privlevel_floor", b"0\n")
    inblob, outblob = tree.fifo(f"{ENTRY}/inblob"), tree.fifo(f"{ENTRY}/outblob")

    def answer():
        generation = 7
        for number in range(rounds):
            data = inblob.read_bytes()
            tree.requests.append(data)
            generation += 2 if number in others else 1
            tree.put(f"{ENTRY}/generation", b"%d\n" % generation)
            with outblob.open("wb", buffering=0) as file:
                file.write(evidence(data))

    tree.behind(answer)


def rtmr3(tree, before=bytes(48), extend=True):
    """Linux 6.16, sysfs-devices-virtual-misc-tdx_guest: reads, is extended, reads again."""
    place = tree.fifo("sys/class/misc/tdx_guest/measurements/rtmr3:sha384")

    def answer():
        place.write_bytes(before)
        event = place.read_bytes()
        assert len(event) == 48
        place.write_bytes(hashlib.sha384(before + event).digest() if extend else before)

    tree.behind(answer)


@pytest.fixture
def make(build, tmp_path):
    program = build / "tests" / "tools" / "enclave_certificate"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    instance = tmp_path / "instance.json"
    instance.write_text(json.dumps({
        "name": "app1.example", "config_name": "id.config.example",
        "uuid": "00000000-0000-4000-8000-000000000001", "listen": "127.0.0.1:0",
        "not_after": (AT + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }))  # fmt: skip

    def run(tree, arguments=None):
        """(certificate as PEM or None, what it said)."""
        done = subprocess.run(
            [program, tree.dir, instance, str(int(AT.timestamp())), "--",
             *(arguments or ARGUMENTS)],
            capture_output=True, timeout=30, env=environment(), check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done
        assert (done.returncode == 0) == (done.stdout != b"")
        return done.stdout or None, done.stderr.decode()

    return run


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree").mkdir()
    return Tree(tmp_path / "tree")


@pytest.fixture
def judges(judge, mse, world):
    """{kind: judge of a certificate with the right expectations}."""
    milan = snp.digest("measurement", 48).hex()
    expect = {
        "gramine": ("--fingerprint", MRENCLAVE),
        "tdx": ("--mrtd", quote.Td10Body().mrtd.hex(), "--rtmr3", RTMR3.hex()),
        "snp": ("--measurement", milan, "--host-data", APP_DIGEST.hex()),
    }

    def verify(kind, certificate, *words):
        one = Judge(mse, world)
        parts = [one.amd()] if kind == "snp" else [one.collateral()]
        return one.certificate(certificate, *words, expect=expect[kind], collateral=parts)

    return verify


def key_of(pem):
    """SHA-256 of the certificate's point, which the evidence has to be about."""
    certificate = x509.load_pem_x509_certificate(pem)
    point = certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return hashlib.sha256(point).digest()


def with_another_key(pem):
    """The same certificate, evidence and all, of somebody who has another key."""
    old = x509.load_pem_x509_certificate(pem)
    key = ec.generate_private_key(ec.SECP256R1())
    new = (
        x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer)
        .public_key(key.public_key()).serial_number(old.serial_number)
        .not_valid_before(old.not_valid_before).not_valid_after(old.not_valid_after)
    )  # fmt: skip
    for extension in old.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectKeyIdentifier):
            value = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        elif isinstance(value, x509.AuthorityKeyIdentifier):
            value = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        new = new.add_extension(value, extension.critical)
    return new.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def prepare(kind, tree, world, edit=lambda data: data, **more):
    """A tree of this kind; edit: what the host makes of the report data."""
    if kind == "gramine":
        gramine(tree, lambda data: world.sgx(edit(data)), **more)
    elif kind == "tdx":
        rtmr3(tree)
        tsm(tree, b"tdx_guest", lambda data: world.tdx(edit(data), rtmr3=RTMR3), **more)
    else:
        more.setdefault("aux", snp.cert_table(snp.vek_certs(world.milan)))
        more.setdefault("rounds", 2)
        tsm(tree, b"sev_guest",
            lambda data: world.snp(data if data == bytes(64) else edit(data),
                                   host_data=APP_DIGEST), **more)  # fmt: skip


KINDS = ("gramine", "tdx", "snp")


@pytest.mark.parametrize("kind", KINDS)
def test_evidence_leads_to_a_verified_certificate(kind, make, tree, world, judges):
    prepare(kind, tree, world)
    pem, said = make(tree)
    assert pem is not None and said == f"{kind}\n", said
    certificate = x509.load_pem_x509_certificate(pem)
    assert certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(OIDS[kind]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["app1.example"]
    assert len(tree.requests) == (2 if kind == "snp" else 1)
    assert tree.requests[-1][:32] == key_of(pem) and tree.requests[-1][32:] != bytes(32)
    report = accepted(judges(kind, pem, "--name", "app1.example"), binding="passed",
                      name="passed", certificate="passed")  # fmt: skip
    assert report["simulated"] is True
    assert report["x25519"] == tree.requests[-1][32:].hex()
    # The evidence in somebody else's certificate.
    refused(judges(kind, with_another_key(pem)), "binding", "binding")


@pytest.mark.parametrize("kind", KINDS)
def test_evidence_about_something_else_is_not_taken(kind, make, tree, world):
    prepare(kind, tree, world, edit=lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    pem, said = make(tree)
    assert pem is None and "other report data" in said


@pytest.mark.parametrize("kind", KINDS)
def test_evidence_that_is_cut_or_endless_is_not_taken(kind, make, tree, world, tmp_path):
    for number, change in enumerate((lambda e: e[:100], lambda e: e + bytes(1 << 20))):
        other = Tree(tmp_path / f"tree{number}")
        prepare(kind, other, Evidence(world, change))
        pem, said = make(other)
        assert pem is None and ("bytes" in said or "evidence" in said or "report" in said), said


class Evidence:
    """A world whose evidence is changed on its way."""

    def __init__(self, world, change):
        self.world, self.change, self.milan = world, change, world.milan

    def __getattr__(self, kind):
        return lambda *a, **more: self.change(getattr(self.world, kind)(*a, **more))


def test_a_bare_report_will_do(make, tree, world, judges):
    prepare("snp", tree, world, aux=b"")
    pem, _ = make(tree)
    accepted(judges("snp", pem))


@pytest.mark.parametrize(
    "aux",
    [
        b"\x01" * 24,  # no end
        b"\x01" * 16 + (100).to_bytes(4, "little") + (5).to_bytes(4, "little") + bytes(24),
        bytes(23),
    ],
)
def test_a_certificate_table_that_makes_no_sense_is_refused(make, tree, world, aux):
    prepare("snp", tree, world, aux=aux)
    pem, said = make(tree)
    assert pem is None and "certificate table" in said


def test_certificates_that_nobody_asked_for_are_left_out(make, tree, world, judges, monkeypatch):
    monkeypatch.setitem(snp.GUIDS, "other", "11111111-2222-3333-4444-555555555555")
    certs = [("other", b"what a host may want to say"), *snp.vek_certs(world.milan)]
    prepare("snp", tree, world, aux=snp.cert_table(certs, pad=500))
    pem, _ = make(tree)
    accepted(judges("snp", pem))
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    assert certs[0][1] not in der and all(content in der for _, content in certs[1:])


# ---- what must be before the keys -----------------------------------------------------------


def test_snp_launched_for_another_app_is_refused(make, tree, world):
    prepare("snp", tree, world)
    other = [w.replace("11" * 32, "33" * 32) for w in ARGUMENTS]
    pem, said = make(tree, other)
    assert pem is None and "HOST_DATA" in said and tree.requests == [bytes(64)]


def test_tdx_that_was_extended_before_is_refused(make, tree, world):
    rtmr3(tree, before=b"\x01" * 48)
    tsm(tree, b"tdx_guest", world.tdx)
    pem, said = make(tree)
    assert pem is None and "rtmr3" in said and "anew" in said and tree.requests == []


def test_tdx_whose_register_does_not_follow_is_refused(make, tree, world):
    rtmr3(tree, extend=False)
    tsm(tree, b"tdx_guest", world.tdx)
    pem, said = make(tree)
    assert pem is None and "rtmr3" in said and tree.requests == []


def test_tdx_without_registers_is_refused(make, tree, world):
    tsm(tree, b"tdx_guest", world.tdx)
    pem, said = make(tree)
    # the path is in the message too, cut where it is long
    assert pem is None and "there is no such file" in said and tree.requests == []


# ---- generation -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tdx", "snp"])
def test_a_report_of_another_generation_is_asked_for_again(kind, make, tree, world, judges):
    first = 0 if kind == "tdx" else 1
    prepare(kind, tree, world, rounds=first + 3, others=(first, first + 1))
    pem, _ = make(tree)
    assert len(tree.requests) == first + 3
    accepted(judges(kind, pem))


def test_somebody_who_always_writes_is_reported(make, tree, world):
    prepare("tdx", tree, world, rounds=50, others=range(50))
    pem, said = make(tree)
    assert pem is None and "generation" in said and len(tree.requests) == 5


# ---- which TEE ------------------------------------------------------------------------------


def test_an_empty_tree_has_no_tee(make, tree):
    pem, said = make(tree)
    assert pem is None and "mse-simtee run" in said and "/dev/attestation" in said


def test_a_provider_that_is_not_known_is_named(make, tree):
    tree.put(f"{ENTRY}/provider", b"arm_cca_guest\n")
    pem, said = make(tree)
    assert pem is None and "arm_cca_guest" in said


def test_gramine_without_dcap_is_refused(make, tree, world):
    gramine(tree, world.sgx, type_=b"none")
    pem, said = make(tree)
    assert pem is None and "none" in said and "remote_attestation" in said


def test_gramine_outside_of_sgx_is_refused(make, tree):
    tree.put("dev/attestation/keys/default", bytes(16))
    pem, said = make(tree)
    assert pem is None and "attestation_type" in said
