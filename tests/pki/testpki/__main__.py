# SPDX-License-Identifier: Apache-2.0
"""Command line: python3 -m testpki make DIR writes one coherent set of evidence."""

import argparse
import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path

from . import bundle, quote, snp
from .collateral import date
from .keys import KeyCache
from .world import REPORT_DATA, all_products


def reference_time(text):
    """Unix seconds or ISO 8601."""
    if text.isdigit():
        return datetime.fromtimestamp(int(text), timezone.utc)
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def evidence_files(world):
    """{file name: (kind, bytes)} of everything that is no certificate of a profile."""
    intel = world.intel
    files = {
        "roots.pem": ("roots", world.roots_pem().encode()),
        "sgx-v3.quote": ("sgx", world.sgx()),
        "sgx-v4.quote": ("sgx", world.sgx_v4()),
        "sgx-v5.quote": ("sgx", world.sgx_v5()),
        "tdx-v4.quote": ("tdx", world.tdx()),
        "tdx-v5-10.quote": ("tdx", world.tdx10()),
        "tdx-v5-15.quote": ("tdx", world.tdx15()),
        "bundle.json": ("bundle", world.bundle()),
        "bundle-intel.json": ("bundle", bundle.bundle(bundle.intel_items(intel))),
        "qvl-sgx.json": ("qvl", bundle.qvl_collateral(intel, "SGX")),
        "qvl-tdx.json": ("qvl", bundle.qvl_collateral(intel, "TDX")),
        "hcl.bin": ("hcl", world.hcl()),
    }
    for product, pki in world.amd.items():
        name = product.lower()
        files[f"snp-{name}.report"] = ("snp", snp.report(pki, REPORT_DATA))
        files[f"snp-{name}-vlek.report"] = ("snp", snp.report(pki, REPORT_DATA, vlek=True))
        files[f"bundle-{name}.json"] = ("bundle", bundle.bundle(bundle.amd_items(pki)))
    milan = world.milan
    files["snp.report"] = ("snp", files["snp-milan.report"][1])
    files["snp-v2.report"] = ("snp", snp.report(milan, REPORT_DATA, version=2))
    files["snp-v5.report"] = ("snp", snp.report(milan, REPORT_DATA, version=5))
    files["snp.certs"] = ("cert_table", snp.cert_table(snp.vek_certs(milan)))
    return files


def make(directory, at, key_directory):
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    world = all_products(KeyCache(key_directory or directory / "keys"), at)
    index = {"at": date(world.at), "at_unix": int(world.at.timestamp()), "files": []}
    index["expected"] = {
        "report_data": REPORT_DATA.hex(),
        "mrenclave": quote.SgxBody().mrenclave.hex(),
        "mrsigner": quote.SgxBody().mrsigner.hex(),
        "mrtd": quote.Td10Body().mrtd.hex(),
        "snp_measurement": snp.digest("measurement", 48).hex(),
    }

    def write(name, kind, data, **more):
        (directory / name).write_bytes(data)
        entry = {"file": name, "kind": kind, "sha256": hashlib.sha256(data).hexdigest()}
        index["files"].append({**entry, **more})

    for name, (kind, data) in evidence_files(world).items():
        write(name, kind, data)
    for profile, function in world.profiles().items():
        result = function()
        result.write(directory, profile)
        write(
            f"{profile}.pem", "certificate", result.pem.encode(), profile=profile,
            key=f"{profile}.key", report_data=[rd.hex() for rd in result.report_data],
        )  # fmt: skip
        if profile == "mse-legacy":
            write("evidence.json", "evidence_json", bundle.evidence_json(world.intel, result))
    (directory / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="testpki", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("make", help="write a complete set")
    command.add_argument("directory")
    command.add_argument("--at", type=reference_time, help="reference time (default: now)")
    command.add_argument("--keys", help="key cache directory (default: DIRECTORY/keys)")
    options = parser.parse_args()
    make(options.directory, options.at, options.keys)


if __name__ == "__main__":
    main()
