# SPDX-License-Identifier: Apache-2.0
"""MRENCLAVE of a loader and a manifest, from docs/fingerprint.md alone."""

import hashlib
import struct
from dataclasses import dataclass

from second_base import need

PAGE = 4096


def down(n):
    return n // PAGE * PAGE


def up(n):
    return down(n + PAGE - 1)


@dataclass
class Segment:
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int

    @property
    def start(self):
        return down(self.vaddr)

    @property
    def end(self):
        return up(self.vaddr + self.memsz)

    def content(self, file):
        """The bytes of its pages."""
        start, size = down(self.offset), self.end - self.start
        raw = file[start : start + size]
        head, tail = self.offset - start, self.offset + self.filesz - start
        raw = bytes(head) + raw[head:tail] if tail > head else b""
        return raw[:size].ljust(size, b"\0")


def read_elf(file):
    """Entry point and segments of an ELF64 file for x86-64."""
    need(64 <= len(file) <= 64 << 20 and file[:7] == b"\x7fELF\x02\x01\x01", "not ELF64")
    kind, machine = struct.unpack_from("<HH", file, 16)
    need(kind in (2, 3) and machine == 62, "no program and no library for x86-64")
    entry, at = struct.unpack_from("<QQ", file, 24)
    each, count = struct.unpack_from("<HH", file, 54)
    need(count == 0 or each == 56, "size of a program header")
    need(at + each * count <= len(file), "program headers beyond the file")
    segments = []
    for n in range(count):
        kind, flags, offset, vaddr, _, filesz, memsz, _ = struct.unpack_from(
            "<IIQQQQQQ", file, at + n * each)  # fmt: skip
        if kind == 1:
            need(filesz <= memsz, "segment larger in the file than in memory")
            if filesz:
                need(offset + filesz <= len(file), "segment beyond the file")
                need((offset - vaddr) % PAGE == 0, "segment at another place in its page")
            segments.append(Segment(flags, offset, vaddr, filesz, memsz))
    need(any(s.end > s.start for s in segments), "nothing to load")
    need(len(segments) <= 64, "too many segments")
    for n, a in enumerate(segments):
        for b in segments[:n]:
            need(a.end <= b.start or b.end <= a.start, "segments share a page")
    return entry, segments


@dataclass
class Layout:
    """Starts of the areas; stacks and signal stacks are lists, one start for each thread."""

    manifest: int
    ssa: int
    tcs: int
    tls: int
    stacks: list
    signals: list
    pal: int
    lo: int
    free: list


def lay_out(size, threads, length, segments, entry):
    end = size

    def below(wanted):
        nonlocal end
        end -= up(wanted)
        need(end >= 0x10000, "the enclave is too small")
        return end

    first = [below(length), below(threads * 0x8000), below(threads * PAGE), below(threads * PAGE)]
    stacks = [below(0x40000) for _ in range(threads)]
    signals = [below(0x10000) for _ in range(threads)]
    lo, hi = min(s.start for s in segments), max(s.end for s in segments)
    if lo == 0:
        free = [(0x10000, below(hi))]
    else:
        need(0x10000 <= lo and hi <= end, "the loader's fixed place does not fit")
        free = [(hi, end), (0x10000, lo)]
    pal = lo or end
    need(hi - lo <= 1 << 30, "the loader is too large")
    need(pal + entry < size, "the entry point is outside")
    return Layout(*first, stacks, signals, pal, lo, free)


def fill(values):
    page = bytearray(PAGE)
    for offset, form, value in values:
        struct.pack_into(form, page, offset, value)
    return bytes(page)


def tcs_page(at, t, entry):
    return fill([
        (0x10, "<Q", at.ssa + t * 0x8000), (0x1C, "<I", 2), (0x20, "<Q", at.pal + entry),
        (0x38, "<Q", at.tls + t * PAGE), (0x40, "<I", 0xFFF), (0x44, "<I", 0xFFF),
    ])  # fmt: skip


def tls_page(at, t, size, length):
    return fill([(offset, "<Q", value) for offset, value in (
        (0x000, at.tls + t * PAGE), (0x008, 0x0000BADBADBADBAD), (0x110, size),
        (0x118, at.tcs + t * PAGE), (0x120, at.stacks[t] + 0x40000), (0x130, at.signals[t]),
        (0x138, at.signals[t] + 0x10000), (0x148, at.ssa + t * 0x8000),
        (0x150, at.ssa + t * 0x8000 + 0x4000 - 184), (0x1A0, length), (0x1A8, 0x10000),
        (0x1B0, at.pal),
    )])  # fmt: skip


def eadd(address, flags):
    return b"EADD" + bytes(4) + struct.pack("<QQ", address, flags) + bytes(40)


def with_content(address, flags, content):
    """The stream of pages that are added and measured."""
    parts = []
    for offset in range(0, len(content), PAGE):
        parts.append(eadd(address + offset, flags))
        for piece in range(offset, offset + PAGE, 256):
            parts.append(b"EEXTEND\0" + struct.pack("<Q", address + piece) + bytes(48))
            parts.append(content[piece : piece + 256])
    return b"".join(parts)


def stream(loader, text, memory, threads):
    """(name of the area, its start, a piece of the stream), in order."""
    size, length = memory << 20, len(text) + 1
    entry, segments = read_elf(loader)
    at = lay_out(size, threads, length, segments, entry)
    yield "ecreate", 0, b"ECREATE\0" + struct.pack("<IQ", 4, size) + bytes(44)
    each = range(threads)
    areas = [
        ("manifest", at.manifest, 0x201, text.ljust(up(length), b"\0")),
        ("ssa", at.ssa, 0x203, bytes(threads * 0x8000)),
        ("tcs", at.tcs, 0x100, b"".join(tcs_page(at, t, entry) for t in each)),
        ("tls", at.tls, 0x203, b"".join(tls_page(at, t, size, length) for t in each)),
        *(("stack", start, 0x203, bytes(0x40000)) for start in at.stacks),
        *(("signal stack", start, 0x203, bytes(0x10000)) for start in at.signals),
    ]
    for segment in segments:
        bits = ((4, 1), (2, 2), (1, 4))
        flags = 0x200 + sum(value for flag, value in bits if segment.flags & flag)
        start = at.pal - at.lo + segment.start
        areas.append(("pal", start, flags, segment.content(loader)))
    for name, start, flags, content in areas:
        yield name, start, with_content(start, flags, content)
    for low, high in at.free:
        for start in range(low, high, 1 << 22):
            end = min(start + (1 << 22), high)
            yield "free", low, b"".join(eadd(page, 0x207) for page in range(start, end, PAGE))


def explained(loader, text, memory, threads):
    """[(name, lowest start, digest of the stream up to its end)], one row for an area's name."""
    hashed, rows = hashlib.sha256(), []
    for name, start, piece in stream(loader, text, memory, threads):
        hashed.update(piece)
        if rows and rows[-1][0] == name:
            start = min(start, rows.pop()[1])
        rows.append((name, start, hashed.hexdigest()))
    return rows


def mrenclave(loader, text, memory, threads):
    return explained(loader, text, memory, threads)[-1][2]
