# SPDX-License-Identifier: Apache-2.0
"""Makes seed inputs for every fuzz target with the project's own generator of test evidence."""

import base64
import hashlib
import json
import re
import ssl
import struct
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "pki"))
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import app_package  # noqa: E402
import container  # noqa: E402
import sgx_oracle  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402
from testpki import keys, ratls, snp  # noqa: E402
from testpki.world import World  # noqa: E402

UUID = "01234567-89ab-cdef-0123-456789abcdef"

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

MANIFEST = """# {{ a }} {# c #}
loader.log_level = "{{ log_level }}"
loader.env.HOME = "{{ env.get('HOME', '/h') }}{{ env.HOME }}{{ gramine.runtimedir() }}"
fs.mounts = [ { path = "/lib", uri = "file:{{ python.stdlib }}" }, { path = "/tmp", x = [1] } ]
sgx.enclave_size = "8G"
sgx.cpu_features.avx = "required"
sgx.trusted_files = [ "file:{{ gramine.libos }}", { uri = "file:b/", sha256 = "00" } ]
x = [1e16, 0.1, 1979-05-27T07:32:00.5Z, [], {}]
"""

APP_TOML = """name = "app"
python_application = "app:app"
healthcheck_endpoint = "/health"
memory = 2048
threads = 16
tests_cmd = "pytest"
tests_requirements = ["pytest==7.2.0"]
[cloud]
code = "src"
docker = "image"
expiration_date = 2099-01-31 12:00:00+01:00
secrets = "secrets.json"
[cloud.ssl]
domain_name = "app.example"
private_key = "key.pem"
certificate = "cert.pem"
"""
APP_COMMAND = """name = "app"
command = ["./run", "x"]
healthcheck_endpoint = "/"
nmae = 1
"""

CONTEXT_OLD = """version = "{1}"
[config]
name = "app"
docker = "image"
python_application = "app:app"
tests = "tests"
tests_requirements = ["pytest"]
code_secret_key = "{0}"
[instance]
id = "d17a9cbd-e2ff-4f77-ba03-e9d8ea58ca2e"
enclave_size = 4096
expires_at = 2030-01-02T03:04:05.678+00:00
{2} = "self"
[instance.nonces]
"app.py" = "{3}"
"""
CONTEXT_NEW = """version = "3.0"
[config]
name = "app"
command = ["./run"]
healthcheck_endpoint = "/"
memory = 64
threads = 1
owner = "{0}"
isolation = "none"
unsigned = true
runtime = "{0}"
tree = "{1}"
[instance]
id = "d17a9cbd-e2ff-4f77-ba03-e9d8ea58ca2e"
ssl_certificate_origin = "operator"
expires_at = 2030-01-02T03:04:05Z
[files]
list = \"\"\"
f {0} app.py
\"\"\"
[local]
tests_cmd = "pytest"
[secret]
code_secret_key = "{2}"
[secret.nonces]
"app.py" = "{3}"
"""


def contexts():
    """One of each format; the list of files has the digest of its tree."""
    digest, nonce = "ab" * 32, "0123456789ab" * 4
    path = b"app.py"
    tree = hashlib.sha256(
        b"mse-tree-v1\nf" + len(path).to_bytes(4, "little") + path + bytes.fromhex(digest)
    ).hexdigest()
    return [
        CONTEXT_OLD.format("cd" * 32, "1.0", "ssl_secret_origin", nonce).encode(),
        CONTEXT_OLD.format("cd" * 32, "2.0", "ssl_certificate_origin", nonce).encode(),
        CONTEXT_NEW.format(digest, tree, "cd" * 32, nonce).encode(),
    ]


def pals():
    """ELF files: gaps, memory beyond the file, and one at a fixed address."""
    r, w, x, load = sgx_oracle.R, sgx_oracle.W, sgx_oracle.X, sgx_oracle.LOAD
    return [
        sgx_oracle.elf([(load, r | x, 0, 0, 0x1234, 0x1234),
                        (load, r | w, 0x1E38, 0x2E38, 0x3A8, 0x1548)], 0x2400),
        sgx_oracle.elf([(sgx_oracle.NOTE, r, 0x100, 0x100, 0x20, 0x20),
                        (load, r | x, 0, 0x20000, 0x345, 0x345),
                        (load, r | w, 0, 0x25001, 0, 0x900)], 0x400, entry=0x40),
    ]  # fmt: skip


def log_records():
    """Two records, and what is inside of one."""
    entry = b"mse-log-v1\n" + struct.pack(">QQQ", 1, 1_800_000_000_000, 0) + b"hello\n"
    record = b"".join(struct.pack(">IQ", len(entry) + 48, n) + bytes(48) + entry for n in (1, 2))
    return [entry, record]


def sigstructs():
    key = rsa.generate_private_key(3, 3072)
    return [sgx_oracle.sigstruct(key, bytes(range(32)), date) for date in
            ("2023-08-10", "0000-00-00")]  # fmt: skip


def images():
    layers = [[("etc/a", b"a"), ("lib", ("l", "usr/lib")), ("usr/lib/", None)],
              [("etc/.wh.a", b""), ("lib/x", b"x"), ("h", ("h", "lib/x"))]]  # fmt: skip
    image = container.Image(layers, "plain")
    return [container.tar(list(image.docker().items())),
            container.tar(list(image.files().items())),
            container.tar(list(container.Image(layers).files().items()))]  # fmt: skip


def packages():
    """The first byte says whether the package is sealed, with the key of fuzz_code.c."""
    key = b"seeds are sealed with this key.."
    files = {"a": b"text", "a+b": b"", "d/e": bytes(3000), "d/x": b"#!/bin/sh\n"}
    links = {"d/l": "../a", "l": "nowhere"}
    more = {"executables": ["d/x"]}
    for sealed in (None, key):
        yield bytes([sealed is not None]) + app_package.package(files, links, sealed, **more)
        yield bytes([sealed is not None]) + app_package.package({}, {}, sealed)
    wrong = [app_package.entry("b", b"b"), app_package.entry("a", link="../b")]
    yield b"\0" + app_package.archive(wrong)


def tars():
    """Archives as Python writes them in each format, with what needs extended headers."""
    out = []
    names = ("a", "d/" + "n" * 100, "p" * 120 + "/n", "caf\u00e9", "q" * 101)
    for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        for name in names:
            for link in ("", "l" * 101, "../x"):
                entry = tarfile.TarInfo(name)
                entry.mtime = 1700000000.5 if kind == tarfile.PAX_FORMAT else 0
                entry.uname = "" if link else "user"
                if link:
                    entry.type, entry.linkname = tarfile.SYMTYPE, link
                try:
                    out.append(entry.tobuf(kind, "utf-8") + bytes(1024))
                except ValueError:  # does not fit ustar
                    pass
    return out


def runtimes():
    """A description for each kind of TEE."""
    out = []
    for tee, loader in (("sim", "/usr/bin/mse-enclave"), ("sgx", "/g/libpal.so"), ("tdx", "/l")):
        names = sorted({loader, "/g/libsysdb.so", "/usr/bin/mse-enclave", '/a "b" \\ \u00e9'})
        out.append(json.dumps({
            "files": [{"path": p, "sha256": "ab" * 32} for p in names],
            "format": "mse-runtime-v1", "loader": {"path": loader, "sha256": "ab" * 32},
            "name": "n", "tee": tee, "version": "1",
        }, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())  # fmt: skip
    return out


def releases():
    """A release; and a key pair and a signature in minisign's formats, as fuzz_release.c has them."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret = seed + public
    ident, comment = bytes(range(1, 9)), b"timestamp:1\tfile:data\thashed"
    signature = key.sign(hashlib.blake2b(b"release bytes\n").digest())
    checksum = hashlib.blake2b(b"Ed" + ident + secret, digest_size=32).digest()

    def lines(*parts):
        return b"".join(part + b"\n" for part in parts)

    def code(*parts):
        return base64.b64encode(b"".join(parts))

    release = {
        "app": "shop", "format": 1, "min_tcb_eval": 17, "names": ["shop.example", "b.example"],
        "fingerprints": [{"hex": "ab" * 32, "tee": "sgx"}, {"hex": "cd" * 32, "tee": "snp"}],
        "not_after": 1803333641, "not_before": 1795557641, "previous": None,
        "runtime": "ab" * 32, "serial": 7,
    }  # fmt: skip
    untrusted = b"untrusted comment: x"
    return [
        json.dumps(release, sort_keys=True, separators=(",", ":")).encode(),
        lines(untrusted, code(b"Ed", ident, public)),
        lines(untrusted, code(b"Ed\0\0B2", bytes(48), ident, secret, checksum)),
        lines(untrusted, code(b"EdScB2", bytes(48), ident, secret, checksum)),
        lines(untrusted, code(b"ED", ident, signature), b"trusted comment: " + comment,
              code(key.sign(signature + comment))),
    ]  # fmt: skip


IGNORE = """# all kinds of rules
*.py[cod]
/build/
a/**/b
!a/keep
x/y**/z
[[:alpha:]a-c!]*\\ \r
\\#c\\\\
"""
GLOBS = "# all kinds\n*.py[cod]\n[!a-c\u00e9]?*x**\n[]-!x]\n[c-a!b-d]\n build/ \r[a-c-e\n"
IGNORE_PATHS = [b"a/x/b", b"build", b"lib/m.pyc", b"a/keep", b"x/yq/w/z", b"#c\\", b"k \r"]


def vectors(name):
    """The texts of a header of tests/unit: {macro: what its C string holds}."""
    source = (ROOT / "tests" / "unit" / name).read_text()
    found = re.findall(r'#define (\w+) \\\n((?: +".*" ?\\?\n)+)', source)
    return {
        macro: "".join(re.findall(r'"(.*)"', text)).replace("\\\\", "\\") for macro, text in found
    }


INSTANCE = {
    "name": "app.example", "config_name": "i1.config.example", "uuid": UUID,
    "not_after": "2027-01-01T00:00:00Z", "listen": "[::1]:443",
}  # fmt: skip


def instance_files():
    full = INSTANCE | {
        "subject": "An owner", "edge": ["10.1.0.0/16", "2001:db8::/33", "::ffff:192.0.2.0/120"],
        "proxy_to_app": True, "statement": "MAMCAQE=",
    }  # fmt: skip
    return [json.dumps(INSTANCE), json.dumps(full)]


def configurations():
    """Flags, length of pieces, requests: see the target."""
    v = vectors("config_vectors.h")
    tls = {"ssl_private_key": v["KEY_LEAF"], "ssl_certificate": v["LEAF"] + v["CERT_INTER"]}
    bodies = [
        (1, {"uuid": UUID}),
        (1, {"uuid": UUID, "blind": "5a" * 32, "app_secrets": {"a": [1, None]}}),
        (5, {"uuid": "{%s}" % UUID.upper(), "code_secret_key": "00" * 32}),
        (9, {"uuid": UUID, "app_sealed_secrets": v["BOX_KEY_LAST"]}),
        (13, {"uuid": UUID, "app_sealed_secrets": v["BOX_OBJECT"]}),
        (3, {"uuid": UUID} | {k: t.replace("\\n", "\n") for k, t in tls.items()}),
        (0, {"uuid": UUID}),
    ]
    get = b"GET / HTTP/1.1\r\nHost: h\r\n\r\nHEAD * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    yield bytes([1, 3]) + get
    for flags, body in bodies:
        text = json.dumps(body).encode()
        head = f"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nMse-Signature: {'A' * 86}==\r\n"
        if flags & 1:
            head = "POST /x HTTP/1.1\r\nHost: h\r\n"
        request = f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text
        yield bytes([flags, 0]) + request + get
        yield bytes([flags, 7]) + request + request


def states():
    """Whole files behind 0, bodies behind 1."""
    found = {k: bytes.fromhex(t) for k, t in vectors("state_vectors.h").items()}
    files = [b"\0" + data for name, data in found.items() if name not in ("STATE_KEY", "STATE_HEAD")]
    return files + [b"\1" + found["STATE_BODY"], b"\1\0\1\0\0\0i\0\0\0\0", b"\1\1\1\0\0\0i\1\0\0\0c"]


def attest():
    """What it is (request, reply, configuration, leaves), then its bytes."""
    found = {k: bytes.fromhex(t) for k, t in vectors("attest_vectors.h").items()}
    requests = [b"\0" + found["ATTEST_REQUEST"], b"\0" + found["ATTEST_REQUEST_INNER"] + b"GET /"]
    claims = [b"\2" + found["CONFIG_STATEMENT"], b"\2" + found["CONFIG_DIGEST"] + bytes(8), b"\2"]
    return requests + claims + [b"\1" + found["ATTEST_REPLY"][4:], b"\3" + bytes(range(64)) * 7]


SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_headers():
    v4, v6 = bytes(range(12)), bytes(range(36))
    return [SIGNATURE + head + rest for head, rest in (
        (b"\x21\x11\0\x0c", v4), (b"\x21\x21\0\x24", v6), (b"\x20\0\0\0", b""),
        (b"\x21\x31\0\xd8", bytes(216)), (b"\x21\x11\0\x12", v4 + b"\4\0\3abc"),
    )]  # fmt: skip


def client_hellos():
    """As Python's OpenSSL sends it, in one record and in two."""
    out = []
    for name in (None, "app.example"):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.check_hostname = False
        sent = ssl.MemoryBIO()
        try:
            ctx.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
        except ssl.SSLWantReadError:
            out.append(sent.read())
    body = out[-1][5:]
    parts = body[:60], body[60:]
    out.append(b"".join(b"\x16\3\1" + len(p).to_bytes(2, "big") + p for p in parts))
    return out


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
    yield "snp_evidence", [snp.cert_table(snp.vek_certs(world.milan)), world.snp(rd)]
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
    yield "ignore", [bytes([len(path)]) + path + IGNORE.encode() for path in IGNORE_PATHS]
    yield "glob", [bytes([len(path)]) + path + GLOBS.encode() for path in IGNORE_PATHS]
    yield "app_config", [APP_TOML.encode(), APP_COMMAND.encode()]
    yield "context", contexts()
    yield "manifest", [MANIFEST.encode(), TOML.encode()]
    yield "pal", pals()
    yield "release", releases()
    yield "runtime", runtimes()
    yield "sigstruct", sigstructs()
    yield "image", images()
    yield "tar", tars()
    yield "code", list(packages())
    yield "config_request", configurations()
    yield "instance_file", instance_files()
    yield "state", states()
    yield "attest", attest()
    yield "proxy_header", proxy_headers()
    yield "client_hello", client_hellos()
    yield "log_record", log_records()
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
