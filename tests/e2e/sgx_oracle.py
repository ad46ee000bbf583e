# SPDX-License-Identifier: Apache-2.0
"""MRENCLAVE and SIGSTRUCT, slowly and plainly, from the published descriptions.

Written for the tests and apart from the program: one hash update a record, integers of Python for
the RSA numbers. docs/gramine.md says where each value comes from.
"""

import hashlib
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

PAGE = 4096
R, W, X = 4, 2, 1  # of program headers
NOTE, LOAD = 4, 1


def elf(segments, size, entry=0x1000, machine=62, kind=3):
    """An ELF file whose bytes are not zero anywhere but in the headers.

    segments: (type, flags, offset, vaddr, filesz, memsz).
    """
    out = bytearray((i * 7 + 3) & 0xFF for i in range(size))
    out[0:64] = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", kind, machine, 1, entry,
                            64, 0, 0, 64, 56, len(segments), 0, 0, 0)  # fmt: skip
    for i, (type_, flags, offset, vaddr, filesz, memsz) in enumerate(segments):
        out[64 + 56 * i : 64 + 56 * (i + 1)] = struct.pack(
            "<IIQQQQQQ", type_, flags, offset, vaddr, vaddr, filesz, memsz, PAGE
        )
    return bytes(out)


def loads(file):
    """[(flags, offset, vaddr, filesz, memsz)] and the entry point."""
    entry, start = struct.unpack_from("<QQ", file, 24)
    (count,) = struct.unpack_from("<H", file, 56)
    out = []
    for i in range(count):
        row = struct.unpack_from("<IIQQQQQQ", file, start + 56 * i)
        if row[0] == LOAD:
            out.append((row[1], row[2], row[3], row[5], row[6]))
    return out, entry


def up(n):
    return (n + PAGE - 1) // PAGE * PAGE


def down(n):
    return n // PAGE * PAGE


class Stream:
    def __init__(self, size):
        self.hash = hashlib.sha256(b"ECREATE\0" + struct.pack("<IQ", 4, size) + bytes(44))
        self.digests = []

    def page(self, address, flags, data):
        self.hash.update(b"EADD\0\0\0\0" + struct.pack("<QQ", address, flags) + bytes(40))
        for at in range(0, PAGE if data is not None else 0, 256):
            self.hash.update(b"EEXTEND\0" + struct.pack("<Q", address + at) + bytes(48))
            self.hash.update(data[at : at + 256])

    def area(self, address, flags, content):
        """content: bytes, or a number of bytes that are added but not measured."""
        if isinstance(content, int):
            for at in range(0, content, PAGE):
                self.page(address + at, flags, None)
            return
        for at in range(0, len(content), PAGE):
            self.page(address + at, flags, content[at : at + PAGE])

    def end(self, name):
        self.digests.append((name, self.hash.copy().hexdigest()))


def page(fields):
    out = bytearray(PAGE)
    for at, (form, value) in fields.items():
        struct.pack_into("<" + form, out, at, value)
    return bytes(out)


def measure(manifest, file, size, threads, edmm=False):
    """(MRENCLAVE, [(area, digest of the stream up to its end)])."""
    segments, entry = loads(file)
    low = min(down(v) for _, _, v, _, _ in segments)
    span = max(up(v + m) for _, _, v, _, m in segments) - low
    text = manifest + b"\0"
    text += bytes(up(len(text)) - len(text))

    at = size - len(text)
    manifest_at = at
    ssa = at = at - threads * 0x8000
    tcs = at = at - threads * PAGE
    tls = at = at - threads * PAGE
    stacks, signal_stacks = [], []
    for _ in range(threads):
        at -= 0x40000
        stacks.append(at)
    for _ in range(threads):
        at -= 0x10000
        signal_stacks.append(at)
    pal = low if low else at - span
    free = [(pal + span, at - pal - span)] if low else []
    free.append((0x10000, pal - 0x10000))

    stream = Stream(size)
    stream.area(manifest_at, 0x201, text)
    stream.end("manifest")
    stream.area(ssa, 0x203, bytes(threads * 0x8000))
    stream.end("ssa")
    for t in range(threads):
        stream.page(tcs + t * PAGE, 0x100, page({
            0x10: ("Q", ssa + t * 0x8000), 0x1C: ("I", 2), 0x20: ("Q", pal + entry),
            0x38: ("Q", tls + t * PAGE), 0x40: ("I", 0xFFF), 0x44: ("I", 0xFFF),
        }))  # fmt: skip
    stream.end("tcs")
    for t in range(threads):
        stream.page(tls + t * PAGE, 0x203, page({
            0x000: ("Q", tls + t * PAGE), 0x008: ("Q", 0x0000BADBADBADBAD), 0x110: ("Q", size),
            0x118: ("Q", tcs + t * PAGE), 0x120: ("Q", stacks[t] + 0x40000),
            0x130: ("Q", signal_stacks[t]), 0x138: ("Q", signal_stacks[t] + 0x10000),
            0x148: ("Q", ssa + t * 0x8000), 0x150: ("Q", ssa + t * 0x8000 + 0x4000 - 184),
            0x1A0: ("Q", len(manifest) + 1), 0x1A8: ("Q", 0x10000), 0x1B0: ("Q", pal),
        }))  # fmt: skip
    stream.end("tls")
    for stack in stacks:
        stream.area(stack, 0x203, bytes(0x40000))
    stream.end("stack")
    for stack in signal_stacks:
        stream.area(stack, 0x203, bytes(0x10000))
    stream.end("sig_stack")
    for flags, offset, vaddr, filesz, memsz in segments:
        content = bytearray(up(vaddr + memsz) - down(vaddr))
        within = vaddr - down(vaddr)
        content[within : within + filesz] = file[offset : offset + filesz]
        secinfo = 0x200 | bool(flags & R) | bool(flags & W) << 1 | bool(flags & X) << 2
        stream.area(pal - low + down(vaddr), secinfo, bytes(content))
        stream.end("pal:code" if flags & X else "pal:data")
    if not edmm:
        for start, length in free:
            if length:
                stream.area(start, 0x207, length)
                stream.end("free")
    return stream.hash.hexdigest(), stream.digests


# ---- SIGSTRUCT ------------------------------------------------------------------------------

FEATURES = {"avx": 0x4, "avx512": 0xE4, "amx": 0x60000, "mpx": 0x18, "pkru": 0x200}


def xfrm(fixed_mask=False, **settings):
    """(XFRM, mask) for "required", "disabled" or "unspecified" each; 1.5 never changes the mask."""
    value, mask = 0x3, 0xFFFFFFFFFFF9FF1B
    for name, bits in FEATURES.items():
        setting = settings.get(name, "disabled" if name in ("mpx", "pkru") else "unspecified")
        if setting == "required":
            value |= bits
        if setting == "disabled":
            value &= ~bits
        if setting != "unspecified" and not fixed_mask:
            mask |= bits
    return value, mask


def little(n, size=384):
    return n.to_bytes(size, "little")


def sigstruct(key, mrenclave, date, debug=False, exinfo=False, prod_id=0, svn=0, **features):
    """date: "YYYY-MM-DD"; key: a private key of the cryptography package."""
    n = key.public_key().public_numbers().n
    value, mask = xfrm(**features)
    year, month, day = date.split("-")
    head = bytes.fromhex("06000000e10000000000010000000000") + bytes(4)
    head += bytes.fromhex(day + month + year[2:] + year[:2])
    head += bytes.fromhex("01010000600000006000000001000000") + bytes(4 + 84)
    body = struct.pack("<II", int(exinfo), 0xFFFFFFFF) + bytes(20)
    body += struct.pack("<QQQQ", 0x4 | (2 if debug else 0), value, 2**64 - 1, mask)
    body += mrenclave + bytes(32) + struct.pack("<HH", prod_id, svn)
    assert (len(head), len(body)) == (128, 128)
    signature = key.sign(head + body, padding.PKCS1v15(), hashes.SHA256())
    s = int.from_bytes(signature, "big")
    q1 = s * s // n
    q2 = (s * s % n) * s // n
    out = head + little(n) + struct.pack("<I", 3) + little(s) + body + bytes(12)
    out += little(q1) + little(q2)
    assert len(out) == 1808
    return out


def mrsigner(key):
    return hashlib.sha256(little(key.public_key().public_numbers().n)).hexdigest()


def load_key(pem):
    return serialization.load_pem_private_key(pem, None)
