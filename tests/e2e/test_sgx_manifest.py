# SPDX-License-Identifier: Apache-2.0
"""mse sgx manifest: the bytes are those of gramine-manifest."""

import datetime
import hashlib
import json
import math
import os
import subprocess
from pathlib import Path

import manifest_oracle
import oracle
import pytest
from harness import LOCAL, NO, USAGE, YES
from test_toml_oracle import beyond_us, random_document

tomllib = pytest.importorskip("tomllib")


# ---- random trees ---------------------------------------------------------------------------

CHARACTERS = ["a", "b", "0", "-", "_", " ", ".", "/", "é", "😀", '"', "'", "\\", "\t", "\n", "\r",
              "\b", "\f", "\x01", "\x1f", "\x7f", "\x80", "\u2028", "#", "=", "]", "{{", "u"]


def random_text(rng):
    if rng.randrange(3) == 0:  # around the longest line
        return rng.choice("aé😀\n") * rng.randrange(70, 100)
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.randrange(12)))


def random_float(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice([math.inf, -math.inf, math.nan, 0.0, -0.0, 5e-324, 1.797e308])
    if kind == 1:
        return math.ldexp(rng.choice([1, -1]), rng.randrange(-1074, 1024))
    if kind == 2:
        return float(rng.randrange(-(10**18), 10**18))
    if kind == 3:
        return round(rng.uniform(-100, 100), rng.randrange(4))
    return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300)


def random_moment(rng):
    day = datetime.date.fromordinal(rng.randrange(1, 3652059))
    time = datetime.time(rng.randrange(24), rng.randrange(60), rng.randrange(60),
                         rng.choice([0, 0, 1, 500000, 999999, rng.randrange(1000000)]))
    minutes = rng.choice([0, 1, -1, 330, -450, 1439, -1439])
    zone = rng.choice([None, datetime.timezone.utc,
                       datetime.timezone(datetime.timedelta(minutes=minutes))])
    return rng.choice([day, time, datetime.datetime.combine(day, time, zone)])


def random_tree(rng, depth):
    kind = rng.randrange(14 if depth < 5 else 8)
    if kind < 3:
        return random_text(rng)
    if kind == 3:
        return rng.randrange(-(2**63), 2**63) >> rng.randrange(64)
    if kind == 4:
        return random_float(rng)
    if kind == 5:
        return rng.choice([True, False])
    if kind == 6:
        return random_moment(rng)
    if kind in (7, 8):
        return [random_tree(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind in (9, 10, 11):
        return [random_table(rng, depth + 1) for _ in range(rng.randrange(4))]
    return random_table(rng, depth + 1)


def random_table(rng, depth):
    names = ["a", "b", "uri", "sha256", "k-_1", "", "a b", "x.y", "é", '"', "\n", "\x7f"]
    return {rng.choice(names): random_tree(rng, depth) for _ in range(rng.randrange(5))}


def source(value):
    """TOML text of a value on one line; floats and moments in forms of TOML's own."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{source(k)}={source(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(source, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "n" in text or "e" in text else text + ".0"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, str):
        return '"' + "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in value) + '"'
    return str(value)


def document(tree):
    return "".join(f"{source(k)} = {source(v)}\n" for k, v in tree.items()).encode()


def texts(head, documents):
    """What the program makes of each; None: refused."""
    tool = oracle.find_tool("manifest_dump")
    answers = oracle.run(tool, [head.encode() + b"\n" + d for d in documents])
    return [json.loads(text) if ok else None for ok, text in answers]


def same_text(documents, trees):
    for data, tree, text in zip(documents, trees, texts("write", documents)):
        assert text == manifest_oracle.write(tree), data


def test_random_trees_are_written_as_the_rules_say():
    rng = oracle.generator()
    trees = [random_table(rng, 0) for _ in range(oracle.rounds(5000))]
    documents = [document(tree) for tree in trees]
    for data, tree in zip(documents, trees):
        assert manifest_oracle.write(tomllib.loads(data.decode())) == manifest_oracle.write(tree)
    same_text(documents, trees)


def test_what_is_written_is_written_again_as_it_is():
    rng = oracle.generator()
    documents = [document(random_table(rng, 0)) for _ in range(oracle.rounds(1000))]
    once = texts("write", documents)
    assert texts("write", [text.encode() for text in once]) == once


def test_other_spellings_are_written_alike():
    """Headers, dotted keys, comments and literal strings, in any order."""
    rng = oracle.generator()
    documents, trees = [], []
    while len(documents) < oracle.rounds(1000):
        data = random_document(rng)
        try:
            tree = tomllib.loads(data.decode())
        except ValueError:
            continue
        if not beyond_us(tree):
            documents.append(data)
            trees.append(tree)
    same_text(documents, trees)


def test_floats_are_those_of_python():
    rng = oracle.generator()
    values = [math.ldexp(sign, e) for e in range(-1074, 1024) for sign in (1, -1)]
    values += [random_float(rng) for _ in range(oracle.rounds(5000))]
    values += [float(f"1e{e}") for e in range(-30, 30)]
    same_text([document({"a": values})], [{"a": values}])


def random_manifest(rng):
    def some(**members):
        return {k: v for k, v in members.items() if rng.randrange(3) == 0}

    files = ["file:a", {"uri": "file:b"}, {"uri": "file:c" * 20, "sha256": "0" * 64}]
    sgx = some(
        debug=True, edmm_enable=rng.choice([True, False]), enclave_size="1G", max_threads=7,
        trusted_files=rng.sample(files, rng.randrange(4)), isvsvn=1, enable_stats=True,
        require_avx=True, use_exinfo=True, remote_attestation="dcap", nonpie_binary=True,
        cpu_features=some(avx="required", pkru="required", mpx="disabled"), extra={"x": [1]},
    )  # fmt: skip
    loader = some(
        entrypoint=rng.choice(["file:x", {}, {"uri": "file:y"}, {"sha256": "1" * 64}]),
        log_level="error", env={"A": "b"},
    )  # fmt: skip
    members = list(some(sgx=sgx, loader=loader, fs={"mounts": [{"path": "/"}]}, x=1).items())
    rng.shuffle(members)
    return dict(members)


@pytest.mark.parametrize("rules", ["1.9", "1.5"])
def test_defaults_are_appended_as_the_rules_say(rules):
    rng = oracle.generator()
    trees = [random_manifest(rng) for _ in range(oracle.rounds(2000))]
    refused = 0
    for tree, text in zip(trees, texts(rules, [document(tree) for tree in trees])):
        want = manifest_oracle.add_defaults(tree, rules, "/pkg/libsysdb.so")
        refused += want is None
        assert text == (manifest_oracle.write(want) if want is not None else None), tree
    assert (refused > 0) == (rules == "1.9")


# ---- the command ----------------------------------------------------------------------------

TEMPLATE = """# a comment
libos.entrypoint = "{{ entry }}"
{# loader.entrypoint = "{{ unknown }}" #}
loader.log_level = "{{ log_level }}"
loader.env.VENV = "{{ env.get('VENV', '/usr/local') }}"
loader.env.LIBC = "{{ gramine.runtimedir() }}"
fs.mounts = [ { path = "{{ python.stdlib }}", uri = "file:{{ python.stdlib }}" } ]
sgx.trusted_files = [ "file:app/", "file:{{ gramine.libos }}", "file:./app/main.py" ]
"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def site(tmp_path):
    """A working directory with a template, an app and a Gramine."""
    place = tmp_path / "site"
    for name, data in {
        "app/main.py": b"main", "app/a/b.py": b"b", "app/a+b": b"", "app/.hidden": b"h",
        "pkg/libsysdb.so": b"libos", "pkg/runtime/glibc/libc.so.6": b"libc",
        "t.manifest.template": TEMPLATE.encode(),
    }.items():  # fmt: skip
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


OPTIONS = ("-Dentry=/usr/bin/python3", "--define", "log_level=error", "--pkglibdir", "pkg",
           "--python-stdlib", "/usr/lib/python3.10")  # fmt: skip


def rendered(site, venv="/usr/local"):
    """The tree of TEMPLATE with OPTIONS."""
    return {
        "libos": {"entrypoint": "/usr/bin/python3"},
        "loader": {"log_level": "error",
                   "env": {"VENV": venv, "LIBC": str(site / "pkg/runtime/glibc")}},
        "fs": {"mounts": [{"path": "/usr/lib/python3.10", "uri": "file:/usr/lib/python3.10"}]},
        "sgx": {"trusted_files": ["file:app/", "file:pkg/libsysdb.so", "file:./app/main.py"]},
    }  # fmt: skip


def test_a_template_becomes_a_manifest_with_hashes(mse, site):
    want = manifest_oracle.add_defaults(rendered(site), "1.9", "pkg/libsysdb.so")
    want["loader"]["entrypoint"]["sha256"] = sha256(b"libos")
    want["sgx"]["trusted_files"] = [
        {"uri": f"file:{name}", "sha256": sha256(data)}
        for name, data in [("app/.hidden", b"h"), ("app/a/b.py", b"b"), ("app/a+b", b""),
                           ("app/main.py", b"main"), ("pkg/libsysdb.so", b"libos"),
                           ("./app/main.py", b"main")]
    ]  # fmt: skip
    done = mse.run("sgx", "manifest", "t.manifest.template", *OPTIONS, cwd=site)
    assert done.code == YES, str(done)
    assert done.out.decode() == manifest_oracle.write(want)
    assert done.err == ""
    # Hashes that are there are kept: nothing changes the second time, wherever the files are.
    (site / "t.manifest").write_bytes(done.out)
    (site / "app/main.py").write_bytes(b"changed")
    again = mse.run("sgx", "manifest", site / "t.manifest")
    assert (again.code, again.out) == (YES, done.out), str(again)


def test_without_hashes_the_list_is_as_written(mse, site):
    want = manifest_oracle.add_defaults(rendered(site), "1.9", "pkg/libsysdb.so")
    done = mse.run("sgx", "manifest", "t.manifest.template", *OPTIONS, "--no-hash", cwd=site)
    assert (done.code, done.out.decode()) == (YES, manifest_oracle.write(want)), str(done)


def test_the_rules_of_1_5_do_not_hash(mse, site):
    want = manifest_oracle.add_defaults(rendered(site), "1.5", None)
    done = mse.run("sgx", "manifest", "t.manifest.template", *OPTIONS, "--gramine=1.5", cwd=site)
    assert (done.code, done.out.decode()) == (YES, manifest_oracle.write(want)), str(done)


def test_the_environment_is_seen(mse, site):
    want = manifest_oracle.add_defaults(rendered(site, "/opt/venv"), "1.5", None)
    done = mse.run("sgx", "manifest", "t.manifest.template", *OPTIONS, "--gramine", "1.5",
                   cwd=site, env=mse.env(VENV="/opt/venv"))  # fmt: skip
    assert (done.code, done.out.decode()) == (YES, manifest_oracle.write(want)), str(done)


def test_given_places_count_before_those_below_the_package(mse):
    template = mse.put("a = '{{ gramine.libos }}|{{ gramine.runtimedir() }}'\n"
                       "b = '{{ gramine.pkglibdir }}'\n")  # fmt: skip
    done = mse.run("sgx", "manifest", template, "--no-hash", "--pkglibdir", "/p", "--libos", "/l",
                   "--runtimedir", "/r/../x")  # fmt: skip
    assert done.out.startswith(b'a = "/l|/r/../x"\nb = "/p"\n'), str(done)
    assert b'[loader.entrypoint]\nuri = "file:/l"\n' in done.out
    done = mse.run("sgx", "manifest", template, "--no-hash", "--pkglibdir", "/p/")
    assert done.out.startswith(b'a = "/p//libsysdb.so|/p//runtime/glibc"\n'), str(done)


def test_of_two_definitions_the_last_counts(mse):
    template = mse.put("x = '{{ a }}'\n")
    done = mse.run("sgx", "manifest", template, "-Da=1", "-D", "a=2", "--define=a=b=c",
                   "--gramine", "1.5")  # fmt: skip
    assert done.out.startswith(b'x = "b=c"\n'), str(done)


def test_the_output_is_a_file_if_one_is_named(mse):
    template = mse.put("x = 1\n")
    printed = mse.run("sgx", "manifest", template, "--gramine", "1.5")
    assert mse.run("sgx", "manifest", template, "-", "--gramine", "1.5").out == printed.out
    done = mse.run("sgx", "manifest", template, "out.manifest", "--gramine", "1.5")
    assert (done.code, done.out) == (YES, b"")
    assert done.written == {"out.manifest": printed.out}
    again = mse.run("sgx", "manifest", template, "out.manifest", "--gramine", "1.5", "-Dx=1",
                    "--force")
    assert again.code == YES
    assert again.written == done.written


def test_a_template_can_come_from_standard_input(mse):
    done = subprocess.run(
        [mse.program, "sgx", "manifest", "-", "--gramine", "1.5"], input=b"x = 1\n",
        capture_output=True, timeout=60, env=mse.env(), check=True,
    )  # fmt: skip
    assert done.stdout.startswith(b"x = 1\n")


REFUSED = {
    "statement": ("{% if x %}", NO, "line 1, column 1"),
    "variable": ("x = '{{ y }}'", NO, "y is not defined"),
    "libos": ("x = '{{ gramine.libos }}'", NO, "gramine.libos is not defined"),
    "entrypoint": ("x = 1", NO, "loader.entrypoint.uri"),
    "toml": ("x = 1\nx = 2", NO, "line 2, column 1"),
    "type": ("loader.entrypoint = 'file:x'", NO, "loader.entrypoint"),
    "utf8": (b"x = '\xff'", NO, "UTF-8"),
    "file": ("sgx.trusted_files = ['file:not-there']\nloader.entrypoint.uri = 'file:x'\n"
             "loader.entrypoint.sha256 = '" + "0" * 64 + "'", None, "not-there"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_leaves_nothing(mse, name):
    text, code, word = REFUSED[name]
    done = mse.run("sgx", "manifest", mse.put(text), "out.manifest")
    assert done.code == code or (code is None and done.code in (NO, LOCAL)), str(done)
    assert word in done.err, done.err
    assert done.out == b"" and done.written == {}


@pytest.mark.parametrize(
    "words",
    [(), ("a", "b", "c"), ("a", "--gramine", "1.4"), ("a", "-Dx"), ("a", "-D=x"), ("a", "-D"),
     ("a", "--chroot", ".", "--gramine", "1.5"), ("a", "--nothing")],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage(mse, words):
    done = mse.run("sgx", "manifest", *words)
    assert done.code == USAGE and done.out == b"", str(done)


def test_a_file_that_is_not_there(mse):
    assert mse.run("sgx", "manifest", "missing").code == LOCAL


# ---- vectors made with Gramine's tools ------------------------------------------------------


def vectors():
    place = os.environ.get("MSE_VECTORS")
    listing = Path(place or "/nonexistent") / "measure" / "vectors.json"
    if not listing.exists():
        return []
    return [(listing.parent / v["name"], v) for v in json.loads(listing.read_text())["vectors"]]


VECTORS = vectors()


@pytest.mark.skipif(not VECTORS, reason="MSE_VECTORS names no directory with measure/vectors.json")
@pytest.mark.parametrize(("place", "vector"), VECTORS, ids=[v["name"] for _, v in VECTORS])
def test_a_vector(mse, tmp_path, place, vector):
    tree = tmp_path / "tree"
    tree.mkdir()
    subprocess.run(["tar", "xf", place / "inputs.tar.xz", "-C", tree], check=True)
    is_old = vector["gramine_tools"] == "1.5"
    words = ["--gramine", "1.5"] if is_old else []
    if vector["chroot"]:
        words += ["--chroot", vector["chroot"]]
    defines = [f"-D{k}={v}" for k, v in vector["template_variables"].items()]
    want = (place / "app.manifest").read_bytes()

    made = mse.run("sgx", "manifest", place / "app.manifest.template", *defines, *words, cwd=tree)
    assert (made.code, made.out) == (YES, want), made.err
    signed = (place / "app.manifest.sgx").read_bytes()
    for known in (want, signed):
        again = mse.run("sgx", "manifest", mse.put(known), *words, cwd=tree)
        assert (again.code, again.out) == (YES, known), again.err
    # Where each trusted file has its hash, what is signed is the manifest itself.
    assert (want == signed) == (not is_old)


def test_no_file_is_lost(mse):
    """The template itself is never written over, another file only with --force."""
    template = mse.work / "t"
    template.write_text('a = 1\n')
    for words in (["t", "t"], ["t", "./t", "--force"]):
        done = mse.run("sgx", "manifest", *words, "--gramine", "1.5")
        assert done.code == USAGE and template.read_text() == 'a = 1\n', done
    (mse.work / "other").write_text("kept")
    done = mse.run("sgx", "manifest", "t", "other", "--gramine", "1.5")
    assert done.code == LOCAL and (mse.work / "other").read_text() == "kept", done
    assert mse.run("sgx", "manifest", "t", "other", "--gramine", "1.5", "--force").code == YES
