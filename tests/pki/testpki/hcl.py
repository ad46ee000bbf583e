# SPDX-License-Identifier: Apache-2.0
"""Azure HCL reports: a hardware report whose REPORTDATA commits to runtime JSON."""

import base64
import json
import struct

from . import keys

HARDWARE_SIZE = 1184
TYPE_SNP, TYPE_TDX = 2, 4


def _number(value):
    size = (value.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()


def jwk(key, kid, operation):
    numbers = keys.public(key).public_numbers()
    return {
        "kid": kid,
        "key_ops": [operation],
        "kty": "RSA",
        "e": _number(numbers.e),
        "n": _number(numbers.n),
    }


def runtime_json(ak, ek=None, user_data=bytes(64), edit=None):
    """The runtime claims; ak and ek are RSA keys; edit(dict) changes them in place."""
    claims = {
        "keys": [jwk(ak, "HCLAkPub", "sign"), jwk(ek or ak, "HCLEkPub", "encrypt")],
        "vm-configuration": {
            "console-enabled": True,
            "secure-boot": True,
            "tpm-enabled": True,
            "vmUniqueId": "00000000-0000-4000-8000-00006D736500",
        },
        "user-data": user_data.hex().upper(),
    }
    if edit is not None:
        edit(claims)
    return json.dumps(claims, separators=(",", ":")).encode()


def td_report(report_data, *, mac_type=0x81):
    """TDREPORT of 1024 bytes; only the fields a reader of HCL reports looks at are set."""
    out = bytearray(1024)
    out[0] = mac_type
    out[128:192] = report_data
    return bytes(out)


def build(
    evidence, runtime, *, report_type=TYPE_SNP, hash_type=1, version=1, runtime_version=1,
    request_type=2, status=0, signature=b"HCLA", report_data=None, runtime_size=None,
    data_size=None, report_size=None, tail=bytes(32), runtime_after=None, padding=b"",
):
    """One HCL report. evidence(report_data) -> SNP report or TDREPORT; runtime: JSON bytes.

    report_data: instead of SHA-256(runtime) || tail; runtime_after(bytes) changes the runtime
    after the hardware report was made over it; *_size: written instead of the true sizes.
    """
    if report_data is None:
        report_data = keys.sha256(runtime) + tail
    hardware = evidence(report_data)
    hardware += bytes(HARDWARE_SIZE - len(hardware))
    if runtime_after is not None:
        runtime = runtime_after(runtime)
    variable = len(runtime) if runtime_size is None else runtime_size
    body = struct.pack(
        "<IIIII",
        20 + len(runtime) if data_size is None else data_size,
        runtime_version,
        report_type,
        hash_type,
        variable,
    )
    total = 0x4D4 + len(runtime) if report_size is None else report_size
    head = struct.pack("<4sIIII12x", signature, version, total, request_type, status)
    return head + hardware + body + runtime + padding
