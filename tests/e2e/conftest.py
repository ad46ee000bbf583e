# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: the program, one simulated world, and a judge of both."""

import pytest
from harness import AT, MRSIGNER, Judge, Mse

from testpki.collateral_server import CollateralServer
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


@pytest.fixture(scope="session")
def vendors(present):
    with CollateralServer(present.intel, [present.milan]) as server:
        yield server


@pytest.fixture(scope="session")
def good(present):
    return present.certificate("mse")


@pytest.fixture
def cloud(mse, present, vendors):
    """run(server or "HOST:PORT", *words): a fresh home, one service, one collateral service."""

    def run(
        server, *words, expect=("--mrsigner", MRSIGNER), domain="app1.example", pccs=vendors.url,
        roots=True, **options,
    ):  # fmt: skip
        where = server if isinstance(server, str) else server.authority
        more = ["--connect", where] if where else []
        if pccs:
            more += ["--pccs", pccs]
        if roots:
            more += ["--simulation-root", mse.put(present.roots_pem())]
        return mse.run("cloud", "verify", domain, *more, *expect, *words, **options)

    return run
