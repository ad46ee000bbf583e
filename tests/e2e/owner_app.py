# SPDX-License-Identifier: Apache-2.0
"""An owner's app for tests: code, settings, runtime description with its loader, context."""

import base64
import hashlib
import json
from pathlib import Path

from harness import YES

OWNER = bytes(range(32))
KEY = base64.b64encode(b"Ed" + b"keyident" + OWNER).decode()
LOADER = Path("/bin/true").read_bytes()  # any executable for this processor
SETTINGS = """# what the owner says
name = "demo"
python_application = "app:app"
healthcheck_endpoint = "/health"
"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def description(tee="sim", loader="/usr/bin/mse-enclave", files=(), **more):
    listed = {loader: sha256(LOADER), "/usr/bin/mse-enclave": sha256(LOADER), **dict(files)}
    value = {
        "format": "mse-runtime-v1", "name": "demo", "version": "1", "tee": tee,
        "loader": {"path": loader, "sha256": sha256(LOADER)},
        "files": [{"path": p, "sha256": h} for p, h in sorted(listed.items())],
        **more,
    }  # fmt: skip
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class App:
    """Code, settings, and a runtime with its loader beside it."""

    def __init__(self, mse, tee="sim", **more):
        self.mse = mse
        self.code = mse.inputs / "code"
        self.code.mkdir()
        (self.code / "app.py").write_text("print('hello')\n")
        (self.code / "data").mkdir()
        (self.code / "data" / "table.csv").write_text("1,2,3\n")
        (self.code / "run.sh").write_text("#!/bin/sh\n")
        (self.code / "latest").symlink_to("data/table.csv")
        self.toml = mse.put(SETTINGS, ".toml")
        self.runtime = mse.put(description(tee, **more), ".json")
        for name in ("mse-enclave", "libpal.so"):
            (mse.inputs / name).write_bytes(LOADER)

    def words(self, code=None):
        return ("--code", code or self.code, "--path", self.toml, "--runtime", self.runtime,
                "--owner", KEY)  # fmt: skip

    def run(self, *words, code=None, **options):
        return self.mse.run("fingerprint", *self.words(code), *words, **options)

    def value(self, **options):
        done = self.run(**options)
        assert done.code == YES, str(done)
        assert len(done.out) == 65 and done.out.endswith(b"\n")
        return done.out.decode().strip()

    def explain(self, *words):
        done = self.run("--explain", "--json", *words)
        assert done.code == YES, str(done)
        return done.report

    def list(self):
        done = self.mse.run("fingerprint", "--code", self.code, "--list")
        assert done.code == YES, str(done)
        return self.mse.put(done.out)


def context(app, said, origin="self", files=None, tree=None):
    text = f"""version = "3.0"

[config]
name = "demo"
python_application = "app:app"
healthcheck_endpoint = "/health"
memory = 1024
threads = 64
owner = "{OWNER.hex()}"
isolation = "process"
unsigned = false
runtime = "{sha256(app.runtime.read_bytes())}"
tree = "{tree or said['tree']}"

[instance]
id = "00000000-0000-4000-8000-000000000001"
domain_name = "demo.example"
config_domain_name = "demo.config.example"
ssl_certificate_origin = "{origin}"
expires_at = "2027-01-01 00:00:00+00:00"
created_at = "2026-11-01 00:00:00+00:00"
"""
    text = text.replace('expires_at = "2027-01-01 00:00:00+00:00"',
                        "expires_at = 2027-01-01T00:00:00Z")  # fmt: skip
    text = text.replace('created_at = "2026-11-01 00:00:00+00:00"',
                        "created_at = 2026-11-01T00:00:00Z")  # fmt: skip
    if files is not None:
        text += f'\n[files]\nlist = """\n{files}"""\n'
    return app.mse.put(text, ".mse")
