# SPDX-License-Identifier: Apache-2.0
"""The generator checks itself: what it makes by default verifies, each break does not."""

import hashlib
import http.client
import json
import socket
import ssl
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import checker
import pytest
from checker import Bad, check_quote, check_snp, extension
from cryptography import x509 as cx509
from cryptography.hazmat.primitives import serialization
from testpki import bundle, cbor, hcl, keys, quote, ratls, ratls_cloud, snp
from testpki.amd import PRODUCTS
from testpki.collateral_server import CollateralServer
from testpki.intel import IntelPki
from testpki.server import TlsServer
from testpki.world import all_products

DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def world():
    return all_products(keys.shared_cache())


MAKERS = ("sgx", "sgx_v4", "sgx_v5", "tdx", "tdx10", "tdx15")


@pytest.mark.parametrize("maker", MAKERS)
def test_quote_verifies(world, maker):
    rd = bytes(range(64))
    parsed = check_quote(getattr(world, maker)(rd), world.intel)
    assert parsed["report_data"] == rd
    assert set(parsed["statuses"]) == {"UpToDate"}


@pytest.mark.parametrize("maker", ("sgx", "tdx15"))
@pytest.mark.parametrize("name", quote.BREAKS)
def test_quote_break_fails(world, maker, name):
    with pytest.raises((Bad, ValueError)):
        check_quote(getattr(world, maker)(breaks=name), world.intel)


def test_quote_processor_ca(world):
    assert check_quote(world.sgx(ca="processor"), world.intel)
    pki = IntelPki(world.keys, world.at, ca="processor")
    assert check_quote(quote.sgx_v3(pki), pki)


def test_quote_fields_and_padding(world):
    raw = world.sgx(flags=7, isvsvn=3, mrenclave=b"\x11" * 32, padding=bytes(70))
    assert raw[48 + 48] == 7 and raw[48 + 64 : 48 + 96] == b"\x11" * 32
    assert raw.endswith(bytes(70)) and raw[12:28] == b"mse-simulatedtee"
    assert world.tdx(td_attributes=1)[48 + 120] == 1
    with pytest.raises(TypeError):
        world.sgx(no_such_field=1)


@pytest.mark.parametrize("kind,size", [(1, 36), (2, 276), (3, 404), (7, 64)])
def test_other_certification_data(world, kind, size):
    parsed = checker.parse_quote(world.sgx(cert_type=kind))
    assert (parsed["kind"], len(parsed["certs"])) == (kind, size)


def test_intel_chain_is_strict(world, tmp_path):
    for name, cert in zip(("leaf", "ca", "root"), world.intel.chain()):
        (tmp_path / name).write_text(cert.pem)
    command = ["openssl", "verify", "-x509_strict", "-check_ss_sig", "-CAfile", "root"]
    command += ["-untrusted", "ca", "leaf"]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("status", ["UpToDate", "SWHardeningNeeded", "Revoked"])
def test_tcb_status(world, status):
    info = world.intel.tcb_info("SGX", status=status)
    assert check_quote(world.sgx(), world.intel, tcb_info=info)["statuses"][0] == status


def test_tdx_module_levels(world):
    for svn, expected in ((6, "UpToDate"), (5, "OutOfDate"), (2, "OutOfDate")):
        raw = world.tdx(tee_tcb_svn=bytes((svn, 1, 4)) + bytes(13))
        assert check_quote(raw, world.intel)["statuses"][2] == expected


def test_qe_levels(world):
    for svn, expected in ((8, "UpToDate"), (7, "OutOfDate"), (1, "OutOfDate")):
        assert check_quote(world.sgx(qe={"isvsvn": svn}), world.intel)["statuses"][1] == expected
    with pytest.raises(Bad, match="isvsvn"):
        check_quote(world.sgx(qe={"isvsvn": 0}), world.intel)


def test_collateral_hooks(world):
    make = world.intel.tcb_info
    raw = world.sgx()
    spaced = make("SGX", inner_bytes=lambda b: b.replace(b",", b" , "))
    assert check_quote(raw, world.intel, tcb_info=spaced)
    twice = make("SGX", duplicate=("fmspc", "000000000000"))
    assert twice.count(b'"fmspc"') == 2
    wrong = [
        make("SGX", after_signing=lambda b: b.replace(b",", b" ,")),
        make("SGX", signer=world.intel.pck),
        make("SGX", signature="00" * 64),
        make("SGX", fmspc=bytes(6)),
        make("SGX", next_update=world.at - DAY),
        make("TDX"),
    ]
    for info in wrong:
        with pytest.raises(Bad):
            check_quote(raw, world.intel, tcb_info=info)


def test_revocation(world):
    intel = world.intel
    good = {"root": intel.root_crl(), "pck": intel.pck_crl()}
    revoked = {"pck": intel.pck_crl(revoked=[intel.pck.serial])}
    for change in (
        revoked,
        {"root": intel.root_crl(revoked=[intel.platform_ca.serial])},
        {"pck": intel.pck_crl(next_update=world.at - DAY)},
        {"pck": intel.pck_crl("processor")},
        {"pck": intel.pck_crl(break_signature=True)},
    ):
        with pytest.raises(Bad):
            check_quote(world.sgx(), intel, crls={**good, **change})
    assert check_quote(world.sgx(), intel, crls=good)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("vlek", [False, True])
def test_snp_verifies(world, product, vlek):
    pki = world.amd[product]
    chain = [c.der for c in pki.chain(vlek)]
    for version in (2, 3, 5):
        raw = snp.report(pki, b"\x07" * 64, version=version, vlek=vlek)
        assert len(raw) == 1184
        fields = check_snp(raw, chain, pki.ark.der, product, world.at)
        assert fields["report_data"] == b"\x07" * 64
    checker.signed_by(cx509.load_der_x509_crl(pki.crl()), cx509.load_der_x509_certificate(chain[2]))


@pytest.mark.parametrize("name", snp.BREAKS)
def test_snp_break_fails(world, name):
    chain = [c.der for c in world.milan.chain()]
    with pytest.raises(Bad):
        check_snp(world.snp(breaks=name), chain, chain[2], "Milan", world.at)


def test_snp_mismatch_fails(world):
    pki = world.milan
    chain = [c.der for c in pki.chain()]
    for fields in ({"chip_id": bytes(64)}, {"reported_tcb": pki.tcb.but(snp=9)}):
        with pytest.raises(Bad):
            check_snp(world.snp(**fields), chain, chain[2], "Milan", world.at)


def test_cert_containers(world):
    certs = snp.vek_certs(world.milan)
    table = snp.cert_table(certs)
    offset, size = struct.unpack_from("<II", table, 16)
    assert table[offset : offset + size] == certs[0][1]
    payload = snp.tee_tools_payload(world.snp(), certs)
    at = 1188
    for _, content in certs:
        size = struct.unpack_from("<I", payload, at)[0]
        assert payload[at + 20 : at + 4 + size] == content
        at += 4 + size
    assert at == len(payload)


def test_hcl(world):
    raw = world.hcl()
    size = struct.unpack_from("<I", raw, 0x4D0)[0]
    runtime = raw[0x4D4 : 0x4D4 + size]
    assert json.loads(runtime)["keys"][0]["kid"] == "HCLAkPub"
    assert raw[0x20 + 0x50 : 0x20 + 0x70] == hashlib.sha256(runtime).digest()
    assert hcl.td_report(b"\x05" * 64)[128:192] == b"\x05" * 64


def evidence_bound(profile, cert):
    """(OID, expected REPORTDATA) per extension, computed from the parsed certificate."""
    key = cert.public_key()
    spki = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if profile == "rats-tls-legacy":
        point = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    else:
        point = key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
    sha256 = lambda data: hashlib.sha256(data).digest()  # noqa: E731
    claims = b"\xa1\x6bpubkey-hash\x58\x24\x82\x01\x58\x20" + sha256(spki)
    tail = hashlib.sha512(b"mse test x25519").digest()[:32]
    dice, legacy = (ratls.OID_DICE, sha256(claims)), (ratls.OID_GRAMINE_LEGACY, sha256(spki))
    rules = {
        "mse": [(ratls.OID_QUOTE, sha256(point))],
        "mse-x25519": [(ratls.OID_QUOTE, sha256(point) + tail)],
        "mse-legacy": [(ratls.OID_QUOTE, sha256(point) + tail)],
        "mse-tdx": [(ratls.OID_TDX, sha256(point))],
        "mse-snp": [(ratls.OID_SNP, sha256(point))],
        "gramine-legacy": [legacy],
        "gramine": [legacy, dice],
        "rats-tls-legacy": [(ratls.OID_QUOTE, sha256(point))],
        "sgx-sdk-old": [(ratls.OID_SDK, sha256(pem + b"\0"))],
        "sgx-sdk": [(ratls.OID_SDK, sha256(claims)), dice],
        "ego": [(ratls.OID_OE_REPORT, sha256(spki))],
        "c8s": [(ratls_cloud.OID_C8S, hashlib.sha384(spki).digest())],
        "contrast-snp": [(ratls_cloud.OID_CONTRAST_SNP, hashlib.sha512(spki).digest())],
        "contrast-tdx": [(ratls_cloud.OID_CONTRAST_TDX, hashlib.sha512(spki).digest())],
        "open-enclave-report": [(ratls.OID_OE_REPORT, sha256(pem + b"\0"))],
        "open-enclave-report-old": [(ratls.OID_OE_REPORT_OLD, sha256(pem + b"\0"))],
        "open-enclave-evidence": [(ratls.OID_OE_EVIDENCE, sha256(pem + b"\0"))],
        "open-enclave-evidence-old": [(ratls.OID_OE_EVIDENCE_OLD, sha256(pem + b"\0"))],
        "dstack-legacy": [
            (ratls_cloud.OID_DSTACK_QUOTE, hashlib.sha512(b"ratls-cert:" + spki).digest())
        ],
        "dstack": [
            (ratls_cloud.OID_DSTACK_ATTESTATION, hashlib.sha512(b"ratls-cert:" + spki).digest())
        ],
    }
    constellation = sha256(sha256(spki) + bytes(32))
    rules["constellation-tdx"] = [(ratls_cloud.OID_CONSTELLATION_QEMU_TDX, constellation)]
    rules["constellation-snp"] = [(ratls_cloud.OID_CONSTELLATION_GCP_SNP, constellation)]
    for name, oid in (("sgx", ratls.OID_QUOTE), ("tdx", ratls.OID_TDX), ("snp", ratls.OID_SNP)):
        rules[f"tee-tools-{name}"] = [(oid, sha256(point))]
    for name in ("dice", "dice-tdx", "dice-snp"):
        rules[name] = [dice]
    base = next((n for n in (profile, profile.rsplit("-", 1)[0], "tee-tools-snp") if n in rules))
    return rules[base]


def test_profiles(world):
    for profile, make in world.profiles().items():
        result = make()
        cert = cx509.load_der_x509_certificate(result.der)
        checker.signed_by(cert, cert)
        checker.valid_at(cert, world.at, profile)
        for index, (oid, rd) in enumerate(evidence_bound(profile, cert)):
            rd += bytes(64 - len(rd))
            assert extension(cert, oid) == result.payload[index], profile
            blob = result.evidence[index]
            if len(blob) == 1184:
                vlek = blob[0x48] != 0
                chain = [c.der for c in world.milan.chain(vlek)]
                fields = check_snp(blob, chain, chain[2], "Milan", world.at)
            else:
                fields = check_quote(blob, world.intel)
            assert fields["report_data"] == rd == result.report_data[index], profile
            if "contrast" not in profile and "constellation" not in profile:
                assert blob in result.payload[index], profile


def test_client_shape(world):
    cert = cx509.load_der_x509_certificate(world.certificate("mse").der)
    get = cert.extensions.get_extension_for_class
    assert get(cx509.BasicConstraints).critical and not get(cx509.BasicConstraints).value.ca
    assert get(cx509.KeyUsage).value.digital_signature
    assert not get(cx509.NameConstraints).critical
    constraints = get(cx509.NameConstraints).value
    assert constraints.permitted_subtrees[0].value == "app1.example"
    assert [str(n.value) for n in constraints.excluded_subtrees] == [
        ".app1.example", "0.0.0.0/0", "::/0"
    ]  # fmt: skip


def test_certificate_hooks(world):
    make = world.profiles()["mse"]
    load = lambda r: cx509.load_der_x509_certificate(r.der)  # noqa: E731
    plain = make()
    other = world.keys.get("somebody", "p256")
    swapped = make(bind_key=other)
    assert swapped.report_data[0][:32] == keys.sha256(keys.bit_string(other))
    assert make(tail=b"\x01" * 32).report_data[0][32:] == b"\x01" * 32
    with pytest.raises(cx509.DuplicateExtension):
        load(make(duplicate=True)).extensions
    oid = cx509.ObjectIdentifier(ratls.OID_QUOTE)
    for place in ("subject", "san"):
        hidden = make(hide=place)
        with pytest.raises(cx509.ExtensionNotFound):
            load(hidden).extensions.get_extension_for_oid(oid)
        assert hidden.payload[0] in hidden.der
    for size in (9000, 20000, 65536, 1 << 20):
        assert size <= len(make(pad_to=size).der) <= size + 64
    with pytest.raises(Bad):
        bad = load(make(break_signature=True))
        checker.signed_by(bad, bad)
    with pytest.raises(Bad):
        bad = load(make(sign_key=other))
        checker.signed_by(bad, bad)
    with pytest.raises(Bad):
        checker.valid_at(load(make(expired=True)), world.at, "leaf")
    constraints = cx509.BasicConstraints
    assert load(make(ca=True)).extensions.get_extension_for_class(constraints).value.ca
    with pytest.raises(cx509.ExtensionNotFound):
        load(make(ca=None)).extensions.get_extension_for_class(constraints)
    for kind in ("p384", "p521", "rsa3072"):
        cert = load(make(key_kind=kind))
        checker.signed_by(cert, cert)
    assert load(plain).subject == load(plain).issuer


def test_two_enclaves(world):
    other = lambda rd: world.sgx(rd, mrenclave=b"\x22" * 32)  # noqa: E731
    first, second = world.certificate("gramine", dice_evidence=other).evidence
    assert first[112:144] != second[112:144] == b"\x22" * 32


def test_dice_hooks(world):
    key = world.keys.get("leaf-dice", "p256")
    claims = ratls.dice_claims(key)
    assert len(claims) == 51 and claims.hex().startswith("a16b7075626b65792d68617368582482015820")
    assert ratls.dice_claims(key, twice=True)[0] == 0xA2
    assert ratls.dice_claims(key, key_hash=False, nonce=b"\0") == b"\xa1\x65nonce\x41\x00"
    assert ratls.dice_claims(key, indefinite=True)[0] == 0xBF
    result = world.certificate("dice", claims=b"\xa0", wrapper={"trailing": b"\x00"})
    assert result.payload[0].hex().startswith("d9ea6082") and result.payload[0].endswith(b"\x00")
    assert cbor.uint(1, 4) == b"\x1a\0\0\0\1"


def test_bundles(world):
    document = json.loads(world.bundle())
    assert document["format"] == "mse-collateral-v1"
    counts = {}
    for item in document["items"]:
        counts[item["kind"]] = counts.get(item["kind"], 0) + 1
        data = checker.unbase64(item["data"])
        if item["kind"] == "crl":
            issuer = checker.load_chain(item["chain"].encode())[0]
            checker.signed_by(cx509.load_der_x509_crl(data), issuer)
        if item["kind"] == "certificates":
            assert checker.load_chain(data)
    assert counts == {"tcb_info": 2, "qe_identity": 2, "crl": 6, "certificates": 9}
    qvl = json.loads(bundle.qvl_collateral(world.intel, "TDX"))
    assert json.loads(qvl["tcb_info"])["id"] == "TDX" and len(qvl["tcb_info_signature"]) == 128
    evidence = json.loads(bundle.evidence_json(world.intel, world.certificate("mse-legacy")))
    info = json.loads(bytes.fromhex(checker.unbase64(evidence["tcb_info"]).decode()))
    assert info["tcbInfo"]["id"] == "SGX"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_tls_server(world, host):
    leaf = world.certificate("mse")
    context = ssl.create_default_context(cadata=leaf.pem)
    context.check_hostname = False
    with TlsServer(leaf, host=host) as server:
        client = http.client.HTTPSConnection(host, server.port, context=context, timeout=10)
        client.request("GET", "/")
        assert client.getresponse().read() == b"hello\n"
        client.close()
        assert server.wait(1) and server.handshakes == server.requests == 1
        sent = server.app_bytes
        assert sent > 0
        # A handshake without a request sends no application byte.
        raw = socket.create_connection((host, server.port), 10)
        context.wrap_socket(raw).close()
        assert server.wait(2) and server.app_bytes == sent


@pytest.mark.parametrize("mode", ["plain", "reset", "half", "garbage", "close", "silent"])
def test_tls_server_misbehaves(world, mode):
    context = ssl.create_default_context()
    with TlsServer(world.certificate("mse"), mode=mode) as server:
        raw = socket.create_connection(("127.0.0.1", server.port), 10)
        raw.settimeout(0.2 if mode == "silent" else 10)
        with pytest.raises(OSError):
            context.wrap_socket(raw, server_hostname="app1.example")
        raw.close()
        assert server.wait(1) and server.handshakes == 0


def test_collateral_server(world):
    intel, milan = world.intel, world.milan
    with CollateralServer(intel, world.amd.values()) as server:
        def get(path):
            with urllib.request.urlopen(server.url + path, timeout=10) as reply:
                return reply.headers, reply.read()

        fmspc = intel.platform.fmspc.hex()
        for tee, kind in (("sgx", "SGX"), ("tdx", "TDX")):
            headers, body = get(f"/{tee}/certification/v4/tcb?fmspc={fmspc}")
            assert unquote(headers["TCB-Info-Issuer-Chain"]) == intel.tcb_chain_pem()
            assert json.loads(body)["tcbInfo"]["id"] == kind
        headers, body = get("/sgx/certification/v4/qe/identity")
        assert "SGX-Enclave-Identity-Issuer-Chain" in headers and b"enclaveIdentity" in body
        headers, body = get("/sgx/certification/v4/pckcrl?ca=platform&encoding=der")
        assert unquote(headers["SGX-PCK-CRL-Issuer-Chain"]) == intel.pck_crl_chain_pem()
        root_crl = bytes.fromhex(get("/sgx/certification/v4/rootcacrl")[1].decode())
        assert cx509.load_der_x509_crl(root_crl) is not None
        query = "blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219"
        vcek = f"/vcek/v1/Milan/{milan.hwid.hex()}?{query}"
        assert get(vcek)[1] == milan.vcek.der == get(vcek)[1]
        assert get("/vcek/v1/Milan/cert_chain")[1].decode() == milan.ca_chain_pem()
        assert get("/vlek/v1/Milan/cert_chain")[1].decode() == milan.ca_chain_pem(vlek=True)
        assert cx509.load_der_x509_crl(get("/vcek/v1/Milan/crl")[1]) is not None
        assert cx509.load_der_x509_crl(get("/vlek/v1/Milan/crl")[1]) is not None
        with pytest.raises(urllib.error.HTTPError):
            get("/sgx/certification/v4/tcb?fmspc=000000000000")
        assert server.count("/tcb?") == 3 and server.count("/vcek/") == 4


def test_make(tmp_path):
    here = Path(__file__).parent
    command = [sys.executable, "-m", "testpki", "make", str(tmp_path / "set")]
    command += ["--at", "2030-01-01T00:00:00Z", "--keys", str(keys.shared_cache().directory)]
    subprocess.run(command, check=True, cwd=here)
    index = json.loads((tmp_path / "set/index.json").read_text())
    assert index["at"] == "2030-01-01T00:00:00Z"
    for entry in index["files"]:
        data = (tmp_path / "set" / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert {e["kind"] for e in index["files"]} >= {"roots", "sgx", "tdx", "snp"}
