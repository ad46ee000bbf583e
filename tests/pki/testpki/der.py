# SPDX-License-Identifier: Apache-2.0
"""A small DER writer that can also write what a correct encoder would refuse."""

from datetime import datetime, timezone


def tlv(tag, content):
    """One element; tag is the identifier octet(s) as int (one byte) or bytes."""
    head = bytes([tag]) if isinstance(tag, int) else tag
    size = len(content)
    if size < 0x80:
        return head + bytes([size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return head + bytes([0x80 | len(octets)]) + octets + content


def seq(*items):
    return tlv(0x30, b"".join(items))


def set_of(*items):
    return tlv(0x31, b"".join(sorted(items)))


def octets(content):
    return tlv(0x04, content)


def bits(content, unused=0):
    return tlv(0x03, bytes([unused]) + content)


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\x00")


def null():
    return b"\x05\x00"


def _integer_content(value):
    size = 1
    while not -(1 << (8 * size - 1)) <= value < 1 << (8 * size - 1):
        size += 1
    return value.to_bytes(size, "big", signed=True)


def integer(value):
    return tlv(0x02, _integer_content(value))


def enumerated(value):
    return tlv(0x0A, _integer_content(value))


def _base128(value):
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | value & 0x7F)
    return bytes(reversed(out))


def oid_content(dotted):
    """The content octets of an OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return b"".join(_base128(arc) for arc in [40 * first + second, *rest])


def oid(dotted):
    return tlv(0x06, oid_content(dotted))


def utf8(text):
    return tlv(0x0C, text if isinstance(text, bytes) else text.encode())


def printable(text):
    return tlv(0x13, text if isinstance(text, bytes) else text.encode("ascii"))


def ia5(text):
    return tlv(0x16, text if isinstance(text, bytes) else text.encode("ascii"))


def time(moment):
    """UTCTime up to 2049, GeneralizedTime later, as RFC 5280 asks."""
    moment = utc(moment)
    if 1950 <= moment.year < 2050:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, b"%04d" % moment.year + moment.strftime("%m%d%H%M%SZ").encode())


def utc(moment):
    """A datetime or Unix time as an aware UTC datetime without microseconds."""
    if isinstance(moment, (int, float)):
        moment = datetime.fromtimestamp(moment, timezone.utc)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).replace(microsecond=0)


def explicit(number, content):
    return tlv(0xA0 | number, content)


def implicit(number, content):
    return tlv(0x80 | number, content)
