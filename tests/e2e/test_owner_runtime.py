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


def test_an_instance_that_went_back_is_shown(start, platform, deployment, mse, tmp_path):
    """The operator restores an old state, and a TEE without a counter cannot tell: the owner sees
    an epoch that was configured already."""
    shutil.copytree(platform.directory, tmp_path / "before")
    first = start()
    assert first.configure().code == YES
    first.stop()
    shutil.rmtree(tmp_path / "instance" / "state")
    shutil.rmtree(platform.directory)
    shutil.copytree(tmp_path / "before", platform.directory)
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


def test_an_app_with_its_owners_certificate(start, deployment, mse, owner_tls):
    """Configured by its config name, where the edge never reads; afterwards it has both."""
    instance = start(cert="owner")
    key, chain = owner_tls
    deployment.context.write_text(deployment.context.read_text().replace(
        'ssl_certificate_origin = "self"', 'ssl_certificate_origin = "owner"'))  # fmt: skip
    words = ("cloud", "configure", CONFIG_NAME, "--connect", instance.address,
             *instance.platform.trust(), "--key", deployment.key, "--context",
             deployment.context, "--fingerprint", instance.fingerprint)  # fmt: skip
    done = mse.run(*words)
    assert done.code == USAGE and "--ssl-private-key" in done.err, str(done)
    done = mse.run(*words, "--ssl-private-key", key, "--ssl-certificate", chain, "--secrets",
                   mse.put(SECRETS))  # fmt: skip
    assert done.code == YES, str(done)
    assert instance.curl(chain, "/secrets").stdout.decode() == SECRETS
    own = instance.curl(mse.work / "cert.pem", "/secrets", name=CONFIG_NAME)
    assert own.stdout.decode() == SECRETS, own.stderr


@pytest.fixture
def owner_tls(mse):
    """Key and certificate of the owner, by openssl."""
    key, chain = mse.inputs / "tls.key", mse.inputs / "tls.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", chain, "-days", "30", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, chain


def test_nobody_listens(start):
    instance = start()
    instance.stop()
    done = instance.configure()
    assert done.code == UNKNOWN, str(done)
