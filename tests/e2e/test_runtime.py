# SPDX-License-Identifier: Apache-2.0
"""An instance from its start to its end, as owner, user and operator see it."""

import pytest
from harness import NO, YES
from instance import Deployment, Instance, Platform


@pytest.fixture
def platform(build, tmp_path):
    return Platform(build, tmp_path / "tee")


@pytest.fixture
def deployment(mse, build):
    return Deployment(mse, build)


@pytest.fixture
def instance(platform, deployment, tmp_path):
    with Instance(platform, deployment, tmp_path / "instance") as started:
        started.wait("waiting")
        yield started


def test_an_owner_configures_and_a_user_calls(instance, mse):
    done = instance.verify("--fingerprint", instance.fingerprint)
    assert done.code == YES, str(done)
    done = instance.configure()
    assert done.code == YES, str(done)
    instance.wait("running")
    answer = instance.curl(mse.work / "cert.pem", "/any?x=1")
    assert answer.stdout == b"hello\nGET /any?x=1 HTTP/1.1\n", answer.stderr
    assert instance.stop()[0] == 0
