# SPDX-License-Identifier: Apache-2.0
"""A small corpus of simulated evidence with a manifest, made from what the generator knows."""

import hashlib
import json
from datetime import timedelta

from cryptography import x509
from testpki import bundle, collateral, quote, ratls, snp

RULES = {
    "mse": "sha256(X9.62 uncompressed point, 65B/97B incl 04)",
    "open-enclave-report": "sha256(SPKI PEM || 00) [OE]",
    "dice": "report_data[0:32]=sha256(claims-buffer); pubkey-hash=sha256(SPKI DER)",
}
OIDS = {"mse": ratls.OID_QUOTE, "open-enclave-report": ratls.OID_OE_REPORT, "dice": ratls.OID_DICE}
SGX_TYPES = ("Standard", "Scalable", "ScalableWithIntegrity")


def text(moment):
    return collateral.date(moment)


class Corpus:
    """Files and manifest entries in the making."""

    def __init__(self, directory, world):
        self.directory, self.world, self.files = directory, world, []
        for part in ("certs", "collateral", "sgx", "tdx", "snp"):
            (directory / part).mkdir(parents=True)

    def add(self, name, data, kind, **entry):
        (self.directory / name).write_bytes(data)
        self.files.append({
            "file": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data),
            "kind": kind, "negative": None, "sources": [], **entry,
        })  # fmt: skip
        return self.files[-1]

    def write(self):
        manifest = {"notes": [], "files": self.files}
        (self.directory / "MANIFEST.json").write_text(json.dumps(manifest, indent=1))

    # ---- statements ----

    def certificate(self, name, der, role, chained=True, **entry):
        cert = x509.load_der_x509_certificate(der)
        return self.add(
            f"certs/{name}.der", der, "certificate", role=role,
            subject=cert.subject.rfc4514_string(), issuer=cert.issuer.rfc4514_string(),
            serial=f"{cert.serial_number:x}", not_before=text(cert.not_valid_before),
            not_after=text(cert.not_valid_after),
            crypto={"chain_ok_to_pinned_root": chained}, **entry,
        )  # fmt: skip

    def crl(self, name, der, issuer):
        crl = x509.load_der_x509_crl(der)
        return self.add(
            f"collateral/{name}.der", der, "crl", issuer_cn=issuer,
            thisUpdate=text(crl.last_update), nextUpdate=text(crl.next_update),
            revoked_count=len(crl), crypto={"signature_ok": True},
        )  # fmt: skip

    def reply(self, name, data, kind):
        value = json.loads(data)["tcbInfo" if kind == "tcb_info" else "enclaveIdentity"]
        return self.add(
            f"collateral/{name}.json", data, kind, id=value["id"], version=value["version"],
            fmspc=value.get("fmspc", "").lower() or None, pceId=value.get("pceId"),
            tcbEvaluationDataNumber=value["tcbEvaluationDataNumber"],
            issueDate=value["issueDate"], nextUpdate=value["nextUpdate"],
            crypto={"signature_ok": True},
        )  # fmt: skip

    # ---- evidence ----

    def pck(self):
        """The manifest's view of the platform's PCK certificate."""
        platform = self.world.intel.platform
        cert = x509.load_der_x509_certificate(self.world.intel.pck.der)
        return {
            "serial": f"{cert.serial_number:x}", "fmspc": platform.fmspc.hex(),
            "pceid": platform.pceid.hex(), "ca": "platform",
            "not_before": text(cert.not_valid_before), "not_after": text(cert.not_valid_after),
            "cpusvn_comps": list(platform.components), "pcesvn": platform.pcesvn,
            "sgx_type": SGX_TYPES[platform.sgx_type],
            "configuration": {
                "dynamicPlatform": platform.dynamic_platform,
                "cachedKeys": platform.cached_keys, "smtEnabled": platform.smt_enabled,
            },
            "revoked_in_crls": [],
        }  # fmt: skip

    def window(self, kind):
        names = {"tcb_info": f"tcb-info-{kind}.json", "qe_identity": f"qe-identity-{kind}.json",
                 "root_ca_crl": "crl-root.der", "pck_crl": "crl-platform.der"}  # fmt: skip
        at = self.world.at
        window = {key: f"collateral/{name}" for key, name in names.items()}
        window.update({
            "from": text(at - timedelta(days=5)), "to": text(at + timedelta(days=25)),
            "platform_tcb_status": "UpToDate", "qe_identity_match": True, "qe_status": "UpToDate",
            "tcb_eval_num": 21,
        })  # fmt: skip
        if kind == "TDX":
            window["tdx_module_status"] = "UpToDate"
        return window

    def quote(self, name, data, body, version, qe, **entry):
        kind = "TDX" if "mrtd" in entry else "SGX"
        crypto = dict.fromkeys(
            ("quote_signature", "att_key_bound_in_qe_report", "qe_report_data_tail_zero",
             "qe_report_signature", "pck_chain_to_intel_root", "embedded_chain_complete", "all_ok"),
            True,
        )  # fmt: skip
        return self.add(
            f"{kind.lower()}/{name}.quote", data, f"{kind.lower()}_quote", **{
                "tee": kind, "quote_version": version, "att_key_type": 2, "cert_data_type": 5,
                "report_data": body.report_data.hex(), "qe_isvsvn": qe[0],
                "qe_mrsigner": qe[1].hex(), "pck": self.pck(), "crypto": crypto,
                "matching_collateral": {
                    "has_tcb_info": True, "full_windows": [self.window(kind)],
                    "window_without_crls": None,
                },
                **entry,
            },
        )  # fmt: skip

    def sgx(self, name, flags, **entry):
        rd = bytes(range(64))
        body = quote.SgxBody(report_data=rd, flags=flags,
                             cpusvn=self.world.intel.platform.cpusvn_bytes)  # fmt: skip
        return self.quote(
            name, self.world.sgx(rd, flags=flags), body, 3,
            (collateral.QE_ISVSVN, collateral.QE_SIGNER), debug=bool(flags & quote.DEBUG),
            mrenclave=body.mrenclave.hex(), mrsigner=body.mrsigner.hex(),
            isv_prod_id=body.isvprodid, isv_svn=body.isvsvn, cpusvn=body.cpusvn.hex(),
            attributes=(flags | body.xfrm << 64).to_bytes(16, "little").hex(), **entry,
        )  # fmt: skip

    def tdx(self, name):
        rd = bytes(range(64))
        body = quote.Td10Body(report_data=rd)
        fields = ("mrtd", "mrseam", "mrconfigid", "tee_tcb_svn", "rtmr0", "rtmr1", "rtmr2", "rtmr3")
        return self.quote(
            name, self.world.tdx(rd), body, 4, (collateral.TD_QE_ISVSVN, collateral.TD_QE_SIGNER),
            debug=False, td_attributes=body.td_attributes.to_bytes(8, "little").hex(),
            xfam=body.xfam.to_bytes(8, "little").hex(),
            **{field: getattr(body, field).hex() for field in fields},
        )  # fmt: skip

    def snp(self, name):
        pki = self.world.milan
        vcek = x509.load_der_x509_certificate(pki.vcek.der)
        span = [text(vcek.not_valid_before), text(vcek.not_valid_after)]
        values = snp.defaults(pki, 3, False)
        parts = {"bl": pki.tcb.bl, "tee": pki.tcb.tee, "snp": pki.tcb.snp, "ucode": pki.tcb.ucode}
        extension = next(f for f in self.files if f["file"] == "certs/vcek.der")["vek_ext"]
        raw = pki.tcb.encode("Milan").hex()
        return self.add(
            f"snp/{name}.report", self.world.snp(bytes(64)), "snp_report", tee="SNP",
            report_version=3, guest_svn=0, policy=hex(values["policy"]), debug=False,
            migrate_ma=False, smt=True, vmpl=0, signing_key="VCEK", mask_chip_key=False,
            report_data="00" * 64, measurement=values["measurement"].hex(), host_data="00" * 32,
            id_key_digest="00" * 48, author_key_digest="00" * 48, chip_id=pki.chip_id.hex(),
            reported_tcb=raw, current_tcb=raw, committed_tcb=raw, launch_tcb=raw,
            cpuid_fam_mod_step="190101", signer_valid=span, signer_ext=extension,
            reported_tcb_parts=parts,
            crypto={
                "report_signature": True, "signer_in_corpus": True, "signer": "SEV-VCEK",
                "chain_to_amd_root": True, "ask": "SEV-Milan", "ark": "ARK-Milan",
                "hwid_matches_chip_id": True, "tcb_matches_signer": True, "all_ok": True,
                "signer_cert": "certs/vcek.der",
            },
            window={"from": span[0], "to": span[1], "note": "validity of the VCEK"},
        )  # fmt: skip

    def attested(self, profile):
        made = self.world.certificate(profile)
        cert = x509.load_der_x509_certificate(made.der)
        begin, end = text(cert.not_valid_before), text(cert.not_valid_after)
        window = self.window("SGX")
        evidence = {
            "oid": OIDS[profile], "evidence_sha256": hashlib.sha256(made.evidence[0]).hexdigest(),
            "report_data": made.report_data[0].hex(), "binding_ok": True,
            "evidence_crypto_ok": True, "evidence_debug": False, "evidence_file": None,
            "evidence_measurement": quote.SgxBody().mrenclave.hex(),
            "evidence_windows": [[window["from"], window["to"], "UpToDate", "UpToDate"]],
            "evidence_len": len(made.evidence[0]), "trailing": 0,
        }  # fmt: skip
        ratls_part = {
            "oids": [OIDS[profile]], "not_before": begin, "not_after": end, "ca": False,
            "san": ["app1.example"] if profile == "mse" else [], "self_signed_ok": True,
            "evidence": [evidence],
        }  # fmt: skip
        return self.certificate(
            f"ratls-{profile}", made.der, "ratls", None, ratls=ratls_part, tee="SGX",
            key_binding_ok=True, key_binding_rule=[RULES[profile]],
        )  # fmt: skip


def vek_extension(pki):
    return {"struct_version": 0, "product": "Milan-B0", "bl": pki.tcb.bl, "tee": pki.tcb.tee,
            "snp": pki.tcb.snp, "ucode": pki.tcb.ucode, "hwid": pki.hwid.hex()}  # fmt: skip


def make(directory, world):
    """Writes corpus and roots.pem below directory; returns the corpus."""
    corpus = Corpus(directory, world)
    intel, amd = world.intel, world.milan
    corpus.certificate("root", intel.root.der, "intel_root")
    corpus.certificate("platform-ca", intel.platform_ca.der, "intel_pck_platform_ca")
    corpus.certificate("tcb-signing", intel.tcb_signing.der, "intel_tcb_signing")
    pck = corpus.pck()
    names = ("fmspc", "pceid", "ca", "pcesvn", "sgx_type", "configuration")
    corpus.certificate("pck", intel.pck.der, "intel_pck", tcb_comps=pck["cpusvn_comps"],
                       revoked_in_corpus_crls=[], **{n: pck[n] for n in names})  # fmt: skip
    corpus.certificate("ask", amd.ask.der, "amd_ask")
    corpus.certificate("vcek", amd.vcek.der, "amd_vcek", vek_ext=vek_extension(amd), ask="SEV-Milan")
    corpus.crl("crl-root", intel.root_crl(), "Intel SGX Root CA")
    corpus.crl("crl-platform", intel.pck_crl(), "Intel SGX PCK Platform CA")
    corpus.crl("crl-ark", amd.crl(), "ARK-Milan")
    for kind, identity in (("SGX", "QE"), ("TDX", "TD_QE")):
        corpus.reply(f"tcb-info-{kind}", intel.tcb_info(kind), "tcb_info")
        corpus.reply(f"qe-identity-{kind}", intel.qe_identity(identity), "qe_identity")
    corpus.sgx("good", quote.INIT | quote.MODE64)
    corpus.sgx("debug", quote.INIT | quote.MODE64 | quote.DEBUG, negative="DEBUG attribute set")
    corpus.tdx("td")
    corpus.snp("snp")
    for profile in RULES:
        corpus.attested(profile)
    padded = (directory / "tdx/td.quote").read_bytes() + bytes(70)
    corpus.add("tdx/padded.bin", padded, "tdx_quote_padded", note="with 70 zeros behind it")
    swapped = world.certificate("dice", bind_key=world.keys.get("swap"))
    corpus.add("certs/keyswap.der", swapped.der, "synthetic_negative", crypto={"all_ok": False},
               negative="SYNTHETIC: real DICE evidence under another TLS key")  # fmt: skip
    corpus.write()
    (directory / "roots.pem").write_text(bundle.roots_pem(intel, [amd]))
    return corpus
