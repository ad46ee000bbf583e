# SPDX-License-Identifier: Apache-2.0
"""Makes seed inputs for every fuzz target with the project's own generator of test evidence."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "pki"))

from testpki import keys, ratls  # noqa: E402
from testpki.world import World  # noqa: E402

POLICY_TOML = """fingerprint = ["{0}"]
mrsigner = "{0}"
allow_tcb = ["OutOfDate@2030-01-01", "ConfigurationNeeded"]
min_reported_tcb = "bl=3,snp=20,ucode=200"
max_age = "30d"
strict = true
""".format("ab" * 32)

TOML = """# all kinds of values
a = "b\\n\\u00e9"
'quoted key' = '''lit'''
n = [1, 0x1f, 0b1, 1_000, -7]
f = [1.5, inf, -nan, 1e10]
t = 1979-05-27T07:32:00Z
d.e.f = true
[table."x y"]
inline = { p = 1, q = [ { r = 2 } ] }
[[list]]
v = \"\"\"
multi \\
   line\"\"\"
[[list]]
"""


def collateral(world):
    """kind -> inputs, out of the generated bundles."""
    pki = world.intel
    return {
        "tcb_info": [pki.tcb_info("SGX"), pki.tcb_info("TDX")],
        "qe_identity": [pki.qe_identity("QE"), pki.qe_identity("TD_QE")],
        "crl": [pki.root_crl(revoked=[1, 2]), pki.pck_crl("platform", revoked=[7])],
    }


def to_bytes(value):
    if isinstance(value, str):
        return value.encode()
    return bytes(value)


def inner(reply):
    """The signed object of a reply, which the parsers read."""
    reply = to_bytes(reply)
    start = reply.index(b"{", 1)
    return reply[start : reply.rindex(b'"signature"')].rstrip(b", \n")


def seeds():
    world = World(keys.shared_cache())
    rd = bytes(range(64))
    quotes = [world.sgx(rd), world.sgx_v4(rd), world.sgx_v5(rd), world.tdx(rd), world.tdx10(rd),
              world.tdx15(rd)]
    reports = [world.snp(rd)]
    certificates = []
    for make in world.profiles().values():
        certificates.append(make())
    got = collateral(world)
    yield "quote", quotes
    yield "snp", reports + [c.payload[0] for c in certificates if len(c.payload[0]) > 1184]
    yield "hcl", [world.hcl()]
    yield "cert", [c.der for c in certificates]
    yield "ratls", [c.der for c in certificates]
    yield "verify", [c.der for c in certificates] + quotes + reports
    yield "crl", got["crl"]
    yield "tcb_info", [inner(r) for r in got["tcb_info"]]
    yield "qe_identity", [inner(r) for r in got["qe_identity"]]
    yield "json", got["tcb_info"] + got["qe_identity"]
    yield "bundle", [world.bundle()]
    payloads = [p for c in certificates for p in c.payload]
    yield "dice", [p for p in payloads if p[:2] == b"\xd9\xea"] + [
        ratls.dice_claims(certificates[0].key)]
    yield "cbor", [p for p in payloads if p[:1] == b"\xd9"]
    yield "dstack", [p for p in payloads if p[:1] == b"\x04"]
    yield "protobuf", [p for p in payloads if p[:1] == b"\x0a"]
    yield "oe_endorsements", []
    yield "policy", [POLICY_TOML.encode(), b'{"fingerprint":["' + b"ab" * 32 + b'"],"strict":true}']
    yield "toml", [TOML.encode()]
    yield "must_crash", [b"CRAS"]


def main():
    out = Path(sys.argv[1])
    for name, inputs in seeds():
        directory = out / name
        directory.mkdir(parents=True, exist_ok=True)
        for i, data in enumerate(inputs):
            (directory / f"seed-{i:02}").write_bytes(to_bytes(data))


if __name__ == "__main__":
    main()
