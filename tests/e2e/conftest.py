# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: the program, one simulated world, and a judge of both."""

import pytest
from harness import AT, Judge, Mse

from testpki.keys import shared_cache
from testpki.world import World


@pytest.fixture(scope="session")
def program(build):
    path = build / "src" / "cli" / "mse"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


@pytest.fixture
def mse(program, tmp_path):
    return Mse(program, tmp_path)


@pytest.fixture(scope="session")
def world():
    """Everything valid at AT."""
    return World(shared_cache(), AT)


@pytest.fixture(scope="session")
def present():
    """Everything valid now, for programs that know no other time."""
    return World(shared_cache())


@pytest.fixture(scope="session")
def forger():
    """The same vendors, names and formats, but the attacker's own keys."""
    return World(at=AT, products=())


@pytest.fixture
def judge(mse, world):
    return Judge(mse, world)
