# SPDX-License-Identifier: Apache-2.0
"""A CBOR writer that can also write indefinite lengths, duplicate keys, over-long heads."""


def head(major, value, width=None):
    """Initial byte and argument; width 0, 1, 2, 4 or 8 forces a (possibly over-long) form."""
    if width is None:
        limits = ((0, 24), (1, 1 << 8), (2, 1 << 16), (4, 1 << 32), (8, 1 << 64))
        width = next(size for size, limit in limits if value < limit)
    if width == 0:
        return bytes([major << 5 | value])
    code = {1: 24, 2: 25, 4: 26, 8: 27}[width]
    return bytes([major << 5 | code]) + value.to_bytes(width, "big")


def uint(value, width=None):
    return head(0, value, width)


def nint(value):
    """A negative integer."""
    return head(1, -1 - value)


def bstr(data, width=None):
    return head(2, len(data), width) + data


def tstr(text, width=None):
    data = text if isinstance(text, bytes) else text.encode()
    return head(3, len(data), width) + data


def array(*items, count=None, width=None):
    """Items are encoded already; count lies about their number."""
    return head(4, len(items) if count is None else count, width) + b"".join(items)


def mapping(*pairs, count=None, width=None):
    """pairs of encoded key and value, written in this order; a key may come twice."""
    start = head(5, len(pairs) if count is None else count, width)
    return start + b"".join(k + v for k, v in pairs)


def tag(number, item, width=None):
    return head(6, number, width) + item


def indefinite_bstr(*chunks):
    return b"\x5f" + b"".join(map(bstr, chunks)) + b"\xff"


def indefinite_tstr(*chunks):
    return b"\x7f" + b"".join(map(tstr, chunks)) + b"\xff"


def indefinite_array(*items):
    return b"\x9f" + b"".join(items) + b"\xff"


def indefinite_map(*pairs):
    return b"\xbf" + b"".join(k + v for k, v in pairs) + b"\xff"


def simple(value):
    """False 20, True 21, null 22."""
    return bytes([0xE0 | value])
