# SPDX-License-Identifier: Apache-2.0
"""AMD-like trees per product: ARK, ASK, ASVK, VCEK and VLEK certificates, CRLs."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property

from . import der, x509
from .keys import KeyCache

OID_AMD = "1.3.6.1.4.1.3704.1"
PRODUCTS = ("Milan", "Genoa", "Turin")
VCEK_PRODUCT = {"Milan": "Milan-B0", "Genoa": "Genoa", "Turin": "Turin"}
SERIALS = {"Milan": 0x10000, "Genoa": 0x20000, "Turin": 0x30000}
# CPUID family, model, stepping
CPUID = {"Milan": (0x19, 0x01, 1), "Genoa": (0x19, 0x11, 1), "Turin": (0x1A, 0x02, 1)}
KDS = "https://kds.invalid"
YEAR = timedelta(days=365)


@dataclass
class Tcb:
    """A TCB version; fmc exists on Turin only."""

    bl: int = 4
    tee: int = 0
    snp: int = 24
    ucode: int = 219
    fmc: int = 0

    def encode(self, product):
        """8 bytes in the product's own order."""
        out = bytearray(8)
        if product == "Turin":
            out[0:4] = bytes((self.fmc, self.bl, self.tee, self.snp))
        else:
            out[0:2], out[6] = bytes((self.bl, self.tee)), self.snp
        out[7] = self.ucode
        return bytes(out)

    def but(self, **changes):
        return replace(self, **changes)


DEFAULT_TCB = {"Milan": Tcb(), "Genoa": Tcb(10, 0, 23, 84), "Turin": Tcb(1, 1, 4, 78, fmc=1)}


def chip_id(product, label="chip"):
    """64 bytes as in a report; on Turin only the first 8 are in use."""
    value = hashlib.sha512(f"mse test {product} {label}".encode()).digest()
    return value[:8] + bytes(56) if product == "Turin" else value


def vek_extensions(product, tcb, *, hwid=None, csp_id=None, vcek=True, drop=(), extra=()):
    """The AMD extensions; drop names suffixes such as "3.8" or "4"; extra is a list of Ext."""
    name = VCEK_PRODUCT[product] if vcek else product
    values = [
        ("1", der.integer(1 if product == "Turin" else 0)),
        ("2", der.ia5(name)),
        ("3.1", der.integer(tcb.bl)),
        ("3.2", der.integer(tcb.tee)),
        ("3.4", der.integer(0)),
        ("3.5", der.integer(0)),
        ("3.6", der.integer(0)),
        ("3.7", der.integer(0)),
        ("3.3", der.integer(tcb.snp)),
        ("3.8", der.integer(tcb.ucode)),
    ]
    if product == "Turin":
        values.insert(2, ("3.9", der.integer(tcb.fmc)))
        values = [v for v in values if v[0] != "3.4"]
    if hwid is not None:
        values.append(("4", hwid))
    if csp_id is not None:
        values.append(("5", der.ia5(csp_id)))
    kept = [x509.Ext(f"{OID_AMD}.{path}", v) for path, v in values if path not in drop]
    return kept + list(extra)


class AmdPki:
    """The tree of one product. make_*() take any option of x509.issue().

    certs: {"ark" | "ask" | "asvk" | "vcek" | "vlek": {issue() options}} for the cached ones.
    """

    def __init__(
        self, product="Milan", keys=None, at=None, *, org="MSE Test", label=None, tcb=None,
        chip=None, csp_id="CN=cc-test.mse.example", certs=None,
    ):
        self.product = product
        self.keys = keys or KeyCache()
        self.at = der.utc(at if at is not None else datetime.now(timezone.utc))
        self.org, self.csp_id, self.certs = org, csp_id, certs or {}
        self.label = label or f"amd-{product.lower()}"
        self.tcb = tcb or DEFAULT_TCB[product]
        self.chip_id = chip_id(product) if chip is None else chip

    @property
    def hwid(self):
        return self.chip_id[:8] if self.product == "Turin" else self.chip_id

    def subject(self, common_name):
        return x509.name(
            [("OU", "Engineering"), ("C", "US"), ("L", "Santa Clara"), ("ST", "CA"),
             ("O", self.org), ("CN", common_name)]
        )

    def _issue(self, role, kind, common_name, issuer, years, extensions, overrides):
        options = dict(
            subject=self.subject(common_name),
            issuer=issuer,
            not_before=self.at - years[0] * YEAR,
            not_after=self.at + years[1] * YEAR,
            algorithm="pss-sha384",
            extensions=extensions,
        )
        options.update(self.certs.get(role, {}))
        options.update(overrides)
        if "key" not in options:
            options["key"] = self.keys.get(f"{self.label}-{role}", kind)
        if callable(options["extensions"]):
            options["extensions"] = options["extensions"](options["key"])
        return x509.issue(**options)

    def _ca_extensions(self, issuer_key, pathlen, usage, service):
        def build(key):
            aki = [] if issuer_key is None else [x509.authority_key_id(issuer_key)]
            return [
                x509.key_usage(*usage),
                x509.subject_key_id(key),
                *aki,
                x509.basic_constraints(True, pathlen),
                x509.crl_distribution_point(f"{KDS}/{service}/v1/{self.product}/crl"),
            ]

        return build

    def make_ark(self, **overrides):
        extensions = self._ca_extensions(None, None, ("keyCertSign", "cRLSign"), "vcek")
        overrides.setdefault("serial", SERIALS[self.product])
        name = f"ARK-{self.product}"
        return self._issue("ark", "rsa4096", name, None, (4, 21), extensions, overrides)

    def make_ask(self, **overrides):
        issuer = overrides.pop("issuer", self.ark)
        extensions = self._ca_extensions(issuer.key, 0, ("keyCertSign",), "vcek")
        overrides.setdefault("serial", SERIALS[self.product] + 1)
        name = f"SEV-{self.product}"
        return self._issue("ask", "rsa4096", name, issuer, (4, 21), extensions, overrides)

    def make_asvk(self, **overrides):
        issuer = overrides.pop("issuer", self.ark)
        extensions = self._ca_extensions(issuer.key, 0, ("keyCertSign",), "vlek")
        overrides.setdefault("serial", SERIALS[self.product] + 0x101)
        name = f"SEV-VLEK-{self.product}"
        return self._issue("asvk", "rsa4096", name, issuer, (4, 21), extensions, overrides)

    def make_vcek(self, tcb=None, hwid=None, *, drop=(), extra=(), **overrides):
        """VCEK leaf for a TCB and chip. drop/extra: see vek_extensions(). Serial 0, as AMD's."""
        issuer = overrides.pop("issuer", self.ask)
        extensions = vek_extensions(
            self.product, tcb or self.tcb, hwid=self.hwid if hwid is None else hwid,
            drop=drop, extra=extra,
        )
        overrides.setdefault("serial", 0)
        return self._issue("vcek", "p384", "SEV-VCEK", issuer, (1, 6), extensions, overrides)

    def make_vlek(self, tcb=None, *, drop=(), extra=(), **overrides):
        issuer = overrides.pop("issuer", self.asvk)
        extensions = vek_extensions(
            self.product, tcb or self.tcb, csp_id=self.csp_id, vcek=False, drop=drop, extra=extra
        )
        overrides.setdefault("serial", 0)
        return self._issue("vlek", "p384", "SEV-VLEK", issuer, (0.5, 0.5), extensions, overrides)

    @cached_property
    def ark(self):
        return self.make_ark()

    @cached_property
    def ask(self):
        return self.make_ask()

    @cached_property
    def asvk(self):
        return self.make_asvk()

    @cached_property
    def vcek(self):
        return self.make_vcek()

    @cached_property
    def vlek(self):
        return self.make_vlek()

    def chain(self, vlek=False):
        """[VEK, ASK or ASVK, ARK] as Certs."""
        return [self.vlek, self.asvk, self.ark] if vlek else [self.vcek, self.ask, self.ark]

    def ca_chain_pem(self, vlek=False):
        """What KDS serves as cert_chain: ASK (or ASVK), then ARK."""
        return (self.asvk if vlek else self.ask).pem + self.ark.pem

    def crl(self, **overrides):
        """CRL by the ARK; options of x509.crl(): revoked=[serial], this_update=, signer=..."""
        options = dict(
            signer=self.ark.key,
            issuer=self.ark.subject,
            this_update=self.at - timedelta(days=30),
            next_update=self.at + timedelta(days=335),
            algorithm="pss-sha384",
        )
        options.update(overrides)
        return x509.crl(**options)
