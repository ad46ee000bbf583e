# SPDX-License-Identifier: Apache-2.0
"""A second implementation of the fingerprint, written from docs/fingerprint.md and nothing else.

It is slow and plain on purpose: each function follows the section of the page that its name says.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

PAGE = 4096
ENTRIES, FILE_BYTES = 1048576, 4294967295
IGNORE = b".mseignore"
TEES = ("sim", "sgx", "tdx", "snp")
HEX64 = re.compile(r"[0-9a-f]{64}")


class Refused(Exception):
    """The page calls this input an error."""


def need(condition, *why):
    if not condition:
        raise Refused(*why)


def text_of(raw, limit, what):
    """These bytes as text without control characters, of 1 to limit bytes."""
    need(0 < len(raw) <= limit, what, "length", len(raw))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(what, "not UTF-8", raw) from error
    need(not any(c < "\x20" or "\x7f" <= c <= "\x9f" for c in text), what, "control", raw)
    return text


# Tree digest


class Ignore:
    """Answers of `git check-ignore`, asked away from the tree and from all of git's settings."""

    def __init__(self, directory):
        self.home = Path(directory)
        self.git = self.home / "git"
        for name in ("objects", "refs", "info"):
            (self.git / name).mkdir(parents=True)
        (self.git / "HEAD").write_text("ref: refs/heads/main\n")
        self.work = self.home / "work"

    def among(self, rules, directories, others):
        """The paths that these rules ignore. Git sees the directories, empty; all else is absent,
        so that nothing in the tree but the rules can have an effect."""
        (self.git / "info" / "exclude").write_bytes(rules)
        self.work.mkdir()
        top = os.open(self.work, os.O_RDONLY)
        try:
            for path in directories:
                os.mkdir(path, dir_fd=top)
            env = {
                "PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C",
                "GIT_DIR": str(self.git), "GIT_WORK_TREE": str(self.work),
                "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
                "GIT_LITERAL_PATHSPECS": "1",
            }  # fmt: skip
            done = subprocess.run(
                ["git", "-c", f"core.excludesFile={os.devnull}", "check-ignore", "--no-index",
                 "--stdin", "-z"],
                input=b"".join(p + b"\0" for p in [*directories, *others]),
                env=env, cwd=self.work, capture_output=True, check=False,
            )  # fmt: skip
        finally:
            os.close(top)
            shutil.rmtree(self.work)
        if done.returncode not in (0, 1):
            raise OSError(done.stderr)
        return set(done.stdout.split(b"\0")) - {b""}


@dataclass
class Entry:
    kind: str
    path: bytes
    digest: bytes


@dataclass
class Found:
    """What a walk saw: an lstat mode for each path, and the links' targets."""

    modes: dict = field(default_factory=dict)
    targets: dict = field(default_factory=dict)


def walk(top_fd):
    """Everything below, ignored or not. Descriptors, since a path may be longer than PATH_MAX."""
    found = Found()

    def descend(fd, prefix):
        for name in os.listdir(fd):
            raw = os.fsencode(name)
            path = prefix + raw
            mode = os.lstat(raw, dir_fd=fd).st_mode
            found.modes[path] = mode
            if stat.S_ISLNK(mode):
                found.targets[path] = os.readlink(raw, dir_fd=fd)
            elif stat.S_ISDIR(mode):
                below = os.open(raw, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                try:
                    descend(below, path + b"/")
                finally:
                    os.close(below)

    descend(top_fd, b"")
    return found


def open_below(top_fd, path):
    """A file of the tree, part by part."""
    *parts, last = path.split(b"/")
    fd = os.dup(top_fd)
    for part in parts:
        below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
        os.close(fd)
        fd = below
    try:
        return os.fdopen(os.open(last, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd), "rb")
    finally:
        os.close(fd)


def content_digest(top_fd, path):
    hashed, size = hashlib.sha256(), 0
    with open_below(top_fd, path) as file:
        while chunk := file.read(1 << 20):
            hashed.update(chunk)
            size += len(chunk)
    need(size <= FILE_BYTES, "file too large", path)
    return hashed.digest()


def check_target(path, target, links):
    """The section's rule for a link that stands at path; links: the paths of all entries `l`."""
    text_of(target, 4096, "target")
    need(not target.startswith(b"/"), "absolute target", path, target)
    where = path.split(b"/")[:-1]
    for part in target.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            need(where, "target leaves the directory", path, target)
            where.pop()
        else:
            where.append(part)
        need(b"/".join(where) not in links, "target leads through a link", path, target)


def is_regular(mode):
    return mode is not None and stat.S_ISREG(mode)


def entries_of(directory, ignore=None):
    """The sorted entries of a directory of code."""
    top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = walk(top)
        ignored = set()
        if is_regular(found.modes.get(IGNORE)):
            ignored = ignored_of(top, found, ignore)
        kept = {p: m for p, m in found.modes.items() if p not in ignored and not stat.S_ISDIR(m)}
        links = {p for p, m in kept.items() if stat.S_ISLNK(m)}
        need(len(kept) <= ENTRIES, "too many entries")
        return [entry_of(top, path, kept[path], found, links) for path in sorted(kept)]
    finally:
        os.close(top)


def ignored_of(top, found, ignore):
    with open_below(top, IGNORE) as file:
        rules = file.read()
    directories = [p for p, m in found.modes.items() if stat.S_ISDIR(m)]
    others = [p for p, m in found.modes.items() if not stat.S_ISDIR(m)]
    if ignore is not None:
        return ignore.among(rules, directories, others) - {IGNORE}
    with tempfile.TemporaryDirectory() as place:
        return Ignore(place).among(rules, directories, others) - {IGNORE}


def entry_of(top, path, mode, found, links):
    text_of(path, 4096, "path")
    need(path.count(b"/") < 128, "too deep", path)
    if path in links:
        target = found.targets[path]
        check_target(path, target, links)
        return Entry("l", path, hashlib.sha256(target).digest())
    need(stat.S_ISREG(mode), "neither file nor link", path)
    return Entry("x" if mode & 0o100 else "f", path, content_digest(top, path))


def tree_digest(entries):
    hashed = hashlib.sha256(b"mse-tree-v1\n")
    for e in entries:
        hashed.update(e.kind.encode() + struct.pack("<I", len(e.path)) + e.path + e.digest)
    return hashed.hexdigest()


# List of files


def file_list(entries):
    return b"".join(b"%c %s %s\n" % (e.kind.encode(), e.digest.hex().encode(), e.path)
                    for e in entries)  # fmt: skip


# Runtime description


def canonical(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def once(pairs):
    value = dict(pairs)
    need(len(value) == len(pairs), "a member twice")
    return value


def check_file(value):
    need(isinstance(value, dict) and set(value) == {"path", "sha256"}, "file", value)
    need(all(isinstance(v, str) for v in value.values()), "file", value)
    need(HEX64.fullmatch(value["sha256"]), "hash", value)
    path = value["path"]
    text_of(path.encode(), 4096, "path")
    need(path.startswith("/"), "relative", path)
    need(not {"", ".", ".."} & set(path[1:].split("/")), "path", path)


@dataclass
class Runtime:
    files: list
    loader: dict
    name: str
    tee: str
    version: str
    digest: str

    @classmethod
    def read(cls, raw):
        need(len(raw) <= 32 << 20, "description too long")
        try:
            value = json.loads(raw.decode("utf-8"), object_pairs_hook=once)
            need(raw == canonical(value), "not canonical")
        except (ValueError, RecursionError) as error:
            raise Refused("no description", error) from error
        members = {"files", "format", "loader", "name", "tee", "version"}
        need(isinstance(value, dict) and set(value) == members, "members")
        need(value["format"] == "mse-runtime-v1", "format")
        need(value["tee"] in TEES, "tee")
        for member in ("name", "version"):
            need(isinstance(value[member], str), member)
            text_of(value[member].encode(), 128, member)
        files, loader = value["files"], value["loader"]
        need(isinstance(files, list) and len(files) <= 262144, "files")
        for one in [*files, loader]:
            check_file(one)
        paths = [one["path"].encode() for one in files]
        need(all(a < b for a, b in zip(paths, paths[1:])), "order of files")
        need(all(f == loader for f in files if f["path"] == loader["path"]), "loader's hash")
        return cls(files, loader, value["name"], value["tee"], value["version"],
                   hashlib.sha256(raw).hexdigest())  # fmt: skip


# App manifest


@dataclass
class App:
    """What the owner decides. start: ("python", MODULE:VARIABLE) or ("command", [word, ...])."""

    tree: str
    owner: str
    start: tuple
    runtime: str
    tee: str = "sim"
    cert: str = "self"
    health: str = "/health"
    memory: int = 1024
    threads: int = 64
    unsigned: bool = False
    isolation: str = None

    def check(self):
        for digest in (self.tree, self.owner, self.runtime):
            need(HEX64.fullmatch(digest), "digest", digest)
        need(self.cert in ("self", "owner", "operator"), "cert", self.cert)
        need(re.fullmatch(r"/[\x21-\x7e]*", self.health), "health", self.health)
        need(self.memory in [1 << n for n in range(27)], "memory", self.memory)
        need(1 <= self.threads <= 4096, "threads", self.threads)
        allowed = ("none",) if self.tee == "sgx" else ("none", "process")
        need(self.isolation in (None, *allowed), "isolation", self.isolation)
        kind, what = self.start
        if kind == "python":
            module, colon, variable = what.partition(":")
            need(colon and module and variable and ":" not in variable, "python", what)
        else:
            need(kind == "command" and 1 <= len(what) <= 256 and what[0], "command", what)

    def arguments(self):
        self.check()
        isolation = self.isolation or ("none" if self.tee == "sgx" else "process")
        kind, what = self.start
        start = [f"python={what}"] if kind == "python" else ["command", *(f"arg={w}" for w in what)]
        arguments = [
            "mse-enclave", "format=1", f"tree={self.tree}", f"owner={self.owner}",
            f"cert={self.cert}", f"health={self.health}", f"memory={self.memory}",
            f"threads={self.threads}", f"unsigned={'yes' if self.unsigned else 'no'}",
            f"isolation={isolation}", f"runtime={self.runtime}", *start,
        ]  # fmt: skip
        for argument in arguments:
            text_of(argument.encode("utf-8", "surrogateescape"), 4096, "argument")
        return arguments


def app_bytes(arguments):
    raw = [a.encode() for a in arguments[1:]]
    return b"mse-app-v1\n" + b"".join(struct.pack("<I", len(a)) + a for a in raw)


def app_digest(arguments):
    return hashlib.sha256(app_bytes(arguments)).hexdigest()


# Manifest

LIBRARY_PATH = ":".join((
    "/usr/lib/x86_64-linux-gnu/gramine/runtime/glibc",
    "/usr/local/lib/x86_64-linux-gnu/gramine/runtime/glibc", "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu",
))  # fmt: skip


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def pair(key, value):
    return f"{key} = {quoted(value)}"


def program_and_first(runtime):
    """The files that the text calls program and first."""
    if runtime.tee == "sim":
        need(runtime.loader in runtime.files, "the loader is not among the files")
        return runtime.loader, runtime.loader
    need(runtime.tee == "sgx", "no manifest for", runtime.tee)
    chosen = []
    for name in ("mse-enclave", "libsysdb.so"):
        named = [f for f in runtime.files if f["path"].split("/")[-1] == name]
        need(named, "no file", name)
        chosen.append(named[0])
    return chosen


def manifest(runtime, app):
    program, first = program_and_first(runtime)
    arguments = app.arguments()
    blocks = [
        ["[libos]", pair("entrypoint", program["path"])],
        ["[loader]", pair("log_level", "error"), "argv = [",
         *(f"    {quoted(a)}," for a in arguments), "]"],
        ["[loader.entrypoint]", pair("uri", "file:" + first["path"]),
         pair("sha256", first["sha256"])],
        ["[loader.env]", pair("HOME", "/tmp"), pair("LANG", "C.UTF-8"),
         pair("LD_LIBRARY_PATH", LIBRARY_PATH), pair("MALLOC_ARENA_MAX", "1"),
         pair("PATH", "/usr/local/bin:/usr/bin:/bin"), pair("PYTHONDONTWRITEBYTECODE", "1")],
        ["[fs]", pair("start_dir", "/")],
        ["[[fs.mounts]]", pair("type", "tmpfs"), pair("path", "/tmp")],
        *(["[[fs.mounts]]", pair("type", "encrypted"), pair("path", f"/mse-{what}"),
           pair("uri", f"file:/mse/{what}"), pair("key_name", "_sgx_mrenclave")]
          for what in ("app", "state")),
        ["[fs.root]", pair("type", "chroot"), pair("uri", "file:/")],
        ["[sys]", "enable_extra_runtime_domain_names_conf = true",
         "enable_sigterm_injection = true"],
        ["[sgx]", "allowed_files = [", '    "file:/mse/instance.json",',
         '    "file:/mse/package.tar",', "]", f"max_threads = {app.threads}", "isvprodid = 1",
         "isvsvn = 1", pair("remote_attestation", "dcap"), "debug = false",
         "enable_stats = false", "edmm_enable = false", pair("enclave_size", f"{app.memory}M"),
         "use_exinfo = false"],
        *(["[[sgx.trusted_files]]", pair("uri", "file:" + f["path"]), pair("sha256", f["sha256"])]
          for f in runtime.files),
        ["[sgx.cpu_features]", *(pair(k, "unspecified") for k in ("avx", "avx512", "amx")),
         *(pair(k, "disabled") for k in ("mpx", "pkru"))],
    ]  # fmt: skip
    return "\n".join("".join(line + "\n" for line in block) for block in blocks).encode()


# MRENCLAVE


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
    need(len(file) >= 64 and file[:7] == b"\x7fELF\x02\x01\x01", "not ELF64")
    machine, = struct.unpack_from("<H", file, 18)  # fmt: skip
    need(machine == 62, "not for x86-64")
    entry, at = struct.unpack_from("<QQ", file, 24)
    each, count = struct.unpack_from("<HH", file, 54)
    need(each == 56 and at + each * count <= len(file), "program headers")
    segments = []
    for n in range(count):
        kind, flags, offset, vaddr, _, filesz, memsz, _ = struct.unpack_from(
            "<IIQQQQQQ", file, at + n * each)  # fmt: skip
        if kind == 1:
            need(offset + filesz <= len(file), "segment beyond the file")
            need(filesz <= memsz, "segment larger in the file than in memory")
            segments.append(Segment(flags, offset, vaddr, filesz, memsz))
    need(segments, "nothing to load")
    ordered = sorted(segments, key=lambda s: (s.start, s.end))
    need(all(a.end <= b.start for a, b in zip(ordered, ordered[1:])), "segments share a page")
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


def lay_out(size, threads, length, segments):
    end = size

    def below(wanted):
        nonlocal end
        end -= up(wanted)
        need(end >= 0x10000, "the enclave is too small")
        return end

    first = [below(length), below(threads * 0x8000), below(threads * PAGE), below(threads * PAGE)]
    stacks = [below(0x40000) for _ in range(threads)]
    signals = [below(0x10000) for _ in range(threads)]
    lo = min(s.start for s in segments)
    pal = below(max(s.end for s in segments) - lo)
    if lo:
        need(0x10000 <= lo <= pal, "the loader's fixed place does not fit")
        pal = lo
    return Layout(*first, stacks, signals, pal, lo)


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
    at = lay_out(size, threads, length, segments)
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
    for start in range(0x10000, at.pal, 1 << 22):
        end = min(start + (1 << 22), at.pal)
        yield "free", 0x10000, b"".join(eadd(page, 0x207) for page in range(start, end, PAGE))


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


# TDX and SEV-SNP


def rtmr3(arguments):
    event = hashlib.sha384(app_bytes(arguments)).digest()
    return hashlib.sha384(bytes(48) + event).hexdigest()


def platform(word, registers, arguments):
    need(all(len(r) == 48 for r in registers), "a register of another size")
    hashed = hashlib.sha256(b"mse-fingerprint-v1\n" + word.encode() + b"\0" + b"".join(registers))
    hashed.update(hashlib.sha256(app_bytes(arguments)).digest())
    return hashed.hexdigest()


def tdx(mrtd, rtmr0, rtmr1, rtmr2, arguments):
    return platform("tdx", (mrtd, rtmr0, rtmr1, rtmr2), arguments)


def snp(measurement, arguments):
    return platform("snp", (measurement,), arguments)


def fingerprint(runtime, app, loader=None, registers=()):
    """Of a runtime description and an app; loader: its bytes, registers: those of TDX or SNP."""
    if runtime.tee in ("tdx", "snp"):
        need(len(registers) == {"tdx": 4, "snp": 1}[runtime.tee], "registers")
        return platform(runtime.tee, registers, app.arguments())
    need(hashlib.sha256(loader).hexdigest() == runtime.loader["sha256"], "another loader")
    return mrenclave(loader, manifest(runtime, app), app.memory, app.threads)


# Command line


def main(words):
    parser = argparse.ArgumentParser(description="Prints the fingerprint of a directory of code.")
    parser.add_argument("directory")
    parser.add_argument("--runtime", required=True, help="file with the runtime description")
    parser.add_argument("--owner", required=True, help="Ed25519 public key in hex")
    parser.add_argument("--loader", help="the loader's file, for the simulation and SGX")
    parser.add_argument("--register", action="append", default=[], type=bytes.fromhex,
                        help="MRTD, RTMR0, RTMR1, RTMR2 or MEASUREMENT in hex, in this order")
    parser.add_argument("--cert", default="self")
    parser.add_argument("--health", default="/health")
    parser.add_argument("--memory", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--unsigned", action="store_true")
    parser.add_argument("--isolation")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--python", metavar="MODULE:VARIABLE")
    start.add_argument("--command", nargs="+", metavar="WORD")
    given = parser.parse_args(words)
    try:
        runtime = Runtime.read(Path(given.runtime).read_bytes())
        app = App(
            tree_digest(entries_of(given.directory)), given.owner,
            ("python", given.python) if given.python else ("command", given.command),
            runtime.digest, runtime.tee, given.cert, given.health, given.memory, given.threads,
            given.unsigned, given.isolation,
        )  # fmt: skip
        loader = Path(given.loader).read_bytes() if given.loader else b""
        print(fingerprint(runtime, app, loader, given.register))
    except Refused as why:
        print("refused:", *why.args, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
