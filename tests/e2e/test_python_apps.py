# SPDX-License-Identifier: Apache-2.0
"""What python_application is served by: WSGI and ASGI over HTTP/1.1, HTTP/2 and WebSocket."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import websockets

PROGRAM = (Path(__file__).resolve().parents[2] / "src/measure/app_python.py").read_text()

WSGI = '''
import json, sys, time

def app(environ, start_response):
    return PAGES[environ["PATH_INFO"]](environ, start_response)

def plain(start_response, *headers, status="200 OK"):
    return start_response(status, [("Content-Type", "text/plain"), *headers])

def env(environ, start_response):
    plain(start_response, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    shown = {k: v for k, v in environ.items() if isinstance(v, (str, bool, tuple))}
    return [json.dumps(shown).encode()]

def echo(environ, start_response):
    plain(start_response)
    return iter(lambda: environ["wsgi.input"].read(70000), b"")

def lines(environ, start_response):
    plain(start_response)
    return [b"<%s>" % line for line in environ["wsgi.input"]]

def ignore(environ, start_response):
    plain(start_response, ("Content-Length", "3"), status="413 Too Large")
    return [b"no\\n"]

def part(environ, start_response):
    plain(start_response)
    return [environ["wsgi.input"].read(3)]

class Stream:
    count = 0
    def __iter__(self):
        return self
    def __next__(self):
        self.count += 1
        time.sleep(0.02)
        return b"line %d\\n" % self.count
    def close(self):
        print("closed", flush=True)

def stream(environ, start_response):
    plain(start_response)
    return Stream()

def write(environ, start_response):
    send = plain(start_response)
    send(b"written ")
    return [b"", b"and returned"]

def early(environ, start_response):
    raise ValueError("boom before")

def replaced(environ, start_response):
    plain(start_response)
    try:
        raise ValueError("boom")
    except ValueError:
        start_response("503 Not Now", [("X-Why", "boom")], sys.exc_info())
    return [b"sorry"]

def late(environ, start_response):
    plain(start_response, ("Content-Length", "100"))
    yield b"begun"
    try:
        raise ValueError("boom after")
    except ValueError:
        start_response("500 Oh", [], sys.exc_info())

def errors(environ, start_response):
    environ["wsgi.errors"].write("told to wsgi.errors\\n")
    plain(start_response)
    return []

BARRIER = __import__("threading").Barrier(8)
def together(environ, start_response):
    BARRIER.wait(10)
    plain(start_response)
    return [b"all"]

PAGES = {"/health": lambda e, s: (plain(s), [b"ok"])[1],
         "/env": env, "/echo": echo, "/lines": lines,
         "/ignore": ignore, "/part": part, "/stream": stream, "/write": write, "/early": early,
         "/replaced": replaced, "/late": late, "/errors": errors, "/together": together,
         "/h\\xc3\\xa9 llo%": env}

class Holder:
    inner = staticmethod(app)
'''

ASGI = '''
import json

class App:
    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                event = (await receive())["type"]
                print(event, flush=True)
                await send({"type": event + ".complete"})
                if event == "lifespan.shutdown":
                    return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": scope["scheme"]})
            while (message := await receive())["type"] == "websocket.receive":
                key = "text" if message.get("text") is not None else "bytes"
                await send({"type": "websocket.send", key: message[key]})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = json.dumps([scope["scheme"], scope["http_version"]]).encode()
        await send({"type": "http.response.body", "body": body})

app = App()
'''


class Server:
    """One app on a port; it is healthy when this returns."""

    def __init__(self, directory, code, path="app:app", scheme="https"):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "app.py").write_text(code)
        self.log = directory / "log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        words = ["/usr/bin/python3", "-u", "-c", PROGRAM, scheme, str(self.port), path]
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(directory), "LANG": "C.UTF-8",
               "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                words, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait_for(self.answers)

    def wait_for(self, condition, seconds=20):
        """Until it is true: of another process there is no event to wait for."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.text
            assert time.monotonic() < end, self.text
            time.sleep(0.02)

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def text(self):
        return self.log.read_text()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def curl(self, path, *words, data=None):
        """(status, body)"""
        more = ["--data-binary", "@-"] if data is not None else []
        done = subprocess.run(
            ["curl", "-s", "-o", "-", "-w", "\n%{http_code}", *more, *words, self.url + path],
            input=data, capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def wsgi(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("wsgi") / "app", WSGI)
    yield server
    assert server.stop() == 0


@pytest.fixture
def asgi(tmp_path):
    server = Server(tmp_path / "app", ASGI)
    yield server
    if server.process.poll() is None:
        server.stop()


VERSIONS = [("--http1.1",), ("--http2-prior-knowledge",)]
versions = pytest.mark.parametrize("version", VERSIONS, ids=["1.1", "2"])


# ---- WSGI ------------------------------------------------------------------------------------


@versions
def test_environ_is_that_of_the_request(wsgi, version):
    status, body = wsgi.curl(
        "/h%C3%A9%20llo%25?q=%41&r", *version, "-H", "Cookie: a=1", "-H", "Cookie: b=2",
        "-H", "X-One: 1", "-H", "X-One: 2", "-H", "X_Real_Ip: 9.9.9.9", "-H", "Host: app.example",
    )  # fmt: skip
    environ = json.loads(body)
    assert status == 200
    wanted = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/h\xc3\xa9 llo%",
        "QUERY_STRING": "q=%41&r", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(wsgi.port),
        "SERVER_PROTOCOL": "HTTP/1.1" if version == VERSIONS[0] else "HTTP/2",
        "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "app.example", "HTTP_COOKIE": "a=1; b=2",
        "HTTP_X_ONE": "1,2", "wsgi.url_scheme": "https", "wsgi.version": [1, 0],
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }  # fmt: skip
    assert {name: environ.get(name) for name in wanted} == wanted
    assert "HTTP_X_REAL_IP" not in environ and "CONTENT_LENGTH" not in environ


@versions
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_any_length_pass(wsgi, version, chunked):
    more = ("-H", "Transfer-Encoding: chunked") if chunked and version == VERSIONS[0] else ()
    for size in (0, 1, 65536, 3_000_000):
        data = os.urandom(size)
        assert wsgi.curl("/echo", *version, *more, data=data) == (200, data)


def test_a_body_is_a_file_with_lines(wsgi):
    assert wsgi.curl("/lines", data=b"one\ntwo\n\nrest") == (200, b"<one\n><two\n><\n><rest>")


@versions
def test_a_body_need_not_be_read(wsgi, version):
    assert wsgi.curl("/ignore", *version, data=b"x" * 3_000_000)[0] in (413, 0)
    assert wsgi.curl("/part", *version, data=b"abcdef") == (200, b"abc")


def test_a_connection_serves_many_requests(wsgi):
    connection = http.client.HTTPConnection("127.0.0.1", wsgi.port, timeout=10)
    for i in range(5):
        connection.request("POST", "/part", b"abc%d" % i)
        assert connection.getresponse().read() == b"abc"
        local = connection.sock.getsockname() if i == 0 else local
        assert connection.sock.getsockname() == local
    connection.request("HEAD", "/env")
    answer = connection.getresponse()
    assert answer.read() == b"" and answer.getheader("Server") is None
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    connection.close()


@versions
def test_a_stream_comes_as_it_is_made_and_ends_with_its_client(wsgi, version):
    before = wsgi.text.count("closed")
    client = subprocess.Popen(["curl", "-sN", *version, wsgi.url + "/stream"],
                              stdout=subprocess.PIPE)  # fmt: skip
    assert [client.stdout.readline() for _ in range(3)] == [b"line %d\n" % i for i in (1, 2, 3)]
    assert wsgi.text.count("closed") == before
    client.kill()
    client.wait()
    client.stdout.close()
    wsgi.wait_for(lambda: wsgi.text.count("closed") == before + 1)


def test_what_is_written_and_what_is_returned_make_one_answer(wsgi):
    assert wsgi.curl("/write") == (200, b"written and returned")


def test_errors_are_told(wsgi):
    assert wsgi.curl("/early")[0] == 500
    assert wsgi.curl("/replaced") == (503, b"sorry")
    wsgi.curl("/late")
    assert wsgi.curl("/errors") == (200, b"")
    text = wsgi.text
    assert "boom before" in text and "boom after" in text and "told to wsgi.errors" in text
    assert wsgi.curl("/health") == (200, b"ok")


def test_requests_run_side_by_side(wsgi):
    got = []
    clients = [threading.Thread(target=lambda: got.append(wsgi.curl("/together")))
               for _ in range(8)]  # fmt: skip
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert got == [(200, b"all")] * 8


def test_wsgi_has_no_websocket(wsgi):
    async def talk():
        with pytest.raises(websockets.InvalidStatusCode):
            await websockets.connect(f"ws://127.0.0.1:{wsgi.port}/health")

    asyncio.run(talk())
    assert wsgi.curl("/health") == (200, b"ok")


def test_dots_lead_inwards(tmp_path):
    package = tmp_path / "app" / "pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "web.py").write_text(WSGI)
    server = Server(tmp_path / "app", "", "pkg.web:Holder.inner", scheme="http")
    assert json.loads(server.curl("/env")[1])["wsgi.url_scheme"] == "http"
    assert server.stop() == 0


# ---- ASGI ------------------------------------------------------------------------------------


def test_asgi_knows_scheme_and_version(asgi):
    assert asgi.curl("/", "--http1.1") == (200, b'["https", "1.1"]')
    assert asgi.curl("/", "--http2-prior-knowledge") == (200, b'["https", "2"]')


def test_asgi_has_websockets(asgi):
    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{asgi.port}/") as peer:
            assert await peer.recv() == "wss"
            for message in ("text", b"bytes\0", "x" * 200_000):
                await peer.send(message)
                assert await asyncio.wait_for(peer.recv(), 10) == message

    asyncio.run(talk())


def test_asgi_is_told_of_start_and_end_and_nothing_else_is_logged(asgi):
    for _ in range(8):  # enough for a round of garbage collection
        for version in VERSIONS:
            assert asgi.curl("/", *version)[0] == 200
    assert asgi.text == "lifespan.startup\n"
    assert asgi.stop() == 0
    assert asgi.text == "lifespan.startup\nlifespan.shutdown\n"


# ---- what cannot be served ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "code, path, said",
    [
        ("", "absent:app", "No module named 'absent'"),
        ("", "app:absent", "has no attribute 'absent'"),
        ("1 +", "app:app", "SyntaxError"),
        ("raise SystemExit('own words')", "app:app", "own words"),
    ],
)
def test_an_app_that_cannot_be_imported_says_why(tmp_path, code, path, said):
    with pytest.raises(AssertionError) as failure:
        Server(tmp_path / "app", code, path)
    assert said in str(failure.value)
