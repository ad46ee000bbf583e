# SPDX-License-Identifier: Apache-2.0
"""What Gramine's tools make of a manifest, written from docs/gramine.md: defaults and text."""

import copy
import re

LONGEST_LINE = 100
SHORT = {"\b": "\\b", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


# ---- text form ------------------------------------------------------------------------------


def escape(match):
    char = match.group(0)
    return SHORT.get(char) or f"\\u{ord(char):04x}"


def quoted(text):
    return '"' + re.sub(r'[\x00-\x08\x0a-\x1f\x7f"\\]', escape, text) + '"'


def key(text):
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else quoted(text)


def inline(value, level=0):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        members = ", ".join(f"{key(k)} = {inline(v)}" for k, v in value.items())
        return f"{{ {members} }}" if value else "{}"
    if isinstance(value, list):
        if not value:
            return "[]"
        lines = [f"{'    ' * (level + 1)}{inline(v, level + 1)},\n" for v in value]
        return "[\n" + "".join(lines) + "    " * level + "]"
    return str(value)  # numbers, dates and times as Python prints them


def fits(table):
    line = f"    {inline(table)},"
    return "\n" not in line and len(line) <= LONGEST_LINE


def are_blocks(value):
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(v, dict) for v in value) and not all(fits(v) for v in value)


def table(content, name, element=False):
    """The blocks of lines of one table and those below it; an empty line comes between blocks."""
    values = [(k, v) for k, v in content.items() if not isinstance(v, dict) and not are_blocks(v)]
    lines = [f"{key(k)} = {inline(v)}\n" for k, v in values]
    if element:
        lines.insert(0, f"[[{name}]]\n")
    elif name and (values or not content):
        lines.insert(0, f"[{name}]\n")
    blocks = ["".join(lines)] if lines else []
    for k, v in content.items():
        below = f"{name}.{key(k)}" if name else key(k)
        if isinstance(v, dict):
            blocks += table(v, below)
        elif are_blocks(v):
            for one in v:
                blocks += table(one, below, element=True)
    return blocks


def write(manifest):
    return "\n".join(table(manifest, ""))


# ---- defaults -------------------------------------------------------------------------------


def add_defaults(manifest, rules, libos):
    """A new tree; None where the tools refuse."""
    manifest = copy.deepcopy(manifest)
    sgx = manifest.setdefault("sgx", {})
    size = "1024G" if sgx.get("edmm_enable") else "256M"
    require = {f"require_{k}": False for k in ("avx", "avx512", "mpx", "pkru", "amx", "exinfo")}
    for name, value in {
        "trusted_files": [], "max_threads": 4, "isvprodid": 0, "isvsvn": 0,
        "remote_attestation": "none", "debug": False, **(require if rules == "1.5" else {}),
        "enable_stats": False, "edmm_enable": False, "enclave_size": size,
    }.items():  # fmt: skip
        sgx.setdefault(name, value)
    if rules == "1.9":
        sgx.setdefault("use_exinfo", False)
        features = sgx.setdefault("cpu_features", {})
        for name in ("avx", "avx512", "amx"):
            features.setdefault(name, "unspecified")
        for name in ("mpx", "pkru"):
            features.setdefault(name, "disabled")
    files = sgx["trusted_files"]
    sgx["trusted_files"] = [{"uri": f} if isinstance(f, str) else f for f in files]
    if rules == "1.9":
        entrypoint = manifest.setdefault("loader", {}).setdefault("entrypoint", {})
        if isinstance(entrypoint, str):
            return None
        entrypoint.setdefault("uri", f"file:{libos}")
    return manifest
