# SPDX-License-Identifier: Apache-2.0
"""An app that tries to leave its sandbox: each path is an attempt, the answer says what happened."""

import ctypes
import errno
import glob
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

FIRST_FDS = sorted(int(name) for name in os.listdir("/proc/self/fd"))
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
MODE = sys.argv[1] if len(sys.argv) > 1 else "serve"


def name_of(number):
    return errno.errorcode.get(number, str(number))


def syscall(number, *words):
    """"done", or the name of the error."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(w) if isinstance(w, int) else w for w in words]
    result = libc.syscall(ctypes.c_long(number), *words)
    return "done" if result >= 0 else name_of(ctypes.get_errno())


def attempt(what, *words, **more):
    try:
        what(*words, **more)
    except OSError as e:
        return name_of(e.errno)
    except ValueError as e:
        return "ValueError" if "exceed" in str(e) or "limit" in str(e) else repr(e)
    return "done"


def in_child(what, *words):
    """How a child ends that does this: a result of its own, or a signal."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(out)
        result = what(*words)
        os.write(into, str(result).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as f:
        said = f.read()
    _, status = os.waitpid(pid, 0)
    return signal.Signals(status & 127).name if os.WIFSIGNALED(status) else said


def read(path):
    with open(path, "rb") as f:
        return f.read(4096)


def write(path, data=b"x", flags=os.O_WRONLY | os.O_CREAT):
    fd = os.open(path, flags, 0o644)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


# ---- attempts --------------------------------------------------------------------------------


def processes(pid="1", **_):
    """Others in /proc: the runtime's by its number outside, and the one that started this."""
    own = {str(os.getpid())}
    seen = {name for name in os.listdir("/proc") if name.isdigit()}
    files = ("environ", "mem", "maps", "cmdline", "root", "cwd", "fd", "ns/net")
    return {
        "foreign": sorted(seen - own),
        "init": {f: attempt(os.stat, f"/proc/1/{f}") for f in files},
        "runtime": {f: attempt(os.stat, f"/proc/{pid}/{f}") for f in files},
        "kill-init": attempt(os.kill, 1, signal.SIGKILL),
        "kill-runtime": attempt(os.kill, int(pid), 0),
    }


def trace(pid="1", **_):
    word = ctypes.create_string_buffer(16)
    vector = (ctypes.c_ulong * 2)(ctypes.addressof(word), 16)
    return {
        "attach-init": syscall(101, 16, 1, 0, 0),
        "attach-runtime": syscall(101, 16, int(pid), 0, 0),
        "trace-me": in_child(syscall, 101, 0, 0, 0, 0),
        "read-own": syscall(310, os.getpid(), vector, 1, vector, 1, 0),
        "write-own": syscall(311, os.getpid(), vector, 1, vector, 1, 0),
        "pidfd-getfd": syscall(438, 0, 0, 0),
        "kcmp": syscall(312, os.getpid(), os.getpid(), 0, 0, 0),
        "process-madvise": syscall(440, 0, vector, 1, 4, 0),
    }


def descriptors(**_):
    return {
        "first": FIRST_FDS,
        "streams": [os.readlink(f"/proc/self/fd/{fd}").split(":")[0] for fd in range(3)],
    }


def files(marker="/", **_):
    paths = [marker, "/mse", "/home", "/sys", "/boot", "/opt", "/srv", "/var/log",
             "/var/lib", "/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/ptmx", "/dev/vda", "/dev/tdx_guest",
             "/dev/sev-guest", "/.mse/x"]  # fmt: skip
    return {
        "opened": {path: attempt(os.stat, path) for path in paths},
        "kernel": {p: attempt(read, p) for p in ("/proc/kcore", "/proc/kmsg", "/etc/shadow")},
        "root": sorted(os.listdir("/")),
        "dev": sorted(os.listdir("/dev")),
        "by-root-of-init": attempt(os.stat, os.path.join("/proc/1/root", "etc")),
        "above": sorted(os.listdir("/mse-app/../../../..")),
    }


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect(address)


def network(port="1", address="192.0.2.1", name="", **_):
    return {
        "loopback": attempt(connect, socket.AF_INET, ("127.0.0.1", int(port))),
        "outside": attempt(connect, socket.AF_INET, (address, int(port))),
        "abstract": attempt(connect, socket.AF_UNIX, "\0" + name),
        "interfaces": [n for _, n in socket.if_nameindex()],
    }


def families(**_):
    def make(family, kind=socket.SOCK_STREAM, protocol=0):
        return syscall(41, family, kind, protocol)

    found = {str(f): make(f) for f in range(46)}
    return {
        "made": sorted(f for f, result in found.items() if result == "done"),
        "vsock": make(40),
        "packet": make(17, socket.SOCK_RAW),
        "alg": make(38, socket.SOCK_SEQPACKET),
        "route": make(16, socket.SOCK_RAW, 0),
        "uevent": make(16, socket.SOCK_RAW, 15),
        "audit": make(16, socket.SOCK_RAW, 9),
        "vsock-with-more-bits": make((1 << 32) | 40),
        "packet-with-more-bits": make((1 << 40) | 17),
        "uevent-with-more-bits": make((1 << 33) | 16, socket.SOCK_RAW, 15),
        "pair": syscall(53, 1, 1, 0, (ctypes.c_int * 2)()),
        "pair-of-tipc": syscall(53, 30, 1, 0, (ctypes.c_int * 2)()),
    }


def mounts(**_):
    here = ctypes.c_char_p(b"/tmp")
    empty = ctypes.c_char_p(b"")
    attributes = (ctypes.c_uint64 * 4)()
    return {
        "mount": syscall(165, ctypes.c_char_p(b"x"), here, ctypes.c_char_p(b"tmpfs"), 0, 0),
        "remount": syscall(165, 0, ctypes.c_char_p(b"/mse-app"), 0, 32 | 4096, 0),
        "umount": syscall(166, ctypes.c_char_p(b"/mse-app"), 2),
        "pivot_root": syscall(155, here, here),
        "chroot": syscall(161, here),
        "open_tree": syscall(428, -100, here, 1),
        "move_mount": syscall(429, -100, empty, -100, here, 0),
        "fsopen": syscall(430, ctypes.c_char_p(b"tmpfs"), 0),
        "fsconfig": syscall(431, 0, 0, 0, 0, 0),
        "fsmount": syscall(432, 0, 0, 0),
        "fspick": syscall(433, -100, here, 0),
        "mount_setattr": syscall(442, -100, here, 0, attributes, 32),
        "open_by_handle_at": syscall(304, -100, attributes, 0),
        "name_to_handle_at": syscall(303, -100, here, attributes, attributes, 0),
    }


def namespaces(**_):
    flags = {"ns": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
             "pid": 0x20000000, "net": 0x40000000, "time": 0x80}  # fmt: skip
    found = {f"unshare-{name}": in_child(syscall, 272, flag) for name, flag in flags.items()}
    for name, flag in flags.items():
        if name != "time":  # these bits are a signal here
            found[f"clone-{name}"] = in_child(clone, flag | signal.SIGCHLD)
    arguments = (ctypes.c_uint64 * 11)(0x10000000)
    found["clone3"] = syscall(435, arguments, 88)
    with open("/proc/self/ns/net") as f:
        found["setns"] = syscall(308, f.fileno(), 0)
    found["fork"] = in_child(clone, int(signal.SIGCHLD))
    return found


def clone(flags):
    ctypes.set_errno(0)
    pid = libc.syscall(ctypes.c_long(56), ctypes.c_long(flags), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return "done" if pid > 0 else name_of(ctypes.get_errno())


def kernel(**_):
    room = ctypes.create_string_buffer(256)
    calls = {"bpf": (321, 0, room, 48), "perf_event_open": (298, room, 0, -1, -1, 0),
             "userfaultfd": (323, 1), "keyctl": (250, 0, -3, 1), "add_key": (248, b"user", b"x", b"y", 1, -2),
             "request_key": (249, b"user", b"x", 0, -2), "io_uring_setup": (425, 4, room),
             "io_uring_enter": (426, 0, 0, 0, 0, 0), "io_uring_register": (427, 0, 0, 0, 0),
             "kexec_load": (246, 0, 0, 0, 0), "kexec_file_load": (320, 0, 0, 0, b"", 0),
             "init_module": (175, room, 16, b""), "finit_module": (313, 0, b"", 0),
             "delete_module": (176, b"x", 0), "swapon": (167, b"/tmp/x", 0), "swapoff": (168, b"/tmp/x"),
             "reboot": (169, 0xfee1dead, 672274793, 0, 0), "quotactl": (179, 0, b"/", 0, 0), "acct": (163, 0),
             "settimeofday": (164, room, 0), "clock_settime": (227, 0, room), "adjtimex": (159, room),
             "clock_adjtime": (305, 0, room), "syslog": (103, 3, room, 16), "iopl": (172, 3),
             "sethostname": (170, b"x", 1), "personality": (135, 0x0040000), "fanotify_init": (300, 0, 0),
             "a-call-of-later": (470, 0), "listmount": (458, room, room, 1, 0)}  # fmt: skip

    def word(w):
        return ctypes.c_char_p(w) if isinstance(w, bytes) else w

    found = {name: syscall(n, *map(word, words)) for name, (n, *words) in calls.items()}
    found["asking-for-the-personality"] = syscall(135, 0xFFFFFFFF)
    return found


def other_abi(**_):
    def run(code):
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        return ctypes.CFUNCTYPE(ctypes.c_int)(address)()

    return {
        # mov eax, 20 (getpid of i386); int 0x80; ret
        "i386": in_child(run, b"\xb8\x14\0\0\0\xcd\x80\xc3"),
        "x32": in_child(syscall, 0x40000000 | 39),
        "native": in_child(run, b"\xb8\x27\0\0\0\x0f\x05\xc3").isdigit(),
    }


def code(**_):
    path = "/mse-app/prober.py"
    return {
        "write": attempt(write, path, flags=os.O_WRONLY),
        "new": attempt(write, "/mse-app/new"),
        "remove": attempt(os.remove, path),
        "rename": attempt(os.rename, path, "/mse-app/other"),
        "chmod": attempt(os.chmod, path, 0o777),
        "usr": attempt(write, "/usr/bin/new"),
        "etc": attempt(write, "/etc/new"),
        "root": attempt(write, "/new"),
        "dev": attempt(write, "/dev/new"),
        "proc-sys": attempt(write, "/proc/sys/kernel/hostname", flags=os.O_WRONLY),
        "tmp": attempt(write, "/tmp/new"),
        "home": attempt(write, os.path.join(os.environ["HOME"], "new")),
        "shm": attempt(write, "/dev/shm/new"),
        "run": attempt(write, "/run/new"),
        "var-tmp": attempt(write, "/var/tmp/new"),
    }


def mounted(**_):
    lines = [line.split() for line in open("/proc/self/mounts", encoding="utf-8")]
    return {"mounts": [[path, options] for _, path, _, options, *_ in lines]}


def limits(**_):
    found = {}
    for name in ("CORE", "NPROC", "NOFILE"):
        number = getattr(resource, "RLIMIT_" + name)
        soft, hard = resource.getrlimit(number)
        found[name] = {
            "is": [soft, hard],
            "raised": attempt(resource.setrlimit, number, (hard + 1, hard + 1)),
        }
    return found


def users(**_):
    status = dict(
        line.split(":", 1) for line in read("/proc/self/status").decode().split("\n") if ":" in line
    )
    programs = [p for p in glob.glob("/usr/bin/*") if os.stat(p).st_mode & 0o4000]
    su = subprocess.run(["su", "root", "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL)
    return {
        "status": {k: status[k].split() for k in
                   ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                    "NoNewPrivs", "Seccomp")},
        "setuid": attempt(os.setuid, 0), "setgid": attempt(os.setgid, 0),
        "setgroups": attempt(os.setgroups, [0]),
        "setuid-programs": len(programs),
        "without-effect": bool(os.statvfs("/usr").f_flag & os.ST_NOSUID),
        "su": su.returncode,
    }  # fmt: skip


def core(**_):
    def crash():
        os.chdir("/tmp")
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(60)

    pid = os.fork()
    if pid == 0:
        crash()
    _, status = os.waitpid(pid, 0)
    return {"signal": os.WTERMSIG(status), "dumped": os.WCOREDUMP(status),
            "files": glob.glob("/tmp/core*")}  # fmt: skip


# ---- life ------------------------------------------------------------------------------------


def about(**_):
    found = {}
    for path in (os.environ["SECRETS_PATH"], os.environ["SEALED_SECRETS_PATH"]):
        if os.path.exists(path):
            st = os.stat(path)
            found[path] = [read(path).decode(), oct(st.st_mode & 0o7777), st.st_uid, st.st_gid]
    return {"environment": dict(os.environ), "secrets": found, "directory": os.getcwd(),
            "uid": os.getuid(), "tmp": sorted(os.listdir("/tmp")), "home": oct(os.stat(os.environ["HOME"]).st_mode),
            "cgroup": read("/proc/self/cgroup").decode(), "host": socket.gethostname()}  # fmt: skip


def fill(**_):
    """Until there is no room; then the room is given back."""
    written = 0
    result = "done"
    try:
        with open("/tmp/full", "wb", buffering=0) as f:
            while written < 1 << 30:
                written += f.write(bytes(1 << 20))
    except OSError as e:
        result = name_of(e.errno)
    os.remove("/tmp/full")
    files = 0
    try:
        while files < 1 << 20:
            write(f"/tmp/{files}", b"")
            files += 1
    except OSError as e:
        number = name_of(e.errno)
    for i in range(files):
        os.remove(f"/tmp/{i}")
    return {"bytes": written, "result": result, "files": files, "no-more-files": number}


def spawn(word="4242.42", **_):
    """A grandchild in a session of its own, which nobody waits for."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", word])
        os._exit(0)
    os.wait()
    return {}


def eat(**_):
    return {"eaten": len([bytearray(b"x" * (1 << 20)) for _ in range(4096)])}


def crash(**_):
    os._exit(3)


ATTEMPTS = {f.__name__: f for f in (processes, trace, descriptors, files, network, families, mounts,
                                    namespaces, kernel, other_abi, code, mounted, limits, users, core, about, fill,
                                    spawn, eat, crash)}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        code, found = (500 if MODE == "sick" else 200), {}
        if url.path != "/health":
            code, found = 200, ATTEMPTS[url.path[1:]](**dict(parse_qsl(url.query)))
        body = json.dumps(found).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def terminated(*_):
    os.write(1, b"got SIGTERM\n")
    os._exit(0)


if __name__ == "__main__":
    if MODE == "exit":
        print("not for long", flush=True)
        sys.exit(7)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if MODE == "stubborn" else terminated)
    if MODE == "deaf":
        time.sleep(600)
    ThreadingHTTPServer.request_queue_size = 1024
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
