# SPDX-License-Identifier: Apache-2.0
"""What goes through a running instance: bytes, HTTP/2, WebSockets, the client's address; any program."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
from contextlib import ExitStack
from pathlib import Path

import chromium
import pytest
import websockets
from browsers import needed
from chromium import Chromium
from clients_page import blocks, shell
from harness import YES, Mse
from instance import ECHO_APP, NAME, Deployment, Instance, Platform
from probe_app import PROBE_APP, connect, exchange, read_all, split

EDGE = "127.0.0.2"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PYTHON_APP = """
name = "python"
python_application = "app:app"
healthcheck_endpoint = "/health"
memory = 256
"""
SOCKETS = """
const peer = new WebSocket('wss://%s/echo');
peer.onopen = () => peer.send('from a browser');
peer.onmessage = (event) => done(event.data);
peer.onerror = () => done('error');
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("http")


@pytest.fixture(scope="module")
def platform(build, place):
    return Platform(build, place / "tee")


@pytest.fixture(scope="module")
def run(platform, program, build, place):
    """run(name, code, ...): an instance of that app, configured, with its verified certificate."""
    with ExitStack() as running:

        def start(name, code, *words, settings=None):
            (place / name).mkdir()
            owner = Deployment(Mse(program, place / name), build, code=code, settings=settings)
            instance = Instance(platform, owner, place / name / "instance", *words)
            running.enter_context(instance)
            instance.configured()
            done = instance.verify("--fingerprint", instance.fingerprint)
            assert done.code == YES, str(done)
            instance.certificate = owner.mse.work / "cert.pem"
            running.callback(ended, instance)
            return instance

        yield start


def ended(instance):
    assert instance.stop()[0] == 0 and instance.problems == []


@pytest.fixture(scope="module")
def plain(run):
    return run("plain", {"app": PROBE_APP})


@pytest.fixture(scope="module")
def python(run):
    return run("python", {"app.py": ECHO_APP}, settings=PYTHON_APP)


@pytest.fixture(scope="module")
def sockets(run):
    code = (EXAMPLES / "asgi-websocket/src/app.py").read_text()
    return run("sockets", {"app.py": code}, settings=PYTHON_APP)


# ---- bytes ------------------------------------------------------------------------------------


REQUESTS = {
    "GET": b"GET /any/path?x=1&y=%20 HTTP/1.1\r\nHost: app.example\r\n\r\n",
    "path": b"GET //a/./b/../c%2F%00;p=1?a?b#c HTTP/1.1\r\nhost:app.example\r\n\r\n",
    "headers": b"GET / HTTP/1.1\r\nHost: x\r\nX-a: 1\r\nx-A:  2 \r\nX-Forwarded-For: 9.9.9.9\r\n"
               b"Via: 1.1 me\r\nConnection: keep-alive, x-a\r\nX-Bytes: \xff\xfe\r\n\r\n",
    "method": b"PROPFIND * HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
    "body": b"PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 262144\r\n\r\n" + bytes(range(256)) * 1024,
    "old": b"GET / HTTP/1.0\r\n\r\n",
    "odd": b"BREW pot://x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_A1_a_request_reaches_the_app_unchanged(plain, name):
    status, fields, body = exchange(plain, REQUESTS[name])
    assert status == 200 and body == REQUESTS[name]
    assert set(fields) == {"content-length", "connection"}, "and nothing is put into the answer"


def test_A1_as_curl_calls(plain, tmp_path):
    data = tmp_path / "data"
    data.write_bytes(bytes(range(256)) * 300)
    answer = plain.curl(plain.certificate, "/any/path?x=1", "-X", "PATCH", "-H", "X-My: own",
                        "--data-binary", f"@{data}", "--http1.1")  # fmt: skip
    head, _, body = answer.stdout.partition(b"\r\n\r\n")
    assert head.startswith(b"PATCH /any/path?x=1 HTTP/1.1\r\nHost: app.example"), answer.stderr
    assert b"\r\nX-My: own\r\n" in head and body == data.read_bytes()


# ---- protocols --------------------------------------------------------------------------------


def test_http_2_from_end_to_end(python):
    for version, shown in (("--http2", b"2"), ("--http1.1", b"1.1")):
        answer = python.curl(python.certificate, "/path?x=1", version, "-d", "text", "-H", "X-A: b",
                             "-w", "\n%{http_version} %{response_code}")  # fmt: skip
        body, _, last = answer.stdout.rpartition(b"\n")
        assert last == shown + b" 200", answer.stderr
        seen = json.loads(body)
        assert (seen["method"], seen["path"], seen["query"], seen["body"]) == (
            "POST", "/path", "x=1", "text")  # fmt: skip
        assert seen["headers"]["HTTP_X_A"] == "b"


def test_an_app_without_http_2_is_not_offered_it(plain):
    answer = plain.curl(plain.certificate, "/", "--http2", "-o", "/dev/null", "-w", "%{http_version}")
    assert answer.stdout == b"1.1", answer.stderr


def test_websocket_messages_go_both_ways(sockets):
    context = ssl.create_default_context(cafile=sockets.certificate)

    async def talk():
        async with websockets.connect(f"wss://{NAME}/echo", ssl=context, host="127.0.0.1",
                                      port=sockets.port, server_hostname=NAME,
                                      max_size=1 << 22) as peer:  # fmt: skip
            for message in ("text", b"\x00bytes", "x" * (1 << 21)):
                await peer.send(message)
                assert await asyncio.wait_for(peer.recv(), 20) == message

    asyncio.run(talk())


def test_A21_websocket_in_chromium(sockets):
    """With the certificate imported as docs/clients.md says."""
    needed(chromium.PROGRAM, "Chromium")
    mse = sockets.deployment.mse
    _, bring = blocks()["Chromium and Chrome on Linux"][0]
    shell(bring, mse.home, mse.work)
    with Chromium(mse.home) as browser:
        page = browser.open(f"https://{NAME}:{sockets.port}/")
        assert (page.text.strip(), page.error) == ("hello from ASGI", "")
        script = SOCKETS % f"{NAME}:{sockets.port}"
        assert browser.run(f"new Promise((done) => {{ {script} }})") == "from a browser"


# ---- the client's address ---------------------------------------------------------------------


def header(source, port, to="192.0.2.1"):
    """PROXY protocol, version 2, of TCP over IPv4."""
    return (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton(source) + socket.inet_aton(to)
            + port.to_bytes(2, "big") + (443).to_bytes(2, "big"))  # fmt: skip


def test_the_edge_says_who_the_client_is(run):
    instance = run("edge", {"app": PROBE_APP}, "--edge", f"{EDGE}/32")
    words, asked = ("198.51.100.7", 4711), b"GET /seen HTTP/1.1\r\nHost: x\r\n\r\n"

    def ask(before, source=EDGE):
        with connect(instance, before=before, source=source) as stream:
            stream.sendall(asked)
            return json.loads(split(read_all(stream))[2])

    assert ask(header(*words)) == {}, "the app is not told"
    for before, source in ((b"", EDGE), (header(*words), "127.0.0.1")):
        with pytest.raises(OSError):
            ask(before, source)  # the edge has to say it, and nobody else may
    # the operator switches it on; nothing of it is measured
    assert instance.stop()[0] == 0
    file = instance.directory / "instance.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "proxy_to_app": True}))
    instance.start()
    instance.wait("running")
    told = bytes.fromhex(ask(header(*words))["proxy"])
    assert told[:16] == header(*words)[:14] + (12).to_bytes(2, "big")
    assert told[16:20] == socket.inet_aton(words[0]) and told[24:26] == words[1].to_bytes(2, "big")


# ---- any program ------------------------------------------------------------------------------


C_APP = r"""
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
                                 "Connection: close\r\n\r\nstatic C\n";
    struct sockaddr_in at = { .sin_family = AF_INET };
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_port = htons((unsigned short)atoi(getenv("PORT")));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 64) != 0)
        return 1;
    for (;;) {
        char request[4096];
        int peer = accept(listener, NULL, NULL);

        if (read(peer, request, sizeof(request)) > 0)
            (void)!write(peer, answer, strlen(answer));
        close(peer);
    }
}
"""
GO_APP = """
package main

import (
    "net/http"
    "os"
)

func main() {
    http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
        w.Write([]byte("Go " + r.URL.String()))
    })
    panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
"""


def test_D11_a_static_c_program(run, tmp_path):
    (tmp_path / "app.c").write_text(C_APP)
    subprocess.run(["gcc", "-O1", "-static", tmp_path / "app.c", "-o", tmp_path / "app"], check=True)
    instance = run("static", {"app": (tmp_path / "app").read_bytes()})
    answer = instance.curl(instance.certificate)
    assert answer.stdout == b"static C\n", answer.stderr


@pytest.mark.slow
def test_D11_a_go_program(run, tmp_path):
    if shutil.which("go") is None:
        pytest.skip("no Go here (golang-go)")
    (tmp_path / "main.go").write_text(GO_APP)
    env = dict(os.environ, GO111MODULE="off", CGO_ENABLED="0", GOCACHE=str(tmp_path / "cache"))
    subprocess.run(["go", "build", "-o", "app", "main.go"], cwd=tmp_path, env=env, check=True)
    instance = run("go", {"app": (tmp_path / "app").read_bytes()})
    answer = instance.curl(instance.certificate, "/path?x=1")
    assert answer.stdout == b"Go /path?x=1", answer.stderr


def test_D11_a_python_app_and_a_script_of_the_shell(run, python):
    assert python.curl(python.certificate, "/").stdout.startswith(b"{")
    script = ("#!/bin/sh\nmkdir -p $TMP_PATH/www && cd $TMP_PATH/www && echo shell >health && "
              "exec python3 -m http.server --bind 127.0.0.1 $PORT\n")  # fmt: skip
    instance = run("shell", {"app": script})
    assert instance.curl(instance.certificate, "/health").stdout == b"shell\n"
