# SPDX-License-Identifier: Apache-2.0
"""Command-line TLS clients: each asks a server by a name, with one certificate that it trusts."""

import os
import select
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent / "programs"
TIMEOUT_S = 60
# Of the machine's own settings nothing may count: a bundle named there would be trusted as well.
PLAIN = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
NAMES = ("app1.example", "x.app1.example", "app2.example", "bank.example")


class Client:
    """get(server, name, trusted) -> True if the request was answered, False if it was refused.

    Anything else (no connection, a crash) is an AssertionError. needs: the programs it runs.
    """

    needs = ()

    def __init__(self, directory):
        self.directory = Path(directory)

    def close(self):
        pass


def run(*words, data=None):
    return subprocess.run(
        list(map(str, words)), input=data, capture_output=True, env=PLAIN, timeout=TIMEOUT_S,
        check=False, **({"stdin": subprocess.DEVNULL} if data is None else {}),
    )  # fmt: skip


class Curl(Client):
    needs = ("curl",)

    def get(self, server, name, trusted):
        done = run("curl", "-q", "-sS", "--noproxy", "*", "--cacert", trusted, "--max-time", "20",
                   "--capath", "/dev/null", "--connect-to", f"::{server.host}:{server.port}",
                   f"https://{name}/")  # fmt: skip
        assert done.returncode in (0, 60), done.stderr
        return done.returncode == 0 and done.stdout == b"hello\n"


class Proxy:
    """Leads every CONNECT to one address, for a client that cannot be told where a name is."""

    def __init__(self, server):
        self.target = (server.host, server.port)

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(TIMEOUT_S)
        self.socket.close()

    def _serve(self):
        try:
            client, _ = self.socket.accept()
            with client, socket.create_connection(self.target, TIMEOUT_S) as there:
                self._connect(client, there)
        except OSError:
            pass  # stopped, or one end hung up on the other

    def _connect(self, client, there):
        head = b""
        while b"\r\n\r\n" not in head and (part := client.recv(4096)):
            head += part
        if head.startswith(b"CONNECT "):
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            self._copy({client: there, there: client})

    def _copy(self, other):
        while True:
            ready, _, _ = select.select(list(other), [], [], TIMEOUT_S)
            for end in ready:
                part = end.recv(1 << 16)
                if not part:
                    return
                other[end].sendall(part)
            if not ready:
                return


class Wget(Client):
    needs = ("wget",)

    def get(self, server, name, trusted):
        with Proxy(server) as proxy:
            done = run("wget", "--no-config", "-qO-", "--tries=1", "--timeout=20",
                       f"--ca-certificate={trusted}", "--ca-directory=/nonexistent", "-e",
                       f"https_proxy={proxy.url}", f"https://{name}/")  # fmt: skip
        assert done.returncode in (0, 5), (done.returncode, done.stderr)
        return done.returncode == 0 and done.stdout == b"hello\n"


class OpenSsl(Client):
    needs = ("openssl",)
    more = ()

    def get(self, server, name, trusted):
        names = ("-verify_ip", name) if name[0].isdigit() else ("-verify_hostname", name)
        done = run("openssl", "s_client", "-connect", server.authority, "-servername", name, *names,
                   "-CAfile", trusted, "-no-CApath", "-no-CAstore", "-verify_return_error",
                   "-quiet", "-no_ign_eof", *self.more,
                   data=b"GET / HTTP/1.0\r\n\r\n")  # fmt: skip
        refused = b"verify error" in done.stderr or b"verify failed" in done.stderr
        assert refused or done.returncode == 0, done.stderr
        return not refused


class OpenSslStrict(OpenSsl):
    """What newer libraries, and Python since 3.13, do by default."""

    more = ("-x509_strict", "-partial_chain")


class GnuTls(Client):
    needs = ("gnutls-cli",)

    def get(self, server, name, trusted):
        sni = ("--disable-sni",) if name[0].isdigit() else ("--sni-hostname", name)
        done = run("gnutls-cli", "--x509cafile", trusted, "--verify-hostname", name, *sni, "-p",
                   server.port, server.host, data=b"GET / HTTP/1.0\r\n\r\n")  # fmt: skip
        refused = b"*** PKI verification of server certificate failed" in done.stderr + done.stdout
        assert refused or done.returncode == 0, done.stderr
        return not refused


class Python(Client):
    def get(self, server, name, trusted):
        context = ssl.create_default_context(cafile=str(trusted))
        try:
            with socket.create_connection((server.host, server.port), timeout=20) as raw:
                with context.wrap_socket(raw, server_hostname=name) as tls:
                    tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    return tls.recv(100).startswith(b"HTTP/1.1 200")
        except ssl.SSLCertVerificationError:
            return False


class Batch(Client):
    """One process for all questions: a line PORT NAME FILE in, a line of answer out."""

    def __init__(self, directory):
        super().__init__(directory)
        self.log = (self.directory / "stderr").open("wb+")
        self.process = subprocess.Popen(
            list(map(str, self.command())), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, text=True, bufsize=1, env=PLAIN,
        )  # fmt: skip

    def get(self, server, name, trusted):
        self.process.stdin.write(f"{server.port} {name} {trusted}\n")
        limit = threading.Timer(TIMEOUT_S, self.process.kill)
        limit.start()
        answer = self.process.stdout.readline()
        limit.cancel()
        assert answer.startswith(("answered 200", "refused ")), answer or self._said()
        return answer.startswith("answered")

    def _said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def close(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT_S)
        self.process.stdout.close()
        self.log.close()


class Node(Batch):
    needs = ("node",)

    def command(self):
        return "node", PROGRAMS / "client.js"


class Bun(Batch):
    needs = ("bun",)

    def command(self):
        return "bun", "run", PROGRAMS / "client.js"


class Deno(Batch):
    """rustls: an imported certificate is a name and a key to it, CA:FALSE or not."""

    needs = ("deno",)

    def command(self):
        return "deno", "run", "--quiet", "--no-config", "--allow-all", PROGRAMS / "client-deno.js"


class Go(Batch):
    needs = ("go",)

    def command(self):
        program = self.directory / "client"
        build_go(PROGRAMS / "client.go", program, self.directory)
        return (program,)


class Java(Batch):
    needs = ("java", "javac")

    def command(self):
        build_java(PROGRAMS / "Client.java", self.directory)
        # The names that it may ask for, all here.
        hosts = self.directory / "hosts"
        hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in NAMES))
        return ("java", *JAVA_QUICK, f"-Djdk.net.hosts.file={hosts}", "-cp", self.directory,
                "Client")  # fmt: skip


# Start-up counts here, not speed.
JAVA_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def build_go(source, program, directory):
    env = dict(PLAIN, GO111MODULE="off", GOFLAGS="", GOCACHE=str(Path(directory) / "gocache"),
               GOPATH=str(Path(directory) / "gopath"), GOTOOLCHAIN="local")  # fmt: skip
    subprocess.run(["go", "build", "-o", program, source], env=env, check=True, timeout=300)


def build_java(source, directory):
    quick = [f"-J{option}" for option in JAVA_QUICK]
    subprocess.run(["javac", *quick, "-proc:none", "-d", directory, source], env=PLAIN, check=True,
                   timeout=300)  # fmt: skip


CLIENTS = {
    "curl": Curl, "wget": Wget, "openssl": OpenSsl, "openssl strict": OpenSslStrict,
    "gnutls": GnuTls, "python": Python, "node": Node, "go": Go, "java": Java,
    "bun": Bun, "deno": Deno,
}  # fmt: skip


def missing(client):
    """The programs of this client that are not here."""
    return [program for program in client.needs if shutil.which(program) is None]
