# SPDX-License-Identifier: Apache-2.0
"""mse-attest/1 from its description in docs/formats.md ("Fresh evidence"), independent of the code.

Run as a program it prints tests/unit/attest_vectors.h.
"""

import struct
import textwrap
from dataclasses import dataclass
from hashlib import sha256, sha512

ALPN = b"mse-attest/1"
LABEL = b"EXPORTER-mse-attest-v1"
SIM, SGX, TDX, SNP = 1, 2, 3, 4
TAG = b"mse-attest-v1\n"
NOTHING = bytes(32), 0


def leaf(spki, exporter, nonce, configuration=NOTHING):
    """spki: DER; configuration: (digest, epoch)."""
    digest, epoch = configuration
    return sha512(TAG + b"\x00\x01" + sha256(spki).digest() + exporter + nonce + digest
                  + struct.pack(">Q", epoch)).digest()  # fmt: skip


def node(left, right):
    return sha512(TAG + b"\x01" + left + right).digest()


def _split(count):
    """RFC 9162, 2.1.1: the largest power of two smaller than count."""
    k = 1
    while 2 * k < count:
        k *= 2
    return k


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def path(leaves, index):
    """RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return path(leaves[:k], index) + [root(leaves[k:])]
    return path(leaves[k:], index - k) + [root(leaves[:k])]


def root_of_path(one, index, count, hashes):
    """By the recursion of RFC 9162, 2.1.3.1, backwards: another way than 2.1.3.2."""
    if count == 1:
        if hashes:
            raise ValueError("path too long")
        return one
    if not hashes:
        raise ValueError("path too short")
    k = _split(count)
    if index < k:
        return node(root_of_path(one, index, k, hashes[:-1]), hashes[-1])
    return node(hashes[-1], root_of_path(one, index - k, count - k, hashes[:-1]))


def request(nonce, inner=b""):
    return bytes([1, 1 if inner else 0]) + nonce + bytes([len(inner)]) + inner


def read_request(data):
    """(nonce, inner protocol, what follows)."""
    assert data[0] == 1 and data[1] in (0, 1)
    length = data[34]
    assert (data[1] == 1) == (length > 0)
    return data[2:34], data[35 : 35 + length], data[35 + length :]


def item(data):
    return struct.pack(">I", len(data)) + data


@dataclass
class Reply:
    tee: int = SIM
    index: int = 0
    count: int = 1
    path: tuple = ()
    evidence: bytes = b""
    statement: bytes = b""
    release: bytes = b""
    version: int = 1

    def body(self):
        return (struct.pack(">BBHHB", self.version, self.tee, self.index, self.count, len(self.path))
                + b"".join(self.path) + item(self.evidence) + item(self.statement)
                + item(self.release))  # fmt: skip

    def encode(self):
        return item(self.body())


def read_reply(body):
    version, tee, index, count, length = struct.unpack(">BBHHB", body[:7])
    at = 7 + 64 * length
    hashes = tuple(body[7 + 64 * i : 71 + 64 * i] for i in range(length))
    items = []
    for _ in range(3):
        (size,) = struct.unpack(">I", body[at : at + 4])
        items.append(body[at + 4 : at + 4 + size])
        assert len(items[-1]) == size
        at += 4 + size
    assert version == 1 and at == len(body)
    return Reply(tee, index, count, hashes, *items)


def config_digest(body):
    return sha256(b"mse-config-v1\n" + body).digest()


def statement_text(nonce, certificate, digest, epoch):
    """certificate: DER."""
    return (b"mse-configure-v1\n" + nonce + sha256(certificate).digest() + digest
            + struct.pack(">Q", epoch))  # fmt: skip


def configuration_of(statement):
    """(digest, epoch) as they go into the leaf."""
    if len(statement) == 0:
        return NOTHING
    if len(statement) == 40:
        return statement[:32], struct.unpack(">Q", statement[32:])[0]
    assert len(statement) == 17 + 32 + 32 + 32 + 8 + 64
    return statement[81:113], struct.unpack(">Q", statement[113:121])[0]


# ---- vectors ----------------------------------------------------------------------------------

SEED = bytes(range(32))


def numbered(number, size):
    return sha512(b"%d" % number).digest()[:size]


def example():
    """The worked value of docs/formats.md."""
    return leaf(b"spki", b"\x22" * 32, b"\x33" * 32, (b"\x44" * 32, 5))


def vectors():
    from nacl.signing import SigningKey

    key = SigningKey(SEED)
    leaves = [numbered(i, 64) for i in range(4096)]
    text = statement_text(b"\x33" * 32, b"certificate", config_digest(b"body"), 0x0102030405060708)
    reply = Reply(SNP, 4, 7, tuple(path(leaves[:7], 4)), b"evidence", b"", b"release")
    out = {
        "ATTEST_LEAF": example(),
        "ATTEST_LEAF_BARE": leaf(b"spki", b"\x22" * 32, b"\x33" * 32),
        "ATTEST_NODE": node(leaves[0], leaves[1]),
        "ATTEST_REQUEST": request(b"\x33" * 32),
        "ATTEST_REQUEST_INNER": request(b"\x33" * 32, b"http/1.1"),
        "ATTEST_REPLY": reply.encode(),
        "CONFIG_DIGEST": config_digest(b"body"),
        "CONFIG_OWNER": bytes(key.verify_key),
        "CONFIG_STATEMENT": text + key.sign(text).signature,
    }
    for count in (1, 2, 3, 7, 8, 1000, 4096):
        out[f"ATTEST_ROOT_{count}"] = root(leaves[:count])
    for count, index in ((2, 1), (3, 2), (7, 4), (7, 6), (1000, 999), (4096, 4095)):
        out[f"ATTEST_PATH_{count}_{index}"] = b"".join(path(leaves[:count], index))
    return out


def header():
    lines = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* Made by tests/e2e/attest_oracle.py: hashes by Python's hashlib, a signature by PyNaCl. */",
        "#ifndef MSE_TESTS_ATTEST_VECTORS_H",
        "#define MSE_TESTS_ATTEST_VECTORS_H",
        "",
        "/* clang-format off */",
    ]
    for name, value in vectors().items():
        parts = textwrap.wrap(value.hex(), 84)
        lines.append(f"#define {name} \\")
        lines += [f'    "{part}" \\' for part in parts[:-1]] + [f'    "{parts[-1]}"']
    return "\n".join([*lines, "/* clang-format on */", "", "#endif", ""])


if __name__ == "__main__":
    print(header(), end="")
