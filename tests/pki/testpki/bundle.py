# SPDX-License-Identifier: Apache-2.0
"""Collateral in the containers verifiers read: MSE bundle, dcap-qvl JSON, evidence.json."""

import base64
import json

from . import collateral, keys, x509

FORMAT = "mse-collateral-v1"
KINDS = ("tcb_info", "qe_identity", "crl", "certificates")


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def item(kind, data, *, chain=None, update=None, source=None, **extra):
    """One bundle item; data and chain: bytes or text."""
    out = {"kind": kind, "data": b64(data)}
    for name, value in (("chain", chain), ("update", update), ("source", source)):
        if value is not None:
            out[name] = value.decode() if isinstance(value, bytes) else value
    out.update(extra)
    return out


def bundle(items, *, format=FORMAT, **extra):
    """The bytes of a bundle file."""
    return json.dumps({"format": format, "items": list(items), **extra}, indent=1).encode()


def intel_items(pki, kinds=("SGX", "TDX"), *, tcb=None, qe=None, crls=None, update=None):
    """TCB info and QE identity per kind, PCK CRLs of both CAs, root CRL.

    tcb, qe: options for collateral.tcb_info() and qe_identity(); crls: {"root" | "platform" |
    "processor": options of x509.crl(), or None to leave that CRL out}.
    """
    crls = crls or {}
    out = []
    for kind in kinds:
        identity = "TD_QE" if kind == "TDX" else "QE"
        chain = pki.tcb_chain_pem()
        path = "https://pcs.invalid/%s/certification/v4" % kind.lower()
        info = pki.tcb_info(kind, **(tcb or {}))
        fmspc = pki.platform.fmspc.hex()
        source = f"{path}/tcb?fmspc={fmspc}"
        out.append(item("tcb_info", info, chain=chain, update=update, source=source))
        body = pki.qe_identity(identity, **(qe or {}))
        source = f"{path}/qe/identity"
        out.append(item("qe_identity", body, chain=chain, update=update, source=source))
    for ca in ("platform", "processor"):
        options = crls.get(ca, {})
        if options is not None:
            out.append(item("crl", pki.pck_crl(ca, **options), chain=pki.pck_crl_chain_pem(ca)))
    options = crls.get("root", {})
    if options is not None:
        out.append(item("crl", pki.root_crl(**options), chain=pki.root.pem))
    return out


def amd_items(pki, *, vlek=True, vek=True, crl=None):
    """CA certificates, optionally VCEK and VLEK, and the CRL (crl: its options, False: none)."""
    out = [item("certificates", pki.ca_chain_pem())]
    if vlek:
        out.append(item("certificates", pki.ca_chain_pem(vlek=True)))
    if vek:
        out.append(item("certificates", pki.vcek.pem + (pki.vlek.pem if vlek else "")))
    if crl is not False:
        out.append(item("crl", pki.crl(**(crl or {})), chain=pki.ark.pem))
    return out


def roots_pem(intel=None, amds=()):
    """The simulation root file: EC root and ARKs in one PEM."""
    return (intel.root.pem if intel else "") + "".join(pki.ark.pem for pki in amds)


def qvl_collateral(pki, kind="SGX", *, ca=None, tcb=None, qe=None, pck_crl=None, root_crl=None):
    """Collateral JSON with the member names of dcap-qvl; pck_crl, root_crl: DER instead."""
    info, info_signature = collateral.inner_of(pki.tcb_info(kind, **(tcb or {})))
    identity_kind = "TD_QE" if kind == "TDX" else "QE"
    identity, identity_signature = collateral.inner_of(pki.qe_identity(identity_kind, **(qe or {})))
    out = {
        "pck_crl_issuer_chain": pki.pck_crl_chain_pem(ca),
        "root_ca_crl": (root_crl or pki.root_crl()).hex(),
        "pck_crl": (pck_crl or pki.pck_crl(ca)).hex(),
        "tcb_info_issuer_chain": pki.tcb_chain_pem(),
        "tcb_info": info.decode(),
        "tcb_info_signature": info_signature,
        "qe_identity_issuer_chain": pki.tcb_chain_pem(),
        "qe_identity": identity.decode(),
        "qe_identity_signature": identity_signature,
    }
    return json.dumps(out, indent=1).encode()


def evidence_json(
    pki, attested, *, signer_pk=None, tcb=None, qe=None, hex_tcb=True, input_args=None, edit=None
):
    """MSE evidence.json. hex_tcb: TCB info as base64 of hex, as captured; else of the JSON.

    signer_pk: PEM text of the enclave signer's public key; edit(dict) changes the document.
    """
    info = pki.tcb_info("SGX", **(tcb or {}))
    if hex_tcb:
        info = info.hex().encode() + b"\n"
    if signer_pk is None:
        signer_pk = keys.spki_pem(pki.keys.get("enclave-signer", "rsa3072")).decode()
    out = {
        "input_args": input_args
        or {
            "subject": "CN=app1.example,O=MSE Test,C=FR,L=Paris,ST=Ile-de-France",
            "subject_alternative_name": "app1.example",
            "expiration_date": int(pki.at.timestamp()) + 89 * 86400,
            "size": 4096,
            "app_id": "00000000-0000-4000-8000-00006d736500",
            "application": "app:app",
        },
        "ratls_certificate": attested.pem,
        "root_ca_crl": x509.pem(pki.root_crl(), "X509 CRL"),
        "pck_platform_crl": x509.pem(pki.pck_crl("platform"), "X509 CRL"),
        "tcb_info": b64(info),
        "qe_identity": b64(pki.qe_identity("QE", **(qe or {}))),
        "tcb_cert": pki.tcb_signing.pem,
        "signer_pk": signer_pk,
    }
    if edit is not None:
        edit(out)
    return json.dumps(out, indent=4).encode()
