# SPDX-License-Identifier: Apache-2.0
"""RA-TLS certificate profiles of enclave runtimes; cloud and cluster systems are in ratls_cloud."""

import hashlib
import struct
import uuid
from datetime import datetime

from . import cbor, snp
from .certs import Item, Style, build
from .keys import bit_string, sha256, spki, spki_pem

OID_QUOTE = "1.2.840.113741.1337.6"
OID_SNP = "1.2.840.113741.1337.7"
OID_TDX = "1.2.840.113741.1337.8"
OID_GRAMINE_LEGACY = "0.6.9.42.840.113741.1337.6"
OID_DICE = "2.23.133.5.4.9"
OID_DICE_ENDORSEMENT = "2.23.133.5.4.2"
OID_SDK = "1.2.840.113741.1.13.1"
OID_OE_REPORT, OID_OE_REPORT_OLD = "1.3.6.1.4.1.311.105.1", "1.2.840.113556.10.1.1"
OID_OE_EVIDENCE, OID_OE_EVIDENCE_OLD = "1.3.6.1.4.1.311.105.2", "1.2.840.113556.10.1.2"
OE_SGX_ECDSA = "a3a21e87-1b4d-4014-b70a-a125d2fbcd8c"
OE_TDX_ECDSA = "8ba70286-c1cf-11ed-afa1-0242ac120002"
TAG_TEE_QUOTE, TAG_TEE_REPORT, TAG_SGX_LEGACY = 60000, 60001, 60002
TAG_SNP, TAG_SEV, TAG_CSV = 0x1A7504, 0x1A7505, 0x1A7506
SHA256, SHA384, SHA512 = 1, 7, 8


def rule_point(key):
    return sha256(bit_string(key))


def rule_spki(key):
    return sha256(spki(key))


def pem_nul(key):
    return spki_pem(key) + b"\x00"


def rule_pem_nul(key):
    return sha256(pem_nul(key))


# MSE and its relatives

MSE = Style("bc ku eku san ski aki nc evidence", "CN=app1.example")
MSE_LEGACY = Style(
    "san evidence bc", "C=FR,ST=Ile-de-France,L=Paris,O=Cosmian Tech,CN=localhost", ca=True
)
TEE_TOOLS = Style(
    "evidence san bc", "ST=Ile-de-France,L=Paris,C=FR,O=Cosmian Tech,CN=cosmian.io", ca=True
)


def mse(evidence, *, x25519=None, oid_=OID_QUOTE, wrap=bytes, **hooks):
    """MSE's own certificate: POINT hash, then an X25519 public key (32 bytes) or zeros.

    For TDX and SNP evidence pass oid_=OID_TDX or OID_SNP (and for SNP a wrap adding the chain).
    """
    rule = lambda key: rule_point(key) + (x25519 or b"")  # noqa: E731
    return build("mse", [Item(oid_, evidence, rule, wrap)], MSE, **hooks)


def mse_legacy(evidence, *, x25519=None, **hooks):
    """The Python MSE 2.x certificate: CA:TRUE, no key usage."""
    rule = lambda key: rule_point(key) + (x25519 or b"")  # noqa: E731
    return build("mse-legacy", [Item(OID_QUOTE, evidence, rule)], MSE_LEGACY, **hooks)


def tee_tools_sgx(evidence, **hooks):
    return build("tee-tools-sgx", [Item(OID_QUOTE, evidence, rule_point)], TEE_TOOLS, **hooks)


def tee_tools_tdx(evidence, *, padded=8192, **hooks):
    """The quote zero-padded to so many bytes (0: not padded)."""
    pad = lambda quote: quote + bytes(max(0, padded - len(quote)))  # noqa: E731
    return build("tee-tools-tdx", [Item(OID_TDX, evidence, rule_point, pad)], TEE_TOOLS, **hooks)


def tee_tools_snp(evidence, certs, *, container=None, **hooks):
    """certs as of snp.vek_certs(); None: the bare report. container: options of the payload."""

    def wrap(report):
        if certs is None:
            return report
        return snp.tee_tools_payload(report, certs, **(container or {}))

    return build("tee-tools-snp", [Item(OID_SNP, evidence, rule_point, wrap)], TEE_TOOLS, **hooks)


# DICE conceptual message wrapper


def hash_entry(key, alg=SHA256, value=None, definite=True):
    """[alg, hash of the SPKI] as CBOR."""
    names = {SHA256: "sha256", SHA384: "sha384", SHA512: "sha512"}
    if value is None:
        value = hashlib.new(names[alg], spki(key)).digest()
    make = cbor.array if definite else cbor.indefinite_array
    return make(cbor.uint(alg), cbor.bstr(value))


def dice_claims(
    key, *, alg=SHA256, hash_value=None, nonce=None, pairs=(), key_hash=True, twice=False,
    indefinite=False, indefinite_entry=False, trailing=b"", entry=None,
):
    """claims-buffer. pairs: more encoded (key, value) pairs; key_hash=False leaves the hash out;

    twice: the pubkey-hash claim two times; entry: raw hash-entry bytes; trailing: after the map.
    """
    if entry is None:
        entry = hash_entry(key, alg, hash_value, not indefinite_entry)
    claim = (cbor.tstr("pubkey-hash"), cbor.bstr(entry))
    members = [claim] * (2 if twice else 1) if key_hash else []
    if nonce is not None:
        members.append((cbor.tstr("nonce"), cbor.bstr(nonce)))
    members.extend(pairs)
    make = cbor.indefinite_map if indefinite else cbor.mapping
    return make(*members) + trailing


def dice_payload(evidence, claims, *, tag=TAG_TEE_QUOTE, extra=(), trailing=b"", indefinite=False):
    """tag([evidence, claims, *extra]); extra: more encoded array members."""
    make = cbor.indefinite_array if indefinite else cbor.array
    return cbor.tag(tag, make(cbor.bstr(evidence), cbor.bstr(claims), *extra)) + trailing


def dice_endorsements(pki, tcb_info, qe_identity, *, ca=None, created=None):
    """Payload of 2.23.133.5.4.2: version, TCB info, chain, CRLs, chain, identity, chain."""
    items = [
        cbor.uint(4, 4),
        cbor.bstr(tcb_info),
        cbor.bstr(pki.tcb_chain_pem().encode()),
        cbor.bstr(pki.pck_crl(ca)),
        cbor.bstr(pki.root_crl()),
        cbor.bstr(pki.pck_crl_chain_pem(ca).encode()),
        cbor.bstr(qe_identity),
        cbor.bstr(pki.tcb_chain_pem().encode()),
    ]
    if created is not None:
        items.append(cbor.bstr(created))
    return cbor.tag(TAG_TEE_QUOTE, cbor.array(*items))


class _Dice:
    """Ties REPORTDATA and payload to one claims-buffer."""

    def __init__(self, claims, wrapper):
        self.make, self.wrapper, self.buffer = claims, wrapper, b""

    def rule(self, key):
        self.buffer = self.make(key) if callable(self.make) else self.make
        return sha256(self.buffer)

    def wrap(self, evidence):
        return dice_payload(evidence, self.buffer, **self.wrapper)


def _dice_item(evidence, claims, wrapper, **options):
    dice = _Dice(claims or dice_claims, wrapper or {})
    return Item(OID_DICE, evidence, dice.rule, dice.wrap, **options)


RATS_TLS = Style(
    "bc ski aki evidence", "O=Inclavare Containers,CN=RATS-TLS", bc_critical=False, serial=1
)


def dice(evidence, *, claims=None, wrapper=None, **hooks):
    """Current rats-tls. claims(key) -> bytes, or bytes; default dice_claims.

    wrapper: options of dice_payload(), such as tag=TAG_SNP, trailing=b"..", extra=(..).
    """
    return build("dice", [_dice_item(evidence, claims, wrapper)], RATS_TLS, **hooks)


# Gramine

GRAMINE = Style(
    "bc ski aki evidence",
    "CN=RATLS,O=GramineDevelopers,C=US",
    kind="p384",
    bc_critical=False,
    serial=1,
    validity=(datetime(2001, 1, 1), datetime(2030, 12, 31, 23, 59, 59)),
    null_parameters=True,
)


def gramine_legacy(evidence, *, oid_=OID_GRAMINE_LEGACY, **hooks):
    return build("gramine-legacy", [Item(oid_, evidence, rule_spki)], GRAMINE, **hooks)


def gramine(evidence, *, dice_evidence=None, claims=None, wrapper=None, **hooks):
    """Gramine 1.8: both extensions. dice_evidence: made elsewhere (two different enclaves)."""
    items = [
        Item(OID_GRAMINE_LEGACY, evidence, rule_spki),
        _dice_item(dice_evidence or evidence, claims, wrapper),
    ]
    return build("gramine", items, GRAMINE, **hooks)


# rats-tls of 2020 and the SGX SDK

RATS_TLS_OLD = Style(
    "evidence",
    "O=Inclavare Containers,OU=Enclave Attestation Architecture,CN=Enclave TLS",
    kind="rsa3072",
)
SDK = Style(
    "bc ski aki evidence",
    "CN=Intel SGX Enclave,O=Intel Corporation,C=US",
    kind="p384",
    bc_critical=False,
    serial=1,
    validity=(datetime(2021, 4, 1), datetime(2050, 12, 31, 23, 59, 59)),
)


def rats_tls_legacy(evidence, **hooks):
    """RSA-3072, SHA-256(PKCS#1 public key), the OID of MSE."""
    return build("rats-tls-legacy", [Item(OID_QUOTE, evidence, rule_point)], RATS_TLS_OLD, **hooks)


def sgx_sdk_old(evidence, **hooks):
    return build("sgx-sdk-old", [Item(OID_SDK, evidence, rule_pem_nul)], SDK, **hooks)


def sgx_sdk(evidence, *, claims=None, wrapper=None, **hooks):
    """Current SDK: old OID and DICE, the same quote in both, REPORTDATA by the DICE rule."""
    dice = _Dice(claims or dice_claims, wrapper or {})
    items = [
        Item(OID_SDK, evidence, dice.rule),
        Item(OID_DICE, evidence, dice.rule, dice.wrap, same=True),
    ]
    return build("sgx-sdk", items, SDK, **hooks)


# Open Enclave and EGo

OPEN_ENCLAVE = Style(
    "bc ski aki evidence",
    "CN=Open Enclave SDK,O=OESDK TLS,C=US",
    bc_critical=False,
    serial=1,
    validity=(datetime(2019, 5, 1), datetime(2050, 12, 31, 23, 59, 59)),
)
EGO = Style("ku eku evidence", "CN=EGo", ca=None)


def oe_report(quote, *, version=1, kind=2, size=None):
    """Header {u32 version, u32 type 2 = remote SGX, u64 size} and the quote."""
    return struct.pack("<IIQ", version, kind, len(quote) if size is None else size) + quote


def oe_evidence(quote, claims, *, version=3, format_id=OE_SGX_ECDSA, size=None):
    """Attestation header of 32 bytes, then quote || custom claims."""
    total = len(quote) + len(claims) if size is None else size
    return struct.pack("<I16s4xQ", version, uuid.UUID(format_id).bytes, total) + quote + claims


def open_enclave_report(evidence, *, old_oid=False, header=None, **hooks):
    oid_ = OID_OE_REPORT_OLD if old_oid else OID_OE_REPORT
    wrap = lambda quote: oe_report(quote, **(header or {}))  # noqa: E731
    items = [Item(oid_, evidence, rule_pem_nul, wrap)]
    return build("open-enclave-report", items, OPEN_ENCLAVE, **hooks)


def open_enclave_evidence(evidence, *, old_oid=False, header=None, claims=None, **hooks):
    """claims: other custom claims bytes than the PEM key and NUL (REPORTDATA follows them)."""
    state = {}

    def rule(key):
        state["claims"] = pem_nul(key) if claims is None else claims
        return sha256(state["claims"]) if state["claims"] else bytes(32)

    def wrap(quote):
        return oe_evidence(quote, state["claims"], **(header or {}))

    oid_ = OID_OE_EVIDENCE_OLD if old_oid else OID_OE_EVIDENCE
    items = [Item(oid_, evidence, rule, wrap)]
    return build("open-enclave-evidence", items, OPEN_ENCLAVE, **hooks)


def ego(evidence, *, oe_rule=False, header=None, **hooks):
    """EGo: report header, SHA-256(SPKI); oe_rule: the PEM and NUL rule it accepts too."""
    wrap = lambda quote: oe_report(quote, **(header or {}))  # noqa: E731
    rule = rule_pem_nul if oe_rule else rule_spki
    hooks.setdefault("names", ())
    return build("ego", [Item(OID_OE_REPORT, evidence, rule, wrap)], EGO, **hooks)


def plain(**hooks):
    """The MSE layout without any evidence."""
    return build("plain", [], MSE, **hooks)
