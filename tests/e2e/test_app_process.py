# SPDX-License-Identifier: Apache-2.0
"""The app's process: what it cannot reach, and how it is kept alive (docs/runtime.md)."""

import json
import os
import queue
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import app_package
import pytest

PROBER = Path(__file__).parent / "programs" / "prober.py"
DEADLINE = 30
USER = 65000
APP_UID = 65533
HOME = "/root"
ASGI = b'''
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": event["type"] + ".complete"})
            if event["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})
'''

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becomes several users")


class Host:
    """A runtime without TLS: tests/tools/app_host.c over a package, its events line by line."""

    def __init__(self, program, *words, files=None, options=(), prefix=(), **more):
        files = files or {"prober.py": PROBER.read_bytes()}
        self.dir = Path(tempfile.mkdtemp(prefix="mse-test-app-"))
        self.dir.chmod(0o755)
        package = self.dir / "package.tar"
        package.write_bytes(app_package.package(files))
        self.process = subprocess.Popen(
            [*prefix, program, "--tree", app_package.tree(files), *options, package, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
        )  # fmt: skip
        self.pid = self.process.pid
        self.events, self.err = queue.Queue(), b""
        self.readers = [threading.Thread(target=self.read_events), threading.Thread(target=self.read_err)]
        for reader in self.readers:
            reader.start()

    def read_events(self):
        for line in self.process.stdout:
            self.events.put(line.decode(errors="replace").rstrip("\n"))
        self.events.put(None)

    def read_err(self):
        while piece := os.read(self.process.stderr.fileno(), 65536):
            self.err += piece

    def line(self):
        line = self.events.get(timeout=DEADLINE)
        assert line is not None, self.err.decode(errors="replace")
        return line

    def wait(self, start):
        """The next line that begins so; others in between are events of no interest."""
        while not (line := self.line()).startswith(start):
            pass
        return line

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def get(self, path):
        """The body, or None if the app hangs up."""
        self.say("get " + path)
        if self.wait(("connected", "refused")) == "refused":
            return None
        lines = []
        while (line := self.line()) != "reply-end":
            lines.append(line)
        bodies = [line for line in lines if line.startswith("{")]
        return json.loads(bodies[0]) if bodies else None

    def end(self, grace=5000):
        """The regular end: 0, and nothing left over."""
        self.say(f"stop {grace}")
        self.wait("over")
        assert self.process.wait(DEADLINE) == 0, self.err
        return self.err.decode(errors="replace")

    def close(self):
        self.process.stdin.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        shutil.rmtree(self.dir)


@pytest.fixture(scope="module")
def app_host(build):
    path = build / "tests" / "tools" / "app_host"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


@pytest.fixture
def start(app_host):
    hosts = []

    def new(*words, **more):
        hosts.append(Host(app_host, *(words or ("python3", "prober.py")), **more))
        return hosts[-1]

    yield new
    for host in hosts:
        host.close()


def children_of(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def family_of(pid):
    """Keeper, first process, app, and what the app started: descriptors that survive their end."""
    found = []
    for child in children_of(pid):
        found += [child, *family_of(child)]
    return found


def find_sleeper(pid):
    """The process that /spawn leaves behind, once it is what it wants to be."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        for member in family_of(pid):
            if b"sleep" in Path(f"/proc/{member}/cmdline").read_bytes():
                return member
    raise AssertionError("it did not start")


def wait_until_gone(pids, fds):
    deadline = time.monotonic() + DEADLINE
    poll = select.poll()
    for fd in fds:
        poll.register(fd)
    left = set(fds)
    while left and time.monotonic() < deadline:
        for fd, _ in poll.poll(1000):
            poll.unregister(fd)
            left.discard(fd)
    for fd in fds:
        os.close(fd)
    assert not left, f"of {pids} some live on"


def watch(pids):
    return [os.pidfd_open(pid) for pid in pids]


def cgroups_of(keeper):
    return [p for p in Path("/sys/fs/cgroup").rglob(f"mse-app-{keeper}") if p.is_dir()]


# ---- what it cannot reach ----------------------------------------------------------------------

AS_USER = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")
# How the runtime may have been started; the sandbox must be the same each time.
SETTINGS = {
    "root": {"extra_groups": [0, 4]},
    "user": {"prefix": AS_USER},
    "initramfs": {"options": ("--deny", "pivot_root"), "extra_groups": [0, 4]},
}


class Setting:
    pass


@pytest.fixture(scope="module", params=SETTINGS)
def inside(request, app_host):
    """One app that answers all attempts, with things of the host that it should not reach."""
    setting = Setting()
    setting.name = request.param
    # What the runtime has when it starts: a socket to the TEE as descriptor 3, and another one.
    tee, other = socket.socketpair()
    if tee.fileno() == 3:
        tee = tee.dup()
    options = SETTINGS[request.param]

    def descriptors():
        os.dup2(tee.fileno(), 3)

    host = Host(
        app_host, "python3", "prober.py", pass_fds=(3, other.fileno()), preexec_fn=descriptors, **options
    )
    setting.sockets = {os.readlink(f"/proc/self/fd/{s.fileno()}") for s in (tee, other)}
    setting.marker = host.dir / "marker"
    setting.marker.write_text("of the host")
    with socket.socket() as loopback, socket.socket(socket.AF_UNIX) as abstract:
        loopback.bind(("127.0.0.1", 0))
        loopback.listen()
        setting.port = loopback.getsockname()[1]
        setting.abstract = f"mse-test-{os.getpid()}-{request.param}"
        abstract.bind("\0" + setting.abstract)
        abstract.listen()
        host.wait("status ready")
        setting.host, setting.get = host, host.get
        yield setting
    host.close()
    tee.close()
    other.close()


def test_it_sees_no_process_but_its_own(inside):
    seen = inside.get(f"/processes?pid={inside.host.pid}")
    assert seen["foreign"] == []
    assert set(seen["init"].values()) == {"ENOENT"}
    assert set(seen["runtime"].values()) == {"ENOENT"}
    assert seen["kill-runtime"] == "ESRCH"
    if inside.name == "user":  # the same user: the kernel does not deliver it to the first process
        assert seen["kill-init"] == "done"
        assert inside.get("/health") is not None
    else:
        assert seen["kill-init"] == "EPERM"


def test_it_traces_nobody(inside):
    assert set(inside.get(f"/trace?pid={inside.host.pid}").values()) == {"EPERM"}


def test_it_has_three_descriptors_and_no_socket_of_the_runtime(inside):
    seen = inside.get("/descriptors")
    # The fourth is the directory that is being listed.
    assert seen["first"] == [0, 1, 2, 3]
    assert seen["streams"] == ["/dev/null", "pipe", "pipe"]


def test_its_keeper_has_let_go_of_what_the_runtime_had(inside):
    def held(pid):
        return {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}

    [keeper] = children_of(inside.host.pid)
    [first] = children_of(keeper)
    assert inside.sockets <= held(inside.host.pid)
    assert not inside.sockets & (held(keeper) | held(first))


def test_it_sees_no_file_of_the_host(inside):
    seen = inside.get(f"/files?marker={inside.marker}")
    assert set(seen["opened"].values()) <= {"ENOENT", "EACCES"}
    closed = [p for p, result in seen["opened"].items() if result == "EACCES"]
    assert closed == ([] if inside.name == "user" else ["/.mse/x"])
    assert set(seen["kernel"].values()) <= {"EACCES", "EPERM", "ENOENT"}
    system = {n for n in ("bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr")
              if os.path.lexists("/" + n)}  # fmt: skip
    assert set(seen["root"]) == system | {".mse", "dev", "mse-app", "proc", "root", "run", "tmp", "var"}
    assert seen["above"] == seen["root"]
    assert seen["dev"] == ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom",
                           "zero"]  # fmt: skip
    assert seen["by-root-of-init"] == "ENOENT"


def own_address():
    """An address of this machine beside loopback, or one that is nobody's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            return "192.0.2.1"


def test_it_reaches_no_network_of_the_host(inside):
    seen = inside.get(f"/network?port={inside.port}&name={inside.abstract}&address={own_address()}")
    assert seen["loopback"] == "ECONNREFUSED"
    assert seen["outside"] == "ENETUNREACH"
    assert seen["abstract"] == "ECONNREFUSED"
    assert seen["interfaces"] == ["lo"]


def test_it_has_sockets_of_three_families_and_its_interfaces(inside):
    seen = inside.get("/families")
    assert set(seen["made"]) == {"1", "2", "10"}  # netlink only as SOCK_RAW: below
    assert seen["route"] == "done" and seen["pair"] == "done"
    for name in ("uevent", "audit"):
        assert seen[name] == "EPROTONOSUPPORT"
    others = set(seen) - {"made", "route", "pair", "uevent", "audit"}
    assert {seen[name] for name in others} == {"EAFNOSUPPORT"}


def test_it_mounts_nothing(inside):
    assert set(inside.get("/mounts").values()) == {"EPERM"}


def test_it_makes_and_enters_no_namespace(inside):
    seen = inside.get("/namespaces")
    assert seen.pop("fork") == "done"
    assert seen.pop("clone3") == "ENOSYS"
    assert len(seen) == 16 and set(seen.values()) == {"EPERM"}


def test_it_reaches_no_more_of_the_kernel_than_a_service_needs(inside):
    seen = inside.get("/kernel")
    assert seen.pop("asking-for-the-personality") == "done"
    for name in ("io_uring_setup", "io_uring_enter", "io_uring_register", "a-call-of-later"):
        assert seen.pop(name) == "ENOSYS"
    seen.pop("listmount")  # shows the app's own mounts, where the kernel has it
    assert set(seen.values()) == {"EPERM"}, seen


def test_calls_of_another_abi_end_it(inside):
    seen = inside.get("/other_abi")
    assert seen["native"] and seen["x32"] == "SIGSYS"
    assert seen["i386"] in ("SIGSYS", "SIGSEGV")  # the second from a kernel that has none of them


def test_it_cannot_write_its_code_and_the_system(inside):
    seen = inside.get("/code")
    for name in ("write", "new", "remove", "rename", "chmod", "usr", "etc", "root"):
        assert seen.pop(name) in ("EROFS", "EACCES", "EPERM")
    assert seen.pop("dev") in ("EROFS", "EACCES")
    assert seen.pop("proc-sys") in ("EACCES", "EROFS")
    assert set(seen.values()) == {"done"}, seen


def test_its_mounts_are_as_closed_as_can_be(inside):
    mounts = {path: set(options.split(",")) for path, options in inside.get("/mounted")["mounts"]}
    assert all("nosuid" in options for options in mounts.values())
    with_devices = {path for path, options in mounts.items() if "nodev" not in options}
    assert with_devices == {f"/dev/{name}" for name in ("full", "null", "random", "urandom", "zero")}
    system = {n for n in ("/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/usr")
              if os.path.isdir(n) and not os.path.islink(n)}  # fmt: skip
    assert {"/", "/mse-app"} | system <= {path for path, options in mounts.items() if "ro" in options}
    writable = {path for path, options in mounts.items() if "rw" in options} - with_devices
    assert writable == {"/proc", "/tmp", "/root", "/run", "/var/tmp", "/dev/shm"}


def test_it_cannot_raise_its_limits(inside):
    seen = inside.get("/limits")
    assert seen["CORE"]["is"] in ([0, 0], [1, 1])  # 1 needs a capability: core(5)
    assert seen["NPROC"]["is"][1] <= 4096 and seen["NOFILE"]["is"][1] <= 65536
    for limit in seen.values():
        assert limit["raised"] in ("EPERM", "ValueError")


def test_it_becomes_nobody_else(inside):
    seen = inside.get("/users")
    status = seen["status"]
    assert status["Uid"] == status["Gid"] == [str(APP_UID)] * 4
    assert status["Groups"] == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert status[name] == ["0" * 16], name
    assert status["NoNewPrivs"] == ["1"] and status["Seccomp"] == ["2"]
    assert seen["setuid"] in ("EPERM", "EINVAL") and seen["setgid"] in ("EPERM", "EINVAL")
    assert seen["setgroups"] == "EPERM"
    assert seen["setuid-programs"] > 0 and seen["without-effect"] and seen["su"] != 0


def test_it_leaves_no_core(inside):
    assert inside.get("/core") == {"signal": signal.SIGSEGV, "dumped": False, "files": []}


def test_its_first_process_is_as_closed_as_another_users(inside):
    [keeper] = children_of(inside.host.pid)
    [first] = children_of(keeper)
    done = subprocess.run([*AS_USER, "cat", f"/proc/{first}/environ"], capture_output=True)
    assert done.returncode != 0 and b"Permission denied" in done.stderr


# ---- what it finds -----------------------------------------------------------------------------


def test_its_environment_and_files_are_exact(start):
    secrets = json.dumps({"login": "x", "long": "y" * 100000})
    host = start(options=("--secrets", secrets, "--sealed", '"sealed"'))
    host.wait("status ready")
    seen = host.get("/about")
    assert seen["environment"] == {
        "PORT": "5000",
        "HOME": HOME,
        "TMP_PATH": "/tmp",
        "MODULE_PATH": "/mse-app",
        "SECRETS_PATH": HOME + "/.cache/mse/secrets.json",
        "SEALED_SECRETS_PATH": HOME + "/.cache/mse/sealed_secrets.json",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert seen["secrets"] == {
        HOME + "/.cache/mse/secrets.json": [secrets[:4096], "0o400", APP_UID, APP_UID],
        HOME + "/.cache/mse/sealed_secrets.json": ['"sealed"', "0o400", APP_UID, APP_UID],
    }
    assert seen["directory"] == "/mse-app" and seen["home"] == "0o40700" and seen["host"] == "app"
    assert seen["tmp"] == []


def test_without_secrets_there_is_no_file(start):
    host = start()
    host.wait("status ready")
    assert host.get("/about")["secrets"] == {}


def test_sealed_secrets_alone_are_at_their_own_place(start):
    host = start(options=("--sealed", "{}"))
    host.wait("status ready")
    assert list(host.get("/about")["secrets"]) == [HOME + "/.cache/mse/sealed_secrets.json"]


def test_a_python_application_is_served_and_takes_http_2(start):
    host = start("", files={"web.py": ASGI}, options=("--python", "web:app"))
    assert host.wait("status ready").endswith("h2=1")
    host.end()


def test_a_server_of_http_1_does_not_count_as_http_2(start):
    assert start().wait("status ready").endswith("h2=0")


def test_two_apps_do_not_meet(start):
    one, two = start(), start()
    one.wait("status ready")
    two.wait("status ready")
    one.get("/code")
    assert two.get("/about")["tmp"] == []


# ---- how it lives ------------------------------------------------------------------------------


def test_a_crash_is_followed_by_a_start_and_an_empty_tmp(start):
    host = start()
    host.wait("status ready")
    host.get("/code")
    assert host.get("/about")["tmp"] == ["new"]
    delays = []
    for crash in range(2):
        assert host.get("/crash") is None
        assert host.wait("status backing") == f"status backing off exit={3 << 8} restarts={crash} h2=0"
        since = time.monotonic()
        host.wait(f"status starting exit=-1 restarts={crash + 1}")
        delays.append(time.monotonic() - since)
        host.wait("status ready")
        assert host.get("/about")["tmp"] == []
    # docs/runtime.md: 0.5 s, 1 s, ...
    assert delays[0] >= 0.45 and delays[1] >= 0.95
    host.end()


def test_a_start_after_a_crash_finds_the_secrets_again(start):
    host = start(options=("--secrets", '{"a":1}'))
    host.wait("status ready")
    host.get("/crash")
    host.wait("status ready")
    assert list(host.get("/about")["secrets"].values()) == [['{"a":1}', "0o400", APP_UID, APP_UID]]


def test_an_app_that_is_sick_from_the_beginning_has_failed(start):
    host = start("python3", "prober.py", "sick", options=("--health-timeout", "1500"))
    host.wait("keeper")
    line = host.line()
    assert line.startswith("status failed") and "exit=9 " in line
    assert host.get("/health") is None
    host.end()


def test_an_app_that_does_not_listen_has_failed(start):
    host = start("python3", "prober.py", "deaf", options=("--health-timeout", "1500"))
    host.wait("status failed")
    host.end()


def test_an_app_that_ends_again_and_again_has_failed(start):
    host = start("python3", "prober.py", "exit", options=("--health-timeout", "5000"))
    host.wait(f"status backing off exit={7 << 8} restarts=0")
    host.wait(f"status backing off exit={7 << 8} restarts=1")
    host.wait("status failed")
    assert host.end().count("not for long") >= 2


def test_a_program_that_is_not_there_has_failed_and_the_owner_reads_why(start):
    host = start("no-such-program")
    host.wait("status failed exit=-1 restarts=0")
    assert "no-such-program: cannot execute: No such file or directory" in host.end()


def test_memory_for_files_ends_and_the_app_goes_on(start):
    host = start(options=("--tmp", str(8 << 20)))
    host.wait("status ready")
    seen = host.get("/fill")
    assert seen["result"] == "ENOSPC" and seen["bytes"] <= 8 << 20
    assert seen["no-more-files"] == "ENOSPC" and seen["files"] < 5000
    assert host.get("/health") is not None


def test_code_larger_than_its_memory_is_refused(app_host):
    host = Host(app_host, "./x", files={"x": bytes(3 << 20)}, options=("--code", str(1 << 20)))
    assert host.process.wait(DEADLINE) == 1
    host.close()
    assert b"No space left on device" in host.err


MEMORY_LIMITS = ("memory.max", "memory.limit_in_bytes")


def test_memory_is_limited_where_control_groups_can_be_written(start):
    host = start(options=("--memory", "64"))
    host.wait("status ready")
    [keeper] = children_of(host.pid)
    groups = cgroups_of(keeper)
    if not any((group / limit).exists() for group in groups for limit in MEMORY_LIMITS):
        pytest.skip("no control groups here")
    assert host.get("/about")["cgroup"].count(f"/mse-app-{keeper}") == len(groups)
    host.get("/eat")
    assert host.wait("status backing").split()[3] == "exit=9"
    host.wait("status ready")


def test_it_is_told_to_end_and_may_say_goodbye(start):
    host = start()
    host.wait("status ready")
    host.say("stop 20000")
    host.wait("status stopped")
    host.wait("over")
    assert host.process.wait(DEADLINE) == 0
    host.readers[1].join()
    assert b"got SIGTERM" in host.err


def test_it_is_ended_if_it_does_not_want_to(start):
    host = start("python3", "prober.py", "stubborn")
    host.wait("status ready")
    host.end(grace=300)


def test_it_can_be_stopped_while_it_waits_to_be_started_again(start):
    host = start()
    host.wait("status ready")
    host.get("/crash")
    host.wait("status backing")
    host.end()


def test_what_it_started_ends_with_it(start):
    host = start()
    host.wait("status ready")
    host.get("/spawn")
    orphan = find_sleeper(host.pid)
    fds = watch([orphan])
    host.get("/crash")
    host.wait("status backing")
    wait_until_gone([orphan], fds)
    host.wait("status ready")
    host.get("/spawn")
    family = family_of(host.pid)
    fds = watch(family)
    host.end()
    wait_until_gone(family, fds)


@pytest.mark.parametrize("setting", SETTINGS)
def test_all_ends_with_the_runtime(start, setting):
    host = start(**SETTINGS[setting])
    host.wait("status ready")
    host.get("/spawn")
    [keeper] = children_of(host.pid)
    family = family_of(host.pid)
    fds = watch(family)
    os.kill(host.pid, signal.SIGKILL)
    wait_until_gone(family, fds)
    assert cgroups_of(keeper) == []


def test_all_ends_with_the_runtime_even_if_its_first_process_hangs(start):
    host = start()
    host.wait("status ready")
    [keeper] = children_of(host.pid)
    [first] = children_of(keeper)
    family = family_of(host.pid)
    fds = watch(family)
    os.kill(first, signal.SIGSTOP)
    os.kill(host.pid, signal.SIGKILL)
    wait_until_gone(family, fds)


@pytest.mark.parametrize("which", ["keeper", "first process"])
def test_the_app_ends_with_its_keeper_and_the_runtime_notices(start, which):
    host = start()
    host.wait("status ready")
    [keeper] = children_of(host.pid)
    [first] = children_of(keeper)
    family = family_of(keeper)
    fds = watch(family)
    os.kill(keeper if which == "keeper" else first, signal.SIGKILL)
    wait_until_gone(family, fds)
    host.wait("status failed exit=-1")
    assert host.get("/health") is None
    host.end()
    for path in cgroups_of(keeper):
        path.rmdir()


def test_nothing_is_left_of_its_control_groups(start):
    host = start()
    host.wait("status ready")
    [keeper] = children_of(host.pid)
    host.end()
    assert cgroups_of(keeper) == []


def test_many_connections_are_had_at_once(start):
    host = start()
    host.wait("status ready")
    host.say("hold 300")
    assert [host.wait("held") for _ in range(300)] == ["held 1"] * 300
    assert host.get("/health") is not None


# ---- where it cannot be isolated ---------------------------------------------------------------


@pytest.mark.parametrize(
    "options, prefix, text",
    [
        (("--deny", "namespaces"), (), "cannot be isolated"),
        (("--deny", "user-namespace"), AS_USER, "not root, and the kernel allows no user namespace"),
    ],
)
def test_without_namespaces_nothing_starts(app_host, options, prefix, text):
    host = Host(app_host, "python3", "prober.py", options=options, prefix=prefix)
    assert host.process.wait(DEADLINE) == 1
    host.close()
    assert text in host.err.decode()


PLAIN = """
mount -t tmpfs none /mnt
cd /mnt
mkdir usr etc proc dev tmp
for d in usr etc proc dev tmp; do mount --rbind /$d $d; done
for d in bin sbin lib lib32 lib64; do [ ! -L /$d ] || cp -P /$d .; done
case "$BUILD" in /usr/*|/tmp/*) ;; *) mkdir -p ".$BUILD"; mount --rbind "$BUILD" ".$BUILD" ;; esac
exec chroot /mnt "$@"
"""


def test_without_isolation_it_is_a_plain_child(start, build):
    """As under Gramine, where an enclave has no such boundary inside (docs/threat-model.md)."""
    prefix = ("unshare", "-m", "-n", "sh", "-ec", "ip link set lo up\n" + PLAIN, "sh")
    host = start(options=("--plain", "--secrets", '{"a":1}'), prefix=prefix,
                 env={**os.environ, "BUILD": str(build)})  # fmt: skip
    host.wait("status ready")
    seen = host.get("/about")
    assert seen["directory"] == "/mse-app" and seen["uid"] == 0
    assert seen["environment"]["HOME"] == "/mse-app/.home"
    assert seen["secrets"] == {"/mse-app/.home/.cache/mse/secrets.json": ['{"a":1}', "0o400", 0, 0]}
    assert host.get("/crash") is None
    host.wait("status backing")
    host.wait("status ready")
    family = family_of(host.pid)
    fds = watch(family)
    assert len(family) == 2
    host.end()
    wait_until_gone(family, fds)
