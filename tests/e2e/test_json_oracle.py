# SPDX-License-Identifier: Apache-2.0
"""The JSON reader accepts what Python's json accepts in strict mode, with the same values."""

import json

import oracle

DEPTH = 32

FIXED = [
    "null", "true", "false", "0", "-0", "1", "-1", "00", "01", "-01", "-", "+1", "1.", ".1", "1.0",
    "1e5", "1E+5", "1e-05", "1e", "1e+", "0.0e0", "0x1", "1_0", "9223372036854775808", "NaN",
    "Infinity", "-Infinity", "nul", "nulll", "True", '""', '"a"', '"', '"a', '"\\"', '"\\""',
    '"\\/\\b\\f\\n\\r\\t\\\\"', '"\\u00e9"', '"\\u00E9"', '"\\ud83d\\ude00"', '"\\ud83d"',
    '"\\ude00"', '"\\ud83d\\ud83d"', '"\\ud83dx"', '"\\ud83d\\n"', '"\\u12"', '"\\u12g4"',
    '"\\x41"',
    '"\\\'"', '"\t"', '"\n"', '"\x7f"', '"\u2028"', '"é日本😀"', '"\\u0000"', "'a'", "[]", "[ ]",
    "[1]",
    "[1,]", "[,]", "[1,,2]", "[1 2]", "[", "]", "[1", "[1,", "{}", "{ }", '{"a":1}', '{"a":1,}',
    '{"a"}', '{"a":}', '{"a" 1}', "{a:1}", '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"":1,"":2}',
    '{"a":{"a":1}}', '{"a":1 "b":2}', "{", '{"a', '{"a":', '{"a":1', "{1:2}", "", " ", "\n\t\r 1 ",
    "\x0b1", "\xa01", "1 1", "[]x", "\ufeff1", "\x00", "1\x00", "/**/1", "1//", "[1]]", "[}", "{]",
    '{"a":1]', "tru", '[true,false,null,"x",1,{}]', '"\\ud800\\udc00"', '"\\udbff\\udfff"',
    "[" * DEPTH + "]" * DEPTH, "[" * (DEPTH + 1) + "]" * (DEPTH + 1),
    json.dumps({f"k{i}": i for i in range(40)}),
    json.dumps({f"k{i}": i for i in range(40)})[:-1] + ',"k7":1}',
    json.dumps({f"k{i}": i for i in range(40)})[:-1] + ',"k\\u0037":1}',
]

BAD_UTF8 = [b'"\x80"', b'"\xc0\x80"', b'"\xe0\x80\x80"', b'"\xed\xa0\x80"', b'"\xf0\x80\x80\x80"',
            b'"\xf4\x90\x80\x80"', b'"\xf8\x88\x80\x80\x80"', b'"\xc3"', b'"\xe2\x82"',
            b'"\xf0\x9f\x98"',
            b'"\xc3', b"\xc3\xa9", b'"\xff"']

PIECES = [p.encode() for p in [
    "{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "\\ud83d", "\\ude00", "\\n", "0", "1", "-", "e",
    ".", "true", "null", " ", "\n", "a", '"a"', '"a":1,', "é", "\t", "\x00",
]]


def random_value(rng, depth):
    kind = rng.randrange(9 if depth < 5 else 6)
    if kind == 0:
        return rng.randrange(-(2**63), 2**63)
    if kind == 1:
        return rng.uniform(-1e3, 1e3)
    if kind == 2:
        return rng.choice([None, True, False, 0, -1])
    if kind < 6:
        return "".join(rng.choice(["a", "é", "😀", '"', "\\", "\n", "\x1f", "/", "\x7f",
        "plain text"])
                       for _ in range(rng.randrange(6)))
    if kind == 6:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(5))]
    return {random_value(rng, 9) if rng.random() < 0.1 else rng.choice("abcdefgh"):
            random_value(rng, depth + 1) for _ in range(rng.randrange(5))}


def random_document(rng):
    value = random_value(rng, 0)
    return json.dumps(value, ensure_ascii=rng.random() < 0.5,
                      indent=rng.choice([None, 2]), allow_nan=False).encode()


class Refused(Exception):
    pass


def members(pairs):
    keys = [k for k, _ in pairs]
    if len(set(keys)) != len(keys):
        raise Refused("duplicate")
    return dict(pairs)


def refuse(_):
    raise Refused("constant")


def check_text(value, depth=0):
    """Lone surrogates and too many levels: Python takes them."""
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, (list, dict)):
        if depth == DEPTH:
            raise Refused("depth")
        for inner in value:
            check_text(inner, depth + 1)
        if isinstance(value, dict):
            for inner in value.values():
                check_text(inner, depth + 1)


def expected(document):
    try:
        text = document.decode("utf-8")
        if text.startswith("\ufeff"):
            raise Refused("byte order mark")
        value = json.loads(text, object_pairs_hook=members, parse_constant=refuse,
                           parse_float=lambda _: "real")
        check_text(value)
    except (ValueError, Refused, RecursionError):
        return (False, None)
    return (True, value)


def compare(documents):
    tool = oracle.find_tool("json_dump")
    accepted = 0
    for document, (ok, answer) in zip(documents, oracle.run(tool, documents)):
        want = expected(document)
        assert ok == want[0], (document, answer)
        if ok:
            accepted += 1
            assert json.loads(answer) == want[1], document
    return accepted


def test_known_documents():
    assert 30 < compare([d.encode() for d in FIXED]) < len(FIXED)
    assert compare(BAD_UTF8) == 0


def test_random_documents():
    rng = oracle.generator()
    documents = [random_document(rng) for _ in range(oracle.rounds(2000))]
    assert compare(documents) == len(documents)


def test_changed_documents():
    rng = oracle.generator()
    start = [d.encode() for d in FIXED] + [random_document(rng) for _ in range(300)]
    documents = [oracle.mutate(rng, rng.choice(start), PIECES)
                 for _ in range(oracle.rounds(6000))]
    assert compare(documents) > len(documents) // 20
