# SPDX-License-Identifier: Apache-2.0
"""mse-simtee against independent readers: what it makes verifies, what it serves can be used."""

import base64
import hashlib
import http.client
import json
import os
import select
import signal
import socket
import ssl
import stat
import struct
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "pki"))

import checker  # noqa: E402
from checker import Bad  # noqa: E402

BUILD = Path(os.environ.get("MSE_BUILD", ROOT / "build")).resolve()
SIMTEE = BUILD / "src" / "simtee" / "mse-simtee"
AT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone.utc)
AT_TEXT = "2026-03-01T12:00:00Z"
DAY = timedelta(days=1)
MRENCLAVE = hashlib.sha256(b"mse-simtee demo app\n").digest()
OID_QUOTE = "1.2.840.113741.1337.6"
OID_STATEMENT = "1.2.840.113741.1337.32"
STATUSES = (
    "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded",
    "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked",
)  # fmt: skip

pytestmark = pytest.mark.skipif(not SIMTEE.exists(), reason=f"{SIMTEE} is not built")


def simtee(*words, code=0):
    """One run; returns the completed process after checking its exit code."""
    done = subprocess.run(
        [SIMTEE, *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, (words, done.returncode, done.stderr)
    return done


class Platform:
    """A platform's directory, read with python-cryptography; fits checker.check_quote()."""

    def __init__(self, directory, at=AT):
        self.dir, self.at = Path(directory), at
        self.root = self.cert("root")
        self.root.der = None

    def cert(self, name):
        pem = (self.dir / f"{name}.pem").read_bytes()

        class Holder:
            cert = x509.load_pem_x509_certificate(pem)
            der = cert.public_bytes(Encoding.DER)

        return Holder

    def tcb_chain_pem(self):
        return (self.dir / "tcb-signing.pem").read_text() + (self.dir / "root.pem").read_text()

    def bundle(self, path=None):
        return Bundle(path or self.dir / "collateral.json")

    @property
    def operator(self):
        return json.loads((self.dir / "operator.json").read_text())

    def check(self, quote, bundle=None, at=None):
        bundle = bundle or self.bundle()
        ca = checker.load_chain(checker.parse_quote(quote)["certs"])[1]
        return checker.check_quote(
            quote, self, tcb_info=bundle.tcb_info, qe_identity=bundle.qe_identity, at=at,
            crls={"root": bundle.crl(self.root.cert), "pck": bundle.crl(ca)},
        )  # fmt: skip


class Bundle:
    """A collateral bundle by kind; every byte as it is in the file."""

    def __init__(self, path):
        value = json.loads(Path(path).read_text())
        assert value["format"] == "mse-collateral-v1"
        self.items = value["items"]
        for item in self.items:
            item["data"] = base64.b64decode(item["data"], validate=True)

    def one(self, kind):
        (item,) = [i for i in self.items if i["kind"] == kind]
        return item

    @property
    def tcb_info(self):
        return self.one("tcb_info")["data"]

    @property
    def qe_identity(self):
        return self.one("qe_identity")["data"]

    def crl_item(self, issuer):
        (item,) = [
            i for i in self.items
            if i["kind"] == "crl" and x509.load_der_x509_crl(i["data"]).issuer == issuer.subject
        ]  # fmt: skip
        return item

    def crl(self, issuer):
        return self.crl_item(issuer)["data"]


def make_platform(directory, *options):
    simtee("init", directory, "--at", AT_TEXT, *options)
    platform = Platform(directory)
    platform.root = platform.cert("root")
    return platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    return make_platform(tmp_path_factory.mktemp("simtee") / "platform")


@pytest.fixture(scope="module")
def processor(tmp_path_factory):
    return make_platform(tmp_path_factory.mktemp("simtee") / "p", "--processor")


def make_quote(platform, tmp_path, *options, report_data=bytes(64)):
    out = tmp_path / "quote.bin"
    simtee("quote", platform.dir, "--report-data", report_data.hex(), "--output", out, *options)
    return out.read_bytes()


# ---- platform and quotes ------------------------------------------------------------------------


def test_directory_and_keys_are_private(platform):
    assert stat.S_IMODE(platform.dir.stat().st_mode) == 0o700
    for path in platform.dir.iterdir():
        want = 0o600 if path.suffix == ".key" else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == want, path.name
    assert {p.name for p in platform.dir.glob("*.key")} >= {"root.key", "pck.key", "owner.key"}


def test_private_keys_are_in_no_public_file(platform):
    for path in platform.dir.iterdir():
        if path.suffix != ".key":
            assert "PRIVATE KEY" not in path.read_text(), path.name


@pytest.mark.parametrize("which", ("platform", "processor"))
def test_quote_verifies(request, tmp_path, which):
    sim = request.getfixturevalue(which)
    rd = bytes(range(64))
    parsed = sim.check(make_quote(sim, tmp_path, report_data=rd))
    assert parsed["report_data"] == rd
    assert parsed["statuses"] == ["UpToDate", "UpToDate"]
    assert parsed["auth"] == bytes(range(32))
    ca = checker.load_chain(parsed["certs"])[1]
    assert which.capitalize().encode() in ca.subject.public_bytes()


def test_quote_states_the_enclave(platform, tmp_path):
    quote = make_quote(platform, tmp_path)
    body = checker.parse_quote(quote)["body"]
    signer = serialization.load_pem_public_key(platform.operator["signer"].encode())
    assert signer.key_size == 3072 and signer.public_numbers().e == 3
    assert quote[12:28] == b"mse-simulatedtee"
    assert struct.unpack_from("<HHI", quote) == (3, 2, 0)
    assert body[64:96] == MRENCLAVE
    modulus = signer.public_numbers().n.to_bytes(384, "little")
    assert body[128:160] == hashlib.sha256(modulus).digest()
    assert struct.unpack_from("<HH", body, 256) == (1, 1)
    assert struct.unpack_from("<Q", body, 48)[0] == 5  # INIT, MODE64


def test_quote_options_change_what_they_say(platform, tmp_path):
    other = bytes(range(32))
    quote = make_quote(
        platform, tmp_path, "--mrenclave", other.hex(), "--debug", "--isv-svn", "513"
    )
    body = platform.check(quote)["body"]
    assert body[64:96] == other
    assert struct.unpack_from("<HH", body, 256) == (1, 513)
    assert struct.unpack_from("<Q", body, 48)[0] == 7  # DEBUG too


def test_pck_extension_has_all_members(platform, processor):
    for sim, count in ((platform, 7), (processor, 5)):
        leaf = sim.cert("pck").cert
        outer = checker.elements(checker.extension(leaf, "1.2.840.113741.1.13.1"))[0][1]
        assert len(checker.elements(outer)) == count
        values = checker.pck_values(leaf)
        assert values["fmspc"] == b"SimTEE" and values["pceid"] == b"\0\0"
        assert len(values["components"]) == 16


def test_pki_verifies_with_openssl(platform):
    for leaf, ca in (("pck", "platform-ca"), ("tcb-signing", None)):
        words = ["openssl", "verify", "-x509_strict", "-attime", str(int(AT.timestamp()))]
        words += ["-CAfile", platform.dir / "root.pem"]
        if ca:
            words += ["-untrusted", platform.dir / f"{ca}.pem"]
        subprocess.run([*words, platform.dir / f"{leaf}.pem"], check=True, capture_output=True)


def test_fmspc_is_what_was_asked_for(tmp_path):
    sim = make_platform(tmp_path / "p", "--fmspc", "00a06d080000")
    assert checker.pck_values(sim.cert("pck").cert)["fmspc"].hex() == "00a06d080000"
    assert json.loads(sim.bundle().tcb_info)["tcbInfo"]["fmspc"].lower() == "00a06d080000"
    assert sim.check(make_quote(sim, tmp_path))


def test_two_platforms_share_nothing(platform, processor):
    assert not checker.same_key(platform.root.cert, processor.root.cert)
    names = [p.name for p in platform.dir.glob("*.key")]
    for name in names:
        assert (platform.dir / name).read_bytes() != (processor.dir / name).read_bytes()


# ---- collateral ---------------------------------------------------------------------------------


def reissue(platform, tmp_path, *options):
    out = tmp_path / "collateral.json"
    simtee("collateral", platform.dir, "--at", AT_TEXT, "--output", out, *options)
    return platform.bundle(out)


@pytest.mark.parametrize("status", STATUSES)
def test_collateral_in_any_status(platform, tmp_path, status):
    quote = make_quote(platform, tmp_path)
    bundle = reissue(platform, tmp_path, "--tcb-status", status)
    assert platform.check(quote, bundle)["statuses"] == [status, "UpToDate"]
    bundle = reissue(platform, tmp_path, "--qe-status", status)
    assert platform.check(quote, bundle)["statuses"] == ["UpToDate", status]


def test_out_of_date_names_a_newer_level(platform, tmp_path):
    bundle = reissue(platform, tmp_path, "--tcb-status", "OutOfDate")
    levels = json.loads(bundle.tcb_info)["tcbInfo"]["tcbLevels"]
    assert levels[0]["tcbStatus"] == "UpToDate"
    have = checker.pck_values(platform.cert("pck").cert)["components"]
    assert levels[0]["tcb"]["sgxtcbcomponents"][0]["svn"] > have[0]


def test_init_takes_a_status(tmp_path):
    sim = make_platform(tmp_path / "p", "--tcb-status", "SWHardeningNeeded")
    assert sim.check(make_quote(sim, tmp_path))["statuses"][0] == "SWHardeningNeeded"


@pytest.mark.parametrize("which", ("platform", "processor"))
@pytest.mark.parametrize("what", ("pck", "ca"))
def test_revoked(request, tmp_path, which, what):
    sim = request.getfixturevalue(which)
    quote = make_quote(sim, tmp_path)
    bundle = reissue(sim, tmp_path, "--revoke", what)
    with pytest.raises(Bad, match="revoked"):
        sim.check(quote, bundle)
    listed = {
        ca: len(x509.load_der_x509_crl(bundle.crl(sim.cert(ca).cert)))
        for ca in ("root", "platform-ca", "processor-ca")
    }
    issuer = f"{which}-ca" if what == "pck" else "root"
    assert listed == {ca: int(ca == issuer) for ca in listed}


def test_dates_and_number_of_collateral(platform, tmp_path):
    issued = AT - 40 * DAY
    bundle = reissue(
        platform, tmp_path, "--issued", issued.strftime("%Y-%m-%dT%H:%M:%SZ"), "--days", "7",
        "--eval", "4711",
    )  # fmt: skip
    quote = make_quote(platform, tmp_path)
    assert platform.check(quote, bundle, at=issued + DAY)
    for at in (AT, issued - DAY):
        with pytest.raises(Bad, match="date"):
            platform.check(quote, bundle, at=at)
    info = json.loads(bundle.tcb_info)["tcbInfo"]
    assert info["tcbEvaluationDataNumber"] == 4711
    assert info["issueDate"] == issued.strftime("%Y-%m-%dT%H:%M:%SZ")
    identity = json.loads(bundle.qe_identity)["enclaveIdentity"]
    assert identity["tcbEvaluationDataNumber"] == 4711
    for ca in ("root", "platform-ca", "processor-ca"):
        crl = x509.load_der_x509_crl(bundle.crl(platform.cert(ca).cert))
        assert crl.last_update == issued.replace(tzinfo=None)
        assert crl.next_update == (issued + 7 * DAY).replace(tzinfo=None)


def test_collateral_signature_covers_the_exact_bytes(platform):
    bundle = platform.bundle()
    chain = bundle.one("tcb_info")["chain"]
    root = x509.load_der_x509_certificate(platform.root.der)
    for body, member in ((bundle.tcb_info, "tcbInfo"), (bundle.qe_identity, "enclaveIdentity")):
        assert checker.signed_json(body, member, chain, root, AT)
        for offset in (len(member) + 6, len(body) // 2):
            broken = body[:offset] + bytes([body[offset] ^ 1]) + body[offset + 1 :]
            with pytest.raises(Bad):
                checker.signed_json(broken, member, chain, root, AT)


def test_crls_are_signed_by_their_issuer(platform):
    bundle = platform.bundle()
    for name in ("root", "platform-ca", "processor-ca"):
        issuer = platform.cert(name).cert
        item = bundle.crl_item(issuer)
        crl = x509.load_der_x509_crl(item["data"])
        assert crl.is_signature_valid(issuer.public_key())
        assert checker.load_chain(item["chain"].encode())[0] == issuer


# ---- certificate --------------------------------------------------------------------------------


def tlv(tag, *parts):
    """DER, for rebuilding what was taken apart."""
    content = b"".join(parts)
    size = len(content)
    count = (size.bit_length() + 7) // 8
    head = bytes([size]) if size < 128 else bytes([0x80 | count]) + size.to_bytes(count, "big")
    return bytes([tag]) + head + content


def dotted(data):
    """Any OID; the library at hand takes no arcs of 128 bits."""
    arcs, value = [], 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


class Cert:
    """A certificate read element by element (RFC 5280, 4.1), its own signature checked."""

    def __init__(self, pem):
        self.der = ssl.PEM_cert_to_DER_cert(pem)
        ((_, outer),) = checker.elements(self.der)
        (_, tbs), (_, algorithm), (_, signature) = checker.elements(outer)
        version, serial, inner, issuer, dates, subject, spki, extensions = checker.elements(tbs)
        assert version == (0xA0, b"\x02\x01\x02") and inner[1] == algorithm
        assert algorithm == bytes.fromhex("06082a8648ce3d040302")  # ecdsa-with-SHA256
        assert issuer == subject
        self.serial, self.subject = serial[1], subject[1]
        parsed = [datetime.strptime(v.decode(), "%y%m%d%H%M%SZ") for _, v in
                  checker.elements(dates[1])]  # fmt: skip
        self.not_before, self.not_after = (d.replace(tzinfo=timezone.utc) for d in parsed)
        self.key = serialization.load_der_public_key(tlv(0x30, spki[1]))
        self.key.verify(signature[1:], tlv(0x30, tbs), ec.ECDSA(hashes.SHA256()))
        assert extensions[0] == 0xA3
        self.extensions = [self._extension(e) for _, e in checker.elements(
            checker.elements(extensions[1])[0][1])]  # fmt: skip

    @staticmethod
    def _extension(data):
        oid, *critical, payload = checker.elements(data)
        assert critical in ([], [(1, b"\xff")]) and payload[0] == 4
        return dotted(oid[1]), critical != [], payload[1]

    @property
    def point(self):
        return self.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def payload(self, oid):
        (value,) = [p for o, _, p in self.extensions if o == oid]
        return value

    @property
    def evidence(self):
        return self.payload(OID_QUOTE)


def make_cert(platform, tmp_path, *options, names=("app1.example",), at=AT_TEXT):
    cert, key = tmp_path / "cert.pem", tmp_path / "cert.key"
    words = [w for name in names for w in ("--name", name)]
    simtee(
        "certificate", platform.dir, *words, "--output", cert, "--key", key, "--at", at, *options
    )
    return Cert(cert.read_text())


def test_certificate_has_the_shape(platform, tmp_path):
    cert = make_cert(platform, tmp_path)
    assert [(oid, critical) for oid, critical, _ in cert.extensions] == [
        ("2.5.29.19", True), ("2.5.29.15", True), ("2.5.29.37", False), ("2.5.29.17", False),
        ("2.5.29.14", False), ("2.5.29.35", False), ("2.5.29.30", False), (OID_QUOTE, False),
        (OID_STATEMENT, False),
    ]  # fmt: skip
    payload = {oid: value for oid, _, value in cert.extensions}
    key_id = hashlib.sha1(cert.point).digest()
    dns, below = b"app1.example", b".app1.example"
    assert payload["2.5.29.19"] == bytes.fromhex("3000")
    assert payload["2.5.29.15"] == bytes.fromhex("03020780")
    assert payload["2.5.29.37"] == bytes.fromhex("300a06082b06010505070301")
    assert payload["2.5.29.17"] == b"\x30\x0e\x82\x0c" + dns
    assert payload["2.5.29.14"] == b"\x04\x14" + key_id
    assert payload["2.5.29.35"] == b"\x30\x16\x80\x14" + key_id
    permitted = b"\xa0\x10\x30\x0e\x82\x0c" + dns
    excluded = b"\x30\x0f\x82\x0d" + below
    excluded += b"\x30\x0a\x87\x08" + bytes(8) + b"\x30\x22\x87\x20" + bytes(32)
    constraints = permitted + b"\xa1" + bytes([len(excluded)]) + excluded
    assert payload["2.5.29.30"] == b"\x30" + bytes([len(constraints)]) + constraints
    assert isinstance(cert.key.curve, ec.SECP256R1)
    assert len(cert.der) < 16384
    assert (cert.not_before, cert.not_after) == (AT, AT + 90 * DAY)
    assert b"\x0c\x0capp1.example" in cert.subject


def test_certificate_is_bound_to_its_evidence(platform, tmp_path):
    cert = make_cert(platform, tmp_path, "--seal-key", tmp_path / "seal.key")
    parsed = platform.check(cert.evidence)
    seal = serialization.load_pem_private_key((tmp_path / "seal.key").read_bytes(), None)
    public = seal.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert parsed["report_data"] == hashlib.sha256(cert.point).digest() + public
    key = serialization.load_pem_private_key((tmp_path / "cert.key").read_bytes(), None)
    assert key.public_key().public_numbers() == cert.key.public_numbers()
    for name in ("cert.key", "seal.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_other_key_is_not_bound(platform, tmp_path):
    cert = make_cert(platform, tmp_path, "--other-key")
    parsed = platform.check(cert.evidence)
    assert parsed["report_data"][:32] != hashlib.sha256(cert.point).digest()


def test_each_certificate_has_new_keys(platform, tmp_path):
    first, second = make_cert(platform, tmp_path), make_cert(platform, tmp_path)
    assert first.point != second.point
    rd = [checker.parse_quote(c.evidence)["report_data"] for c in (first, second)]
    assert rd[0][32:] != rd[1][32:]
    assert first.serial != second.serial


def general_names(subtrees):
    return sorted(f"{type(n).__name__} {n.value}" for n in subtrees)


@pytest.mark.parametrize(
    "names, permitted, excluded",
    [
        (
            ("a.example", "b.example"), ["DNSName a.example", "DNSName b.example"],
            ["DNSName .a.example", "DNSName .b.example", "IPAddress 0.0.0.0/0", "IPAddress ::/0"],
        ),
        (
            ("a.example", "127.0.0.1"), ["DNSName a.example", "IPAddress 127.0.0.1/32"],
            ["DNSName .a.example", "IPAddress ::/0"],
        ),
        # Without a permitted DNS name all of them are excluded, or the holder could have any.
        (("::1",), ["IPAddress ::1/128"], ["DNSName ", "IPAddress 0.0.0.0/0"]),
    ],
)  # fmt: skip
def test_constraints_permit_exactly_the_names(platform, tmp_path, names, permitted, excluded):
    make_cert(platform, tmp_path, "--no-statement", names=names)
    cert = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    constraints = cert.extensions.get_extension_for_class(x509.NameConstraints)
    assert not constraints.critical
    assert general_names(constraints.value.permitted_subtrees) == permitted
    assert general_names(constraints.value.excluded_subtrees) == sorted(excluded)
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(n.value) for n in san] == list(names)


def statement_of(cert):
    sequence = checker.elements(cert.payload(OID_STATEMENT))
    assert [tag for tag, _ in sequence] == [0x30]
    (tag1, statement), (tag2, signature) = checker.elements(sequence[0][1])
    assert (tag1, tag2) == (4, 4) and len(signature) == 64
    return statement, signature


def test_instance_statement_is_signed_by_the_operator(platform, tmp_path):
    other = "ab" * 32
    cert = make_cert(platform, tmp_path, "--mrenclave", other)
    statement, signature = statement_of(cert)
    key = bytes.fromhex(platform.operator["instance_key"])
    public = ed25519.Ed25519PublicKey.from_public_bytes(key)
    public.verify(signature, b"mse-instance-v1\n" + statement)
    with pytest.raises(InvalidSignature):
        public.verify(signature, statement)
    value = json.loads(statement)
    # Canonical: written again with sorted keys and no space it is the same text.
    assert json.dumps(value, sort_keys=True, separators=(",", ":")).encode() == statement
    owner = serialization.load_pem_private_key((platform.dir / "owner.key").read_bytes(), None)
    raw = owner.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    uuid = value.pop("uuid")
    assert len(uuid) == 36 and uuid[14] == "4"
    assert value == {
        "config_name": "config.app1.example",
        "fingerprint": other,
        "name": "app1.example",
        "not_after": int((AT + 90 * DAY).timestamp()),
        "owner": raw.hex(),
    }
    named = make_cert(platform, tmp_path, "--config-name", "x7.config.example")
    assert json.loads(statement_of(named)[0])["config_name"] == "x7.config.example"


def test_statement_can_be_left_out(platform, tmp_path):
    oids = [oid for oid, _, _ in make_cert(platform, tmp_path, "--no-statement").extensions]
    assert OID_STATEMENT not in oids and OID_QUOTE in oids


def test_long_name_has_no_common_name(platform, tmp_path):
    long = ".".join(["a" * 60] * 3) + ".example"
    cert = make_cert(platform, tmp_path, names=(long,))
    assert b"\x55\x04\x03" not in cert.subject and b"\x55\x04\x0a" in cert.subject
    assert cert.payload("2.5.29.17") == tlv(0x30, tlv(0x82, long.encode()))


def test_operator_file(platform):
    operator = platform.operator
    assert set(operator) == {
        "format", "name", "signer", "isv_prod_id", "min_isv_svn", "instance_key", "runtime_keys",
    }  # fmt: skip
    assert operator["format"] == "mse-operator-v1" and operator["runtime_keys"] == []
    assert (operator["isv_prod_id"], operator["min_isv_svn"]) == (1, 1)


def openssl_verify(trusted, cert, *options):
    words = ["openssl", "verify", "-attime", str(int((AT + DAY).timestamp())), "-CAfile", trusted]
    return subprocess.run([*words, *options, cert], capture_output=True, check=False).returncode


def test_openssl_takes_it_for_its_name_only(platform, tmp_path):
    make_cert(platform, tmp_path)
    cert = tmp_path / "cert.pem"
    assert openssl_verify(cert, cert, "-purpose", "sslserver") == 0
    assert openssl_verify(cert, cert, "-x509_strict", "-verify_hostname", "app1.example") == 0
    assert openssl_verify(cert, cert, "-verify_hostname", "bank.example") != 0
    assert openssl_verify(cert, cert, "-verify_hostname", "a.app1.example") != 0


@pytest.mark.parametrize("name", ("bank.example", "app1.example", "a.app1.example"))
def test_its_key_vouches_for_nothing(platform, tmp_path, name):
    make_cert(platform, tmp_path, "--no-statement")
    cert = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    key = serialization.load_pem_private_key((tmp_path / "cert.key").read_bytes(), None)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    leaf = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(cert.subject)
        .public_key(key.public_key()).serial_number(7)
        .not_valid_before(AT.replace(tzinfo=None)).not_valid_after(cert.not_valid_after)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    assert openssl_verify(tmp_path / "cert.pem", tmp_path / "leaf.pem") != 0


# ---- servers ------------------------------------------------------------------------------------


class Server:
    """A running mse-simtee; stopped by its own process id."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [SIMTEE, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        self.line = self.process.stdout.readline() if ready else ""
        if not self.line.startswith("ready "):
            self.process.kill()
            raise AssertionError(self.process.communicate()[1])
        urls = [w for w in self.line.split() if "://" in w]
        self.ports = [int(u.rsplit(":", 1)[1]) for u in urls]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def stop(self, number=signal.SIGTERM):
        """(exit code, seconds it took, rest of stdout, stderr)."""
        begin = time.monotonic()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, time.monotonic() - begin, out, err


@pytest.fixture(scope="module")
def now_platform(tmp_path_factory):
    """One whose certificates are valid now, for clients that look at the clock."""
    directory = tmp_path_factory.mktemp("simtee") / "now"
    simtee("init", directory)
    sim = Platform(directory, datetime.now(timezone.utc))
    sim.root = sim.cert("root")
    return sim


@pytest.fixture(scope="module")
def server(now_platform):
    words = ("--name", "app1.example", "--name", "127.0.0.1")
    with Server("serve", now_platform.dir, *words) as running:
        yield running


@pytest.fixture(scope="module")
def trusted(server, tmp_path_factory):
    """cert.pem as the server sent it."""
    path = tmp_path_factory.mktemp("trusted") / "cert.pem"
    path.write_text(ssl.get_server_certificate(("127.0.0.1", server.ports[0])))
    return path


def curl(server, trusted, *words, name="app1.example", path="/"):
    port = server.ports[0]
    return subprocess.run(
        ["curl", "-q", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20",
         "--cacert", trusted, "--resolve", f"{name}:{port}:127.0.0.1", *words,
         f"https://{name}:{port}{path}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_curl_over_both_tls_versions(server, trusted, version):
    done = curl(server, trusted, f"--tlsv{version}", "--tls-max", version)
    assert (done.returncode, done.stdout) == (0, "hello from app1.example\n"), done.stderr


def test_curl_refuses_a_wrong_name_and_a_stranger(server, trusted, now_platform):
    assert curl(server, trusted, name="bank.example").returncode == 60
    assert curl(server, now_platform.dir / "root.pem").returncode == 60


def test_curl_refuses_tls_1_1(server, trusted):
    weak = ("--tlsv1.1", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    assert curl(server, trusted, *weak).returncode == 35


def test_app_answers(server, trusted):
    assert curl(server, trusted, path="/echo/a%20b?c=d").stdout == "/echo/a%20b?c=d\n"
    head = curl(server, trusted, "--head").stdout
    assert head.startswith("HTTP/1.1 200 OK\n") and "Content-Length: 24\n" in head
    for path, words, status in (
        ("/none", (), "404"), ("/", ("--request", "POST"), "405"), ("/", ("--data", "x"), "400"),
    ):  # fmt: skip
        words = ("--output", os.devnull, "-w", "%{http_code}", *words)
        done = curl(server, trusted, *words, path=path)
        assert done.stdout == status, path
    done = curl(server, trusted, "--http2")
    assert done.stdout == "hello from app1.example\n"


def test_served_certificate_verifies(server, trusted, now_platform):
    cert = Cert(trusted.read_text())
    parsed = now_platform.check(cert.evidence, at=datetime.now(timezone.utc))
    assert parsed["report_data"][:32] == hashlib.sha256(cert.point).digest()


def tls_context(trusted, alpn=("http/1.1",), maximum=None):
    context = ssl.create_default_context(cafile=str(trusted))
    context.set_alpn_protocols(list(alpn))
    if maximum:
        context.maximum_version = maximum
    return context


def tls_connect(server, context, session=None):
    raw = socket.create_connection(("127.0.0.1", server.ports[0]), timeout=20)
    return context.wrap_socket(raw, server_hostname="app1.example", session=session)


REQUEST = b"GET / HTTP/1.1\r\nHost: app1.example\r\n\r\n"


def read_reply(sock):
    data = b""
    while not data.endswith(b"hello from app1.example\n"):
        chunk = sock.recv(4096)
        if not chunk:
            break
        data += chunk
    return data


def test_alpn(server, trusted):
    with tls_connect(server, tls_context(trusted)) as tls:
        assert tls.selected_alpn_protocol() == "http/1.1"
    with tls_connect(server, tls_context(trusted, ("h2", "http/1.1"))) as tls:
        assert tls.selected_alpn_protocol() == "http/1.1"
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        tls_connect(server, tls_context(trusted, ("h2",)))


@pytest.mark.parametrize("version", (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
def test_no_session_is_resumed(server, trusted, version):
    context = tls_context(trusted, maximum=version)
    with tls_connect(server, context) as tls:
        tls.sendall(REQUEST)
        assert b"200 OK" in read_reply(tls)
        session = tls.session
    with tls_connect(server, context, session) as tls:
        assert not tls.session_reused


def test_many_requests_on_one_connection(server, trusted):
    with tls_connect(server, tls_context(trusted)) as tls:
        # All at once, in odd pieces: more than one loop turn takes, cut anywhere.
        data = REQUEST * 100
        for i in range(0, len(data), 997):
            tls.sendall(data[i : i + 997])
        got = b""
        while got.count(b"hello from app1.example\n") < 100:
            chunk = tls.recv(65536)
            assert chunk
            got += chunk
        assert got.count(b"HTTP/1.1 200 OK\r\n") == 100


def raw_talk(port, data, *, shut=True):
    """Everything that comes back for these bytes on a plain connection."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as sock:
        sock.sendall(data)
        if shut:
            sock.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            try:
                chunk = sock.recv(65536)
            except ConnectionResetError:
                return got
            if not chunk:
                return got
            got += chunk


QE = "/sgx/certification/v4/qe/identity"


@pytest.mark.parametrize(
    "data, status",
    [
        (f"GET {QE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        (f"GET {QE} HTTP/1.0\r\n\r\n", 200),
        (f"GET {QE} HTTP/1.1\r\n\r\n", 400),
        (f"GET {QE} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (f"GET {QE} HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (f"GET {QE} HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        (f"GET {QE} HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400),
        (f"GET {QE} HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        (f"GET {QE} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 400),
        (f"GET {QE} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
        (f"GET {QE} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (f"GET {QE} HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        (f"GET {QE}  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (f"GET  {QE} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /" + "a" * 3000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: " + "a" * 9000 + "\r\n\r\n", 431),
        ("\r\n\r\n\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01", 400),
        (f"HEAD {QE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
        (f"POST {QE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
        ("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
    ],
)
def test_http_requests_good_and_bad(server, data, status):
    got = raw_talk(server.ports[1], data.encode("latin-1"))
    assert got.startswith(f"HTTP/1.1 {status} ".encode()), got[:80]
    assert got.count(b"HTTP/1.1 ") == 1


def test_bad_clients_do_not_block_others(server, trusted):
    """More of them than there are places: nobody else waits for a deadline."""
    bad = []
    for port in server.ports:
        for i in range(100):
            sock = socket.create_connection(("127.0.0.1", port), timeout=20)
            if i % 4 == 1:
                sock.sendall(b"G")  # a slow request, or no TLS at all
            elif i % 4 == 2:
                sock.sendall(b"\x16\x03\x01\x40\x00\x01")  # a record that never ends
            elif i % 4 == 3:
                sock.sendall(os.urandom(64))
            bad.append(sock)
    try:
        begin = time.monotonic()
        done = curl(server, trusted)
        assert (done.returncode, done.stdout) == (0, "hello from app1.example\n"), done.stderr
        assert raw_talk(server.ports[1], f"GET {QE} HTTP/1.0\r\n\r\n".encode()).startswith(
            b"HTTP/1.1 200 "
        )
        assert time.monotonic() - begin < 5
    finally:
        for sock in bad:
            sock.close()


def test_reader_that_stops_does_not_block_others(server, trusted):
    with tls_connect(server, tls_context(trusted)) as tls:
        tls.settimeout(2)
        try:
            for _ in range(20000):  # replies that nobody reads, until the pipe is full
                tls.sendall(REQUEST)
        except (TimeoutError, ssl.SSLError, OSError):
            pass
        assert curl(server, trusted).returncode == 0


def test_clients_that_vanish_leave_nothing_behind(server, trusted):
    fds = Path(f"/proc/{server.process.pid}/fd")
    deadline = time.monotonic() + 15
    for _ in range(20):
        sock = socket.create_connection(("127.0.0.1", server.ports[0]), timeout=20)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall(b"\x16\x03\x01")
        sock.close()  # RST
    assert curl(server, trusted).returncode == 0
    while len(list(fds.iterdir())) > 12 and time.monotonic() < deadline:
        select.select([], [], [], 0.05)
    assert len(list(fds.iterdir())) <= 12


def test_serve_listens_where_it_is_told(now_platform):
    words = ("--name", "a.example", "--listen", "[::1]:0", "--pcs-listen", "127.0.0.2:0")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with Server("serve", now_platform.dir, *words) as running:
        app, pcs = running.ports
        assert running.line == f"ready https://[::1]:{app} pcs http://127.0.0.2:{pcs}\n"
        socket.create_connection(("::1", app), timeout=20).close()


def test_a_taken_port_is_a_local_failure(server, now_platform):
    where = f"127.0.0.1:{server.ports[0]}"
    done = simtee("serve", now_platform.dir, "--name", "a.example", "--listen", where, code=4)
    assert done.stdout == "" and "cannot listen" in done.stderr


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_a_signal_ends_it_soon(now_platform, number):
    with Server("serve", now_platform.dir, "--name", "app1.example") as running:
        app, pcs = running.ports
        assert running.line == f"ready https://127.0.0.1:{app} pcs http://127.0.0.1:{pcs}\n"
        held = [socket.create_connection(("127.0.0.1", p), timeout=20) for p in (app, pcs, pcs)]
        held[2].sendall(b"GET / HT")
        code, seconds, out, err = running.stop(number)
        for sock in held:
            sock.close()
    assert (code, out) == (0, "")
    assert seconds < 2
    assert err.count("\n") == 1 and "protects nothing" in err
    with pytest.raises(ProcessLookupError):  # its session had nobody else
        os.killpg(running.process.pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", app), timeout=20)


def test_a_reply_under_way_is_finished(now_platform):
    with Server("pcs", now_platform.dir) as running:
        (port,) = running.ports
        assert running.line == f"ready pcs http://127.0.0.1:{port}\n"
        with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as sock:
            half = f"GET {QE} HTTP/1.1\r\nHost: a\r\n".encode()
            sock.sendall(f"GET {QE} HTTP/1.1\r\nHost: a\r\n\r\n".encode() + half)
            first = sock.recv(65536)  # the second request has arrived with the first
            running.process.send_signal(signal.SIGTERM)
            while running.process.poll() is None:  # listening ends at once
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=20).close()
                except (ConnectionRefusedError, ConnectionResetError):
                    break
            sock.sendall(b"\r\n")
            rest = b""
            while chunk := sock.recv(65536):
                rest += chunk
        assert first.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 200 " in first[9:] + rest and b"Connection: close" in rest
        assert running.process.wait(5) == 0


# ---- collateral service -------------------------------------------------------------------------


def get(server, target):
    connection = http.client.HTTPConnection("127.0.0.1", server.ports[-1], timeout=20)
    with closing(connection):
        connection.request("GET", target)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()


def test_pcs_answers_what_the_bundle_holds(server, now_platform):
    bundle, base = now_platform.bundle(), "/sgx/certification/v4"
    cases = [
        (f"/tcb?fmspc={b'SimTEE'.hex()}", bundle.one("tcb_info"), "TCB-Info-Issuer-Chain"),
        (f"/tcb?fmspc={b'SimTEE'.hex().upper()}&update=standard", bundle.one("tcb_info"),
         "TCB-Info-Issuer-Chain"),
        ("/qe/identity", bundle.one("qe_identity"), "SGX-Enclave-Identity-Issuer-Chain"),
    ]  # fmt: skip
    for ca in ("platform", "processor"):
        item = bundle.crl_item(now_platform.cert(f"{ca}-ca").cert)
        target = f"/pckcrl?ca={ca}&encoding=der"
        cases.append((target, item, "SGX-PCK-CRL-Issuer-Chain"))
    for target, item, header in cases:
        status, headers, body = get(server, base + target)
        assert (status, body) == (200, item["data"]), target
        assert "\n" not in headers[header] and unquote(headers[header]) == item["chain"], target


def test_pcs_answers_crls_in_other_encodings(server, now_platform):
    bundle = now_platform.bundle()
    platform_crl = bundle.crl(now_platform.cert("platform-ca").cert)
    _, _, body = get(server, "/sgx/certification/v4/pckcrl?ca=platform")
    assert x509.load_pem_x509_crl(body).public_bytes(Encoding.DER) == platform_crl
    root_crl = bundle.crl(now_platform.root.cert)
    assert bytes.fromhex(get(server, "/sgx/certification/v4/rootcacrl")[2].decode()) == root_crl
    assert get(server, "/IntelSGXRootCA.der")[2] == root_crl


@pytest.mark.parametrize(
    "target, status",
    [
        ("tcb", 400),
        ("tcb?fmspc=", 400),
        ("tcb?fmspc=53696d5445", 400),
        ("tcb?fmspc=53696d54454500", 400),
        ("tcb?fmspc=zz696d544545", 400),
        ("tcb?fmspc=53696d544545&fmspc=53696d544545", 400),
        ("tcb?fmspc=00906ed50000", 404),
        ("pckcrl", 400),
        ("pckcrl?ca=", 400),
        ("pckcrl?ca=platforms", 400),
        ("pckcrl?ca=platform&ca=processor", 400),
        ("qe/identity/", 404),
        ("", 404),
    ],
)
def test_pcs_refuses(server, target, status):
    assert get(server, f"/sgx/certification/v4/{target}")[0] == status
    assert get(server, "/tdx/certification/v4/qe/identity")[0] == 404


def test_pcs_serves_a_state_put_into_the_directory(tmp_path):
    sim = make_platform(tmp_path / "p")
    simtee(
        "collateral", sim.dir, "--tcb-status", "Revoked", "--output", sim.dir / "collateral.json"
    )
    with Server("pcs", sim.dir) as running:
        body = get(running, f"/sgx/certification/v4/tcb?fmspc={b'SimTEE'.hex()}")[2]
    assert body == sim.bundle().tcb_info
    assert json.loads(body)["tcbInfo"]["tcbLevels"][0]["tcbStatus"] == "Revoked"


# ---- the verifier agrees ------------------------------------------------------------------------

MSE = BUILD / "src" / "cli" / "mse"
needs_mse = pytest.mark.skipif(not MSE.exists(), reason=f"{MSE} is not built")


def mse(tmp_path, *words):
    """Exit code of the verifier, with a home of its own."""
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    done = subprocess.run(
        [MSE, *map(str, words)], capture_output=True, text=True, timeout=60, check=False, env=env,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    return done.returncode


def judge(platform, tmp_path, *words, collateral=None):
    return mse(
        tmp_path, "verify", "--simulation-root", platform.dir / "root.pem", "--collateral",
        collateral or platform.dir / "collateral.json", "--offline", "--at", "2026-03-01T12:00:00Z",
        "--certificate", tmp_path / "cert.pem", "--name", "app1.example", *words,
    )  # fmt: skip


@needs_mse
def test_verifier_takes_what_is_right(platform, tmp_path):
    make_cert(platform, tmp_path)
    signer = tmp_path / "signer.pem"
    signer.write_text(platform.operator["signer"])
    instance = platform.operator["instance_key"]
    assert judge(platform, tmp_path, "--fingerprint", MRENCLAVE.hex()) == 0
    assert judge(platform, tmp_path, "--signer-key", signer, "--instance-key", instance) == 0
    assert judge(platform, tmp_path, "--fingerprint", "00" * 32) == 1
    assert judge(platform, tmp_path, "--signer-key", signer, "--instance-key", "11" * 32) == 1


@needs_mse
@pytest.mark.parametrize("option", ("--other-key", "--debug"))
def test_verifier_refuses_what_is_wrong(platform, tmp_path, option):
    make_cert(platform, tmp_path, option)
    assert judge(platform, tmp_path, "--fingerprint", MRENCLAVE.hex()) == 1


@needs_mse
@pytest.mark.parametrize(
    "options, code",
    [
        (("--tcb-status", "SWHardeningNeeded"), 0),
        (("--tcb-status", "OutOfDate"), 1),
        (("--qe-status", "Revoked"), 1),
        (("--revoke", "pck"), 1),
        (("--revoke", "ca"), 1),
        (("--issued", "2026-01-01", "--days", "7"), 3),
        (("--issued", "2026-04-01"), 3),
    ],
)
def test_verifier_judges_the_collateral(platform, tmp_path, options, code):
    make_cert(platform, tmp_path)
    reissue(platform, tmp_path, *options)
    words = ("--fingerprint", MRENCLAVE.hex())
    assert judge(platform, tmp_path, *words, collateral=tmp_path / "collateral.json") == code


@needs_mse
def test_verifier_fetches_from_the_service(server, now_platform, tmp_path):
    app, pcs = server.ports
    words = (
        "cloud", "verify", f"127.0.0.1:{app}", "--simulation-root", now_platform.dir / "root.pem",
        "--pccs", f"http://127.0.0.1:{pcs}", "--fingerprint",
    )  # fmt: skip
    also = ("--also-name", "app1.example")
    assert mse(tmp_path, *words, "00" * 32, *also) == 1
    assert mse(tmp_path, *words, MRENCLAVE.hex()) == 1  # it is for another name too
    assert not (tmp_path / "cert.pem").exists()
    assert mse(tmp_path, *words, MRENCLAVE.hex(), *also) == 0
    assert "BEGIN CERTIFICATE" in (tmp_path / "cert.pem").read_text()


# ---- command line -------------------------------------------------------------------------------

COMMANDS = ("init", "collateral", "quote", "certificate", "serve", "pcs")


def test_help_and_version():
    done = simtee("--version")
    assert done.stdout.startswith("mse-simtee ") and done.stderr == ""
    text = simtee("--help").stdout
    for command in COMMANDS:
        assert command in text
        done = simtee(command, "--help")
        assert done.stdout.startswith(f"usage: mse-simtee {command} ") and done.stderr == ""


def options_of(command):
    lines = simtee(command, "--help").stdout.splitlines()
    return [line.split() for line in lines if line.startswith("  --")]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_given_twice_is_refused(command):
    samples = {
        "TIME": "2026-01-01", "HEX": None, "N": "1", "STATUS": "UpToDate", "pck|ca": "pck",
        "ADDRESS:PORT": "127.0.0.1:0", "FILE": "f", "NAME": "a.example",
    }  # fmt: skip
    sizes = {"--fmspc": 6, "--mrenclave": 32, "--report-data": 64}
    seen = 0
    for name, value, *_ in options_of(command):
        words = [name]
        if value in samples:
            words.append(samples[value] or "00" * sizes[name])
        done = simtee(command, "dir", *words, *words, code=2)
        assert "given twice" in done.stderr and done.stdout == "", name
        seen += 1
    assert seen > 0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nothing",),
        ("init",),
        ("init", ""),
        ("init", "a", "b"),
        ("init", "a", "-x"),
        ("init", "a", "--unknown"),
        ("init", "a", "--days", "1"),  # another command's
        ("init", "a", "--processor=yes"),
        ("init", "a", "--fmspc"),
        ("init", "a", "--fmspc", "0011"),
        ("init", "a", "--fmspc", "zz1122334455"),
        ("init", "a", "--tcb-status", "Fine"),
        ("init", "a", "--tcb-status", "uptodate"),
        ("init", "a", "--at", "yesterday"),
        ("init", "a", "--at", "2026-02-30"),
        ("collateral", "a"),
        ("collateral", "a", "--output", "f", "--days", "0"),
        ("collateral", "a", "--output", "f", "--days", "99999"),
        ("collateral", "a", "--output", "f", "--days", "1x"),
        ("collateral", "a", "--output", "f", "--eval", "-1"),
        ("collateral", "a", "--output", "f", "--eval", "4294967296"),
        ("collateral", "a", "--output", "f", "--revoke", "root"),
        ("quote", "a", "--output", "f"),
        ("quote", "a", "--output", "f", "--report-data", "00"),
        ("quote", "a", "--report-data", "00" * 64),
        ("quote", "a", "--output", "f", "--report-data", "00" * 64, "--isv-svn", "65536"),
        ("certificate", "a", "--output", "f", "--key", "k"),
        ("certificate", "a", "--name", "x.example", "--key", "k"),
        ("certificate", "a", "--name", "x.example", "--output", "f"),
        ("serve", "a"),
    ],
)
def test_wrong_usage(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    done = simtee(*words, code=2)
    assert done.stdout == "" and done.stderr != ""
    assert list(tmp_path.iterdir()) == []  # nothing was done before


@pytest.mark.parametrize(
    "name",
    (
        "*.example", "A.example", "a..example", ".example", "a.example.", "-a.example",
        "a_b.example", "a" * 64 + ".example", ".".join(["a" * 60] * 5), "a b", "1.2.3",
        "300.1.1.1", "a,b", "a\nb",
        "exämple",
    ),
)  # fmt: skip
def test_names_that_are_none(platform, tmp_path, name):
    simtee(
        "certificate", platform.dir, "--name", name, "--output", tmp_path / "c", "--key",
        tmp_path / "k", code=2,
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_certificate_usage(platform, tmp_path):
    base = ("certificate", platform.dir, "--output", tmp_path / "c", "--key", tmp_path / "k")
    simtee(*base, "--name", "a.example", "--name", "a.example", code=2)
    simtee(*base, "--name", "a.example", "--days", "399", code=2)
    simtee(*base, "--name", "a.example", "--config-name", "A B", code=2)
    simtee(*base, *[w for i in range(17) for w in ("--name", f"a{i}.example")], code=2)
    assert list(tmp_path.iterdir()) == []
    simtee(*base, *[w for i in range(16) for w in ("--name", f"a{i}.example")], "--days=398")


def test_local_failures(platform, tmp_path):
    assert "not empty" in simtee("init", platform.dir, code=4).stderr
    quote = ("quote", platform.dir, "--report-data", "00" * 64, "--output")
    simtee(*quote, tmp_path / "none" / "q", code=4)
    simtee("collateral", tmp_path / "none", "--output", tmp_path / "c", code=4)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    simtee("init", tmp_path / "file", code=4)


@pytest.mark.parametrize(
    "name, text",
    [
        ("platform.json", "{}"),
        ("platform.json", ""),
        ("platform.json", '{"format":"mse-simtee-v2"}'),
        ("pck.key", ""),
        ("pck.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("pck.pem", "no certificate"),
        ("collateral.json", '{"format":"mse-collateral-v1","items":[{"kind":"crl"}]}'),
        ("collateral.json", '{"format":"other","items":[]}'),
        ("collateral.json", "["),
    ],
)
def test_a_broken_directory_is_a_local_failure(platform, tmp_path, name, text):
    for path in platform.dir.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_text(text)
    done = simtee("pcs", tmp_path, code=4)
    assert name in done.stderr or "pck" in done.stderr
    assert done.stdout == ""


def test_a_key_of_another_kind_is_refused(platform, tmp_path):
    for path in platform.dir.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pck.key").write_bytes((tmp_path / "owner.key").read_bytes())
    assert "no P-256 key" in simtee("pcs", tmp_path, code=4).stderr


def test_full_output_is_a_failure(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [SIMTEE, "init", tmp_path / "p"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 4
