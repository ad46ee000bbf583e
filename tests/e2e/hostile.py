# SPDX-License-Identifier: Apache-2.0
"""What hostile peers, hosts and apps need: crowds of connections, traces, and an app that does harm."""

import base64
import contextlib
import os
import re
import resource
import selectors
import socket
import ssl
import time
from functools import lru_cache
from pathlib import Path

import pytest
from instance import NAME

# /health says yes until it is told otherwise; the rest is harm.
HOSTILE_APP = r"""#!/usr/bin/python3 -SE
import json, os, socket, sys, threading, time

try:
    with open(os.environ["SECRETS_PATH"]) as file:
        MODE = json.load(file).get("mode", "")
except FileNotFoundError:
    MODE = ""
PORT = int(os.environ["PORT"])

def flood():
    line = b"x" * 4095 + b"\n"
    while True:
        os.write(1, line * 16)

def bomb():
    made = 0
    while made < 20000:
        try:
            if os.fork() == 0:
                while True:
                    time.sleep(1000)
        except OSError:
            break
        made += 1
    return made

def tree():
    code = os.environ["MODULE_PATH"]
    return sorted(os.path.relpath(os.path.join(top, name), code)
                  for top, _, names in os.walk(code) for name in names)

def connect():
    kept = []
    while len(kept) < 3000:
        try:
            kept.append(socket.create_connection(("127.0.0.1", PORT), 0.2))
        except OSError:
            break
    return len(kept)

def answer(peer):
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        if not more:
            return
        data += more
    path = data.split(b" ", 2)[1].decode()
    body = b"fine"
    if path == "/flood":
        threading.Thread(target=flood, daemon=True).start()
    elif path == "/bomb":
        body = str(bomb()).encode()
    elif path == "/connect":
        body = str(connect()).encode()
    elif path == "/tree":
        body = json.dumps(tree()).encode()
    elif path == "/secrets":
        with open(os.environ["SECRETS_PATH"], "rb") as file:
            body = file.read()
    elif path == "/deaf":
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        time.sleep(1000)
    elif path == "/endless":
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.sendall(b"y" * 65536)
    elif path == "/heads":
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Much: " + b"z" * (1 << 24) + b"\r\n\r\n")
        return
    elif path == "/shut":
        listener.close()
        time.sleep(1000)
    elif path == "/health" and MODE == "garbage":
        while True:
            peer.sendall(os.urandom(65536))
    elif path == "/health" and MODE == "slow":
        for byte in b"HTTP/1.1 20":
            peer.sendall(bytes([byte]))
            time.sleep(0.5)
        time.sleep(1000)
    elif path == "/health" and MODE == "huge":
        peer.sendall(b"HTTP/1.1 503 No\r\n" + b"X-Much: " + b"z" * (1 << 24) + b"\r\n\r\n")
        return
    elif path == "/health" and MODE == "flood":
        flood()
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
                 + body)

def run(peer):
    with peer:
        try:
            answer(peer)
        except OSError:
            pass

listener = socket.create_server(("127.0.0.1", PORT), backlog=64)
while True:
    try:
        peer = listener.accept()[0]
    except OSError:
        time.sleep(1000)
    threading.Thread(target=run, args=(peer,), daemon=True).start()
"""


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("this needs root")


def needs_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        pytest.skip(f"RLIMIT_NOFILE is {hard} at most: {count} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard


@contextlib.contextmanager
def descriptors(count):
    before = needs_descriptors(count)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# ---- crowds -------------------------------------------------------------------------------------


@lru_cache
def anybody(*alpn):
    """TLS settings of a client that checks nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context


def connect(instance, alpn="http/1.1", timeout=20):
    plain = socket.create_connection(("127.0.0.1", instance.port), timeout)
    return anybody(alpn).wrap_socket(plain, server_hostname=NAME)


def read_all(stream):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := stream.recv(65536):
            data += part
    return data


def exchange(instance, data):
    """All that is answered to these bytes."""
    with connect(instance) as stream:
        stream.sendall(data)
        return read_all(stream)


def get(instance, path="/"):
    return exchange(instance, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def client_hello(name=NAME):
    """The first bytes of a proper client."""
    context = anybody("http/1.1")
    said = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), said, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return said.read()


@contextlib.contextmanager
def crowd(instance, count, first=b"", peers=20):
    """count connections, from so many addresses, that have said first and nothing more."""
    sockets = []
    try:
        with selectors.DefaultSelector() as waiting:
            for number in range(count):
                s = socket.socket()
                sockets.append(s)
                s.setblocking(False)
                s.bind((f"127.0.0.{1 + number % peers}", 0))
                s.connect_ex(("127.0.0.1", instance.port))
                if number % 500 == 499:
                    _finish_connecting(waiting, sockets[-500:], first)
            _finish_connecting(waiting, sockets[count - count % 500 :], first)
        yield sockets
    finally:
        for s in sockets:
            s.close()


def _finish_connecting(waiting, sockets, first):
    for s in sockets:
        waiting.register(s, selectors.EVENT_WRITE)
    left = set(sockets)
    while left:
        found = waiting.select(20)
        assert found, f"{len(left)} connections are not taken"
        for key, _ in found:
            waiting.unregister(key.fileobj)
            left.discard(key.fileobj)
            error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            assert error == 0, os.strerror(error)
            if first:
                key.fileobj.send(first)


def status(instance):
    """Asks for a status line, and reads it."""
    os.kill(instance.process.pid, 10)  # SIGUSR1
    return instance.wait(instance.lines[-1]["state"])


def settled(instance, enough, seconds=15):
    """The first status that is enough: what was sent may still be on its way into the runtime."""
    end = time.monotonic() + seconds
    while not enough(found := status(instance)):
        assert time.monotonic() < end, found
    return found


# ---- processes ----------------------------------------------------------------------------------


def children(pid):
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def enclave_of(instance):
    return children(instance.process.pid)[0]


def init_of(instance):
    """The first process of the app's namespaces: below the keeper, which is below the enclave."""
    (keeper,) = children(enclave_of(instance))
    (init,) = children(keeper)
    return init


def processes_of(deployment):
    """All that was started for this package, wherever it is now."""
    key = base64.b64decode(deployment.public.read_text().splitlines()[1])[-32:]
    owner = b"owner=" + key.hex().encode()  # nobody else's
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if owner in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def ended(deployment, seconds=10):
    """Waits until nothing of this package runs any more."""
    end = time.monotonic() + seconds
    while left := processes_of(deployment):
        assert time.monotonic() < end, [Path(f"/proc/{p}/status").read_text() for p in left]
        time.sleep(0.01)


def rss(pid):
    """KiB of memory that is really there."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


def is_sanitized(instance):
    return b"__asan_init" in instance.deployment.loader.read_bytes()


def growth(instance, before):
    """KiB of memory more than before; a sanitizer keeps what was freed, so that says nothing."""
    return 0 if is_sanitized(instance) else rss(enclave_of(instance)) - before


def mounts():
    """Where something is mounted; what tests beside this one mount is in their directories."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted(point for point in points if "/pytest-of-" not in point)


def code_in(instance):
    """What is in the directory that the app would find as its code."""
    needs_root()
    root = Path(f"/proc/{init_of(instance)}/root", "mse-app")
    return sorted(str(p.relative_to(root)) for p in root.rglob("*"))


def tree_of(directory):
    """{path: (kind, content)} of everything below, the log's content left out: it is the app's."""
    found = {}
    for path in sorted(Path(directory).rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_file():
            found[name] = ("file", b"" if name.startswith("log") else path.read_bytes())
        else:
            found[name] = (oct(path.stat().st_mode), None)
    return found
