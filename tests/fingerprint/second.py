# SPDX-License-Identifier: Apache-2.0
"""A second implementation of the fingerprint, written from docs/fingerprint.md and nothing else.

It is slow and plain on purpose: each function follows the section of the page that its name says.
Here are app manifest, manifest, the forms per TEE and the command line; the other sections are in
the modules beside this one, and all their names are found here too.
"""

import argparse
import hashlib
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from second_base import HEX64, Refused, need, text_of
from second_enclave import explained, mrenclave, stream
from second_runtime import Runtime, canonical, describe
from second_tree import Entry, Ignore, entries_of, file_list, tree_digest

__all__ = [
    "App", "Entry", "Ignore", "Refused", "Runtime", "app_bytes", "app_digest", "canonical",
    "describe", "entries_of", "explained", "file_list", "fingerprint", "manifest", "mrenclave",
    "platform", "rtmr3", "snp", "stream", "tdx", "tree_digest",
]  # fmt: skip


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
    start.add_argument("--word", action="append", help="one word of the command after the other")
    given = parser.parse_args(words)
    try:
        runtime = Runtime.read(Path(given.runtime).read_bytes())
        app = App(
            tree_digest(entries_of(given.directory)), given.owner,
            ("python", given.python) if given.python else ("command", given.word),
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
