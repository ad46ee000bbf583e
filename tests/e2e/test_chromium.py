# SPDX-License-Identifier: Apache-2.0
"""A user of Chromium: warned, verifies, imports, reads; warned again after an update."""

from contextlib import ExitStack

import chromium
import pytest
from attacks import Stage
from browsers import Service, bring_all, loads, needed, succeeded, url, users_path, verify
from chromium import Chromium
from clients_page import NICKNAME, blocks, shell

ERRORS = ("ERR_CERT_",)
WARNING = "ERR_CERT_AUTHORITY_INVALID"
BRING, REMOVE = (text for _, text in blocks()["Chromium and Chrome on Linux"])
FIRST, SECOND = ".pki/nssdb", ".local/share/pki/nssdb"
# {shape: (its own server is accepted, the attacks that succeed)}. It never looks for a name in the
# subject; the limits of a CA count.
SUCCEED = {
    "MSE": (True, set()),
    "no constraints": (True, set()),
    "constrained CA": (True, {"subdomain", "own name"}),
    "CA": (True, {"site", "address", "subdomain", "below a sub-CA", "twin", "own name"}),
}


@pytest.fixture(autouse=True)
def programs():
    needed(chromium.PROGRAM, "Chromium")


def databases(home):
    return {place for place in (FIRST, SECOND) if (home / place / "cert9.db").exists()}


def test_21_23_warned_verified_imported_updated(mse, present, cloud):
    """A new home: the database is where the browser of today puts it."""
    with Service(present) as service:
        users_path(lambda: Chromium(mse.home), WARNING, BRING, REMOVE, service, cloud, mse)
        with Chromium(mse.home) as browser:
            assert browser.open(url(service)).error == WARNING
    assert databases(mse.home) == {SECOND}


def test_21_an_older_home_has_its_database_elsewhere(mse, present, cloud):
    """Both are there: what is in the second one does not count, and the commands know it."""
    (mse.home / FIRST).mkdir(parents=True)
    second = mse.home / SECOND
    wrong = (f"mkdir -p {second}; certutil -N -d sql:{second} --empty-password; "
             f"certutil -A -d sql:{second} -n '{NICKNAME}' -t CP,, -i cert.pem")  # fmt: skip
    with Service(present) as service:
        verify(cloud, mse, service)
        shell(wrong, mse.home, mse.work)
        with Chromium(mse.home) as browser:
            assert browser.open(url(service)).error == WARNING
        shell(BRING, mse.home, mse.work)
        assert databases(mse.home) == {FIRST, SECOND}
        with Chromium(mse.home) as browser:
            loads(browser, service)


def test_22_the_imported_key_vouches_for_nothing_else(mse, present):
    """The documented import. With CA:FALSE taken out the attacks succeed: the test can fail."""
    with ExitStack() as stack:
        stages = {shape: stack.enter_context(Stage(present, shape)) for shape in SUCCEED}
        bring_all(BRING, stages, mse)
        with Chromium(mse.home) as browser:
            found = {shape: succeeded(browser, stage, ERRORS) for shape, stage in stages.items()}
        assert found == SUCCEED
        assert stages["MSE"].application_bytes() == 0
