# SPDX-License-Identifier: Apache-2.0
"""Hostile peers, a hostile host and a hostile app against the whole runtime."""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import attest_oracle
import pytest
from harness import YES, Mse
from hostile import (
    HOSTILE_APP,
    anybody,
    children,
    client_hello,
    code_in,
    connect,
    crowd,
    descriptors,
    enclave_of,
    ended,
    exchange,
    get,
    growth,
    init_of,
    is_sanitized,
    mounts,
    needs_root,
    read_all,
    rss,
    settled,
    status,
    tree_of,
)
from instance import NAME, Deployment, Instance, Platform
from nacl.signing import SigningKey
from owner_door import Door
from probe_app import split

LOCAL = 4  # exit status: the machine's fault
ANSWER_S = 2  # the requirement: so long may the owner's POST take
IDLE, SLOW = 10000, 1000
ATTEST = attest_oracle.request(bytes(32), b"http/1.1")  # evidence first, then HTTP


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def platform(build, place):
    return Platform(build, place / "tee")


@pytest.fixture(scope="module")
def deployment(program, build, place):
    made = Deployment(Mse(program, place), build, code={"app": HOSTILE_APP, "data": "1\n"})
    return made


@pytest.fixture
def started(platform, deployment, tmp_path):
    """started(*words): a new instance that waits for its owner."""
    with contextlib.ExitStack() as stack:

        def start(*words):
            instance = Instance(platform, deployment, tmp_path / "instance", *words)
            stack.enter_context(instance).wait("waiting")
            return instance

        yield start


@pytest.fixture
def instance(started):
    return started()


@pytest.fixture
def running(instance):
    """running(mode): a configured instance; its app does what the mode says from the start."""

    def run(mode="", state="running"):
        door = Door(instance)
        assert door.post(door.body(app_secrets={"mode": mode}))[0] == 200
        instance.wait(state)
        return instance

    return run


def ask(instance, path="/"):
    """(status, fields, body): of the app, which answers."""
    return split(get(instance, path))


def served(instance):
    with contextlib.suppress(OSError):
        return get(instance).endswith(b"fine")
    return False


def verified(instance):
    done = instance.verify("--fingerprint", instance.fingerprint, "--fresh")
    assert done.code == YES, str(done)


# ---- peers --------------------------------------------------------------------------------------


def timed_post(door):
    """Seconds from the connection to the answer, as the client sees it."""
    body = door.body()
    signature = door.sign(body)
    before = time.monotonic()
    code, _, answer = door.post(body, signature)
    assert code == 200, answer
    return time.monotonic() - before


def test_10000_idle_connections_and_1000_slow_handshakes_do_not_keep_the_owner_out(instance):
    with descriptors(IDLE + SLOW + 200):
        door = Door(instance)
        hello = client_hello()
        with crowd(instance, IDLE), crowd(instance, SLOW, hello):
            full = settled(instance, lambda s: s["connections"]["open"] >= IDLE + SLOW)
            assert full["connections"]["refused"] == 0
            took = timed_post(door)
            here = instance.wait("starting")["connections"]
            # with a sanitizer it takes longer than an idle one may be there
            assert here["open"] >= IDLE + SLOW or is_sanitized(instance), here
            instance.wait("running")
            assert ask(instance)[0] == 200
        assert took < ANSWER_S, f"{took:.2f} s"


def test_a_crowd_from_the_owners_own_address_does_not_keep_the_owner_out(instance):
    with descriptors(6000):
        door = Door(instance)
        with crowd(instance, 4500, peers=1), crowd(instance, SLOW, client_hello(), peers=1):
            settled(instance, lambda s: s["connections"]["accepted"] >= 4500 + SLOW)
            took = timed_post(door)
        assert took < ANSWER_S, f"{took:.2f} s"


def test_idle_clients_of_the_configuration_server_do_not_keep_the_owner_out(instance):
    """Whole handshakes, half a request each: what a crowd can hold at most without the owner's key."""
    door = Door(instance)
    before = rss(enclave_of(instance))
    with contextlib.ExitStack() as stack:
        for number in range(300):
            stream = stack.enter_context(connect(instance))
            head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"
            stream.sendall(head + b"x" * (100000 if number % 3 == 0 else 10))
        took = timed_post(door)
        assert growth(instance, before) < 64 << 10
    assert took < ANSWER_S, f"{took:.2f} s"


HEAD = "POST / HTTP/1.1\r\nHost: x\r\n"


def raw(text, tail=b""):
    return lambda door: text.encode() + tail


def not_http(door):
    return os.urandom(5000)


def wrong_uuid(door):
    body = door.body(uuid="00000000-0000-4000-8000-000000000009")
    return door.request(body, door.sign(body))


def another_owner(door):
    body = door.body()
    stranger = Door(door.instance, SigningKey(bytes(32)))
    return door.request(body, stranger.sign(body))


def no_signature(door):
    return door.request(door.body(), None)


def wrong_epoch(door):
    body = door.body()
    return door.request(body, door.sign(body, epoch=1 + int(door.get()[1]["mse-epoch"])))


def wrong_nonce(door):
    body = door.body()
    return door.request(body, door.sign(body, nonce=bytes(32)))


def signature_of_other_body(door):
    return door.request(door.body(), door.sign(door.body()))


def no_json(door):
    return door.request(b"{", door.sign(b"{"))


def wrong_code_key(door):
    body = door.body(code_secret_key="00" * 32)
    return door.request(body, door.sign(body))


def no_code_key(door):
    body = door.body(drop=("code_secret_key",))
    return door.request(body, door.sign(body))


def half_a_body(door):
    body = door.body()
    whole = door.request(body, door.sign(body))
    return whole[: -len(body) // 2]


def one_byte_less(door):
    body = door.body()
    return door.request(body, door.sign(body))[:-1]


def length_too_small(door):
    body = door.body()
    return door.request(body, door.sign(body), length=len(body) - 1)


# name: (what is sent, statuses that may be answered; None: the connection just ends)
REFUSED = {
    "random bytes": (not_http, (None, 400)),
    "NUL bytes": (raw("", bytes(9000)), (400,)),
    "a head without an end": (raw(HEAD + "X: " + "y" * 9000), (431,)),
    "an endless request line": (raw("GET /" + "y" * 9000), (414,)),
    "a body of 2 MiB": (raw(HEAD + "Content-Length: 2097152\r\n\r\n"), (413,)),
    "a length beyond numbers": (raw(HEAD + "Content-Length: 99999999999999999999\r\n\r\n"),
                                (400, 413)),
    "two lengths": (raw(HEAD + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"), (400,)),
    "a negative length": (raw(HEAD + "Content-Length: -1\r\n\r\n"), (400,)),
    "chunks": (raw(HEAD + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), (411,)),
    "chunks and a length": (raw(HEAD + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                                "0\r\n\r\n"), (400,)),
    "DELETE": (raw("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"), (501,)),
    "wrong uuid": (wrong_uuid, (422,)),
    "another owner": (another_owner, (401,)),
    "no signature": (no_signature, (401,)),
    "wrong epoch": (wrong_epoch, (401,)),
    "wrong nonce": (wrong_nonce, (401,)),
    "signature of another body": (signature_of_other_body, (401,)),
    "no JSON": (no_json, (422,)),
    "wrong code key": (wrong_code_key, (422,)),
    "no code key": (no_code_key, (422,)),
    "half a body": (half_a_body, (None,)),
    "a body of one byte less": (one_byte_less, (None,)),
    "a length of one byte less": (length_too_small, (401,)),
}  # fmt: skip


def answer_to(instance, data):
    """Status of the answer to these bytes and then nothing more, or None."""
    plain = socket.create_connection(("127.0.0.1", instance.port), 20)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = anybody("http/1.1").wrap_bio(incoming, outgoing, server_hostname=NAME)

    def push():
        plain.sendall(outgoing.read())

    answer = b""
    with plain, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                push()
                incoming.write(plain.recv(65536))
        client.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            client.unwrap()  # close_notify: that was all
        push()
        while part := plain.recv(65536):
            incoming.write(part)
            with contextlib.suppress(ssl.SSLError):
                while piece := client.read(65536):
                    answer += piece
    return split(answer)[0] if answer else None


def test_what_is_refused_leaves_nothing_behind(instance, deployment):
    door = Door(instance)
    before = tree_of(instance.directory)
    memory = rss(enclave_of(instance))
    for name, (request, wanted) in REFUSED.items():
        found = answer_to(instance, request(door))
        assert found in wanted, f"{name}: {found}"
        assert tree_of(instance.directory) == before, name
        if os.geteuid() == 0:
            assert code_in(instance) == [], f"{name}: code is left"
            assert children(init_of(instance)) == [], f"{name}: something runs"
    assert growth(instance, memory) < 16 << 10
    epoch = int(door.get()[1]["mse-epoch"])
    body = door.body(app_secrets={"mine": 1})
    assert door.post(body)[0] == 200
    assert instance.wait("running")["epoch"] == epoch, "no refusal has used it up"
    assert json.loads(ask(instance, "/secrets")[2]) == {"mine": 1}
    assert json.loads(ask(instance, "/tree")[2]) == ["app", "data"]


def test_a_request_is_taken_once(instance):
    """Each valid signature uses up its nonce, also one over a body that was refused."""
    door = Door(instance)
    before = tree_of(instance.directory)
    body = door.body(uuid="00000000-0000-4000-8000-000000000009")
    signature = door.sign(body)
    assert door.post(body, signature)[0] == 422
    assert door.post(body, signature)[0] == 401
    assert tree_of(instance.directory) == before
    body = door.body()
    signature = door.sign(body)
    epoch = int(door.get()[1]["mse-epoch"])
    # two at once on one connection, and a third beside it
    pair = door.request(body, signature).replace(b"Connection: close\r\n", b"") * 2
    answers = []
    threads = [threading.Thread(target=lambda d=data: answers.append(exchange(instance, d)))
               for data in (pair, door.request(body, signature))]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # what came too late for the door was answered by the app, or by nobody
    assert sum(a.count(b"HTTP/1.1 200 OK\r\n") for a in answers if b"Mse-Status" in a) == 1, answers
    assert b"".join(answers).count(b"Mse-Status: Configured") >= 1
    assert instance.wait("running")["epoch"] == epoch


def test_pipelined_questions_are_answered_in_turn(instance):
    get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(instance) as stream:
        stream.sendall(get * 99 + get.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert read_all(stream).count(b"HTTP/1.1 200 OK\r\n") == 100


def test_bytes_sent_ahead_of_fresh_evidence_are_bounded(started):
    """Bytes behind a request for evidence wait for the quote, but not without end."""
    instance = started("--quote-ms", "3000")
    before = rss(enclave_of(instance))
    with contextlib.ExitStack() as stack:
        for _ in range(600):
            stream = stack.enter_context(connect(instance, alpn="mse-attest/1"))
            with contextlib.suppress(OSError):
                stream.sendall(ATTEST + bytes(60000))
        assert growth(instance, before) < 24 << 10
        with contextlib.suppress(OSError), connect(instance, alpn="mse-attest/1") as flood:
            flood.sendall(ATTEST + bytes(70000))
            assert read_all(flood) == b"", "so much of one is too much by itself"
    assert Door(instance).get()[0] == 200


def test_a_crowd_that_takes_every_descriptor_goes_and_the_app_is_there(running):
    """Also where there are fewer than the runtime has counted with."""
    needs_root()
    instance = running()
    enclave = enclave_of(instance)
    _, most = resource.prlimit(enclave, resource.RLIMIT_NOFILE)
    for limit in range(70, 160, 15):  # it ends at another step each time
        resource.prlimit(enclave, resource.RLIMIT_NOFILE, (limit, most))
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for _ in range(limit):
                stream = stack.enter_context(connect(instance, timeout=2))
                stream.sendall(b"GET /deaf HTTP/1.1\r\n\r\n")
        wait_for(lambda: served(instance))
    found = settled(instance, lambda s: s["connections"]["open"] <= 1)
    assert found["state"] == "running" and found["restarts"] == 0
    assert found["connections"]["accepted"] > 100
    verified(instance)


# ---- host ---------------------------------------------------------------------------------------


def fifo(path):
    os.mkfifo(path)


def directory(path):
    path.mkdir()


def device(path):
    needs_root()
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero


def sparse(path):
    with path.open("wb") as file:
        try:
            file.truncate(1 << 40)
        except OSError:
            file.truncate(1 << 33)


def nothing(path):
    pass


def dangling(path):
    path.symlink_to(path.with_name("nowhere"))


def itself(path):
    path.symlink_to(path.name)


INSTANCE_FILES = {
    "a FIFO": fifo, "a directory": directory, "a device": device, "1 TB": sparse,
    "a link to itself": itself, "garbage": lambda p: p.write_bytes(os.urandom(1000)),
    "nothing": lambda p: p.write_bytes(b""),
    "deep": lambda p: p.write_bytes(b"[" * 60000),
}  # fmt: skip


@pytest.mark.parametrize("kind", INSTANCE_FILES)
def test_an_instance_file_that_is_none_is_refused(platform, deployment, tmp_path, kind):
    instance = Instance(platform, deployment, tmp_path / "instance")
    INSTANCE_FILES[kind](instance.directory / "instance.json")
    before = sorted(p.name for p in instance.directory.iterdir())
    with instance:
        code, err = instance.finish(10)
    assert code in (1, LOCAL) and "instance.json" in err, (code, err)
    assert sorted(p.name for p in instance.directory.iterdir()) == before


STATES = {
    "a file": lambda d: (d / "state").write_text("x"),
    "a link that leads nowhere": lambda d: dangling(d / "state"),
    "a link to itself": lambda d: itself(d / "state"),
    "a FIFO": lambda d: fifo(d / "state"),
    "sealed is a directory": lambda d: (d / "state/sealed").mkdir(parents=True),
    "sealed is a FIFO": lambda d: ((d / "state").mkdir(), fifo(d / "state/sealed")),
    "sealed is a device": lambda d: ((d / "state").mkdir(), device(d / "state/sealed")),
    "sealed leads nowhere": lambda d: ((d / "state").mkdir(), dangling(d / "state/sealed")),
    "sealed is 1 TB": lambda d: ((d / "state").mkdir(), sparse(d / "state/sealed")),
    "sealed is empty": lambda d: ((d / "state").mkdir(), (d / "state/sealed").touch()),
}  # fmt: skip


@pytest.mark.parametrize("kind", STATES)
def test_a_state_that_is_none_is_refused_not_replaced(platform, deployment, tmp_path, kind):
    instance = Instance(platform, deployment, tmp_path / "instance")
    STATES[kind](instance.directory)
    before = {p: p.lstat().st_ino for p in instance.directory.rglob("*")}
    with instance:
        code, err = instance.finish(10)
    assert code in (1, LOCAL) and "state" in err, (code, err)
    after = {p: p.lstat().st_ino for p in instance.directory.rglob("*")}
    after.pop(instance.directory / "instance.json")
    after.pop(instance.directory / "log", None)
    assert after == before


def many_entries(path):
    """Headers without end, all of them valid: more than there may be, or more than there is room."""
    from app_package import archive, entry

    path.write_bytes(archive([entry(f"{n:07}.enc", bytes(40)) for n in range(30000)]))


PACKAGES = {
    "nothing there": nothing, "a FIFO": fifo, "a directory": directory, "a device": device,
    "1 TB": sparse, "a link": lambda p: p.symlink_to(p.with_name("real.tar")),
    "a link to itself": itself, "empty": lambda p: p.touch(),
    "garbage": lambda p: p.write_bytes(os.urandom(100000)), "many entries": many_entries,
}  # fmt: skip


def test_a_package_that_is_none_is_refused_and_the_door_stays_open(instance, deployment):
    package = instance.directory / "package.tar"
    shutil.copy(package, instance.directory / "real.tar")
    door = Door(instance)
    for kind, make in PACKAGES.items():
        if package.is_dir():
            package.rmdir()
        package.unlink(missing_ok=True)
        make(package)
        before = {p: p.lstat().st_mtime_ns for p in instance.directory.rglob("*")}
        code, _, problem = door.post(door.body())
        assert code in (422, 500), (kind, problem)
        assert "package.tar" in problem["detail"] or kind == "many entries", (kind, problem)
        assert {p: p.lstat().st_mtime_ns for p in instance.directory.rglob("*")} == before, kind
        if os.geteuid() == 0:
            assert code_in(instance) == [], kind
    package.unlink()
    os.rename(instance.directory / "real.tar", package)
    assert door.post(door.body())[0] == 200
    instance.wait("running")


def test_a_package_that_changes_while_it_is_read_is_refused_or_whole(instance, deployment):
    package = instance.directory / "package.tar"
    whole = package.read_bytes()
    door, stop = Door(instance), threading.Event()

    def change():
        while not stop.is_set():
            os.truncate(package, len(whole) // 2)
            package.write_bytes(whole[: len(whole) * 2 // 3])
            package.write_bytes(whole[:-1])

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(10):
            assert door.post(door.body())[0] == 422
    finally:
        stop.set()
        thread.join()
    package.write_bytes(whole)
    assert door.post(door.body())[0] == 200
    instance.wait("running")
    assert json.loads(ask(instance, "/tree")[2]) == ["app", "data"]


def test_what_the_host_changes_in_the_instance_file_meanwhile_is_not_read(instance):
    (instance.directory / "instance.json").write_text("{}")
    door = Door(instance)
    assert door.post(door.body())[0] == 200
    instance.wait("running")
    assert ask(instance)[0] == 200


@pytest.mark.parametrize("name", ["log", "log.1"])
def test_a_log_that_leads_elsewhere_is_not_followed(platform, deployment, tmp_path, name):
    target = tmp_path / "target"
    target.write_text("precious")
    instance = Instance(platform, deployment, tmp_path / "instance")
    (instance.directory / name).symlink_to(target)
    with instance:
        instance.wait("waiting")
        door = Door(instance)
        assert door.post(door.body())[0] == 200
        instance.wait("running")
        ask(instance, "/flood")
        # each flush takes what it can; two megabytes turn the ring over
        settled(instance, lambda s: s["log_lost"] > 4 << 20)
        assert instance.stop()[0] == 0
    assert target.read_text() == "precious"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 512 KiB."""
    needs_root()
    path = tmp_path / "disk"
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", path], check=False,
                          capture_output=True)  # fmt: skip
    if made.returncode != 0:
        pytest.skip("nothing can be mounted here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def fill(directory):
    with contextlib.suppress(OSError), (directory / "filler").open("wb", 0) as file:
        while True:
            file.write(bytes(4096))


def test_a_full_disk_refuses_a_configuration_and_leaves_the_old_state(
    platform, deployment, small_disk
):
    instance = Instance(platform, deployment, small_disk / "instance")
    with instance:
        instance.wait("waiting")
        door = Door(instance)
        fill(small_disk)
        before = tree_of(instance.directory)
        code, _, problem = door.post(door.body())
        assert code == 500 and "No space left" in problem["detail"], problem
        assert tree_of(instance.directory) == before, "it is the old state, whole"
        assert code_in(instance) == []
        (small_disk / "filler").unlink()
        assert door.post(door.body())[0] == 200
        instance.wait("running")
        fill(small_disk)
        assert ask(instance, "/flood")[0] == 200
        settled(instance, lambda s: s["log_lost"] > 0)
        assert ask(instance)[0] == 200
        assert instance.stop()[0] == 0
    with instance.start():
        instance.wait("running")
        assert instance.stop()[0] == 0


def test_a_full_disk_refuses_the_first_start(platform, deployment, small_disk):
    instance = Instance(platform, deployment, small_disk / "instance")
    with instance:
        instance.wait("waiting")
        assert instance.stop()[0] == 0
    shutil.rmtree(instance.directory / "state")
    fill(small_disk)
    before = tree_of(instance.directory)
    with instance.start():
        code, err = instance.finish()
    assert code == LOCAL and "No space left" in err, err
    left = tree_of(instance.directory)
    left.pop("state", None)
    assert left == before
    (small_disk / "filler").unlink()
    with instance.start():
        instance.wait("waiting")


# ---- signals ------------------------------------------------------------------------------------


def test_SIGTERM_while_a_configuration_is_kept(started, deployment):
    """The platform is busy with a quote, so that the decision hangs; the owner loses patience."""
    instance = started("--quote-ms", "1500")
    door = Door(instance)
    body = door.body()
    request = door.request(body, door.sign(body))
    state = instance.directory / "state/sealed"
    before = state.read_bytes()
    with connect(instance, alpn="mse-attest/1") as asking, connect(instance) as posting:
        asking.sendall(ATTEST)
        time.sleep(0.2)  # the quote is under way then; too early only makes the test easier
        posting.sendall(request)
        wait_for(lambda: state.read_bytes() != before)
        instance.process.send_signal(signal.SIGTERM)
        instance.wait("draining")
        instance.process.send_signal(signal.SIGTERM)
    code, err = instance.finish()
    assert code == 0, err
    ended(deployment)
    with instance.start():
        instance.wait("running")
        assert instance.stop()[0] == 0


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_SIGTERM_during_a_start(platform, deployment, tmp_path):
    """At any moment: it ends, and leaves nothing that runs."""
    instance = Instance(platform, deployment, tmp_path / "instance")
    for number in range(12):
        with instance.start():
            time.sleep(number * 0.02)  # waits for nothing: this is the moment
            instance.process.send_signal(signal.SIGTERM)
            instance.process.send_signal(signal.SIGTERM)
            code = instance.finish()[0]
        assert code in (0, 128 + signal.SIGTERM, -signal.SIGTERM), code
        ended(deployment)
    assert not [p for p in instance.directory.rglob(".mse-*")]
    with instance.start():
        instance.wait("waiting")


def test_a_storm_of_signals_that_nobody_reads_the_answers_to(running):
    instance = running()
    pid = enclave_of(instance)
    for _ in range(5000):
        os.kill(pid, signal.SIGUSR1)
        if _ % 10 == 0:
            time.sleep(0.0002)  # so that not all of them become one
    before = time.monotonic()
    assert ask(instance)[0] == 200
    assert time.monotonic() - before < ANSWER_S
    code, _ = instance.stop()
    assert code == 0


# ---- app ----------------------------------------------------------------------------------------


def test_an_app_that_writes_without_end(running):
    instance = running()
    memory = rss(enclave_of(instance))
    assert ask(instance, "/flood")[0] == 200
    settled(instance, lambda s: s["log_lost"] > 64 << 20, 30)
    verified(instance)
    assert ask(instance)[0] == 200
    assert growth(instance, memory) < 16 << 10
    sizes = {p.name: p.stat().st_size for p in instance.directory.glob("log*")}
    assert set(sizes) <= {"log", "log.1"} and max(sizes.values()) <= 1 << 20, sizes
    assert instance.stop()[0] == 0


def test_an_app_that_forks_without_end(running, deployment):
    instance = running()
    made = get(instance, "/bomb").partition(b"\r\n\r\n")[2]  # nothing if it met its limit of memory
    assert not made or int(made) <= 4096
    verified(instance)
    assert status(instance)["state"] in ("running", "backing-off", "starting")
    assert instance.stop()[0] == 0
    ended(deployment)


def test_an_app_that_answers_and_reads_as_it_likes(running):
    instance = running()
    memory = rss(enclave_of(instance))
    with contextlib.ExitStack() as stack:
        for _ in range(8):  # nobody reads on one side, or on the other
            deaf = stack.enter_context(connect(instance))
            deaf.sendall(b"POST /deaf HTTP/1.1\r\n\r\n")
            deaf.settimeout(0.2)
            with contextlib.suppress(OSError):
                while True:
                    deaf.sendall(bytes(1 << 20))
            stack.enter_context(connect(instance)).sendall(b"GET /endless HTTP/1.1\r\n\r\n")
        assert len(get(instance, "/heads")) > 1 << 24
        assert ask(instance)[0] == 200
        verified(instance)
        assert growth(instance, memory) < 32 << 10
    assert int(ask(instance, "/connect")[2]) > 0
    verified(instance)
    with connect(instance) as stream:
        stream.sendall(b"GET /shut HTTP/1.1\r\n\r\n")
        wait_for(lambda: get(instance, "/") == b"")
        verified(instance)


@pytest.mark.parametrize("mode", ["garbage", "slow", "huge", "flood"])
def test_an_app_whose_health_is_harm(running, deployment, mode):
    """It never becomes ready; the rest goes on, and ends when it is told to."""
    instance = running(mode, "starting")
    memory = rss(enclave_of(instance))
    end = time.monotonic() + 1
    while time.monotonic() < end:  # for some of its questions
        assert get(instance, "/") == b"", "it is not served"
    verified(instance)
    assert status(instance)["state"] == "starting"
    assert growth(instance, memory) < 16 << 10
    instance.process.send_signal(signal.SIGTERM)
    assert instance.finish()[0] == 0
    ended(deployment)


def test_nothing_is_left_on_the_host(running, deployment):
    before = mounts()
    instance = running()
    assert mounts() == before, "what the app sees is mounted for it alone"
    assert instance.stop()[0] == 0
    ended(deployment)
    assert mounts() == before
