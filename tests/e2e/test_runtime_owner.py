# SPDX-License-Identifier: Apache-2.0
"""What the owner says to a running instance, and what everybody else says to it."""

import base64
import json
import os
import socket
import time

import pytest
from harness import NO, YES, Mse, files_below
from instance import NAME, Deployment, Instance, Platform
from nacl.public import PublicKey, SealedBox
from nacl.signing import SigningKey
from owner_door import Door, code_key, traces
from probe_app import PROBE_APP, certificate_of, connect, exchange, get, read_all, split

SECRETS = '{"password": "hunter2", "order":  [1, 2.50]}'
STRANGER = SigningKey(bytes(32))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("owner")


@pytest.fixture(scope="module")
def platform(build, place):
    return Platform(build, place / "tee")


@pytest.fixture(scope="module")
def deployment(program, build, place):
    return Deployment(Mse(program, place), build, code={"app": PROBE_APP})


@pytest.fixture(scope="module")
def waiting(platform, deployment, place):
    """Waits for ever: for what is refused."""
    with Instance(platform, deployment, place / "waiting") as instance:
        instance.wait("waiting")
        yield instance
        assert instance.stop()[0] == 0 and instance.problems == []


@pytest.fixture
def start(platform, deployment, tmp_path):
    """A new instance, which waits."""
    started = []

    def run(*words, owner=deployment, name="instance", **options):
        instance = Instance(platform, owner, tmp_path / name, *words, **options)
        started.append(instance.start())
        instance.wait("waiting")
        return instance

    yield run
    for instance in started:
        instance.__exit__()


def is_waiting(instance):
    status, fields, _ = Door(instance).get()
    return status == 200 and fields["mse-status"] == "waiting"


# ---- the door -----------------------------------------------------------------------------------


def test_D3_who_asks_is_told_that_it_waits(waiting, deployment):
    done = waiting.verify("--fingerprint", waiting.fingerprint)
    assert done.code == YES, str(done)
    certificate = deployment.mse.work / "cert.pem"
    done = waiting.curl(certificate, "/any/path?x", "-i", "--http1.1")
    head = done.stdout.decode().split("\r\n\r\n")[0].split("\r\n")
    assert head[0].startswith("HTTP/1.1 200") and "Mse-Status: Waiting" in head
    nonces = [line for line in head if line.startswith("Mse-Nonce: ")]
    assert len(nonces) == 1 and len(nonces[0].split(": ")[1]) == 64
    epoch = next(line for line in head if line.startswith("Mse-Epoch: "))
    assert int(epoch.split(": ")[1]) > waiting.lines[-1]["epoch"]


def test_B6_nothing_is_sent_to_an_enclave_that_is_not_the_right_one(start, waiting, build, tmp_path):
    """A debug enclave, another platform's root, another fingerprint. Each authentic request would
    have changed the nonce."""
    tampered = start("--debug")
    strange = Platform(build, tmp_path / "strange")
    for instance, words, root in (
        (tampered, (), None),
        (waiting, ("--fingerprint", "00" * 32), None),
        (waiting, (), strange),
    ):
        nonce = Door(instance).get()[1]["mse-nonce"]
        before = traces(instance)
        platform, fingerprint = instance.platform, instance.fingerprint
        instance.platform, instance.fingerprint = root or platform, (words or (0, fingerprint))[1]
        try:
            done = instance.configure("--force")
        finally:
            instance.platform, instance.fingerprint = platform, fingerprint
        assert done.code == NO, str(done)
        assert "nothing was sent" in done.err, str(done)
        assert Door(instance).get()[1]["mse-nonce"] == nonce
        assert traces(instance) == before


def test_B8_a_stranger_with_the_right_uuid_is_refused(start, deployment):
    instance = start()
    stranger = Door(instance, STRANGER)
    for signature in (True, None, b"AAAA", stranger.sign(b"another body")):
        status, _, problem = stranger.post(stranger.body(), signature)
        assert status == 401, problem
    owner = Door(instance)
    status, fields, _ = owner.post(owner.body())
    assert (status, fields["mse-status"]) == (200, "configured")
    instance.wait("running")


REFUSED = {
    "another uuid": (422, lambda d: (d.body(uuid="00000000-0000-4000-8000-000000000000"), True)),
    "no uuid": (422, lambda d: (d.body(("uuid",)), True)),
    "no blind": (422, lambda d: (d.body(("blind",)), True)),
    "no code key": (422, lambda d: (d.body(("code_secret_key",)), True)),
    "wrong code key": (422, lambda d: (d.body(code_secret_key="00" * 32), True)),
    "a member too much": (422, lambda d: (d.body(app_secret={}), True)),
    "a key for a certificate": (422, lambda d: (d.body(ssl_private_key="x"), True)),
    "another's sealed box": (422, lambda d: (d.body(app_sealed_secrets=sealed_to(bytes(31) + b"\1")),
                                             True)),
    "no JSON": (422, lambda d: (b"{", True)),
    "a stranger's signature": (401, lambda d: (d.body(), Door(d.instance, STRANGER).sign(b"x"))),
    "a signature over another body": (401, lambda d: (d.body(), d.sign(d.body()))),
    "another nonce": (401, lambda d: (BODY, d.sign(BODY, nonce=os.urandom(32)))),
    "another epoch": (401, lambda d: (BODY, d.sign(BODY, epoch=7))),
    "no signature": (401, lambda d: (d.body(), None)),
}  # fmt: skip
BODY = b'{"uuid": "x"}'


def sealed_to(public, text=b'{"a": 1}'):
    return base64.urlsafe_b64encode(SealedBox(PublicKey(public)).encrypt(text)).decode()


@pytest.fixture(scope="module")
def untouched(waiting):
    """The waiting instance's disk before all refused requests."""
    return traces(waiting)


@pytest.mark.parametrize("name", REFUSED)
def test_B9_D4_a_rejected_request_leaves_no_trace(waiting, untouched, name):
    wanted, make = REFUSED[name]
    door = Door(waiting)
    body, signature = make(door)
    status, _, problem = door.post(body, signature)
    assert status == wanted, problem
    if wanted == 422:
        assert problem["detail"] and problem["code"]
    assert traces(waiting) == untouched and is_waiting(waiting)


def test_B9_a_replayed_request_and_half_a_body(waiting, untouched):
    door = Door(waiting)
    body = door.body(uuid="00000000-0000-4000-8000-000000000000", app_secrets={"x": "stolen"})
    signature = door.sign(body)
    assert door.post(body, signature)[0] == 422, "authentic, and its nonce is used up"
    assert door.post(body, signature)[0] == 401
    good = door.body(app_secrets={"x": "half"})
    with connect(waiting) as stream:
        stream.sendall(door.request(good[:-5], door.sign(good), length=len(good)))
        stream.unwrap()
    assert traces(waiting) == untouched and is_waiting(waiting)


def test_B9_the_app_sees_the_owners_secrets_only(start):
    instance = start()
    door = Door(instance)
    assert door.post(door.body(uuid="0" * 32, app_secrets={"stolen": 1}))[0] == 422
    assert door.post(door.body(app_secrets={"stolen": 2}), signature=None)[0] == 401
    assert door.post(door.body(code_secret_key="11" * 32, app_secrets={"stolen": 3}))[0] == 422
    assert door.post(door.body())[0] == 200
    instance.wait("running")
    assert get(instance, "/secrets") == {}
    assert instance.stop()[0] == 0


def test_B10_the_owner_is_answered_beside_hostile_clients(start):
    """500 idle connections, 100 half handshakes, 50 half requests, and a body of 10 GB announced."""
    instance = start()
    door, crowd = Door(instance), []
    for i in range(650):
        if i < 600:
            peer = socket.create_connection(("127.0.0.1", instance.port), 20)
            if i >= 500:
                peer.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        else:
            peer = connect(instance)
            peer.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        crowd.append(peer)
    status, _, problem = door.post(b"", b"AAAA", length=10_000_000_000)
    assert status == 413, problem
    body = door.body()
    begin = time.monotonic()
    assert door.post(body)[0] == 200
    assert time.monotonic() - begin < 2
    instance.wait("running")
    for peer in crowd:
        peer.close()
    assert instance.stop()[0] == 0


def test_B11_a_wrong_code_key_is_told_and_the_right_one_taken(start, platform):
    instance = start()
    door = Door(instance)
    pid = instance.process.pid
    status, _, problem = door.post(door.body(code_secret_key="01" * 32))
    assert status == 422 and "key" in problem["detail"], problem
    assert is_waiting(instance)
    assert door.post(door.body(code_secret_key=code_key(instance.deployment)))[0] == 200
    assert instance.wait("running")["restarts"] == 0
    assert instance.process.pid == pid


def test_B12_an_app_that_is_not_healthy_is_not_ready(platform, program, build, tmp_path):
    (tmp_path / "mse").mkdir()
    sick = PROBE_APP.replace('STATUS = b"200 OK"', 'STATUS = b"500 Sick"')
    owner = Deployment(Mse(program, tmp_path / "mse"), build, code={"app": sick})
    with Instance(platform, owner, tmp_path / "sick") as instance:
        instance.wait("waiting")
        done = instance.configure("--wait", "3")
        assert done.code not in (YES, NO), str(done)
        assert "it is configured, but not ready in time" in done.err, str(done)
        assert "ready" not in done.out.decode()
        assert "running" not in {line["state"] for line in instance.lines}
        assert instance.stop()[0] == 0


# ---- what is taken ----------------------------------------------------------------------------


def test_D4_secrets_and_sealed_secrets_reach_the_app(start, deployment):
    """Exactly as they were written; the code key may be in the sealed box alone."""
    instance = start()
    done = instance.verify("--fingerprint", instance.fingerprint, "--json")
    public = bytes.fromhex(done.report["x25519"])
    box = sealed_to(public, json.dumps(
        {"sealed": [1, 2], "code_secret_key": code_key(deployment)}).encode())  # fmt: skip
    door = Door(instance)
    body = door.body(("code_secret_key",), app_sealed_secrets=box, app_secrets="@")
    assert door.post(body.replace(b'"@"', SECRETS.encode()))[0] == 200
    instance.wait("running")
    seen = get(instance, "/secrets")
    assert seen["SECRETS_PATH"] == SECRETS, "byte for byte"
    assert json.loads(seen["SEALED_SECRETS_PATH"]) == {"sealed": [1, 2]}
    assert instance.stop()[0] == 0


def test_D4_by_the_owners_client(start, deployment):
    mse = deployment.mse
    instance = start().configured("--secrets", mse.put(SECRETS), "--sealed-secrets",
                                  mse.put('{"sealed": true}'))  # fmt: skip
    seen = get(instance, "/secrets")
    assert seen == {"SECRETS_PATH": SECRETS, "SEALED_SECRETS_PATH": '{"sealed": true}'}


def test_D4_an_app_without_code_key(platform, program, build, tmp_path):
    """A plain package: the owner only approves."""
    (tmp_path / "mse").mkdir()
    owner = Deployment(Mse(program, tmp_path / "mse"), build, code={"app": PROBE_APP}, plain=True)
    assert "code_secret_key" not in owner.context.read_text()
    with Instance(platform, owner, tmp_path / "plain") as instance:
        instance.configured()
        assert get(instance, "/secrets") == {}
        assert instance.stop()[0] == 0


def test_D5_the_server_goes_and_the_app_is_there(start):
    """On the same port and certificate; POST / is the app's, as everything is."""
    instance = start()
    before, address = certificate_of(instance), instance.address
    door = Door(instance)
    assert door.post(door.body(app_secrets={"one": 1}))[0] == 200
    instance.wait("running")
    assert (certificate_of(instance), instance.address) == (before, address)
    request = door.request(door.body(app_secrets={"two": 2}), b"AAAA")
    status, fields, body = exchange(instance, request)
    assert status == 200 and body == request and "mse-status" not in fields
    assert get(instance, "/secrets") == {"SECRETS_PATH": '{"one": 1}'}
    assert instance.stop()[0] == 0


def test_D15_users_see_which_configuration_holds(start, deployment):
    """Other secrets, another digest, the same fingerprint and owner."""
    found = []
    for number in (1, 2):
        instance = start(name=f"instance-{number}")
        secrets = deployment.mse.put(json.dumps({"number": number}))
        instance.configured("--secrets", secrets)
        done = instance.verify("--fingerprint", instance.fingerprint, "--json", "--fresh",
                               *instance.platform.instance_key)  # fmt: skip
        assert done.code == YES, str(done)
        found.append(done.report["configuration"])
    assert found[0]["digest"] != found[1]["digest"]
    assert found[0]["owner"] == found[1]["owner"]


def test_nothing_of_secrets_or_keys_is_on_the_host(start, deployment):
    """What the host can read is sealed; the log has nothing of it."""
    instance = start().configured("--secrets", deployment.mse.put(SECRETS))
    assert instance.stop()[0] == 0
    for name, data in files_below(instance.directory).items():
        for secret in (b"hunter2", code_key(deployment).encode(), bytes.fromhex(code_key(deployment)),
                       b"BEGIN PRIVATE KEY", b"PROBE"):  # fmt: skip
            assert secret not in data, name
