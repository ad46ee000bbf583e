# SPDX-License-Identifier: Apache-2.0
"""Packages made without the program: Python's tarfile and hashlib, PyNaCl's secretbox."""

import hashlib
import io
import tarfile

BLOCK = tarfile.BLOCKSIZE


def entry(path, content=b"", mode=0o644, link=None, kind=None):
    info = tarfile.TarInfo(path)
    info.mode = 0o777 if link is not None else mode
    if link is not None:
        info.type, info.linkname = tarfile.SYMTYPE, link
    if kind is not None:
        info.type = kind
    info.size = 0 if link is not None else len(content)
    return info, content


def header(info):
    """As tarfile makes it, but with numbers of a device where there is none (docs/formats.md)."""
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    block[329:345] = b"0000000\0" * 2
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def archive(entries, tail=b"\0" * 1024):
    """The bytes of these entries in this order, in the form of docs/formats.md."""
    out = io.BytesIO()
    for info, content in entries:
        out.write(header(info))
        out.write(content + b"\0" * (-len(content) % BLOCK))
    return out.getvalue() + tail


def seal(content, key):
    from nacl.secret import SecretBox

    box = SecretBox(key).encrypt(content)
    return bytes(box)  # nonce, tag and ciphertext


def package(files, links=(), key=None, executables=()):
    """A package of {path: bytes} and {path: target}."""
    found = [(path.encode(), path, content, None) for path, content in files.items()]
    found += [(path.encode(), path, b"", target) for path, target in dict(links).items()]
    entries = []
    for _, path, content, target in sorted(found, key=lambda f: f[0]):
        mode = 0o755 if path in executables else 0o644
        if target is None and key is not None:
            path, content = path + ".enc", seal(content, key)
        entries.append(entry(path, content, mode, target))
    return archive(entries)


def tree(files, links=(), executables=()):
    """docs/fingerprint.md, "Tree digest"."""
    digest = hashlib.sha256(b"mse-tree-v1\n")
    for path in sorted(set(files) | set(dict(links)), key=str.encode):
        kind = b"l" if path in dict(links) else b"x" if path in executables else b"f"
        content = dict(links)[path].encode() if kind == b"l" else files[path]
        name = path.encode()
        digest.update(kind + len(name).to_bytes(4, "little") + name)
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
