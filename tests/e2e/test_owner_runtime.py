# SPDX-License-Identifier: Apache-2.0
"""The owner's side against a running instance: configuration, epochs, refusals, logs."""

import json
import shlex
import shutil
import subprocess

import pytest
from harness import NO, UNKNOWN, USAGE, YES
from instance import CONFIG_NAME, NAME, Deployment, Instance, Platform

SECRETS = '{"password": "hunter2"}'


@pytest.fixture
def platform(build, tmp_path):
    return Platform(build, tmp_path / "platform")


@pytest.fixture
def deployment(mse, build):
    return Deployment(mse, build)


@pytest.fixture
def start(platform, deployment, tmp_path):
    running = []

    def run(*words, name="instance", **options):
        instance = Instance(platform, deployment, tmp_path / name, *words, **options).start()
        running.append(instance)
        instance.wait("waiting")
        return instance

    yield run
    for instance in running:
        if instance.process.returncode is None:
            instance.__exit__()


def test_configured_on_the_attested_connection(start, mse):
    instance = start()
    done = instance.configure("--secrets", mse.put(SECRETS), "--json")
    assert done.code == YES, str(done)
    assert done.report["ready"] and done.report["signed"] and done.report["epoch"] >= 1
    assert "stolen key" not in done.err
    cert = mse.work / "cert.pem"
    assert instance.curl(cert, "/secrets").stdout.decode() == SECRETS
    again = instance.configure()
    assert again.code == NO and "no configuration is waited for" in again.err, str(again)


def test_the_printed_line_works_as_it_stands(start, mse):
    done = start().configure()
    assert done.code == YES, str(done)
    line = done.out.decode().split("The app is ready:\n")[1].strip()
    curl = subprocess.run(shlex.split(line) + ["-sS"], cwd=mse.work, capture_output=True,
                          timeout=30, check=False)  # fmt: skip
    assert curl.stdout.startswith(b"hello\n"), (line, curl.stderr)


def test_what_the_instance_refuses_is_told_and_can_be_mended(start, deployment, mse):
    instance = start()
    d = deployment
    text = d.context.read_text()
    wrong = mse.put(text.replace("code_secret_key = \"", "code_secret_key = \"" + "01" * 32 + "\"#"),
                    ".mse")  # fmt: skip
    right, d.context = d.context, wrong
    done = instance.configure()
    assert done.code == NO and "refused the configuration" in done.err, str(done)
    assert "key" in done.err
    d.context = right
    done = instance.configure("--force")
    assert done.code == YES, str(done)


def test_another_owner_and_other_code_are_refused(start, deployment, mse):
    instance = start()
    d = deployment
    mine, d.key = d.key, mse.inputs / "other.key"
    d.run("keygen", "--no-password", "--output", d.key)
    done = instance.configure()
    assert done.code == USAGE and "owner that the context names" in done.err, str(done)
    d.key = mine
    instance.fingerprint = "00" * 32
    done = instance.configure()
    assert done.code == NO and "nothing was sent" in done.err, str(done)


def test_an_instance_that_went_back_is_shown(start, deployment, mse, tmp_path):
    """The operator restores an old state: the owner sees an epoch that was configured already."""
    first = start()
    assert first.configure().code == YES
    first.stop()
    shutil.rmtree(tmp_path / "instance" / "state")
    second = start()
    done = second.configure("--force")
    assert done.code == NO and "older epoch" in done.err, str(done)
    done = second.configure("--force", "--accept-older-epoch")
    assert done.code == YES, str(done)


def test_the_owner_reads_what_the_app_printed(start, deployment, mse, tmp_path):
    instance = start()
    assert instance.configure().code == YES
    for i in range(3):
        assert instance.curl(mse.work / "cert.pem", f"/print-{i}").stdout == b"printed"
    code, err = instance.stop()
    assert code == 0, err
    file = tmp_path / "instance" / "log"
    assert b"print-" not in file.read_bytes() and "print-" not in err
    done = mse.run("cloud", "logs", "--file", file, "--key", deployment.key)
    assert done.code == YES, str(done)
    assert [line for line in done.out.decode().splitlines() if "print-" in line] == [
        f"GET /print-{i} HTTP/1.1" for i in range(3)
    ]
    records = mse.run("cloud", "logs", "--file", file, "--key", deployment.key, "--json")
    numbers = [json.loads(line)["sequence"] for line in records.out.splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_config_name_is_for_the_owner_too(start, deployment, mse):
    instance = start()
    done = mse.run(
        "cloud", "configure", CONFIG_NAME, "--connect", instance.address,
        *instance.platform.trust(), "--key", deployment.key, "--context", deployment.context,
        "--fingerprint", instance.fingerprint,
    )  # fmt: skip
    assert done.code == YES, str(done)
    assert NAME in mse.run("show", mse.work / "cert.pem").out.decode()


def test_nobody_listens(start):
    instance = start()
    instance.stop()
    done = instance.configure()
    assert done.code == UNKNOWN, str(done)
