# SPDX-License-Identifier: Apache-2.0
"""TCB info v3 and QE identity v2 JSON, signed over the exact bytes of the inner object."""

import hashlib
import json
from datetime import timedelta

from . import keys

QE_SIGNER = hashlib.sha256(b"mse test qe signer").digest()
TD_QE_SIGNER = hashlib.sha256(b"mse test td qe signer").digest()
QE_ISVSVN, TD_QE_ISVSVN = 8, 7
TDX_COMPONENTS = (6, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
TEE_TCB_SVN = bytes((6, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
ADVISORIES = ("INTEL-SA-00001", "INTEL-SA-00002")


def date(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def _components(svns, labels):
    items = []
    for index, svn in enumerate(svns):
        item = {"svn": svn}
        item.update(labels.get(index, {}))
        items.append(item)
    return items


_SGX_LABELS = {
    0: {"category": "BIOS", "type": "Early Microcode Update"},
    1: {"category": "OS/VMM", "type": "SGX Late Microcode Update"},
    2: {"category": "OS/VMM", "type": "TXT SINIT"},
    3: {"category": "BIOS"},
    7: {"category": "OS/VMM", "type": "SEAMLDR ACM"},
}
_TDX_LABELS = {
    0: {"category": "OS/VMM", "type": "TDX Module"},
    1: {"category": "OS/VMM", "type": "TDX Module"},
    2: {"category": "OS/VMM", "type": "TDX Late Microcode Update"},
}


def tcb_level(sgx, pcesvn, status="UpToDate", *, tdx=None, day="2026-02-11", advisories=()):
    """One member of tcbLevels. tdx: 16 SVNs in a TDX TCB info, None in an SGX one."""
    tcb = {"sgxtcbcomponents": _components(sgx, _SGX_LABELS), "pcesvn": pcesvn}
    if tdx is not None:
        tcb["tdxtcbcomponents"] = _components(tdx, _TDX_LABELS)
    level = {"tcb": tcb, "tcbDate": f"{day}T00:00:00Z", "tcbStatus": status}
    if advisories:
        level["advisoryIDs"] = list(advisories)
    return level


def isv_level(isvsvn, status="UpToDate", *, day="2026-02-11", advisories=()):
    """One member of the tcbLevels of a QE identity or a TDX module identity."""
    level = {"tcb": {"isvsvn": isvsvn}, "tcbDate": f"{day}T00:00:00Z", "tcbStatus": status}
    if advisories:
        level["advisoryIDs"] = list(advisories)
    return level


def default_levels(platform, kind="SGX", status="UpToDate", advisories=None):
    """The platform's own level with the given status, then two older ones that are OutOfDate."""
    if advisories is None:
        advisories = () if status == "UpToDate" else ADVISORIES[:1]
    own = platform.components
    older = tuple(max(0, svn - 1) for svn in own)
    tdx = (TDX_COMPONENTS, tuple(max(0, s - 1) for s in TDX_COMPONENTS), (0,) * 16)
    if kind != "TDX":
        tdx = (None, None, None)
    return [
        tcb_level(own, platform.pcesvn, status, tdx=tdx[0], advisories=advisories),
        tcb_level(
            older, platform.pcesvn, "OutOfDate", tdx=tdx[1], day="2024-03-13",
            advisories=ADVISORIES[:1],
        ),
        tcb_level(
            (0,) * 16, 5, "OutOfDate", tdx=tdx[2], day="2018-01-04", advisories=ADVISORIES
        ),
    ]


def tdx_module(mrsigner=bytes(48), attributes=bytes(8), mask=b"\xff" * 8):
    return {
        "mrsigner": mrsigner.hex(),
        "attributes": attributes.hex(),
        "attributesMask": mask.hex().upper(),
    }


def tdx_module_identity(name="TDX_01", levels=None, **module):
    levels = levels or [
        isv_level(6),
        isv_level(4, "OutOfDate", day="2024-03-13", advisories=ADVISORIES[:1]),
        isv_level(2, "OutOfDate", day="2023-08-09", advisories=ADVISORIES),
    ]
    return {"id": name, **tdx_module(**module), "tcbLevels": levels}


def tcb_info(
    pki, kind="SGX", *, platform=None, levels=None, status="UpToDate", advisories=None,
    evaluation=21, issue_date=None, next_update=None, fmspc=None, pceid=None, version=3,
    tcb_type=0, module=None, module_identities=None, **signing,
):
    """TCB info reply body. levels replaces all levels; status changes the platform's own one.

    module / module_identities: TDX only, False leaves the member out. signing: see signed().
    """
    platform = platform or pki.platform
    info = {
        "id": kind,
        "version": version,
        "issueDate": date(issue_date or pki.at - timedelta(days=5)),
        "nextUpdate": date(next_update or pki.at + timedelta(days=25)),
        "fmspc": (platform.fmspc if fmspc is None else fmspc).hex().upper(),
        "pceId": (platform.pceid if pceid is None else pceid).hex(),
        "tcbType": tcb_type,
        "tcbEvaluationDataNumber": evaluation,
    }
    if kind == "TDX":
        if module is not False:
            info["tdxModule"] = module or tdx_module()
        if module_identities is not False:
            info["tdxModuleIdentities"] = module_identities or [
                tdx_module_identity("TDX_03", [isv_level(3)]),
                tdx_module_identity("TDX_01"),
            ]
    if levels is None:
        levels = default_levels(platform, kind, status, advisories)
    info["tcbLevels"] = levels
    return signed(pki, "tcbInfo", info, **signing)


def qe_identity(
    pki, kind="QE", *, mrsigner=None, isvprodid=None, miscselect=bytes(4),
    miscselect_mask=b"\xff" * 4, attributes=bytes.fromhex("11" + "00" * 15),
    attributes_mask=bytes.fromhex("fb" + "ff" * 7 + "00" * 8), levels=None, status="UpToDate",
    evaluation=21, issue_date=None, next_update=None, version=2, **signing,
):
    """QE identity reply body ("QE" or "TD_QE"). status changes the level of the default QE."""
    is_td = kind == "TD_QE"
    svn = TD_QE_ISVSVN if is_td else QE_ISVSVN
    if mrsigner is None:
        mrsigner = TD_QE_SIGNER if is_td else QE_SIGNER
    if isvprodid is None:
        isvprodid = 2 if is_td else 1
    if levels is None:
        notes = () if status == "UpToDate" else ADVISORIES[:1]
        levels = [
            isv_level(svn, status, advisories=notes),
            isv_level(svn - 2, "OutOfDate", day="2021-11-10", advisories=ADVISORIES[:1]),
            isv_level(1, "OutOfDate", day="2018-08-15", advisories=ADVISORIES),
        ]
    identity = {
        "id": kind,
        "version": version,
        "issueDate": date(issue_date or pki.at - timedelta(days=5)),
        "nextUpdate": date(next_update or pki.at + timedelta(days=25)),
        "tcbEvaluationDataNumber": evaluation,
        "miscselect": miscselect.hex().upper(),
        "miscselectMask": miscselect_mask.hex().upper(),
        "attributes": attributes.hex().upper(),
        "attributesMask": attributes_mask.hex().upper(),
        "mrsigner": mrsigner.hex().upper(),
        "isvprodid": isvprodid,
        "tcbLevels": levels,
    }
    return signed(pki, "enclaveIdentity", identity, **signing)


def signed(
    pki, member, inner, *, edit=None, drop=(), add=None, duplicate=None, inner_bytes=None,
    after_signing=None, signer=None, signature=None, envelope=None,
):
    """{"member":inner,"signature":hex}; the hooks, in the order they act:

    edit(dict): change the object in place; drop: member names to remove; add: members to append;
    duplicate=(name, value): write this member a second time at the end of the object;
    inner_bytes(bytes) -> bytes: change the bytes before signing (white space, order, escapes);
    signer: another private key or Cert; signature: this hex text instead;
    after_signing(bytes) -> bytes: change the inner bytes after signing;
    envelope(inner, hex) -> bytes: write the whole reply oneself.
    """
    if edit is not None:
        edit(inner)
    for name in drop:
        del inner[name]
    inner.update(add or {})
    data = compact(inner)
    if duplicate is not None:
        name, value = duplicate
        data = data[:-1] + b"," + compact({name: value})[1:]
    if inner_bytes is not None:
        data = inner_bytes(data)
    key = signer or pki.tcb_signing
    key = getattr(key, "key", key)
    if signature is None:
        signature = keys.ecdsa_raw(key, data).hex()
    if after_signing is not None:
        data = after_signing(data)
    if envelope is not None:
        return envelope(data, signature)
    return b'{"' + member.encode() + b'":' + data + b',"signature":"' + signature.encode() + b'"}'


def inner_of(body, member=None):
    """(exact bytes of the inner object, signature hex) of a reply written by signed()."""
    member = member or ("tcbInfo" if body.startswith(b'{"tcbInfo"') else "enclaveIdentity")
    head, tail = b'{"' + member.encode() + b'":', b',"signature":"'
    end = body.rindex(tail)
    return body[len(head) : end], body[end + len(tail) : -2].decode()
