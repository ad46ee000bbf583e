# SPDX-License-Identifier: Apache-2.0
"""Random trees, settings, runtimes and loaders for the comparison of two implementations."""

import base64
import hashlib
import os
import struct
from dataclasses import dataclass

# ---- trees ----------------------------------------------------------------------------------

NAMES = [
    "a", "b", "c", "A", "a.py", "b.pyc", "a-b", "a+b", "a b", " ", "é", "e\u0301", "日本語", "😀",
    "\u00a0", "\u2028", "\ufeff", "\u200b", "-rf", "#x", "!x", "*", "**", "[a]", "\\", "a\\", '"',
    "'", "..a", "...", ".git", ".gitignore", ".mseignore", ":(top)a", ":!a", "build", "lib",
    "~", "x" * 255, "0", "con", "%2e", "a\\n", "=", "?", "é.py", "\U0010ffff",
]  # fmt: skip

# All that only one of the two could refuse is left out: see "Ignored" in docs/fingerprint.md.
RULES = [
    "*.pyc", "build/", "/a", "a/", "a/*", "a/**", "**/b", "lib/**/a", "!a", "!*.py", "*", "!*/",
    ".*", "!.mseignore", ".mseignore", "# a", "\\#x", "\\!x", " ", "a\\ ", "a b", "[ab]", "[!a]*",
    "?", "é", "é*", "日*", "\\*", "\\[a\\]", "\\\\", ".git", ".git/", "/lib/", "lib/a", "!lib/a",
    "x*", "a?b", "[a-c]", "[[:alpha:]]", "a\r", "/*", "!/lib", "*/b", "**", "'", '"', ":*", "A",
    "a//b", "/", "[",
]  # fmt: skip

TARGETS = [
    "a", "b", "./a", "../a", "../lib/a", "a/../b", "nowhere/at/all", "b/./a", ".", "..", "a//b",
    "a/", "日本語", "a/../../a", "../..", "/a", "lib/../a", "é", "a\tb", "\u0085", " ", "....",
]  # fmt: skip

MODES = [0o644, 0o600, 0o755, 0o744, 0o711, 0o655, 0o700, 0o4755, 0o477, 0o666]


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def odd_name(rng):
    """Once in a while a name that is refused."""
    if rng.random() < 0.004:
        return rng.choice([b"\xff", b"a\nb", b"\x7f", b"\xc2\x85", b"\xed\xa0\x80", b"\xc0\xae"])
    if rng.random() < 0.05:
        ranges = [(0x21, 0x2F), (0xA0, 0x2FF), (0x10000, 0x10FFFE)]
        return "".join(chr(rng.randrange(*rng.choice(ranges))) for _ in range(3)).encode()
    return rng.choice(NAMES).encode()


def fill_directory(rng, top, depth, budget):
    for name in [odd_name(rng) for _ in range(rng.randrange(1, 7))]:
        path, kind = os.path.join(top, name), rng.random()
        budget[0] -= 1
        if budget[0] < 0:
            return
        if os.path.lexists(path) or (name == b".mseignore" and not depth):
            continue
        if kind < 0.3 and depth < 6:
            os.mkdir(path)
            fill_directory(rng, path, depth + 1, budget)
        elif kind < 0.37:
            os.symlink(rng.choice(TARGETS), path)
        elif kind < 0.373:
            os.mkfifo(path)
        else:
            write(path, rng.randbytes(rng.choice([0, 0, 1, 5, 64, 4096, 70000])))
            os.chmod(path, rng.choice(MODES))


def make_tree(rng, top):
    """A tree below this path (bytes), with rules more often than not."""
    os.mkdir(top)
    shape = rng.random()
    if shape < 0.03:
        deep = b"/".join([b"d"] * rng.choice([126, 127, 128]))
        os.makedirs(os.path.join(top, deep))
        write(os.path.join(top, deep, b"f"), b"")
    elif shape < 0.06:
        for n in range(300):
            write(os.path.join(top, b"%x" % (n * 7919)), b"%d" % n)
    fill_directory(rng, top, 0, [rng.choice([3, 10, 20, 40])])
    rules = os.path.join(top, b".mseignore")
    kind = rng.random()
    if kind < 0.6:
        text = "\n".join(rng.choices(RULES, k=rng.randrange(6))) + rng.choice(["", "\n", "\r\n"])
        write(rules, rng.choice([b"", b"", b"", b"\xef\xbb\xbf"]) + text.encode())
    elif kind < 0.61:
        rng.choice([lambda: os.symlink("a", rules), lambda: os.mkdir(rules),
                    lambda: write(rules, b"a\0b\n")])()


# ---- settings -------------------------------------------------------------------------------

TEXT = list("abcXYZ019 \"'\\=,.:;[]{}#%$&*?!/~^|<>`@-_+()é日😀«») \u00a0\u2028\ufeff\U0010ffff")


def word(rng, letters=None, low=0, high=12):
    return "".join(rng.choice(letters or TEXT) for _ in range(rng.randrange(low, high)))


def toml_text(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass
class Settings:
    """What mse.toml or a context says of an app."""

    start: tuple
    health: str
    memory: int
    threads: int
    cert: str
    owner: bytes
    unsigned: bool = False
    isolation: str = None

    @classmethod
    def random(cls, rng, threads=4, memories=(64, 64, 64, 128)):
        if rng.random() < 0.5:
            plain = [c for c in TEXT if not c.isspace() and c not in ":\ufeff"]
            start = ("python", f"{word(rng, plain, 1)}:{word(rng, plain, 1)}")
        else:
            start = ("command", [word(rng, low=1), *(word(rng) for _ in range(rng.randrange(9)))])
        path = [chr(c) for c in range(0x21, 0x7F) if chr(c) not in "?#"]
        return cls(start, "/" + word(rng, path), rng.choice(memories), rng.randrange(1, threads),
                   rng.choice(["self", "owner", "operator"]), rng.randbytes(32))  # fmt: skip

    @property
    def key(self):
        return base64.b64encode(b"Ed" + b"12345678" + self.owner).decode()

    def lines(self):
        kind, what = self.start
        yield 'name = "a name"'
        if kind == "python":
            yield f"python_application = {toml_text(what)}"
        else:
            yield f"command = [{', '.join(map(toml_text, what))}]"
        yield f"healthcheck_endpoint = {toml_text(self.health)}"
        yield f"memory = {self.memory}"
        yield f"threads = {self.threads}"

    def toml(self):
        return "\n".join([*self.lines(), ""])

    def context(self, tree, runtime):
        return "\n".join([
            'version = "3.0"', "[config]", *self.lines(), f'owner = "{self.owner.hex()}"',
            f'isolation = "{self.isolation}"', f"unsigned = {str(self.unsigned).lower()}",
            f'runtime = "{runtime}"', f'tree = "{tree}"', "[instance]",
            'id = "00000000-0000-4000-8000-000000000001"', 'domain_name = "a.example"',
            'config_domain_name = "b.example"', f'ssl_certificate_origin = "{self.cert}"',
            "expires_at = 2030-01-01T00:00:00Z", "created_at = 2026-01-01T00:00:00Z", "",
        ])  # fmt: skip


# ---- runtimes -------------------------------------------------------------------------------


def path(rng):
    parts = [word(rng, [c for c in TEXT if c != "/"], 1, 6) for _ in range(rng.randrange(1, 5))]
    return "/" + "/".join("_" if part in (".", "..") else part for part in parts)


def description(rng, tee, loader):
    """The members of a description of a runtime with these bytes as its loader."""
    digest = hashlib.sha256(loader).hexdigest()
    files = {path(rng): rng.randbytes(32).hex() for _ in range(rng.randrange(20))}
    first = path(rng)
    files.pop(first, None)
    if tee == "sim" or rng.random() < 0.5:
        files[first] = digest
    if tee == "sgx":
        for name in ("mse-enclave", "libsysdb.so"):
            for _ in range(rng.randrange(1, 3)):
                files[rng.choice(["", path(rng)]) + "/" + name] = rng.randbytes(32).hex()
    return {
        "files": [{"path": p, "sha256": files[p]} for p in sorted(files, key=str.encode)],
        "format": "mse-runtime-v1",
        "loader": {"path": first, "sha256": digest},
        "name": word(rng, low=1), "tee": tee, "version": word(rng, low=1),
    }  # fmt: skip


# ---- loaders --------------------------------------------------------------------------------

LOAD, OTHERS = 1, (0, 2, 3, 4, 6, 7, 0x6474E551)


def elf(rng, segments, entry=0x40, kind=3, headers=64, size=0, **fields):
    """A file of random bytes but for its headers; a segment: type, flags, offset, vaddr, filesz,
    memsz. fields: values of the header that are wrong."""
    need = max([size, headers + 56 * len(segments),
                *(s[2] + s[4] for s in segments if s[0] == LOAD and s[4])])  # fmt: skip
    out = bytearray(rng.randbytes(need))
    out[:64] = fields.get("ident", b"\x7fELF\2\1\1" + bytes(9)) + struct.pack(
        "<HHIQQQIHHHHHH", kind, fields.get("machine", 62), 1, entry, fields.get("phoff", headers),
        0, 0, 64, fields.get("phentsize", 56), fields.get("phnum", len(segments)), 0, 0, 0,
    )  # fmt: skip
    for n, (what, flags, offset, vaddr, filesz, memsz) in enumerate(segments):
        at = headers + 56 * n
        out[at : at + 56] = struct.pack("<IIQQQQQQ", what, flags, offset, vaddr,
                                        rng.randrange(1 << 64), filesz, memsz, 4096)  # fmt: skip
    return bytes(out[: fields.get("cut")])


def loader(rng):
    """A sound one: segments in any order, with gaps, zeros behind and parts of pages."""
    fixed = rng.random() < 0.15
    at = 0x10000 * rng.randrange(1, 64) if fixed else 0
    segments = []
    for _ in range(rng.randrange(1, 6)):
        start = at + rng.choice([0, 0, 0x40, 0x123, 0xFFF])
        filesz = rng.choice([0, 1, 0x180, 0xFFF, 0x1000, 0x1001, 0x5000])
        memsz = max(1, filesz + rng.choice([0, 0, 1, 0x80, 0x1000, 0x2345]))
        offset = 0x1000 * rng.randrange(6) + start % 0x1000
        if filesz == 0 and rng.random() < 0.5:
            offset = rng.randrange(1 << 64)
        segments.append((LOAD, rng.choice([0, 1, 2, 4, 5, 6, 7, 0x80000005]), offset, start, filesz,
                         memsz))  # fmt: skip
        at = (start + memsz + 0xFFF) // 0x1000 * 0x1000 + 0x1000 * rng.choice([0, 0, 1, 3])
    for _ in range(rng.randrange(3)):
        segments.append((rng.choice(OTHERS), 7, *(rng.randrange(1 << 64) for _ in range(4))))
    if rng.random() < 0.5:
        rng.shuffle(segments)
    return elf(rng, segments, rng.choice([0, 0x40, 0x1234, 0xFFFF]), rng.choice([2, 3, 3, 3]),
               64 if rng.random() < 0.8 else 0x2008)  # fmt: skip
