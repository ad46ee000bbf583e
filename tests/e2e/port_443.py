# SPDX-License-Identifier: Apache-2.0
"""A network in which one name is a server at port 443, so that commands can run as documented.

Place is for tests; run as a program this file is the server inside, which reads lines of
"PEM-FILE KEY-FILE", serves that certificate from then on, and answers "ready".
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 120
# What commands see of these is their own: no CA at first, and they may change it.
EMPTY = ("/etc/ssl/certs", "/usr/local/share/ca-certificates")
JAVA_CAS = Path("/etc/ssl/certs/java")
NO_CAS = "/etc/ca-certificates.conf"
# Without root's rights a user namespace gives them over the two others.
UNSHARE = ["unshare", "--net", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
ENTER = ["--net", "--mount", *(["--user", "--preserve-credentials"] if os.geteuid() else [])]


def missing():
    """Why there can be no such place here, or nothing."""
    done = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no namespaces here: {done.stderr.strip()}"


class Place:
    """with Place(directory, "app.example.org") as place: place.serve(certificate); place.run(...)

    directory/home is the user's home, directory/work the working directory.
    """

    def __init__(self, directory, name):
        self.directory, self.name = Path(directory), name
        self.home, self.work = self.directory / "home", self.directory / "work"

    def __enter__(self):
        for path in (self.home, self.work):
            path.mkdir()
        (self.directory / "hosts").write_text(f"127.0.0.1 localhost {self.name}\n")
        (self.directory / "empty").touch()
        self.process = subprocess.Popen(
            [*UNSHARE, sys.executable, __file__, self.directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env=dict(os.environ, PYTHONPATH=str(ROOT / "tests" / "pki")),
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(TIMEOUT_S)
        self.process.stdout.close()

    def serve(self, certificate):
        """This certificate (pem, key_pem) from now on."""
        pem, key = self.directory / "served.pem", self.directory / "served.key"
        pem.write_text(certificate.pem)
        key.write_text(certificate.key_pem)
        self.process.stdin.write(f"{pem} {key}\n")
        assert self.process.stdout.readline() == "ready\n"

    def run(self, *words, **env):
        """A finished command with the bytes of its two outputs."""
        plain = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8", **env}
        return subprocess.run(
            ["nsenter", "--target", str(self.process.pid), *ENTER, "--wd=" + str(self.work), "--",
             *map(str, words)],
            stdin=subprocess.DEVNULL, capture_output=True, env=plain, timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip


# ---- inside -----------------------------------------------------------------------------------


def loopback_up():
    get_flags, set_flags, up = 0x8913, 0x8914, 1  # netdevice(7): SIOCGIFFLAGS, SIOCSIFFLAGS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, get_flags, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", request)[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH14x", b"lo", flags | up))


def bind(source, target):
    subprocess.run(["mount", "--bind", source, target], check=True)


def main(directory):
    from testpki.server import TlsServer

    loopback_up()
    bind(directory / "hosts", "/etc/hosts")
    if Path(NO_CAS).exists():
        bind(directory / "empty", NO_CAS)
    for target in filter(os.path.isdir, EMPTY):
        has_java = target == str(JAVA_CAS.parent) and JAVA_CAS.is_dir()
        subprocess.run(["mount", "-t", "tmpfs", "none", target], check=True)
        if has_java:
            JAVA_CAS.mkdir()
    print("ready", flush=True)
    server = None
    for line in sys.stdin:
        pem, key = (Path(word).read_text() for word in line.split())
        if server is not None:
            server.__exit__()
        server = TlsServer(SimpleNamespace(pem=pem, key_pem=key), port=443).__enter__()
        print("ready", flush=True)
    if server is not None:
        server.__exit__()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
