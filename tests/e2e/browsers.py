# SPDX-License-Identifier: Apache-2.0
"""What tests do with either browser: verify as its user does, try attacks, follow an update."""

import shutil

import pytest
from attacks import NAME as ATTACKED
from clients_page import NAME, NICKNAME, shell
from harness import YES

from testpki import keys
from testpki.server import TlsServer


def needed(program, name):
    """Skips without the browser or NSS's tool."""
    if program is None:
        pytest.skip(f"no {name} here")
    if shutil.which("certutil") is None:
        pytest.skip("no certutil here (libnss3-tools)")


def url(server, name=NAME):
    return f"https://{name}:{server.port}/"


def attested(present):
    """A service with a key of its own, as each start of one has."""
    return present.certificate("mse", names=(f"DNS:{NAME}",), key=keys.generate("p256"))


def verify(cloud, mse, service, *words):
    """mse cloud verify saves cert.pem in the working directory."""
    done = cloud(service.server, *words, domain=NAME)
    assert done.code == YES, str(done)
    assert (mse.work / "cert.pem").is_file()


class Service:
    """A service that can be updated: another instance with another key at the same address."""

    def __init__(self, present):
        self.present, self.port = present, 0

    def __enter__(self):
        self._start()
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def _start(self):
        self.certificate = attested(self.present)
        self.server = TlsServer(self.certificate, port=self.port).__enter__()
        self.port = self.server.port

    def update(self):
        self.server.__exit__()
        self._start()


def loads(browser, server):
    page = browser.open(url(server))
    assert (page.text.strip(), page.error) == ("hello", "")


def users_path(start, warning, bring, remove, service, cloud, mse):
    """start() -> a browser; bring and remove: the documented commands."""
    with start() as browser:
        assert browser.open(url(service)).error == warning
        assert service.server.app_bytes == 0
    verify(cloud, mse, service)
    shell(bring, mse.home, mse.work)
    with start() as browser:
        loads(browser, service)
        assert browser.open(url(service, "app2.example.org")).error
        former = service.certificate
        service.update()
        assert browser.open(url(service)).error == warning, "an update: verify again"
        assert service.server.app_bytes == 0
    verify(cloud, mse, service, "--force")
    shell(bring, mse.home, mse.work)
    with start() as browser:
        loads(browser, service)
        with TlsServer(former) as server:
            assert browser.open(url(server)).error == warning, "the old one is still trusted"
    shell(remove, mse.home, mse.work)


def bring_all(bring, stages, mse):
    """Imports the certificates of all these {shape: Stage} by the documented commands."""
    for shape, stage in stages.items():
        (mse.work / "cert.pem").write_text(stage.certificate.pem)
        shell(bring.replace(NICKNAME, f"mse {shape}"), mse.home, mse.work)


def succeeded(browser, stage, certificate_errors):
    """(the service itself is shown, the attacks that are); all others meet a certificate error."""

    def shown(server, name):
        page = browser.open(url(server, name))
        assert page.error == "" or page.error.startswith(certificate_errors), (name, page)
        return page.error == "" and page.text.strip() == "hello"

    own = shown(stage.own, ATTACKED)
    return own, {attack for attack, (name, server) in stage.attacks.items() if shown(server, name)}
