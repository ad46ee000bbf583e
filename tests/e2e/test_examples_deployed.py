# SPDX-License-Identifier: Apache-2.0
"""The examples run in a (simulated) TEE as they are: packaged, configured, verified, called."""

import asyncio
import json
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import websockets
from harness import YES
from instance import NAME, Deployment, Instance, Platform, runtime_of

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BUILD = "mkdir -p app && cc -O2 -static -o app/server server.c"
CODE = {"c-http": "app"}  # others: src


class Example(Deployment):
    """A copy of a directory of examples/, as its README says."""

    def __init__(self, mse, build, name):
        place = mse.inputs / name
        shutil.copytree(EXAMPLES / name, place, ignore=shutil.ignore_patterns("app", "__pycache__"))
        if name == "c-http":
            subprocess.run(["sh", "-c", BUILD], cwd=place, check=True, timeout=60)
        self.mse, self.loader = mse, build / "src" / "enclave" / "mse-enclave"
        self.code, self.toml = place / CODE.get(name, "src"), place / "mse.toml"
        self.secrets = place / "secrets.json"
        self.runtime = mse.put(runtime_of(self.loader), ".json")
        self.key, self.public = mse.inputs / "owner.key", mse.inputs / "owner.key.pub"
        self.package, self.context = mse.inputs / "app.tar", mse.inputs / "deployed.mse"
        self.run("keygen", "--no-password", "--output", self.key)
        self.run("package", "--path", self.toml, "--output", self.package, "--owner", self.public,
                 "--runtime", self.runtime, "--context", self.context)  # fmt: skip
        self.uuid = re.search(r'^id = "([^"]+)"', self.context.read_text(), re.M).group(1)
        self.words = ("--path", self.toml, "--runtime", self.runtime, "--loader", self.loader,
                      "--owner", self.public)  # fmt: skip


@pytest.fixture
def deployed(mse, build, tmp_path):
    """deploy(name): (instance that runs it, its verified certificate)."""
    instances = []

    def deploy(name, secrets=None):
        example = Example(mse, build, name)
        platform = Platform(build, tmp_path / "tee")
        instance = Instance(platform, example, tmp_path / "instance").start()
        instances.append(instance)
        instance.wait("waiting")
        done = instance.configure(*(("--secrets", secrets) if secrets else ()))
        assert done.code == YES, str(done)
        instance.wait("running")
        certificate = mse.work / "cert.pem"
        done = instance.verify("--fingerprint", instance.fingerprint, "--output", certificate)
        assert done.code == YES, str(done)
        return instance, certificate

    yield deploy
    for instance in instances:
        with instance:
            instance.process.terminate()
            assert instance.process.wait(60) == 0


def get(instance, certificate, path, *words):
    done = instance.curl(certificate, path, "-w", "\n%{http_code} %{http_version}", *words)
    assert done.returncode == 0, done.stderr
    body, _, last = done.stdout.rpartition(b"\n")
    status, version = last.decode().split()
    return int(status), body.decode(), version


def test_c(deployed, mse):
    secrets = mse.put('{"key": "value"}')
    instance, certificate = deployed("c-http", secrets)
    assert get(instance, certificate, "/") == (200, "hello from C\n", "1.1")
    assert get(instance, certificate, "/health")[0] == 200
    assert get(instance, certificate, "/secrets")[1] == "secrets: 16 bytes\n"


def test_flask(deployed):
    secrets = EXAMPLES / "flask/secrets.json"
    instance, certificate = deployed("flask", secrets)
    assert get(instance, certificate, "/guests", "-d", "Ada") == (201, "welcome\n", "2")
    token = json.loads(secrets.read_text())["api_token"]
    bearer = ("-H", f"Authorization: Bearer {token}")
    assert get(instance, certificate, "/guests", *bearer) == (200, "Ada\n", "2")
    assert get(instance, certificate, "/guests")[0] == 401


def test_asgi_and_websocket(deployed):
    instance, certificate = deployed("asgi-websocket")
    assert get(instance, certificate, "/stream")[1].splitlines()[-1] == "line 4"
    context = ssl.create_default_context(cafile=certificate)

    async def talk():
        where = {"host": "127.0.0.1", "port": instance.port, "server_hostname": NAME}
        async with websockets.connect(f"wss://{NAME}/echo", ssl=context, **where) as peer:
            for message in ("text", b"bytes", "x" * 100_000):
                await peer.send(message)
                assert await asyncio.wait_for(peer.recv(), 10) == message

    asyncio.run(talk())


def test_shell(deployed):
    instance, certificate = deployed("shell")
    assert "hello from a shell" in get(instance, certificate, "/")[1]
    assert "UTC" in get(instance, certificate, "/started.txt")[1]
