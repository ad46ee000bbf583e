# SPDX-License-Identifier: Apache-2.0
"""Every command of docs/clients.md, as it stands there, against a service at its own name."""

import hashlib
import importlib.util
import shutil
import zipfile
from datetime import timedelta

import port_443
import pytest
from attacks import leaf, presented
from clients import JAVA_QUICK, PROGRAMS, build_go, build_java
from clients_page import NAME, blocks

from testpki import keys, x509

DAY = timedelta(days=1)
REFUSED, ACCEPTED = False, True
# (heading, number of the block): (programs it needs, what becomes of a public certificate).
COMMANDS = {
    ("curl", 0): (("curl",), REFUSED),
    ("curl", 1): (("curl",), REFUSED),
    ("wget", 0): (("wget",), REFUSED),
    ("openssl", 0): (("openssl",), REFUSED),
    ("Python", 0): (("python3",), REFUSED),
    ("Python", 1): (("python3", "requests"), REFUSED),
    ("Python", 2): (("python3", "requests"), REFUSED),
    ("Node.js", 0): (("node",), REFUSED),
    ("Node.js", 1): (("node",), ACCEPTED),
    ("deno", 0): (("deno",), ACCEPTED),
    ("bun", 0): (("bun",), REFUSED),
    ("Go", 0): (("go",), REFUSED),
    ("Go", 1): (("go",), REFUSED),
    ("Java", 0): (("java", "keytool", "javac"), REFUSED),
}
# Tested in other ways: below, and with the browsers.
OTHERS = {
    "Public certificates": 1, "The store of a Debian machine": 2,
    "Chromium and Chrome on Linux": 2, "Firefox": 2,
}  # fmt: skip
# Where each program's own list of CAs comes from, so that the test's "public" CA is in it.
PUBLIC = {
    "NODE_OPTIONS": "--use-openssl-ca", "DENO_TLS_CA_STORE": "system",
    "JAVA_TOOL_OPTIONS": " ".join(JAVA_QUICK),
}  # fmt: skip
# node and bun read this file beside their own list; a command that sets the variable wins.
EXTRA = {"NODE_EXTRA_CA_CERTS": "public.pem"}


def needed(*programs):
    for program in programs:
        if program == "requests":
            if importlib.util.find_spec("requests") is None:
                pytest.skip("no Python package requests here")
        elif shutil.which(program) is None:
            pytest.skip(f"no {program} here")


@pytest.fixture(scope="module")
def own(present):
    return present.certificate("mse", names=(f"DNS:{NAME}",))


@pytest.fixture(scope="module")
def updated(present):
    return present.certificate("mse", names=(f"DNS:{NAME}",), key=keys.generate("p256"))


@pytest.fixture(scope="module")
def public_ca(present):
    return x509.issue(
        key=keys.generate("p256"), subject="CN=Public CA",
        extensions=[x509.basic_constraints(True), x509.key_usage("keyCertSign")],
        not_before=present.at - DAY, not_after=present.at + DAY,
    )  # fmt: skip


@pytest.fixture(scope="module")
def public(present, public_ca):
    """What the owner of the domain gets from a public CA."""
    return presented(leaf(public_ca, present, (f"DNS:{NAME}",)), public_ca)


@pytest.fixture(scope="module")
def place(tmp_path_factory, public_ca):
    if why := port_443.missing():
        pytest.skip(why)
    with port_443.Place(tmp_path_factory.mktemp("place"), NAME) as one:
        (one.work / "public.pem").write_text(public_ca.pem)
        # The store of CAs of the machine: this one.
        done = one.run("sh", "-e", "-c", "cp public.pem /usr/local/share/ca-certificates/public.crt"
                                         " && update-ca-certificates")  # fmt: skip
        assert done.returncode == 0, done.stderr
        yield one


@pytest.fixture
def apps(place):
    """Makes the programs that the page speaks of: app.py, app.js, app.jar, ./app."""

    def jar():
        build_java(PROGRAMS / "Fetch.java", place.work)
        with zipfile.ZipFile(place.work / "app.jar", "w") as archive:
            archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: Fetch\n")
            archive.write(place.work / "Fetch.class", "Fetch.class")

    def make(heading):
        if heading == "Go":
            build_go(PROGRAMS / "fetch.go", place.work / "app", place.directory)
        if heading == "Java":
            jar()
        for source, app in (("fetch.py", "app.py"), ("fetch_requests.py", "app-requests.py"),
                            ("fetch.js", "app.js")):  # fmt: skip
            shutil.copy(PROGRAMS / source, place.work / app)

    return make


def command(place, language, text):
    """The words that run a block of the page."""
    if language == "go":
        (place.work / "documented.go").write_text(text)
        build_go(place.work / "documented.go", place.work / "documented", place.directory)
        return ("./documented",)
    return {"sh": ("sh", "-e", "-c", text), "python": ("/usr/bin/python3", "-c", text),
            "js": ("node", "-e", text)}[language]  # fmt: skip


def answered(done):
    """True if the service was reached; a refusal fails and shows nothing of it."""
    said = done.stdout.decode()
    assert "hello" not in said or done.returncode == 0, done.stderr
    if done.returncode == 0:
        assert "hello\n" in said, (done.stdout, done.stderr)
        return True
    assert any(word in done.stderr.lower() for word in (b"certif", b"trusted", b"self_signed"))
    return False


@pytest.mark.parametrize("heading, number", COMMANDS, ids=lambda value: str(value))
def test_a_documented_command(place, apps, own, updated, public, heading, number):
    programs, with_public = COMMANDS[heading, number]
    needed(*programs)
    apps(heading)
    words = command(place, *blocks()[heading][number])
    saved = place.work / "cert.pem"

    def try_it(served, **env):
        place.serve(served)
        return answered(place.run(*words, **{**PUBLIC, **env}))

    saved.write_text(own.pem)
    assert try_it(own)
    assert not try_it(updated), "an update: verify again"
    assert try_it(public, **EXTRA) == with_public
    saved.write_text(updated.pem)
    assert try_it(updated)
    assert not try_it(own), "the old certificate is gone"


@pytest.mark.parametrize("text", ["curl -sS --cacert cert.pem https://app.example.org/",
                                  "wget -O- --ca-certificate=cert.pem https://app.example.org/"])
def test_a_shorter_command_lets_public_certificates_in(place, own, public, text):
    """Control: why the documented commands are longer."""
    needed(text.split()[0])
    (place.work / "cert.pem").write_text(own.pem)
    place.serve(public)
    assert answered(place.run("sh", "-c", text))


def test_the_store_of_a_debian_machine(place, own, updated):
    needed("update-ca-certificates", "curl")
    bring, remove = (text for _, text in blocks()["The store of a Debian machine"])

    def run(text):
        done = place.run("sh", "-e", "-c", text)
        assert done.returncode == 0, done.stderr

    def reached(served):
        place.serve(served)
        return answered(place.run("curl", "-sS", f"https://{NAME}/"))

    (place.work / "cert.pem").write_text(own.pem)
    assert not reached(own)
    run(bring)
    assert reached(own) and not reached(updated)
    (place.work / "cert.pem").write_text(updated.pem)
    run(bring)
    assert reached(updated) and not reached(own)
    run(remove)
    assert not reached(updated)


def test_the_documented_fingerprint_is_that_of_the_certificate(place, own):
    needed("openssl")
    (place.work / "cert.pem").write_text(own.pem)
    ((_, text),) = blocks()["Public certificates"]
    done = place.run("sh", "-e", "-c", text)
    shown = done.stdout.decode().strip().split("=")[1].replace(":", "").lower()
    assert shown == hashlib.sha256(own.der).hexdigest()


def test_every_block_of_the_page_is_run():
    found = {heading: len(some) for heading, some in blocks().items()}
    tried = dict(OTHERS)
    for heading, number in COMMANDS:
        tried[heading] = max(tried.get(heading, 0), number + 1)
    assert found == tried
