# SPDX-License-Identifier: Apache-2.0
"""What all parts of the second implementation share."""

import re

HEX64 = re.compile(r"[0-9a-f]{64}")


class Refused(Exception):
    """The page calls this input an error."""


def need(condition, *why):
    if not condition:
        raise Refused(*why)


def text_of(raw, limit, what):
    """These bytes as text without control characters, of 1 to limit bytes."""
    need(0 < len(raw) <= limit, what, "length", len(raw))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(what, "not UTF-8", raw) from error
    need(not any(c < "\x20" or "\x7f" <= c <= "\x9f" for c in text), what, "control", raw)
    return text
