# SPDX-License-Identifier: Apache-2.0
"""What every suite shares: where the build is, and the generator of test evidence."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "pki"))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: only in make test-long")
    config.addinivalue_line("markers", "no_sanitizer: does not run on a sanitizer build")


@pytest.fixture(scope="session")
def build():
    """The build directory under test."""
    path = Path(os.environ.get("MSE_BUILD", ROOT / "build")).resolve()
    assert (path / "build.ninja").exists(), f"{path} is no build directory: run make build"
    return path
