# SPDX-License-Identifier: Apache-2.0
"""mse cloud verify: what it prints, what it writes, and what it does not."""

import os
import resource
import shutil
import stat
import subprocess

import pytest
from harness import LOCAL, MRENCLAVE, MRSIGNER, NO, UNKNOWN, USAGE, YES, saved, stopped

from testpki import ratls, x509
from testpki.server import TlsServer

NAME = "app1.example"
SKIPPED = """\
Checking your app...
Code fingerprint check skipped!
Verification: success
The verified certificate has been saved at: ./cert.pem
"""
CHECKED = SKIPPED.replace("Code fingerprint check skipped!\n", "")
SIGNER = ("--mrsigner", MRSIGNER)
CODE = ("--fingerprint", MRENCLAVE)


# ---- what is printed and written -------------------------------------------------------------


def test_golden_lines(cloud, good):
    with TlsServer(good) as server:
        done = cloud(server)
        saved(done, good)
        assert done.out.decode() == SKIPPED
        done = cloud(server, "--force", expect=CODE)
        assert done.out.decode() == CHECKED
        assert server.wait(2) and server.app_bytes == 0


def test_notes_go_to_standard_error(cloud, good):
    with TlsServer(good) as server:
        done = cloud(server)
    assert "simulated evidence" in done.err and "note: " in done.err


def test_json_replaces_the_lines(cloud, good):
    with TlsServer(good) as server:
        done = cloud(server, "--json")
        saved(done, good)
        assert done.report["verdict"] == "incomplete" and done.report["name"] == NAME
        done = cloud(server, "--json", "--force", expect=("--mrsigner", "00" * 32))
    assert done.code == NO and done.report["verdict"] == "fail"


def test_strict_pass_with_everything_named(cloud, good):
    with TlsServer(good) as server:
        done = cloud(server, *CODE, "--strict", "--min-level", "1", "--json")
        saved(done, good)
        assert done.report["verdict"] == "pass"


@pytest.mark.parametrize("mask", (0o022, 0o077, 0o000))
def test_file_mode(cloud, good, mse, mask):
    with TlsServer(good) as server:
        cloud(server, preexec_fn=lambda: os.umask(mask))
    assert stat.S_IMODE((mse.work / "cert.pem").stat().st_mode) == 0o644


def test_output_names_another_file(cloud, good, mse):
    with TlsServer(good) as server:
        done = cloud(server, "--output", "sub.pem")
        saved(done, good, "sub.pem")
        assert done.out.decode().endswith("has been saved at: sub.pem\n")
        stopped_at = cloud(server, "--output", "none/cert.pem", "--force")
        assert stopped_at.code == LOCAL and set(stopped_at.written) == {"sub.pem"}


def test_a_different_file_is_kept(cloud, good, mse):
    (mse.work / "cert.pem").write_text("precious\n")
    with TlsServer(good) as server:
        done = cloud(server)
        assert done.code == LOCAL and done.written == {"cert.pem": b"precious\n"}, str(done)
        assert "--force" in done.err and b"success" not in done.out
        saved(cloud(server, "--force"), good)


def test_an_identical_file_is_no_conflict(cloud, good):
    with TlsServer(good) as server:
        saved(cloud(server), good)
        saved(cloud(server), good)


def test_a_failure_leaves_the_old_file(cloud, good, mse, present):
    (mse.work / "cert.pem").write_text("precious\n")
    with TlsServer(ratls.plain(**present.hooks)) as server:
        for words in ((), ("--force",)):
            done = cloud(server, *words)
            assert done.code == NO and done.written == {"cert.pem": b"precious\n"}


def test_what_is_no_regular_file_is_not_replaced(cloud, good, mse):
    (mse.work / "dir").mkdir()
    os.mkfifo(mse.work / "fifo")
    with TlsServer(good) as server:
        for name in ("dir", "fifo", "/dev/null"):
            done = cloud(server, "--output", name, "--force")
            assert done.code == LOCAL and done.written == {}, str(done)
    assert stat.S_ISFIFO((mse.work / "fifo").stat().st_mode)


def test_a_link_is_replaced_not_followed(cloud, good, mse):
    target = mse.inputs / "target"
    target.write_text("precious\n")
    (mse.work / "cert.pem").symlink_to(target)
    with TlsServer(good) as server:
        done = cloud(server, "--force")
    assert target.read_text() == "precious\n"
    saved(done, good)


def test_a_read_only_directory(cloud, good, mse):
    with TlsServer(good) as server:
        done = cloud(server, "--output", "/proc/cert.pem")
    stopped(done, LOCAL)


def test_a_full_disk(cloud, good, mse, tmp_path):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root to mount a small file system")
    small = tmp_path / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=8", "tmpfs", str(small)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("cannot mount here")
    try:
        (small / "full").write_bytes(bytes(4096))
        with TlsServer(good) as server:
            done = cloud(server, "--output", small / "cert.pem")
        assert done.code == LOCAL and b"success" not in done.out, str(done)
        assert [p.name for p in small.iterdir()] == ["full"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_file_size_limit(cloud, good, mse):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    with TlsServer(good) as server:
        try:
            done = cloud(server, preexec_fn=limit)
        except AssertionError as killed:  # SIGXFSZ: nothing may be left of it either
            assert "signal 25" in str(killed)
            assert not (mse.work / "cert.pem").exists()
            return
    assert done.code in (LOCAL, UNKNOWN) and done.written == {}, str(done)


@pytest.mark.no_sanitizer
@pytest.mark.parametrize("call", ("renameat", "rename", "fsync", "write", "linkat", "link"))
def test_killed_while_saving(cloud, good, mse, present, call):
    """kill -9 at any step: the name holds the whole certificate or nothing."""
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    with TlsServer(good) as server:
        assert cloud(server).code == YES  # fills the cache
        (mse.work / "cert.pem").unlink()
        where = server.authority
        roots = mse.put(present.roots_pem())
        for when in ("1", "2", "3"):
            path = mse.work / "cert.pem"
            subprocess.run(
                ["strace", "-f", "-o", "/dev/null", "-P", str(mse.work),
                 "-e", f"inject={call}:signal=KILL:when={when}",
                 mse.program, "cloud", "verify", NAME, "--connect", where, *SIGNER,
                 "--simulation-root", str(roots), "--offline"],
                env=mse.env(ASAN_OPTIONS="detect_leaks=0"), cwd=mse.work, capture_output=True,
                timeout=60, check=False,
            )  # fmt: skip
            if path.exists():
                assert path.read_text() == good.pem
                path.unlink()


@pytest.mark.parametrize("words", ((), ("--json",)))
def test_output_that_cannot_be_written_is_a_failure(cloud, good, words):
    with TlsServer(good) as server:
        with open("/dev/full", "w") as full:
            assert cloud(server, *words, stdout=full).code == LOCAL
        reader, writer = os.pipe()
        os.close(reader)
        try:
            assert cloud(server, *words, stdout=writer).code == LOCAL
        finally:
            os.close(writer)


def test_no_home_is_needed(cloud, good, mse):
    with TlsServer(good) as server:
        for env in (mse.env(HOME=None), mse.env(HOME=""), mse.env(HOME="/nonexistent/home")):
            done = cloud(server, "--force", env=env)
            saved(done, good)


# ---- shape -----------------------------------------------------------------------------------

SHAPES = {
    "CA": {"ca": True},
    "CA with path length": {"ca": True, "pathlen": 0},
    "no basicConstraints": {"ca": None},
    "keyCertSign": {"drop": (x509.OID_KU,), "extra": [x509.key_usage("keyCertSign")]},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_certificate_that_could_vouch_for_others_is_not_saved(cloud, present, shape):
    certificate = present.certificate("mse", **SHAPES[shape])
    with TlsServer(certificate) as server:
        stopped(cloud(server), NO, "not saved")
        done = cloud(server, "--unsafe-shape")
        saved(done, certificate)
        assert "do NOT import" in done.err


def test_a_leaf_without_constraints_is_saved_with_a_note(cloud, present):
    certificate = present.certificate("mse", drop=(x509.OID_NC,))
    with TlsServer(certificate) as server:
        done = cloud(server)
    saved(done, certificate)
    assert "rustls" in done.err


def test_the_best_shape_has_no_note(cloud, good):
    with TlsServer(good) as server:
        assert "rustls" not in cloud(server).err


# ---- usage -----------------------------------------------------------------------------------

USAGES = (
    (NAME, ("--fingerprint", "xyz")),
    (NAME, ("--fingerprint", "12345678")),
    (NAME, ("--fingerprint", MRENCLAVE + "00")),
    (NAME, ("--context", "c.toml")),
    (NAME, ("--code", ".")),
    (NAME, ("--context", "c.toml", "--code", ".", *CODE)),
    (NAME, ("--owner", "no-such-file")),
    (NAME, ("--release", "r.json")),
    (NAME, ("--timeout", "0")),
    (NAME, ("--timeout", "-1")),
    (NAME, ("--timeout", "1x")),
    (NAME, ("--timeout", "999999")),
    (NAME, ("--at", "yesterday")),
    (NAME, ("--no-such-option",)),
    (NAME, ("second.example",)),
    (NAME, ("--name", "")),
    (NAME, ("--name", "a b")),
    (NAME, ("--operator", "nobody", )),
    (NAME, ("--policy", "/dev/null/none")),
    (NAME, ("--min-level", "4")),
    (NAME, ("--max-vmpl", "4")),
    ("", ()),
    ("http://app1.example/", ()),
    ("app1.example:0", ()),
    ("app1.example:65536", ()),
    ("app1.example:x", ()),
    ("[::1", ()),
    ("app1 example", ()),
    ("a" * 300, ()),
    ("-x", ()),
)  # fmt: skip


@pytest.mark.parametrize("domain, words", USAGES, ids=repr)
def test_wrong_usage_makes_no_connection(cloud, good, vendors, domain, words):
    before = vendors.count()
    with TlsServer(good) as server:
        done = cloud(server, *words, domain=domain)
        assert done.code in (USAGE, LOCAL), str(done)
        if "--policy" not in words:
            assert done.code == USAGE, str(done)
        assert done.out == b"" and done.written == {} and done.err
        assert server.connections == 0
    assert vendors.count() == before


def test_nobody_expected_makes_no_connection(cloud, good):
    with TlsServer(good) as server:
        done = cloud(server, expect=())
        stopped(done, USAGE, "nobody is expected")
        assert server.connections == 0
