# SPDX-License-Identifier: Apache-2.0
"""mse package and mse unpack, against Python's tarfile and PyNaCl."""

import fcntl
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import tarfile
import termios

import pytest
from harness import LOCAL, NO, USAGE, YES, files_below, wrong_usage
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

FILES = {
    "app.py": b"from flask import Flask\napp = Flask(__name__)\nSECRET_RECIPE = 'two eggs'\n",
    "requirements.txt": b"flask==3.0.0\nrequests==2.31.0\n",
    ".hidden/settings.ini": b"[mixture]\nratio = 0.4711\n",
    "lib/empty.py": b"",
    "lib/caf\u00e9/\u65e5\u672c.txt": "eine unverwechselbare Zeile\n".encode(),
    "lib/" + "n" * 120 + ".py": b"a name beyond ustar's field\n",
    "d" * 80 + "/" + "e" * 80 + "/deep.py": b"a path that is divided\n",
    "run.sh": b"#!/bin/sh\nexec python3 app.py\n",
    "block.bin": bytes(range(256)) * 2,
    "large.bin": b"0123456789abcdef" * 20000 + b"odd",
}
LINKS = {"lib/main.py": "../app.py", "long-link": "lib/" + "n" * 120 + ".py"}
IGNORED = {"build/out.o": b"object\n", "lib/x.pyc": b"compiled\n"}


@pytest.fixture
def code(mse):
    root = mse.inputs / "code"
    for name, data in {**FILES, **IGNORED, ".mseignore": b"*.pyc\nbuild/\n"}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    (root / "run.sh").chmod(0o755)
    return root


def entries_of(root):
    """{path: (type, content or target)} of what belongs into the package."""
    out = {}
    for name in [*FILES, ".mseignore"]:
        path = root / name
        kind = "x" if path.stat().st_mode & 0o100 else "f"
        out[name] = (kind, path.read_bytes())
    for name in LINKS:
        out[name] = ("l", os.readlink(root / name).encode())
    return dict(sorted(out.items(), key=lambda item: item[0].encode()))


def digest_of(entries):
    """mse-tree-v1, in words of its own."""
    h = hashlib.sha256(b"mse-tree-v1\n")
    for name, (kind, data) in entries.items():
        raw = name.encode()
        h.update(kind.encode() + len(raw).to_bytes(4, "little") + raw)
        h.update(hashlib.sha256(data).digest())
    return h.hexdigest()


def opened(package, key):
    """{path: (type, content)} by tarfile and PyNaCl, in the order of the archive."""
    out = {}
    with tarfile.open(package, "r:") as tar:
        for member in tar:
            assert (member.uid, member.gid, member.mtime) == (0, 0, 0)
            assert (member.uname, member.gname) == ("", "")
            if member.issym():
                assert member.mode == 0o777
                out[member.name] = ("l", member.linkname.encode())
                continue
            assert member.isreg() and member.name.endswith(".enc"), member.name
            assert member.mode in (0o644, 0o755)
            box = tar.extractfile(member).read()
            kind = "x" if member.mode == 0o755 else "f"
            out[member.name[:-4]] = (kind, SecretBox(key).decrypt(box))
    return out


def package(mse, code, *words, **options):
    return mse.run("package", "--code", code, *words, **options)


def key_in(path):
    text = path.read_text()
    assert text.endswith("\n") and len(text) == 65
    return bytes.fromhex(text)


# ---- what is written ------------------------------------------------------------------------


def test_a_package_holds_the_code_sealed_and_nothing_else(mse, code):
    done = package(mse, code, "--output", "p.tar")
    assert done.code == YES, str(done)
    wanted = entries_of(code)
    key = key_in(mse.work / "p.tar.key")
    got = opened(mse.work / "p.tar", key)
    assert got == wanted and list(got) == list(wanted)
    size = (mse.work / "p.tar").stat().st_size
    assert done.out.decode() == (
        f"p.tar: {len(wanted)} entries, {size} bytes, tree {digest_of(wanted)}\n"
    )
    assert set(done.written) == {"p.tar", "p.tar.key"}
    for name in done.written:
        assert stat.S_IMODE((mse.work / name).stat().st_mode) == 0o600
    assert key.hex() not in done.out.decode() + done.err
    assert "p.tar.key" in done.err


def test_no_line_of_the_code_is_in_the_package(mse, code):
    done = package(mse, code)
    data = done.written["app.tar"]
    key = key_in(mse.work / "app.tar.key")
    assert key not in data and key.hex().encode() not in data
    for name, content in FILES.items():
        for line in content.splitlines():
            assert len(line) < 8 or line[:64] not in data, name
        assert hashlib.sha256(content).digest() not in data


def test_tar_lists_what_the_package_says_in_clear(mse, code):
    package(mse, code)
    done = subprocess.run(
        ["tar", "-tf", mse.work / "app.tar", "--quoting-style=literal"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stderr == b""
    wanted = [n if k == "l" else n + ".enc" for n, (k, _) in entries_of(code).items()]
    assert done.stdout.decode().splitlines() == wanted


def test_json_says_the_same(mse, code):
    done = package(mse, code, "--json")
    report = json.loads(done.out)
    assert report == {
        "schema": "mse-package-v1", "path": "app.tar", "entries": len(FILES) + len(LINKS) + 1,
        "bytes": len(done.written["app.tar"]), "tree": digest_of(entries_of(code)),
        "sealed": True, "key_file": "app.tar.key",
    }  # fmt: skip


def test_a_plain_package_is_the_same_whoever_makes_it(mse, code, tmp_path):
    first = package(mse, code, "--plain")
    assert first.code == YES and set(first.written) == {"app.tar"}, str(first)
    assert "NOT SEALED" in first.out.decode()
    copy = tmp_path / "other place"
    shutil.copytree(code, copy, symlinks=True)
    for path in copy.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o700 if path.stat().st_mode & 0o100 else 0o400)
            os.utime(path, (1, 1))
    if os.geteuid() == 0:
        for path in copy.rglob("*"):
            os.lchown(path, 12345, 54321)
    second = mse.run("package", "--code", copy, "--plain", "--output", "q.tar",
                     preexec_fn=lambda: os.umask(0o077))  # fmt: skip
    assert second.written["q.tar"] == first.written["app.tar"]
    with tarfile.open(mse.work / "q.tar") as tar:
        got = {m.name: tar.extractfile(m).read() for m in tar if m.isreg()}
    assert got == {n: c for n, (k, c) in entries_of(code).items() if k != "l"}


def test_the_same_code_deployed_twice_is_other_bytes_of_the_same_tree(mse, code):
    first = package(mse, code, "--output", "a.tar", "--json")
    second = package(mse, code, "--output", "b.tar", "--key", "a.tar.key", "--json")
    assert first.report["tree"] == second.report["tree"]
    assert second.written["a.tar"] != second.written["b.tar"]
    assert "b.tar.key" not in second.written
    key = key_in(mse.work / "a.tar.key")
    assert opened(mse.work / "a.tar", key) == opened(mse.work / "b.tar", key)
    with tarfile.open(mse.work / "a.tar") as a, tarfile.open(mse.work / "b.tar") as b:
        for x, y in zip(a, b):
            if x.isreg():  # nonces
                assert a.extractfile(x).read(24) != b.extractfile(y).read(24)


@pytest.mark.parametrize("form", ["raw", "hex", "hex with a line end", "upper case"])
def test_a_given_key_is_used(mse, code, form):
    key = os.urandom(32)
    data = {"raw": key, "hex": key.hex(), "hex with a line end": key.hex() + "\r\n",
            "upper case": key.hex().upper()}[form]  # fmt: skip
    path = mse.put(data)
    done = package(mse, code, "--key", path)
    assert done.code == YES and set(done.written) == {"app.tar"}, str(done)
    assert opened(mse.work / "app.tar", key) == entries_of(code)
    done = mse.run("unpack", "app.tar", "--output", "out", "--key", path)
    assert done.code == YES, str(done)


@pytest.mark.parametrize("data", [b"", b"ab" * 16, b"ab" * 31 + b"a", b"zz" * 32, b"ab" * 33,
                                  bytes(32), b"0" * 64, b"0" * 64 + b"\n"])  # fmt: skip
def test_a_file_that_is_no_key_is_refused_and_kept(mse, code, data):
    path = mse.put(data)
    done = package(mse, code, "--key", path)
    assert done.code == NO and done.written == {}, str(done)
    assert path.read_bytes() == data


# ---- contexts -------------------------------------------------------------------------------

TOML = """name = "recipes"
python_application = "app:app"
healthcheck_endpoint = "/"
tests_cmd = "pytest"
tests_requirements = ["pytest"]
[cloud]
code = "code"
tests = "tests"
docker = "image:latest"
"""


@pytest.fixture
def toml(mse, code):
    (mse.inputs / "tests").mkdir()
    path = mse.inputs / "mse.toml"
    path.write_text(TOML)
    return path


def test_the_code_is_found_through_mse_toml(mse, code, toml):
    done = mse.run("package", "--path", toml, "--json")
    assert done.code == YES, str(done)
    assert done.report["tree"] == digest_of(entries_of(code))
    shutil.copy(toml, mse.inputs / "here.toml")
    done = mse.run("package", "--output", mse.work / "b.tar", cwd=mse.inputs)
    assert done.code == YES, str(done)


def test_with_the_nonces_of_a_context_the_bytes_are_the_same_again(mse, code, toml):
    done = mse.run("package", "--path", toml, "--context", "c.toml", "--output", "a.tar")
    assert done.code == YES, str(done)
    assert stat.S_IMODE((mse.work / "c.toml").stat().st_mode) == 0o600
    again = package(mse, code, "--nonces", "c.toml", "--output", "b.tar")
    assert again.code == YES and "b.tar.key" not in again.written, str(again)
    assert again.written["a.tar"] == again.written["b.tar"]


def test_nonces_are_not_used_again_for_other_code(mse, code, toml):
    mse.run("package", "--path", toml, "--context", "c.toml", "--output", "a.tar")
    (code / "app.py").write_bytes(FILES["app.py"].replace(b"two", b"six"))
    again = package(mse, code, "--nonces", "c.toml", "--output", "b.tar")
    assert again.code == NO and "b.tar" not in again.written, str(again)
    assert "other code" in again.err


@pytest.mark.parametrize("why", ["exists", "no directory", "bad chain", "bad owner"])
def test_without_its_context_there_is_no_package_either(mse, code, toml, why):
    more, context = (), "c.toml"
    if why == "exists":
        (mse.work / "c.toml").write_text("mine\n")
    elif why == "no directory":
        context = "no/such/c.toml"
    elif why == "bad chain":
        (mse.inputs / "chain.pem").write_text("no certificate\n")
        toml.write_text(TOML + '[cloud.ssl]\ndomain_name = "a.example"\n'
                        'private_key = "key.pem"\ncertificate = "chain.pem"\n')  # fmt: skip
    else:
        more = ("--owner", mse.put("no key\n"))
    before = files_below(mse.work)
    done = mse.run("package", "--path", toml, "--context", context, *more)
    assert done.code in (NO, USAGE, LOCAL) and done.out == b"", str(done)
    assert done.written == before, str(done)


def test_one_nonce_for_two_files_is_refused(mse, code, toml):
    mse.run("package", "--path", toml, "--context", "c.toml", "--output", "a.tar")
    text = (mse.work / "c.toml").read_text()
    first, second = re.findall(r'= "([0-9a-f]{48})"', text)[:2]
    (mse.work / "c.toml").write_text(text.replace(second, first))
    done = package(mse, code, "--nonces", "c.toml", "--output", "b.tar")
    assert done.code == NO and "nonce" in done.err and "b.tar" not in done.written, str(done)


# ---- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("--output", "c.key", "--key", "c.key"),
        ("--output", "./c.key", "--key", "c.key"),
        ("--output", "link", "--key", "c.key"),
        ("--output", "hard", "--key", "c.key"),
        ("--output", "new", "--key", "HERE/new"),
        ("--output", "z.tar", "--context", "z.tar.key"),
        ("--output", "y.tar", "--context", "y.tar"),
        ("--output", "y.tar", "--context", "HERE/y.tar"),
        ("--key", "c.key", "--context", "c.key"),
        ("--output", "mse.toml"),
        ("--context", "mse.toml"),
        ("--output", "HERE/mse.toml", "--path", "mse.toml"),
        ("--output", "c.toml", "--nonces", "c.toml"),
        ("--context", "c.toml", "--nonces", "c.toml"),
        ("--output", "owner.pub", "--context", "d.toml", "--owner", "owner.pub"),
        ("--context", "runtime", "--runtime", "runtime"),
        ("--output", "chain.pem"),
    ],
    ids=" ".join,
)
def test_force_does_not_write_over_what_it_reads_or_needs(mse, code, toml, words):
    chain = '[cloud.ssl]\ndomain_name = "a.example"\nprivate_key = "k"\ncertificate = "chain.pem"\n'
    (mse.work / "mse.toml").write_text(TOML.replace('"code"', f'"{code}"') + chain)
    done = mse.run("package", "--path", toml, "--context", "c.toml", "--key", "c.key")
    assert done.code == YES, str(done)
    for name in ("owner.pub", "runtime", "y.tar", "chain.pem"):
        (mse.work / name).write_text("mine\n")
    (mse.work / "link").symlink_to("c.key")
    (mse.work / "hard").hardlink_to(mse.work / "c.key")
    before = files_below(mse.work)
    done = mse.run("package", *(w.replace("HERE", str(mse.work)) for w in words), "--force")
    assert done.code == USAGE and "at once" in done.err, str(done)
    assert done.written == before


@pytest.mark.parametrize("option", ["--output", "--context"])
@pytest.mark.parametrize("name", ["-", ""])
def test_a_file_to_be_written_has_a_name(mse, code, toml, option, name):
    done = mse.run("package", "--path", toml, option, name)
    wrong_usage(done, option)
    assert "name of a file" in done.err
    wrong_usage(mse.run("package", "--path", toml, "--key", ""), "--key")
    wrong_usage(mse.run("unpack", mse.put(b""), "--output", name), "--output")


def test_one_entry_is_one_entry(mse):
    root = mse.inputs / "small"
    root.mkdir()
    (root / "app.py").write_text("app = 1\n")
    done = package(mse, root)
    assert done.out.startswith(b"app.tar: 1 entry, "), str(done)
    done = mse.run("unpack", "app.tar", "--output", "out")
    assert done.out.startswith(b"out: 1 entry, ") and "1 file is still" in done.err, str(done)


def test_nothing_is_replaced_unless_told(mse, code):
    first = package(mse, code)
    again = package(mse, code)
    assert again.code == LOCAL and "--force" in again.err, str(again)
    assert again.written == first.written
    forced = package(mse, code, "--force")
    assert forced.code == YES, str(forced)
    assert forced.written["app.tar.key"] == first.written["app.tar.key"]
    assert forced.written["app.tar"] != first.written["app.tar"]


@pytest.mark.parametrize(
    "words, text",
    [
        (("--plain", "--key", "k"), "--plain"),
        (("--plain", "--nonces", "c"), "--plain"),
        (("--key", "k", "--nonces", "c"), "--nonces"),
        (("--list", "--output", "x"), "--list"),
        (("--owner", "x"), "--context"),
        (("more",), "more"),
    ],
)
def test_options_that_do_not_go_together_are_refused(mse, code, words, text):
    wrong_usage(package(mse, code, *words), text)


def test_without_code_and_settings_there_is_nothing_to_do(mse):
    done = mse.run("package")
    assert done.code == LOCAL and "mse.toml" in done.err and done.written == {}


@pytest.mark.parametrize("option", ["--output", "--key", "--context"])
def test_nothing_is_written_into_the_code(mse, code, toml, option):
    before = sorted(code.rglob("*"))
    target = code / "lib" / "new"
    wrong_usage(mse.run("package", "--path", toml, option, target), "its next package")
    assert sorted(code.rglob("*")) == before
    (code / ".mseignore").write_text("/lib/new*\n")
    done = mse.run("package", "--path", toml, option, target)
    assert done.code == YES, str(done)


def test_secrets_are_refused_by_name_unless_allowed(mse, code):
    (code / "lib" / ".env").write_text("TOKEN=abcdef\n")
    (code / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI\n")
    done = package(mse, code)
    assert done.code == NO and done.written == {}, str(done)
    assert "key.pem" in done.err and "lib/.env" in done.err
    done = package(mse, code, "--allow-secret", "lib/.env")
    assert done.code == NO and "lib/.env" not in done.err, str(done)
    done = package(mse, code, "--allow-secret", "lib/.env", "--allow-secret", "key.pem")
    assert done.code == YES, str(done)


def test_our_own_secrets_are_known_whatever_they_are_called(mse, code, toml):
    done = mse.run("package", "--path", toml, "--context", "c.toml", "--key", "k")
    assert done.code == YES, str(done)
    assert mse.run("keygen", "--no-password", "--output", "signer").code == YES
    for n in range(300):  # their nonces follow the key in the context
        (code / f"{n:060}.py").write_bytes(b"")
    done = mse.run("package", "--path", toml, "--context", "d.toml", "--output", "d.tar")
    assert done.code == YES and (mse.work / "d.toml").stat().st_size > 50000, str(done)
    for name in ("c.toml", "d.toml", "k", "signer"):
        shutil.copy(mse.work / name, code / "innocent")
        done = package(mse, code, "--output", "new.tar")
        assert done.code == NO and "innocent" in done.err, name
    shutil.copy(mse.work / "signer.pub", code / "innocent")
    assert package(mse, code, "--output", "new.tar").code == YES


def test_a_full_disk_is_told_and_leaves_nothing(mse, code):
    """The package has 320 KiB and more."""
    for limit in (0, 512, 100_000, 320_000):
        done = package(
            mse, code, "--key", mse.put(os.urandom(32)),
            preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)),
        )  # fmt: skip
        assert done.code == LOCAL and "app.tar" in done.err and "cannot write" in done.err
        assert done.written == {}, str(done)


@pytest.fixture
def small_disk(mse):
    path = mse.directory / "disk"
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", path], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("may not mount a small disk")
    yield path
    subprocess.run(["umount", path], check=True)


def test_no_space_left_is_told_and_leaves_nothing(mse, code, small_disk):
    done = package(mse, code, "--output", small_disk / "p.tar")
    assert done.code == LOCAL and "No space left" in done.err, str(done)
    assert list(small_disk.iterdir()) == []
    done = package(mse, code)
    done = mse.run("unpack", "app.tar", "--output", small_disk / "out")
    assert done.code == LOCAL and "No space left" in done.err, str(done)
    assert list(small_disk.iterdir()) == []


def test_a_directory_that_cannot_be_written_leaves_no_key(mse, code):
    done = package(mse, code, "--output", "no/such/p.tar", "--key", "k")
    assert done.code == LOCAL and done.written == {}, str(done)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_package_is_not_there(mse, code, number):
    """Whatever ends it in the middle of writing."""
    with open(code / "huge.bin", "wb") as f:
        f.truncate(256 << 20)
    run = subprocess.Popen(
        [mse.program, "package", "--code", code], cwd=mse.work, env=mse.env(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    # It has begun to write when it has a file without a name open.
    fds = f"/proc/{run.pid}/fd"
    while run.poll() is None:
        try:
            if any("(deleted)" in os.readlink(f"{fds}/{n}") for n in os.listdir(fds)):
                break
        except OSError:
            continue
    run.send_signal(number)
    run.wait()
    left = set(os.listdir(mse.work))
    if run.returncode == 0:
        pytest.skip("was faster than the signal")
    assert run.returncode == -number
    # What was killed cannot clean up, but a key harms nobody; no other signal leaves even that.
    assert left <= ({"app.tar.key"} if number == signal.SIGKILL else set())


def stop_while_waiting(mse, words, ready, number, sent=b""):
    """Starts it with a pipe that nobody writes to; sends the signal when it is ready."""
    run = subprocess.Popen(
        [mse.program, *map(str, words)], cwd=mse.work, env=mse.env(), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        run.stdin.write(sent)
        run.stdin.flush()
        left = b"unknown"
        while run.poll() is None and (any(left) or not ready(run.pid) or not is_waiting(run.pid)):
            left = fcntl.ioctl(run.stdin, termios.FIONREAD, bytes(4))  # it has read all so far
        run.send_signal(number)
        return run.wait(timeout=20)
    finally:
        run.kill()
        run.stdin.close()
        run.wait()


def is_waiting(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        return f.read().rpartition(")")[2].split()[0] == "S"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_unpack_ends_while_it_waits_for_more(mse, code, number):
    package(mse, code, "--plain")
    before = set(os.listdir(mse.work))
    data = (mse.work / "app.tar").read_bytes()[:100_000]

    def ready(_):
        """It has begun to make something, which then must go."""
        return set(os.listdir(mse.work)) != before

    for sent in (b"", data):
        words = ("unpack", "-", "--output", "out")
        assert stop_while_waiting(mse, words, ready, number, sent) == -number
        assert set(os.listdir(mse.work)) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_package_ends_while_it_waits_for_its_key(mse, code, number):
    words = ("package", "--code", code, "--key", "-")
    assert stop_while_waiting(mse, words, lambda _: True, number, b"half a key") == -number
    assert os.listdir(mse.work) == []


# ---- list -----------------------------------------------------------------------------------


def test_list_prints_what_goes_in_and_writes_nothing(mse, code):
    done = package(mse, code, "--list")
    assert done.code == YES and done.written == {}, str(done)
    wanted = []
    for name, (kind, data) in entries_of(code).items():
        more = f" -> {data.decode()}" if kind == "l" else ""
        wanted.append(f"{kind} {len(data):12} {name}{more}")
    assert done.out.decode().splitlines() == wanted
    report = json.loads(package(mse, code, "--list", "--json").out)
    assert report["schema"] == "mse-package-list-v1"
    assert [e["path"] for e in report["entries"]] == list(entries_of(code))


def test_list_warns_of_rules_that_leave_nothing_out(mse, code):
    (code / ".mseignore").write_text("# text\n*.pyc\nbuild/\n*.egg-info/\n!x\n/lib/none\n")
    done = package(mse, code, "--list")
    assert done.code == YES, str(done)
    warned = [line.split('"')[1] for line in done.err.splitlines() if "warning" in line]
    assert warned == ["*.egg-info/", "/lib/none"]


def test_list_tells_that_a_secret_would_be_refused(mse, code):
    (code / ".env").write_text("TOKEN=abcdef\n")
    done = package(mse, code, "--list")
    assert done.code == NO and ".env" in done.err and b" .env\n" in done.out, str(done)


# ---- unpack ---------------------------------------------------------------------------------


def snapshot(root):
    """{path: (type, content)} of everything below a directory."""
    out = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink():
            out[name] = ("l", os.readlink(path).encode())
        elif path.is_file():
            out[name] = ("x" if path.stat().st_mode & 0o100 else "f", path.read_bytes())
    return out


def test_unpack_gives_the_code_back(mse, code):
    package(mse, code)
    done = mse.run("unpack", "app.tar", "--output", "out", "--key", "app.tar.key", "--json")
    assert done.code == YES, str(done)
    assert snapshot(mse.work / "out") == entries_of(code)
    assert done.report == {
        "schema": "mse-unpack-v1", "path": "out", "entries": len(entries_of(code)),
        "tree": digest_of(entries_of(code)),
    }  # fmt: skip
    assert stat.S_IMODE((mse.work / "out").stat().st_mode) == 0o700


def test_unpack_without_the_key_says_that_files_are_sealed(mse, code):
    package(mse, code)
    done = mse.run("unpack", "app.tar", "--output", "out")
    assert done.code == YES and "still sealed" in done.err, str(done)
    assert set(snapshot(mse.work / "out")) == {
        n if k == "l" else n + ".enc" for n, (k, _) in entries_of(code).items()
    }


def test_unpack_takes_what_the_first_clients_made(mse):
    """Each file sealed by PyNaCl, in a tar as Python makes it."""
    key = os.urandom(32)
    with tarfile.open(mse.work / "old.tar", "w") as tar:
        for name, data in FILES.items():
            box = SecretBox(key).encrypt(data)
            entry = tarfile.TarInfo(name + ".enc")
            entry.size, entry.mtime, entry.uname = len(box), 1700000000.25, "owner"
            tar.addfile(entry, io.BytesIO(box))
    done = mse.run("unpack", "old.tar", "--output", "out", "--key", mse.put(key.hex()))
    assert done.code == YES, str(done)
    assert {n: c for n, (_, c) in snapshot(mse.work / "out").items()} == FILES


def test_unpack_takes_what_tar_makes(mse, code):
    for kind in ("ustar", "gnu", "pax"):
        # What ustar cannot say is left out by tar itself.
        skip = {"lib", "long-link"} if kind == "ustar" else set()
        archive = mse.work / f"{kind}.tar"
        subprocess.run(
            ["tar", "-C", code, f"--format={kind}", *(f"--exclude={n}" for n in skip), "-cf",
             archive, "."],
            check=True,
        )  # fmt: skip
        done = mse.run("unpack", archive, "--output", kind)
        assert done.code == YES, str(done)
        wanted = {n: v for n, v in snapshot(code).items() if n.split("/")[0] not in skip}
        assert snapshot(mse.work / kind) == wanted


def test_a_wrong_key_and_every_damage_leave_nothing(mse, code):
    package(mse, code)
    data = bytearray((mse.work / "app.tar").read_bytes())
    with tarfile.open(mse.work / "app.tar") as tar:
        at = next(m for m in tar if m.name == "large.bin.enc").offset_data
    key = mse.work / "app.tar.key"
    before = set(os.listdir(mse.work))
    for offset in (0, 30, 40, 200_000):
        bad = bytearray(data)
        bad[at + offset] ^= 1
        done = mse.run("unpack", mse.put(bytes(bad)), "--output", "out", "--key", key)
        assert done.code == NO and "large.bin" in done.err, str(done)
    done = mse.run("unpack", "app.tar", "--output", "out", "--key", mse.put(os.urandom(32)))
    assert done.code == NO and "another key" in done.err, str(done)
    for cut in (0, 100, 600, at + 1000, len(data) - 1):
        done = mse.run("unpack", mse.put(bytes(data[:cut])), "--output", "out", "--key", key)
        assert done.code == NO, f"{cut}: {done}"
    assert set(os.listdir(mse.work)) == before
    with pytest.raises(CryptoError):
        opened(mse.work / "app.tar", os.urandom(32))


def hostile(make):
    """An archive with one entry that make has changed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("a")
        data = make(entry) or b""
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def changed(**members):
    def make(entry):
        for name, value in members.items():
            setattr(entry, name, value)

    return make


@pytest.mark.parametrize(
    "make",
    [
        changed(name="/tmp/mse-e2e-escaped"), changed(name="../mse-e2e-escaped"),
        changed(name="a/../../mse-e2e-escaped"), changed(name="a\nb"),
        changed(name="x" * 5000), changed(name="d/" * 200 + "a"),
        changed(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        changed(type=tarfile.SYMTYPE, linkname="../../etc/passwd"),
        changed(type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        changed(type=tarfile.CHRTYPE, devmajor=1, devminor=3), changed(type=tarfile.FIFOTYPE),
        changed(pax_headers={"GNU.sparse.major": "1", "GNU.sparse.realsize": "99999999999"}),
        changed(pax_headers={"comment": "x" * 100_000}),
    ],
)  # fmt: skip
def test_a_hostile_archive_is_refused_and_leaves_nothing(mse, make):
    archive = mse.put(hostile(make))
    done = mse.run("unpack", archive, "--output", "out")
    assert done.code == NO and done.no_result and done.written == {}, str(done)
    assert os.listdir(mse.work) == []
    assert not os.path.exists("/tmp/mse-e2e-escaped")
    assert not (mse.directory / "mse-e2e-escaped").exists()


def test_unpack_does_not_touch_what_is_there(mse, code):
    package(mse, code)
    (mse.work / "out").mkdir()
    done = mse.run("unpack", "app.tar", "--output", "out")
    assert done.code == LOCAL and os.listdir(mse.work / "out") == [], str(done)


@pytest.mark.parametrize("words", [(), ("a",), ("--output", "x"), ("a", "b", "--output", "x")])
def test_unpack_wants_a_package_and_a_directory(mse, words):
    done = mse.run("unpack", *words)
    assert done.code == USAGE and done.written == {}, str(done)


def test_a_missing_package_is_a_local_failure(mse):
    done = mse.run("unpack", "none.tar", "--output", "x")
    assert done.code == LOCAL and "none.tar" in done.err, str(done)
