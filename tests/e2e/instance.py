# SPDX-License-Identifier: Apache-2.0
"""A whole deployment on the simulated TEE: owner, package, runtime, platform, running instance."""

import json
import re
import selectors
import shutil
import signal
import subprocess
import threading
import time
from functools import lru_cache
from pathlib import Path

from harness import YES
from owner_app import sha256

NAME = "app.example"
CONFIG_NAME = "app.config.example"
# Answers with what it was asked, from the environment that docs/app.md promises.
ECHO_APP = """
import json, os

def app(environ, start):
    path = environ["PATH_INFO"]
    if path == "/secrets":
        with open(os.environ["SECRETS_PATH"], "rb") as file:
            body = file.read()
    elif path == "/crash":
        os.kill(os.getpid(), 9)
    elif path == "/print":
        print(environ.get("QUERY_STRING", ""), flush=True)
        body = b"printed"
    else:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.dumps({
            "method": environ["REQUEST_METHOD"], "path": path,
            "query": environ.get("QUERY_STRING", ""),
            "body": environ["wsgi.input"].read(length).decode("latin-1"),
            "headers": {k: v for k, v in environ.items() if k.startswith("HTTP_")},
        }).encode()
    start("200 OK", [("Content-Type", "application/octet-stream"),
                     ("Content-Length", str(len(body)))])
    return [body]
"""
# No interpreter to start: what tests of the runtime itself use, for speed.
SMALL_APP = """#!/usr/bin/python3 -SE
import os, socket, sys

def answer(connection):
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        more = connection.recv(65536)
        if not more:
            return
        data += more
    line = data.split(b"\\r\\n", 1)[0]
    if line.startswith(b"GET /secrets "):
        with open(os.environ["SECRETS_PATH"], "rb") as file:
            body = file.read()
    elif line.startswith(b"GET /crash "):
        os._exit(3)
    elif line.startswith(b"GET /print"):
        print(line.decode(), flush=True)
        body = b"printed"
    else:
        body = b"hello\\n" + line + b"\\n"
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n"
                       % len(body) + body)

listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    peer, _ = listener.accept()
    with peer:
        try:
            answer(peer)
        except OSError:
            pass
"""


@lru_cache
def runtime_of(loader):
    """Description of this build's runtime: the program and the libraries that it loads."""
    said = subprocess.run(["ldd", loader], capture_output=True, text=True, check=True).stdout
    files = {str(loader)} | set(re.findall(r"=> (/\S+)", said))
    listed = {path: sha256(Path(path).read_bytes()) for path in sorted(files)}
    value = {
        "format": "mse-runtime-v1", "name": "test", "version": "1", "tee": "sim",
        "loader": {"path": str(loader), "sha256": listed[str(loader)]},
        "files": [{"path": p, "sha256": h} for p, h in listed.items()],
    }  # fmt: skip
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Platform:
    """A simulated machine: its directory, its root, its collateral in a bundle."""

    def __init__(self, build, directory, *words):
        self.simtee = build / "src" / "simtee" / "mse-simtee"
        self.directory = Path(directory)
        subprocess.run([self.simtee, "init", self.directory, *words], check=True,
                       capture_output=True)  # fmt: skip
        self.root = self.directory / "root.pem"
        self.collateral = self.directory / "collateral.json"
        self.operator = self.directory / "operator.json"

    @property
    def instance_key(self):
        """Words with which a user expects this operator's statement."""
        return ("--instance-key", json.loads(self.operator.read_text())["instance_key"])

    @property
    def signer(self):
        """Words with which a user expects enclaves that this operator signed."""
        path = self.directory.with_name(self.directory.name + ".signer.pem")
        path.write_text(json.loads(self.operator.read_text())["signer"])
        return ("--signer-key", path)

    def trust(self):
        return ("--simulation-root", self.root, "--collateral", self.collateral, "--offline")


class Deployment:
    """What an owner has: code, settings, keys, package, context."""

    def __init__(self, mse, build, code=None, settings=None, plain=False):
        self.mse, self.loader = mse, build / "src" / "enclave" / "mse-enclave"
        self.code = mse.inputs / "app"
        self.code.mkdir()
        for name, text in (code or {"app": SMALL_APP}).items():
            path = self.code / name
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            path.chmod(0o755 if path.read_bytes()[:2] in (b"#!", b"\x7fE") else 0o644)
        self.toml = mse.put(settings or 'name = "demo"\ncommand = ["./app"]\n'
                            'healthcheck_endpoint = "/health"\nmemory = 256\n', ".toml")  # fmt: skip
        self.runtime = mse.put(runtime_of(self.loader), ".json")
        self.key = mse.inputs / "owner.key"
        self.public = mse.inputs / "owner.key.pub"
        self.run("keygen", "--no-password", "--output", self.key)
        self.package, self.context = mse.inputs / "app.tar", mse.inputs / "deployed.mse"
        self.run("package", "--path", self.toml, "--code", self.code, "--output", self.package,
                 "--owner", self.public, "--runtime", self.runtime, "--context",
                 self.context, *(("--plain",) if plain else ()))  # fmt: skip
        self.uuid = re.search(r'^id = "([^"]+)"', self.context.read_text(), re.M).group(1)
        self.words = ("--path", self.toml, "--code", self.code, "--runtime", self.runtime,
                      "--loader", self.loader, "--owner", self.public)  # fmt: skip

    def run(self, *words):
        done = self.mse.run(*words)
        assert done.code == YES, str(done)
        return done.out.decode()

    def fingerprint(self, *more):
        return self.run("fingerprint", *self.words, *more).strip()

    def arguments(self, *more):
        return self.run("fingerprint", *self.words, "--argv", *more).splitlines()


class Instance:
    """mse-simtee run with mse-enclave in it; its status lines are read as they come."""

    def __init__(self, platform, deployment, directory, *words, arguments=None, cert=None,
                 name=NAME):
        self.platform, self.deployment = platform, deployment
        self.directory = Path(directory)
        self.words, self.process, self.name = words, None, name
        more = ("--cert", cert) if cert else ()
        self.arguments = arguments or deployment.arguments(*more)
        self.fingerprint = deployment.fingerprint(*more)
        self.lines, self.err = [], ""
        if not self.directory.exists():
            self.directory.mkdir()
            shutil.copy(deployment.package, self.directory / "package.tar")

    def start(self, *more):
        self.lines = []
        self.process = subprocess.Popen(
            [self.platform.simtee, "run", self.platform.directory, "--runtime",
             self.deployment.runtime, "--dir", self.directory, "--name", self.name, "--config-name",
             CONFIG_NAME, "--uuid", self.deployment.uuid, *self.words, *more, "--", *self.arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=self.directory.parent, bufsize=0,
        )  # fmt: skip
        self.reader = threading.Thread(target=self._read_errors, daemon=True)
        self.reader.start()
        return self

    def _read_errors(self):
        for line in self.process.stderr:
            self.err += line.decode(errors="replace")

    def wait(self, state, timeout=60):
        """The next status line with this state. The process must not end before."""
        end = time.monotonic() + timeout
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                left = end - time.monotonic()
                assert left > 0 and ready.select(left), (state, self.lines, self.err)
                line = self.process.stdout.readline()
                assert line, (state, self.lines, self.finish())
                if not line.startswith(b"{"):
                    continue
                self.lines.append(json.loads(line))
                if self.lines[-1]["state"] == state:
                    return self.lines[-1]

    @property
    def address(self):
        return self.lines[-1]["listen"]

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def finish(self, timeout=30):
        """Waits for the end; the exit status and what was said on stderr."""
        code = self.process.wait(timeout)  # its few lines fit into the pipe
        if not self.process.stdout.closed:
            self.lines += [json.loads(line) for line in self.process.stdout if line[:1] == b"{"]
            self.process.stdout.close()
        self.reader.join()
        return code, self.err

    @property
    def problems(self):
        """What the runtime told the operator."""
        return [line for line in self.err.splitlines() if line.startswith("mse-enclave: ")]

    def stop(self, signum=signal.SIGTERM):
        if self.process is None or self.process.returncode is not None:
            return None
        self.process.send_signal(signum)
        return self.finish()

    def __enter__(self):
        return self if self.process is not None else self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.finish()

    # ---- as the owner and as a user

    def verify(self, *words, **options):
        return self.deployment.mse.run(
            "cloud", "verify", self.name, "--connect", self.address, *self.platform.trust(), "--force",
            *words, **options,
        )  # fmt: skip

    def configure(self, *words, **options):
        d = self.deployment
        return d.mse.run(
            "cloud", "configure", self.name, "--connect", self.address, *self.platform.trust(),
            "--key", d.key, "--context", d.context, "--fingerprint", self.fingerprint, *words,
            **options,
        )  # fmt: skip

    def configured(self, *words):
        """Waits, is configured, runs. The owner's home is one that has seen no other instance."""
        if not self.lines or self.lines[-1]["state"] != "waiting":
            self.wait("waiting")
        home = self.directory.with_name(self.directory.name + ".home")
        home.mkdir(exist_ok=True)
        mse = self.deployment.mse
        done = self.configure("--force", *words, env=mse.env(HOME=str(home)))
        assert done.code == YES, str(done)
        self.wait("running")
        return self

    def curl(self, certificate, path="/", *words, name=NAME):
        return subprocess.run(
            ["curl", "-q", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", certificate,
             "--connect-to", f"::{self.address}", *words, f"https://{name}{path}"],
            capture_output=True, check=False,
        )  # fmt: skip
