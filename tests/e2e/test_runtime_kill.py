# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any point of starting, configuring and renewing: the old state or the new one, whole."""

import contextlib
import json
import os
import random
import signal
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
from harness import Mse
from hostile import connect, enclave_of, ended, get, mounts, read_all
from instance import SMALL_APP, Deployment, Instance, Platform
from owner_door import Door
from probe_app import certificate_of


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("kill")


@pytest.fixture(scope="module")
def platform(build, place):
    return Platform(build, place / "tee")


@pytest.fixture(scope="module")
def deployment(program, build, place):
    return Deployment(Mse(program, place), build, code={"app": SMALL_APP})


class Victim:
    """One instance, what its owner and its host know of it, and what must hold after each kill."""

    def __init__(self, platform, deployment, directory, seed):
        self.instance = Instance(platform, deployment, directory)
        self.platform, self.deployment = platform, deployment
        self.chance = random.Random(seed)
        self.certificate = None  # that it had when it was last seen
        self.acknowledged = False  # the owner was told that it is configured
        self.may_be_configured = False  # a whole request was sent
        self.epoch = 0
        self.mounts = mounts()
        self.days = 20
        self.seen = set()

    def kill(self, machine):
        """The enclave, or the whole machine; and then nothing of either is left."""
        instance = self.instance
        with contextlib.suppress(OSError, IndexError):
            os.kill(instance.process.pid if machine else enclave_of(instance), signal.SIGKILL)
        with contextlib.suppress(OSError):  # the machine may have been before its enclave
            instance.process.kill()
        instance.finish()
        ended(self.deployment)
        assert mounts() == self.mounts

    def start(self):
        """Until it is what it was, or what it was to become."""
        instance = self.instance.start()
        while not instance.lines or instance.lines[-1]["state"] == "starting":
            line = self.next_line()
            assert line["state"] in ("waiting", "starting", "running"), line
        self.check()
        return instance

    def next_line(self):
        for line in iter(self.instance.process.stdout.readline, b""):
            if line.startswith(b"{"):
                self.instance.lines.append(json.loads(line))
                return self.instance.lines[-1]
        raise AssertionError(f"it does not start: {self.instance.finish()}")

    def check(self):
        instance, line = self.instance, self.instance.lines[-1]
        configured = line["state"] == "running"
        self.seen.add(line["state"])
        certificate = certificate_of(instance)
        if self.certificate is not None:
            assert certificate == self.certificate, "the key was lost"
        self.certificate = certificate
        assert configured or not self.acknowledged, "the configuration was lost"
        assert self.may_be_configured or not configured, "nobody has configured it"
        assert line["epoch"] >= self.epoch, "it went back"
        self.epoch = line["epoch"]
        self.acknowledged = self.may_be_configured = configured
        if configured:
            assert get(instance, "/secrets").endswith(b'{"a": 1}')
        left = {p.name for p in (instance.directory / "state").iterdir()}
        assert left == {"sealed"}, left
        assert not list(instance.directory.glob(".mse-*"))
        assert not list((self.platform.directory).rglob(".mse-*")), "the platform's own leftovers"

    # ---- what is interrupted

    def during_a_start(self):
        self.instance.start()
        time.sleep(self.chance.random() * 0.3)  # waits for nothing: this is the random point
        self.kill(self.chance.random() < 0.5)

    def during_a_renewal(self):
        """The host gives it another end: the next start makes a new key, without a configuration."""
        file = self.instance.directory / "instance.json"
        said = json.loads(file.read_text())
        self.days = 21 if self.days == 20 else 20
        end = datetime.now(timezone.utc) + timedelta(days=self.days)
        said["not_after"] = end.strftime("%Y-%m-%dT00:00:00Z")
        file.write_text(json.dumps(said))
        self.certificate, self.acknowledged, self.may_be_configured = None, False, False
        self.during_a_start()

    def during_a_post(self):
        instance = self.start()
        if self.acknowledged:
            self.kill(False)
            self.during_a_renewal()
            instance = self.start()
        door = Door(instance)
        body = door.body(app_secrets={"a": 1})
        request = door.request(body, door.sign(body))
        answer = []
        self.may_be_configured = True
        thread = threading.Thread(target=self.post, args=(request, answer))
        thread.start()
        time.sleep(self.chance.random() * 0.08)  # waits for nothing: this is the random point
        self.kill(self.chance.random() < 0.5)
        thread.join()
        self.acknowledged = b"".join(answer).startswith(b"HTTP/1.1 200 OK\r\n")

    def post(self, request, answer):
        with contextlib.suppress(OSError), connect(self.instance) as stream:
            stream.sendall(request)
            answer.append(read_all(stream))

    def once(self):
        kind = self.chance.choice(
            [self.during_a_start, self.during_a_post, self.during_a_post, self.during_a_renewal]
        )
        kind()
        return kind.__name__


def kill_often(victim, count):
    done = []
    with victim.instance.start():
        victim.next_line()
        victim.check()
        victim.kill(False)
        for _ in range(count):
            done.append(victim.once())
            victim.start()
            victim.kill(False)
        # and in the end it can do all that it could in the beginning
        victim.start()
        if not victim.acknowledged:
            door = Door(victim.instance)
            assert door.post(door.body(app_secrets={"a": 1}))[0] == 200
            victim.instance.wait("running")
        assert get(victim.instance, "/secrets").endswith(b'{"a": 1}')
        assert victim.instance.stop()[0] == 0
    return done


def test_ten_kills_leave_the_old_state_or_the_new_one(platform, deployment, tmp_path):
    done = kill_often(Victim(platform, deployment, tmp_path / "instance", 20260701), 10)
    assert len(set(done)) == 3, done


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_kills_leave_the_old_state_or_the_new_one(
    platform, deployment, tmp_path, seed
):
    victim = Victim(platform, deployment, tmp_path / "instance", seed)
    kill_often(victim, 50)
    assert victim.seen == {"waiting", "running"}
