# SPDX-License-Identifier: Apache-2.0
"""A user of Firefox: warned, verifies, imports, reads; warned again after an update."""

import subprocess
from contextlib import ExitStack

import firefox
import pytest
from attacks import Stage
from browsers import Service, bring_all, needed, succeeded, users_path
from clients_page import NICKNAME, blocks, shell
from firefox import Firefox

WARNING = "MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT"
ERRORS = ("SEC_ERROR_", "MOZILLA_PKIX_ERROR_", "SSL_ERROR_BAD_CERT_DOMAIN")
BRING, REMOVE = (text for _, text in blocks()["Firefox"])
PLACES = (".mozilla/firefox", ".config/mozilla/firefox")
# {shape: (its own server is accepted, the attacks that succeed)}. It never looks for a name in the
# subject, and takes no self-signed certificate for one that another issued. The limits of a CA
# count, and a CA is no server there.
SUCCEED = {
    "MSE": (True, set()),
    "no constraints": (True, set()),
    "constrained CA": (False, {"subdomain", "own name"}),
    "CA": (False, {"site", "address", "subdomain", "below a sub-CA", "own name"}),
}


@pytest.fixture(autouse=True)
def programs():
    needed(firefox.PROGRAM, "Firefox")


def profile(home):
    """A new profile where this Firefox puts it: below ~/.mozilla if that is there."""
    subprocess.run(
        [firefox.PROGRAM, "--headless", "-CreateProfile", "default"], env=Firefox(home).env(),
        stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    (found,) = [path for place in PLACES for path in home.glob(f"{place}/*.default")]
    return found


def test_25_21_23_warned_verified_imported_updated(mse, present, cloud):
    made = profile(mse.home)
    with Service(present) as service:
        users_path(lambda: Firefox(mse.home, profile=made), WARNING, BRING, REMOVE, service, cloud,
                   mse)  # fmt: skip
    assert NICKNAME not in shell(f"certutil -L -d sql:{made}", mse.home, mse.work)


def test_22_the_imported_key_vouches_for_nothing_else(mse, present):
    """The documented import. With CA:FALSE taken out the attacks succeed: the test can fail."""
    (mse.home / PLACES[0]).mkdir(parents=True)
    made = profile(mse.home)
    assert made.parent == mse.home / PLACES[0]
    shell(f"certutil -N -d sql:{made} --empty-password", mse.home, mse.work)
    with ExitStack() as stack:
        stages = {shape: stack.enter_context(Stage(present, shape)) for shape in SUCCEED}
        bring_all(BRING, stages, mse)
        with Firefox(mse.home, profile=made) as browser:
            found = {shape: succeeded(browser, stage, ERRORS) for shape, stage in stages.items()}
        assert found == SUCCEED
        assert stages["MSE"].application_bytes() == 0
