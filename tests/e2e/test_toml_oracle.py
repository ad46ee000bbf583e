# SPDX-License-Identifier: Apache-2.0
"""The TOML reader accepts what Python's tomllib accepts, with the same values in the same order."""

import datetime
import json
import math
import re

import pytest

import oracle

tomllib = pytest.importorskip("tomllib")

INT64 = range(-(2**63), 2**63)

FIXED = [
    # strings
    'a = "\\b\\t\\n\\f\\r\\"\\\\\\u00e9\\U0001F600"', 'a = "\\x41"', 'a = "\\e"', 'a = "\\uD800"',
    'a = "\\U00110000"', 'a = "\\u00"', "a = 'C:\\x'", "a = ''", 'a = ""', 'a = """"""',
    'a = """\nx\\\n   \n  y"""', 'a = """a\\  \n b"""', 'a = """a\\ b"""', 'a = """""x"""""',
    'a = """x""""""', "a = '''''x'''''", "a = '''x''''''", "a = '''\nx\ny'''", 'a = "x\ny"',
    "a = 'x\ny'", 'a = "\x7f"', 'a = "\t"', 'a = "\x01"', "a = '\x01'", 'a = """\x01"""',
    'a = """\r\nx\r\ny"""', 'a = """x\ry"""', "a = '''x\ry'''", 'a = "x', "a = 'x", 'a = """x""',
    'a = """\\\r\n  x"""', 'a = "é日本😀"',
    # integers
    "a = 0", "a = +0", "a = -0", "a = 00", "a = 01", "a = -01", "a = 1_000", "a = 1__0", "a = _1",
    "a = 1_", "a = 0x_1", "a = 0xDEAD_beef", "a = 0XFF", "a = 0o755", "a = 0o8", "a = 0b1010",
    "a = 0b2", "a = -0x1", "a = +0b1", "a = 9223372036854775807", "a = -9223372036854775808",
    "a = 9223372036854775808", "a = -9223372036854775809", "a = 0x7fffffffffffffff",
    "a = 0x8000000000000000", "a = +", "a = -", "a = 0_1", "a = 1e", "a = 0x",
    # floats
    "a = 1.0", "a = 1.", "a = .1", "a = -0.0", "a = 1e5", "a = 1E+05", "a = 1e-0_1", "a = 1.5e3",
    "a = 1_0.0_1", "a = 1._0", "a = 1.0_", "a = 1e_5", "a = 03.5", "a = inf", "a = +inf",
    "a = -inf", "a = nan", "a = -nan", "a = Inf", "a = NaN", "a = infinity", "a = 1e999",
    "a = 1.e1",
    "a = 5e-324", "a = 0.1", "a = 0e0", "a = 1.2.3", "a = 0.0000000000000000000000001",
    # booleans
    "a = true", "a = false", "a = True", "a = truefalse", "a = tru", "a = t",
    # dates and times
    "a = 1979-05-27T07:32:00Z", "a = 1979-05-27t07:32:00z", "a = 1979-05-27 07:32:00.999999-07:00",
    "a = 1979-05-27T07:32:00", "a = 1979-05-27", "a = 07:32:00", "a = 07:32:00.5", "a = 07:32",
    "a = 24:00:00", "a = 23:60:00", "a = 23:59:60", "a = 1979-02-29", "a = 1980-02-29",
    "a = 1900-02-29", "a = 2000-02-29", "a = 1979-13-01", "a = 1979-00-01", "a = 1979-01-00",
    "a = 1979-1-01", "a = 1979-05-27T", "a = 1979-05-27 ", "a = 1979-05-27 # x", "a = 1979-05-27 7",
    "a = 1979-05-27T07:32:00+24:00", "a = 1979-05-27T07:32:00+07", "a = 1979-05-27T07:32:00.",
    "a = 1979-05-27  07:32:00", "a = 07:32:00Z", "a = [1979-05-27, 07:32:00 ]",
    "a = 1979-05-27T07:32:00-00:00", "a = 1979-05-27T07:32:00.1234567891Z", "1979-05-27 = 1",
    # keys
    '"a b" = 1', "'a b' = 1", '"" = 1', " = 1", "a.b.c = 1", "a . b = 1", 'a."b.c".d = 1',
    "a..b = 1",
    ".a = 1", "a. = 1", "a b = 1", "é = 1", "1.2 = 3", "-_ = 1", "a = 1\na = 2", 'a = 1\n"a" = 2',
    '"""a""" = 1', "'''a''' = 1", "a", "a =", "= 1", "a = 1 b = 2", '"\\u0061" = 1\na = 2',
    "a\n= 1",
    "a =\n1",
    # tables
    "[a]\n[a]", "[a]\n[a.b]\n[a]", "[a.b]\n[a]\nx=1", "[a.b]\n[a]\nb.x=1", "[a.b]\n[a]\nb=1",
    "[a.b.c]\n[a]\nb.x=1\n[a.b]", "[a.b.c]\nz=9\n[a]\nb.c.t=1", "[a.b.c.d]\nz=9\n[a]\nb.c.d.k.t=1",
    "[a.b.c.d]\n[a]\nb.c.x=1", "a.b=1\n[a]", "a.b=1\n[a.c]", "a.b.c=1\n[a.b]", "a.b=1\na.c=2",
    "a=1\na.b=2", "a.b=1\na=2", "[a]\nb.c=1\n[a.b]", "[a]\nb.c=1\n[a.b.d]", "a={}\n[a.b]",
    "a={b=1}\na.c=2", "a={}\n[a]", "[a]\n[[a]]", "[[a]]\n[a]", "[[a]]\n[a.b]\n[[a]]\n[a.b]",
    "[[a]]\n[a.b]\n[a.b]", "[[a]]\nb=1\n[[a]]\nb=2", "a=[]\n[[a]]", "a=[{}]\n[a.b]",
    "[[a.b]]\n[a]\nx=1",
    "[[a.b]]\n[a]\nb.c=1", "[a.b]\n[[a]]", "[[a]]\n[[a.b]]\n[[a.b]]\n[a.b.c]", "[ a . b ]",
    "[[ a ]]",
    "[]", "[[]]", "[a", "[a]]", "[[a]", "[ [a]]", "[[a] ]", "[a] b=1", "[a] # c", "[a.]", "[.a]",
    '["a.b"]', "[a]\n['a']", "[a\n]", "x=1\n[a]\nx=1", "[a.b]\n[a.c]\n[a]", "a.b=1\n[[a.c]]",
    "[[a]]\n[[a.b.c]]\n[a.b]\nx=1", "[a]\nb={}\n[a.b]", "[a]\nb={}\n[a.b.c]", "a={b.c=1,b.d=2}",
    "a={b={},b.c=1}", "a={b.c=1,b={}}", "a={b=1,b=2}", "a=[{b=1}]\na=1",
    # arrays and inline tables
    "a=[]", "a=[1,]", "a=[,]", "a=[1,,2]", "a=[1 2]", "a=[\n1 # x\n,\n# y\n2\n]", "a=[1,'x',{}]",
    "a=[", "a=[1", "a=[1,", "a={", "a={b", "a={b=1", "a={b=1,", "a={b=1,}", "a={,}", "a={\n}",
    "a={b=[\n1]}", "a={b=1\n}", "a={ b = 1 , c = 2 }", "a={b=1 c=2}", "a={b='''\n'''}", "a=[[[]]]",
    "a=[#]\n]", "a=[1]#", "a={}#",
    # lines
    "", "\n", "\r\n", "\r", "a=1\r\nb=2\r\n", "a=1\rb=2", "# x\r", "# \x01", "# \x7f", "# \t é",
    "\ufeffa=1", "\x00", "  \t a=1", "a=1\n\n\n#\n", "a=1\x0b", "#", "a=1 # x\n",
]

PIECES = [p.encode() for p in [
    "a", "b", ".", "=", " = ", "\n", "\r\n", "\r", "[", "]", "[[", "]]", "{", "}", ",", '"', "'",
    '"""', "'''", "\\", "\\n", "\\u0041", "#", "_", "-", "+", "0", "1", "e", "0x", "inf", "nan",
    "true", "1979-05-27", "T", "07:32:00", "Z", "\t", "é", "[a]\n", "[a.b]\n", "[[a]]\n",
    "a.b = 1\n",
    "b = {}\n",
]]


def random_key(rng):
    return rng.choice(["a", "b", "c", "d", "1", "k-_", '"a"', "'b'", '"q r"', "'.'", '"\\u0061"'])


def random_path(rng):
    dot = rng.choice([".", " . ", "."])
    return dot.join(random_key(rng) for _ in range(rng.choice([1, 1, 1, 2, 2, 3])))


def random_value(rng, depth):
    kind = rng.randrange(14 if depth < 4 else 11)
    if kind == 0:
        return str(rng.randrange(-(10**rng.randrange(1, 20)), 10**rng.randrange(1, 20)))
    if kind == 1:
        return rng.choice(["0xfe_ff", "0o17", "0b1_0", "1_2_3", "+7", "-0"])
    if kind == 2:
        return repr(rng.uniform(-1, 1) * 10.0**rng.randrange(-300, 300))
    if kind == 3:
        return rng.choice(["inf", "-inf", "nan", "1e3", "1.5_0E-2", "6.626e-34", "true", "false"])
    if kind == 4:
        day = datetime.date.fromordinal(rng.randrange(1, 3652059)).isoformat()
        return day + rng.choice(["", "T01:02:03", " 23:59:59.25", "T00:00:00Z", " 01:02:03+05:30"])
    if kind == 5:
        return f"{rng.randrange(25):02}:{rng.randrange(61):02}:{rng.randrange(61):02}"
    if kind in (6, 7):
        text = "".join(rng.choice(["x", " ", "é", "😀", "\t", "#", "'", "=", "]"]) for _ in range(4))
        return json.dumps(text, ensure_ascii=False).replace("\\/", "/")
    if kind == 8:
        return "'" + "".join(rng.choice("x \\\"#\t,") for _ in range(4)) + "'"
    if kind == 9:
        return '"""' + "".join(rng.choice(["x", "\n", '"', "\\\n  ", " ", "\r\n", '""'])
                               for _ in range(6)) + '"""'
    if kind == 10:
        return "'''" + "".join(rng.choice(["x", "\n", "'", "\\", "''"]) for _ in range(5)) + "'''"
    if kind in (11, 12):
        between = rng.choice([",", ", ", ",\n", " # c\n ,"])
        inner = between.join(random_value(rng, depth + 1) for _ in range(rng.randrange(4)))
        return "[" + rng.choice(["", "\n", " "]) + inner + rng.choice(["", "\n", " "]) + "]"
    pairs = ", ".join(random_path(rng) + " = " + random_value(rng, depth + 1)
                      for _ in range(rng.randrange(4)))
    return "{ " + pairs + " }"


def random_document(rng):
    lines = []
    for _ in range(rng.randrange(1, 12)):
        kind = rng.randrange(8)
        if kind == 0:
            lines.append(f"[{random_path(rng)}]")
        elif kind == 1:
            lines.append(f"[[{random_path(rng)}]]")
        elif kind == 2:
            lines.append(rng.choice(["", "# comment", "   ", "\t# é"]))
        else:
            lines.append(f"{random_path(rng)} = {random_value(rng, 0)}")
    return rng.choice(["\n", "\n", "\n", "\r\n"]).join(lines).encode()


def normal_time(text):
    """Dates and times as text: fractions to microseconds, as Python keeps them."""
    text = re.sub(r"\.(\d+)", lambda m: "." + (m.group(1) + "000000")[:6], text)
    return text.replace(".000000", "")


def from_python(value):
    if isinstance(value, dict):
        return ["table", [[k, from_python(v)] for k, v in value.items()]]
    if isinstance(value, list):
        return ["array", [from_python(v) for v in value]]
    if isinstance(value, bool):
        return ["boolean", value]
    if isinstance(value, int):
        return ["integer", str(value)]
    if isinstance(value, float):
        return ["float", "nan" if math.isnan(value) else value]
    if isinstance(value, str):
        return ["string", value]
    text = value.isoformat().replace("+00:00", "Z")
    return ["datetime", normal_time(text)]


def from_dump(value):
    kind, content = value
    if kind == "table":
        return [kind, [[k, from_dump(v)] for k, v in content]]
    if kind == "array":
        return [kind, [from_dump(v) for v in content]]
    if kind == "float":
        return [kind, "nan" if "nan" in content else float(content)]
    if kind == "datetime":
        return [kind, normal_time(re.sub(r"[+-]00:00$", "Z", content))]
    return value


def beyond_us(value):
    """What tomllib takes and we refuse by decision: integers of more than 64 bits, NUL."""
    if isinstance(value, dict):
        return any("\0" in k or beyond_us(v) for k, v in value.items())
    if isinstance(value, list):
        return any(beyond_us(v) for v in value)
    if isinstance(value, int):
        return value not in INT64
    return isinstance(value, str) and "\0" in value


def expected(document):
    """(accepted, value); None where Python cannot say: years it does not have, too deep."""
    try:
        value = tomllib.loads(document.decode("utf-8"))
    except RecursionError:
        return None
    except ValueError as error:
        # Python has no year 0 (TOML has), and limits the digits of an integer.
        if "year 0" in str(error) or "integer string" in str(error):
            return None
        return (False, None)
    if beyond_us(value):
        return (False, None)
    return (True, from_python(value))


def compare(documents):
    tool = oracle.find_tool("toml_dump")
    accepted = 0
    for document, (ok, answer) in zip(documents, oracle.run(tool, documents)):
        want = expected(document)
        if want is None:
            continue
        assert ok == want[0], (document, answer)
        if ok:
            accepted += 1
            assert from_dump(json.loads(answer)) == want[1], document
        else:
            assert re.search(r"line \d+, column \d+", answer), (document, answer)
    return accepted


def test_known_documents():
    accepted = compare([d.encode() for d in FIXED])
    assert 100 < accepted < len(FIXED)


def test_random_documents():
    rng = oracle.generator()
    documents = [random_document(rng) for _ in range(oracle.rounds(3000))]
    assert compare(documents) > len(documents) // 20


def test_changed_documents():
    rng = oracle.generator()
    start = [d.encode() for d in FIXED] + [random_document(rng) for _ in range(300)]
    documents = [oracle.mutate(rng, rng.choice(start), PIECES)
                 for _ in range(oracle.rounds(6000))]
    assert compare(documents) > len(documents) // 20


def test_position_counts_lines_and_characters():
    tool = oracle.find_tool("toml_dump")
    cases = [("a = 1\r\nb = ?", 2, 5), ("é = 1", 1, 1), ("'é' = ?", 1, 7), ("a=1\n\n\na=2", 4, 1),
             ('x = """\n\n"""\ny = "\\z"', 4, 6)]
    answers = oracle.run(tool, [text.encode() for text, _, _ in cases])
    for (_, line, column), (ok, answer) in zip(cases, answers):
        assert not ok
        assert f"line {line}, column {column}:" in answer
