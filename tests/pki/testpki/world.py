# SPDX-License-Identifier: Apache-2.0
"""One coherent set of simulated vendors, evidence makers and certificates."""

from datetime import datetime, timezone

from . import bundle, der, hcl, quote, ratls, ratls_cloud, snp
from .amd import PRODUCTS, AmdPki
from .intel import IntelPki
from .keys import KeyCache

REPORT_DATA = bytes(range(0x40, 0x80))


class World:
    """Trees of all vendors under one key cache and one reference time.

    The evidence makers (sgx, tdx, tdx15, snp, vlek, ...) take REPORTDATA and options, so that
    world.sgx or lambda rd: world.sgx(rd, flags=...) is an evidence callable of a profile.
    """

    def __init__(self, keys=None, at=None, *, products=("Milan",), intel=None):
        self.keys = keys if isinstance(keys, KeyCache) else KeyCache(keys)
        self.at = der.utc(at if at is not None else datetime.now(timezone.utc))
        self.intel = intel or IntelPki(self.keys, self.at)
        self.amd = {product: AmdPki(product, self.keys, self.at) for product in products}
        self.milan = next(iter(self.amd.values()), None)
        self.hooks = dict(cache=self.keys, at=self.at)

    def sgx(self, rd=REPORT_DATA, **options):
        return quote.sgx_v3(self.intel, rd, **options)

    def sgx_v4(self, rd=REPORT_DATA, **options):
        return quote.sgx_v4(self.intel, rd, **options)

    def sgx_v5(self, rd=REPORT_DATA, **options):
        return quote.sgx_v5(self.intel, rd, **options)

    def tdx(self, rd=REPORT_DATA, **options):
        return quote.td_v4(self.intel, rd, **options)

    def tdx10(self, rd=REPORT_DATA, **options):
        return quote.td10_v5(self.intel, rd, **options)

    def tdx15(self, rd=REPORT_DATA, **options):
        return quote.td15_v5(self.intel, rd, **options)

    def snp(self, rd=REPORT_DATA, product=None, **options):
        return snp.report(self.amd[product] if product else self.milan, rd, **options)

    def vlek(self, rd=REPORT_DATA, product=None, **options):
        return self.snp(rd, product, vlek=True, **options)

    def hcl(self, product=None, **options):
        runtime = hcl.runtime_json(self.keys.get("hcl-ak", "rsa2048"))
        return hcl.build(lambda rd: self.snp(rd, product), runtime, **options)

    def roots_pem(self):
        return bundle.roots_pem(self.intel, self.amd.values())

    def bundle(self, **options):
        """Bundle of everything; options of bundle.intel_items()."""
        items = bundle.intel_items(self.intel, **options)
        for pki in self.amd.values():
            items += bundle.amd_items(pki)
        return bundle.bundle(items)

    def profiles(self):
        """{name: function(**hooks) -> Attested}: every profile over its usual evidence."""
        sgx, tdx, report = self.sgx, self.tdx, self.snp

        # Functions, because AMD's trees are slow to make and most tests do not need them.
        def certs():
            return snp.vek_certs(self.milan)

        def chain():
            return [self.milan.vcek.der, self.milan.ask.der]

        def payload(blob):
            return snp.tee_tools_payload(blob, certs())

        def vlek():
            return snp.vek_certs(self.milan, vlek=True)[1:2]

        x25519 = quote.digest("x25519", 32)
        table = {
            "mse": (ratls.mse, sgx, {}),
            "mse-x25519": (ratls.mse, sgx, {"x25519": x25519}),
            "mse-tdx": (ratls.mse, tdx, {"oid_": ratls.OID_TDX}),
            "mse-snp": (ratls.mse, report, {"oid_": ratls.OID_SNP, "wrap": payload}),
            "mse-legacy": (ratls.mse_legacy, sgx, {"x25519": x25519}),
            "tee-tools-sgx": (ratls.tee_tools_sgx, sgx, {}),
            "tee-tools-tdx": (ratls.tee_tools_tdx, tdx, {}),
            "tee-tools-snp": (ratls.tee_tools_snp, report, lambda: {"certs": certs()}),
            "tee-tools-snp-vlek": (ratls.tee_tools_snp, self.vlek, lambda: {"certs": vlek()}),
            "tee-tools-snp-bare": (ratls.tee_tools_snp, report, {"certs": None}),
            "gramine-legacy": (ratls.gramine_legacy, sgx, {}),
            "gramine": (ratls.gramine, sgx, {}),
            "dice": (ratls.dice, sgx, {}),
            "dice-tdx": (ratls.dice, tdx, {}),
            "dice-snp": (ratls.dice, report, {"wrapper": {"tag": ratls.TAG_SNP}}),
            "rats-tls-legacy": (ratls.rats_tls_legacy, sgx, {}),
            "sgx-sdk-old": (ratls.sgx_sdk_old, sgx, {}),
            "sgx-sdk": (ratls.sgx_sdk, sgx, {}),
            "open-enclave-report": (ratls.open_enclave_report, sgx, {}),
            "open-enclave-report-old": (ratls.open_enclave_report, sgx, {"old_oid": True}),
            "open-enclave-evidence": (ratls.open_enclave_evidence, sgx, {}),
            "open-enclave-evidence-old": (ratls.open_enclave_evidence, sgx, {"old_oid": True}),
            "ego": (ratls.ego, sgx, {}),
            "dstack": (ratls_cloud.dstack, tdx, {}),
            "dstack-snp": (
                ratls_cloud.dstack, report, lambda: {"v0": {"variant": 3, "certs": chain()}},
            ),
            "dstack-legacy": (ratls_cloud.dstack_legacy, tdx, {}),
            "c8s-snp": (ratls_cloud.c8s, report, lambda: {"chain": chain()}),
            "c8s-tdx": (ratls_cloud.c8s, tdx, {"tee": "tdx"}),
            "contrast-snp": (ratls_cloud.contrast, report, lambda: {"certs": certs()}),
            "contrast-tdx": (ratls_cloud.contrast, tdx, {"tee": "tdx"}),
            "constellation-tdx": (ratls_cloud.constellation, tdx, {}),
            "constellation-snp": (
                ratls_cloud.constellation, report,
                lambda: {"tee": "snp", "certs": certs()},
            ),
        }  # fmt: skip

        def bind(function, evidence, options):
            def make(**hooks):
                chosen = options() if callable(options) else options
                return function(evidence, **{**self.hooks, **chosen, **hooks})

            return make

        return {name: bind(*row) for name, row in table.items()}

    def certificate(self, profile="mse", **hooks):
        return self.profiles()[profile](**hooks)


def all_products(keys=None, at=None):
    return World(keys, at, products=PRODUCTS)
