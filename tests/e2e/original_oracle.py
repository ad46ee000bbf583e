# SPDX-License-Identifier: Apache-2.0
"""What Cosmian MSE made of a deployment, in Python and apart from the program.

Written from docs/original.md: the files by copytree and PyNaCl, the arguments, the manifest of
Gramine 1.5 out of a model of the image's file system, and MRENCLAVE.
"""

import hashlib
import posixpath
import re
import shutil
import tomllib
from pathlib import Path

import manifest_oracle
import sgx_oracle
from nacl.secret import SecretBox


def sha(data):
    return hashlib.sha256(data).hexdigest()


# ---- the package ----------------------------------------------------------------------------


def globs(code):
    path = Path(code) / ".mseignore"
    text = path.read_text() if path.exists() else ""
    return {one for one in text.splitlines() if one.strip() and not one.strip().startswith("#")}


def seal(code, copy, key, nonces):
    """{name in the package: content}; raises KeyError for a path without a nonce."""
    shutil.copytree(code, copy, ignore=shutil.ignore_patterns(*globs(code)))
    package = {}
    for path in sorted(Path(copy).rglob("*")):
        relative = path.relative_to(copy)
        if not path.is_file():
            continue
        name, data = str(relative), path.read_bytes()
        if path.name != "requirements.txt":
            data = SecretBox(key).encrypt(data, nonces[name])
            name += ".enc"
        if not any(part.startswith(".") for part in relative.parts):
            package[name] = data
    return package


def nonces_of(code, copy, rng):
    """As the original made them at the first deployment."""
    shutil.copytree(code, copy, ignore=shutil.ignore_patterns(*globs(code)))
    paths = [str(p.relative_to(copy)) for p in sorted(Path(copy).rglob("*"))
             if p.is_file() and p.name != "requirements.txt"]  # fmt: skip
    shutil.rmtree(copy)
    return {path: rng.randbytes(24) for path in paths}


# ---- file systems ---------------------------------------------------------------------------


class Files:
    """{path: bytes, None for a directory, ("l", target)}; links as a container follows them."""

    def __init__(self, entries):
        self.at = {}
        for path, content in entries:
            self.put("/" + path.strip("/"), content)

    def put(self, path, content):
        parent = posixpath.dirname(path)
        if parent not in self.at and parent != path:
            self.put(parent, None)
        self.at[path] = content

    def remove_below(self, path):
        self.at = {p: c for p, c in self.at.items() if not p.startswith(path + "/")}

    def real(self, path, depth=0):
        """Absolute path without links, or None."""
        at = "/"
        for part in path.split("/"):
            if part in ("", "."):
                continue
            if part == "..":
                at = posixpath.dirname(at)
                continue
            here = self.at.get(posixpath.join(at, part), "none")
            if isinstance(here, tuple):
                at = self.real(posixpath.join(at, here[1]), depth + 1) if depth < 40 else None
            elif here == "none":
                return None
            else:
                at = posixpath.join(at, part)
            if at is None:
                return None
        return at

    def content(self, path):
        """bytes, None for a directory, or "none"."""
        real = self.real(path)
        return "none" if real is None else self.at.get(real, None)

    def names(self, path):
        real = self.real(path)
        prefix = real if real.endswith("/") else real + "/"
        return sorted(p[len(prefix):] for p in self.at
                      if p.startswith(prefix) and p != prefix and "/" not in p[len(prefix):])  # fmt: skip


# ---- manifest -------------------------------------------------------------------------------


def normal(path):
    out = posixpath.normpath(path)
    return out


def trusted(files, entries, directory):
    """[{uri, sha256}] by the rules of 1.5."""
    found = {}

    def absolute(path):
        return posixpath.join(directory, path)

    def add(path):
        found.setdefault("file:" + path, sha(files.content(absolute(path))))

    def walk(path):
        for name in files.names(absolute(path)):
            below = posixpath.join(path, name)
            content = files.content(absolute(below))
            is_link = isinstance(files.at.get(posixpath.join(files.real(absolute(path)), name)), tuple)
            if isinstance(content, bytes):
                add(below)
            elif content is None and not is_link:
                walk(below)

    for entry in entries:
        path = entry["uri"].removeprefix("file:")
        content = files.content(absolute(path))
        assert content != "none", path
        walk(normal(path)) if content is None else add(normal(path))
    return [{"uri": uri, "sha256": digest} for uri, digest in found.items()]


def render(template, values):
    def value(match):
        return values[match.group(1).strip()]

    return re.sub(r"{{([^}]*)}}", value, template)


def manifest(template, values, files, directory="/root"):
    """(what gramine-manifest writes, what gramine-sgx-sign writes)"""
    tree = manifest_oracle.add_defaults(tomllib.loads(render(template, values)), "1.5", None)
    first = manifest_oracle.write(tree)
    tree["sgx"]["trusted_files"] = trusted(files, tree["sgx"]["trusted_files"], directory)
    return first.encode(), manifest_oracle.write(tree).encode()


def arguments(*, application, app_id, san, subject, expiry=None, host="0.0.0.0", port="443",
              timeout=None, app_dir="/opt/input/app"):  # fmt: skip
    tls = ["--ratls", str(expiry)] if expiry else ["--certificate", f"{app_dir}/fullchain.pem"]
    return [
        "/usr/bin/python3", "-S", "/usr/local/bin/mse-bootstrap", *tls, "--host", host, "--port",
        port, "--app-dir", app_dir, "--subject", subject, "--san", san, "--id", app_id,
        *(["--timeout", timeout] if timeout else []), application,
    ]  # fmt: skip


def serialize(words):
    return b"".join(word.encode() + b"\0" for word in words)


def mrenclave(text, libpal, size, threads):
    return sgx_oracle.measure(text, libpal, size, threads)[0]
