# SPDX-License-Identifier: Apache-2.0
"""An Intel-like provisioning tree: root, PCK CAs, TCB signing, PCK leafs, CRLs."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property

from . import collateral, der, x509
from .keys import KeyCache

OID_SGX = "1.2.840.113741.1.13.1"
URL_ROOT_CRL = "https://certificates.pcs.invalid/IntelSGXRootCA.der"
URL_PCK_CRL = "https://api.pcs.invalid/sgx/certification/v4/pckcrl?ca={}&encoding=der"
YEAR = timedelta(days=365)


@dataclass
class Platform:
    """What a PCK certificate says of a machine. cpusvn None: the components as bytes."""

    ppid: bytes = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")
    components: tuple = (7, 9, 3, 3, 255, 255, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0)
    pcesvn: int = 13
    cpusvn: bytes = None
    pceid: bytes = b"\x00\x00"
    fmspc: bytes = bytes.fromhex("10a06f010000")
    sgx_type: int = 1
    platform_instance_id: bytes = bytes.fromhex("b0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
    dynamic_platform: bool = True
    cached_keys: bool = False
    smt_enabled: bool = True

    @property
    def cpusvn_bytes(self):
        return bytes(self.components) if self.cpusvn is None else self.cpusvn

    def but(self, **changes):
        return replace(self, **changes)


def sgx_extension(platform, multi=True, *, drop=(), extra=(), components=None):
    """The SGX extension; multi adds the platform instance and configuration of a platform CA leaf.

    drop names members (1..7) to leave out; extra is a list of DER members to append.
    """

    def member(path, value):
        return der.seq(der.oid(f"{OID_SGX}.{path}"), value)

    svns = platform.components if components is None else components
    tcb = [member(f"2.{i}", der.integer(svn)) for i, svn in enumerate(svns, 1)]
    tcb.append(member("2.17", der.integer(platform.pcesvn)))
    tcb.append(member("2.18", der.octets(platform.cpusvn_bytes)))
    members = {
        1: member("1", der.octets(platform.ppid)),
        2: member("2", der.seq(*tcb)),
        3: member("3", der.octets(platform.pceid)),
        4: member("4", der.octets(platform.fmspc)),
        5: member("5", der.enumerated(platform.sgx_type)),
    }
    if multi:
        flags = (platform.dynamic_platform, platform.cached_keys, platform.smt_enabled)
        members[6] = member("6", der.octets(platform.platform_instance_id))
        members[7] = member(
            "7", der.seq(*(member(f"7.{i}", der.boolean(f)) for i, f in enumerate(flags, 1)))
        )
    kept = [value for number, value in members.items() if number not in drop]
    return x509.Ext(OID_SGX, der.seq(*kept, *extra))


class IntelPki:
    """One tree. Every certificate method takes the options of x509.issue() to override any part.

    at: reference time; all validity windows contain it. ca: which CA issues PCK leafs by default.
    certs: {"root" | "platform_ca" | "processor_ca" | "tcb_signing": {issue() options}}.
    """

    def __init__(
        self, keys=None, at=None, *, ca="platform", org="MSE Test", label="intel", platform=None,
        certs=None,
    ):
        self.keys = keys or KeyCache()
        self.at = der.utc(at if at is not None else datetime.now(timezone.utc))
        self.ca, self.org, self.label = ca, org, label
        self.platform = platform or Platform()
        self.certs = certs or {}

    def key(self, role, kind="p256"):
        return self.keys.get(f"{self.label}-{role}", kind)

    def subject(self, common_name):
        return x509.name(
            [("CN", common_name), ("O", self.org), ("L", "Santa Clara"), ("ST", "CA"), ("C", "US")]
        )

    def _issue(self, role, common_name, issuer, years, own, overrides):
        options = dict(
            key=self.key(role),
            subject=self.subject(common_name),
            issuer=issuer,
            not_before=self.at - years[0] * YEAR,
            not_after=self.at + years[1] * YEAR,
        )
        options.update(self.certs.get(role, {}))
        options.update(overrides)
        signer = issuer.key if issuer else options["key"]
        drop = options.pop("drop", ())
        extra = options.pop("extra", ())
        if "extensions" not in options:
            standard = [
                x509.authority_key_id(options.get("signer", signer)),
                x509.crl_distribution_point(options.pop("crl_url", URL_ROOT_CRL)),
                x509.subject_key_id(options["key"]),
                *own,
            ]
            options["extensions"] = [e for e in standard if e.oid not in drop] + list(extra)
        return x509.issue(**options)

    def make_root(self, **overrides):
        own = [x509.key_usage("keyCertSign", "cRLSign"), x509.basic_constraints(True, 1)]
        return self._issue("root", "Intel SGX Root CA", None, (8, 23), own, overrides)

    def make_ca(self, which="platform", **overrides):
        own = [x509.key_usage("keyCertSign", "cRLSign"), x509.basic_constraints(True, 0)]
        title = f"Intel SGX PCK {which.capitalize()} CA"
        issuer = overrides.pop("issuer", self.root)
        return self._issue(f"{which}_ca", title, issuer, (7, 8), own, overrides)

    def make_tcb_signing(self, **overrides):
        own = [x509.key_usage("digitalSignature", "nonRepudiation"), x509.basic_constraints(False)]
        issuer = overrides.pop("issuer", self.root)
        return self._issue("tcb_signing", "Intel SGX TCB Signing", issuer, (1, 6), own, overrides)

    def make_pck(self, platform=None, ca=None, *, role="pck", sgx=None, **overrides):
        """PCK leaf. sgx: an Ext instead of the default one, or False for none.

        More: any x509.issue() option; drop=(OIDs,), extra=[Ext], issuer=Cert, key=.
        """
        ca = ca or self.ca
        if sgx is None:
            sgx = sgx_extension(platform or self.platform, multi=ca == "platform")
        own = [x509.key_usage("digitalSignature", "nonRepudiation"), x509.basic_constraints(False)]
        if sgx:
            own.append(sgx)
        overrides.setdefault("crl_url", URL_PCK_CRL.format(ca))
        issuer = overrides.pop("issuer", self.ca_cert(ca))
        return self._issue(role, "Intel SGX PCK Certificate", issuer, (1, 6), own, overrides)

    @cached_property
    def root(self):
        return self.make_root()

    @cached_property
    def platform_ca(self):
        return self.make_ca("platform")

    @cached_property
    def processor_ca(self):
        return self.make_ca("processor")

    @cached_property
    def tcb_signing(self):
        return self.make_tcb_signing()

    @cached_property
    def pck(self):
        return self.make_pck()

    def ca_cert(self, ca=None):
        return getattr(self, f"{ca or self.ca}_ca")

    def chain(self, leaf=None, ca=None):
        """[leaf, CA, root] as Certs."""
        return [leaf or self.pck, self.ca_cert(ca), self.root]

    def tcb_chain_pem(self):
        """The issuer chain of TCB info and QE identity: signing certificate, root."""
        return self.tcb_signing.pem + self.root.pem

    def pck_crl_chain_pem(self, ca=None):
        return self.ca_cert(ca).pem + self.root.pem

    def root_crl(self, **overrides):
        return self._crl(self.root, timedelta(days=30), timedelta(days=335), overrides)

    def pck_crl(self, ca=None, **overrides):
        """CRL of a PCK CA. Options of x509.crl(): revoked=, this_update=, signer=, issuer=..."""
        return self._crl(self.ca_cert(ca), timedelta(days=5), timedelta(days=25), overrides)

    def _crl(self, issuer, age, rest, overrides):
        options = dict(
            signer=issuer.key,
            issuer=issuer.subject,
            this_update=self.at - age,
            next_update=self.at + rest,
        )
        options.update(overrides)
        return x509.crl(**options)

    def tcb_info(self, kind="SGX", **options):
        """Reply body {"tcbInfo":...,"signature":...}; see collateral.tcb_info()."""
        return collateral.tcb_info(self, kind, **options)

    def qe_identity(self, kind="QE", **options):
        """Reply body {"enclaveIdentity":...,"signature":...}; see collateral.qe_identity()."""
        return collateral.qe_identity(self, kind, **options)
