# SPDX-License-Identifier: Apache-2.0
"""An instance from its start to its end, as owner, user and operator see it."""

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from harness import NO, YES, Mse, files_below
from instance import NAME, Deployment, Instance, Platform
from probe_app import PROBE_APP, InBackground, certificate_of, connect, get, read_all, split

SECRETS = '{"password": "hunter2"}'
REFUSED = 1


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("life")


@pytest.fixture(scope="module")
def platform(build, place):
    return Platform(build, place / "tee")


@pytest.fixture(scope="module")
def deployment(program, build, place):
    return Deployment(Mse(program, place), build, code={"app": PROBE_APP})


@pytest.fixture(scope="module")
def secrets(deployment):
    return deployment.mse.put(SECRETS)


@pytest.fixture(scope="module")
def stopped(platform, deployment, secrets, place):
    """Directory and counter of an instance that was configured and ended: tests take copies."""
    with Instance(platform, deployment, place / "stopped") as instance:
        instance.configured("--secrets", secrets)
        instance.certificate = certificate_of(instance)
        code, err = instance.stop()
        assert code == 0, err
    return instance


@pytest.fixture
def again(stopped):
    """Starts the same instance in its own directory: the counter of its state belongs to that."""
    started = []

    def start(*more):
        instance = Instance(stopped.platform, stopped.deployment, stopped.directory)
        started.append(instance)
        return instance.start(*more)

    yield start
    for instance in started:
        instance.__exit__()


def enclave_of(instance):
    """Process id of mse-enclave, the only child of the simulated TEE."""
    children = Path(f"/proc/{instance.process.pid}/task/{instance.process.pid}/children")
    return int(children.read_text().split()[0])


def refused(instance, *texts):
    """It ended by itself, with one line that says why, and nothing served."""
    instance.finish(60)
    assert instance.process.returncode == REFUSED, (instance.process.returncode, instance.err)
    assert len(instance.problems) == 1, instance.err
    for text in texts:
        assert text in instance.problems[0], instance.err


def test_an_owner_configures_and_a_user_calls(platform, deployment, place):
    mse = deployment.mse
    with Instance(platform, deployment, place / "first") as instance:
        instance.wait("waiting")
        done = instance.verify("--fingerprint", instance.fingerprint)
        assert done.code == YES, str(done)
        instance.configured()
        answer = instance.curl(mse.work / "cert.pem", "/any?x=1")
        assert answer.stdout.startswith(b"GET /any?x=1 HTTP/1.1\r\n"), answer.stderr
        assert instance.stop()[0] == 0


# ---- restarts ---------------------------------------------------------------------------------


def test_D6_a_restart_needs_nobody(stopped, again):
    """After an orderly end and after kill -9 of the enclave and of its whole machine."""
    before = stopped.certificate
    instance = again()
    for kill in (enclave_of, lambda i: i.process.pid):
        instance.wait("running")
        assert certificate_of(instance) == before
        assert get(instance, "/secrets") == {"SECRETS_PATH": SECRETS}
        os.kill(kill(instance), signal.SIGKILL)
        instance.finish()
        instance = again()
    instance.wait("running")
    assert certificate_of(instance) == before
    assert get(instance, "/secrets") == {"SECRETS_PATH": SECRETS}
    assert {line["state"] for line in instance.lines} <= {"starting", "running"}
    assert instance.stop()[0] == 0


def test_D7_another_platform_cannot_open_the_state(stopped, build, tmp_path):
    other = Platform(build, tmp_path / "other")
    shutil.copytree(stopped.directory, tmp_path / "copy")
    before = files_below(tmp_path / "copy")
    with Instance(other, stopped.deployment, tmp_path / "copy") as instance:
        refused(instance, "state")
    assert files_below(tmp_path / "copy") == before, "it was left as it was"


def test_D7_another_fingerprint_cannot_open_the_state(stopped, tmp_path):
    shutil.copytree(stopped.directory, tmp_path / "copy")
    before = files_below(tmp_path / "copy")
    other = [re.sub("^memory=.*", "memory=512", word) for word in stopped.arguments]
    assert other != stopped.arguments
    with Instance(stopped.platform, stopped.deployment, tmp_path / "copy",
                  arguments=other) as instance:  # fmt: skip
        refused(instance, "state")
    assert files_below(tmp_path / "copy") == before


def test_D8_an_old_copy_of_the_state_is_refused(platform, deployment, place):
    with Instance(platform, deployment, place / "rolled") as instance:
        instance.wait("waiting")
        yesterday = place / "yesterday"
        shutil.copytree(instance.directory, yesterday)
        instance.configured()
        assert instance.stop()[0] == 0
    today = (instance.directory / "state/sealed").read_bytes()
    shutil.copy(yesterday / "state/sealed", instance.directory / "state/sealed")
    with instance.start():
        refused(instance, "state", "old copy")
    (instance.directory / "state/sealed").write_bytes(today)
    with instance.start():
        instance.wait("running")
        assert instance.stop()[0] == 0


def test_one_changed_byte_in_the_package_is_refused_at_a_restart(stopped, again):
    package = stopped.directory / "package.tar"
    whole = package.read_bytes()
    for at in (len(whole) // 3, whole.index(b"\0" * 16) // 2):
        changed = bytearray(whole)
        changed[at] ^= 1
        package.write_bytes(changed)
        instance = again()
        refused(instance, "package")
        assert "running" not in {line["state"] for line in instance.lines}
    package.write_bytes(whole)
    instance = again()
    instance.wait("running")
    assert instance.stop()[0] == 0


def test_a_renewal_makes_a_new_key_and_waits_for_the_owner(platform, deployment, place):
    with Instance(platform, deployment, place / "renewed") as instance:
        instance.configured()
        before = certificate_of(instance)
        assert instance.stop()[0] == 0
    file = instance.directory / "instance.json"
    said = json.loads(file.read_text())
    end = datetime.now(timezone.utc) + timedelta(days=30)
    said["not_after"] = end.strftime("%Y-%m-%dT00:00:00Z")
    file.write_text(json.dumps(said))
    with instance.start():
        instance.wait("waiting")
        old, new = map(x509.load_der_x509_certificate, (before, certificate_of(instance)))
        assert old.public_key() != new.public_key()
        assert new.not_valid_after.strftime("%Y-%m-%dT00:00:00Z") == said["not_after"]
        instance.configured()
        assert get(instance, "/secrets") == {}
        assert instance.stop()[0] == 0


# ---- crash and end ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(platform, deployment, secrets, place):
    with Instance(platform, deployment, place / "running") as instance:
        instance.configured("--secrets", secrets)
        yield instance
        code, err = instance.stop()
        assert code == 0, err


def test_a_crash_is_seen_and_mended(running):
    before = certificate_of(running)
    with connect(running) as stream:
        stream.sendall(b"GET /crash HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_all(stream) == b""
    line = running.wait("backing-off")
    assert line["app_exit"] == 3
    line = running.wait("running")
    assert line["restarts"] == 1
    assert get(running, "/secrets") == {"SECRETS_PATH": SECRETS}
    assert certificate_of(running) == before


def test_SIGTERM_lets_a_request_under_way_finish(platform, deployment, place):
    with Instance(platform, deployment, place / "drained") as instance:
        instance.configured()
        with connect(instance) as stream:
            stream.sendall(b"POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            assert stream.recv(100).startswith(b"HTTP/1.1 100 "), "the app has it"
            instance.process.send_signal(signal.SIGTERM)
            instance.wait("draining")
            with pytest.raises(OSError):
                connect(instance)
            stream.sendall(b" more")
            status, _, body = split(read_all(stream))
        assert status == 200 and body.endswith(b"\r\n\r\nhalf more")
        assert instance.finish()[0] == 0 and instance.problems == []
        assert [line["state"] for line in instance.lines][-1] == "stopped"


def test_SIGTERM_ends_at_any_time(platform, deployment, stopped, place, again):
    """Also while nothing is configured, and while the package of a kept configuration is opened."""
    with Instance(platform, deployment, place / "early") as instance:
        instance.wait("waiting")
        assert instance.stop()[0] == 0 and instance.problems == []
    instance = again()
    instance.wait("starting")
    assert instance.stop()[0] == 0 and instance.problems == []


# ---- what the app has -------------------------------------------------------------------------


def test_D1_the_app_reaches_no_key(running):
    """The instance's files, the runtime's memory, the TEE's socket, the network."""
    pid = enclave_of(running)
    host = [running.directory / "state/sealed", running.directory / "package.tar", "/mse/state/sealed",
            running.deployment.key, running.platform.directory / "sealing.key", "/etc/shadow",
            f"/proc/{pid}/mem", f"/proc/{pid}/environ", f"/proc/{pid}/fd/3", "/proc/kcore",
            "/dev/mem", "/sys/kernel/config/tsm/report"]  # fmt: skip
    seen = get(running, "/spy", json.dumps([str(path) for path in host]).encode())
    assert set(seen["files"].values()) <= {"ENOENT", "EACCES", "EPERM"}, seen["files"]
    assert "mse-enclave" not in seen["programs"] or seen["pids"][0] == "1"
    assert str(pid) not in seen["pids"] and seen["uid"] != 0
    assert seen["network"] == "ENETUNREACH"
    assert seen["code"] in ("EROFS", "EACCES")
    assert not any(kind.startswith("anon_inode") for kind in seen["descriptors"])


def test_D10_the_app_finds_what_is_documented(running):
    seen = get(running, "/env")
    env = seen["env"]
    assert int(env.pop("PORT")) > 0
    assert env.pop("HOME") + "/.cache/mse/secrets.json" == env.pop("SECRETS_PATH")
    assert env.pop("SEALED_SECRETS_PATH").endswith("/.cache/mse/sealed_secrets.json")
    assert env == {
        "MODULE_PATH": "/mse-app", "TMP_PATH": "/tmp", "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    assert seen["cwd"] == "/mse-app" and seen["stdin"] == ""


def test_D13_a_full_disk_is_the_apps_own_affair(running):
    """256 MiB of memory: an eighth of it for files."""
    seen = get(running, "/fill")
    assert seen["end"] == "ENOSPC" and 16 << 20 <= seen["size"] <= 32 << 20
    assert get(running, "/fill")["end"] == "ENOSPC", "it is alive, and has the space again"


def test_D12_the_operator_sees_nothing_that_is_said(platform, deployment, place):
    asked, printed = "markerofquery", "markerofoutput"
    with Instance(platform, deployment, place / "logging") as instance:
        instance.configured()
        for target in (f"/x?{asked}", f"/print?{printed}"):
            with connect(instance) as stream:
                stream.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nX-A: {asked}\r\n\r\n".encode())
                assert split(read_all(stream))[0] == 200
        instance.process.send_signal(signal.SIGUSR1)
        instance.wait("running")
        assert instance.stop()[0] == 0
    files = files_below(instance.directory)
    said = json.dumps(instance.lines) + instance.err
    for marker in (asked, printed):
        assert marker not in said
        assert not [name for name, data in files.items() if marker.encode() in data]
    assert "127.0.0.1" not in said.replace(instance.address, "")
    text = deployment.run("cloud", "logs", "--file", instance.directory / "log", "--key",
                          deployment.key)  # fmt: skip
    assert text.count(f"/print?{printed}") == 2, "stdout and stderr"
    assert asked not in text, "the runtime itself notes no request"


# ---- the program itself -----------------------------------------------------------------------


def in_an_empty_network(function):
    """In a thread of its own, with a network namespace that has a loopback and no route."""

    def inside():
        if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        routes = subprocess.run(["ip", "route"], check=True, capture_output=True).stdout
        assert routes == b""
        function()

    with InBackground(inside):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a network namespace")
def test_D14_it_starts_without_any_network(platform, deployment, place):
    def whole_life():
        with Instance(platform, deployment, place / "alone") as instance:
            instance.configured()
            assert get(instance, "/secrets") == {}
            assert instance.stop()[0] == 0

    in_an_empty_network(whole_life)


def test_it_loads_six_libraries_and_no_more(deployment):
    said = subprocess.run(["readelf", "-d", deployment.loader], capture_output=True, text=True,
                          check=True).stdout  # fmt: skip
    needed = set(re.findall(r"\(NEEDED\).*\[(\w+)\.so", said))
    if b"__asan_init" in deployment.loader.read_bytes():
        needed -= {"libasan", "libubsan"}
    assert needed == {"libc", "libssl", "libcrypto", "libsodium", "libuv", "libseccomp"}
