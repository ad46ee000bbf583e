# SPDX-License-Identifier: Apache-2.0
"""Runtime descriptions, from docs/fingerprint.md alone."""

import hashlib
import json
import os
import stat
from dataclasses import dataclass

from second_base import HEX64, Refused, need, text_of

TEES = ("sim", "sgx", "tdx", "snp")


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


# `mse runtime describe`

LINKS = 40  # as many as Linux follows in one path


def resolve(root, path):
    """(real path, lstat mode) of what opens under this path where root is /; None: nothing does."""
    here, mode, links = [], stat.S_IFDIR, 0
    left = path.split(b"/")[::-1]
    while left:
        part = left.pop()
        if not stat.S_ISDIR(mode):
            return None
        if part in (b"", b"."):
            continue
        if part == b"..":
            del here[-1:]
            continue
        full = os.path.join(root, *here, part)
        try:
            mode = os.lstat(full).st_mode
        except FileNotFoundError:
            return None
        if not stat.S_ISLNK(mode):
            here.append(part)
            continue
        links += 1
        if links > LINKS:
            return None
        target, mode = os.readlink(full), stat.S_IFDIR
        here = [] if target.startswith(b"/") else here
        left += target.split(b"/")[::-1]
    return os.path.join(root, *here), mode


def is_link_to_directory(root, real, path):
    """real: where path lies, with the links before its last part resolved."""
    if not os.path.islink(real):
        return False
    found = resolve(root, path)
    return found is not None and stat.S_ISDIR(found[1])


def listed(root, path, is_given=False, depth=1):
    """(path, real path) of all regular files at and below this path, links to files included."""
    found = resolve(root, path)
    need(found or not is_given, "not there", path)
    if found is None:
        return
    real, mode = found
    if stat.S_ISREG(mode):
        text_of(path, 4096, "path")
        yield path, real
    elif stat.S_ISDIR(mode):
        need(depth <= 128, "too deep", path)
        if path:
            text_of(path, 4096, "path")
        for name in os.listdir(real):
            if not is_link_to_directory(root, os.path.join(real, name), path + b"/" + name):
                yield from listed(root, path + b"/" + name, depth=depth + 1)
    else:
        need(not is_given, "neither file nor directory", path)


def describe(root, name, version, tee, loader, paths=(b"/",)):
    """The bytes of the description of an unpacked root directory."""
    root = os.fsencode(root)

    def hashed(path, real):
        with open(real, "rb") as file:
            return {"path": path.decode(), "sha256": hashlib.sha256(file.read()).hexdigest()}

    files = dict(f for path in paths for f in listed(root, path.rstrip(b"/"), is_given=True))
    need(files, "no files")
    found = resolve(root, loader)
    need(found and stat.S_ISREG(found[1]), "no loader", loader)
    return canonical({
        "files": [hashed(path, files[path]) for path in sorted(files)],
        "format": "mse-runtime-v1", "loader": hashed(loader, found[0]), "name": name, "tee": tee,
        "version": version,
    })  # fmt: skip
