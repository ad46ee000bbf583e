# SPDX-License-Identifier: Apache-2.0
"""Tests of the service at TEST_REMOTE_URL, which mse localtest sets."""

import asyncio
import os
import urllib.error
import urllib.request

import pytest
import websockets

URL = os.environ["TEST_REMOTE_URL"].rstrip("/")
WEBSOCKET = "ws" + URL.removeprefix("http")


def get(path):
    with urllib.request.urlopen(URL + path, timeout=10) as answer:
        return answer.read()


def test_pages():
    assert get("/health") == b"ok\n"
    assert get("/") == b"hello from ASGI\n"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get("/absent")


def test_the_first_line_of_a_stream_comes_before_the_last_is_made():
    with urllib.request.urlopen(URL + "/stream", timeout=10) as answer:
        first = answer.read1()
        assert first.startswith(b"line 0\n") and b"line 4\n" not in first
        assert (first + answer.read()).splitlines() == [b"line %d" % i for i in range(5)]


def test_the_websocket_sends_back_what_comes():
    async def talk():
        async with websockets.connect(WEBSOCKET + "/echo") as socket:
            for message in ("text", "\N{SNOWMAN}", b"\0bytes\xff", b"x" * 100_000):
                await socket.send(message)
                assert await asyncio.wait_for(socket.recv(), 10) == message

    asyncio.run(talk())


def test_no_other_path_has_a_websocket():
    async def talk():
        with pytest.raises(websockets.InvalidStatusCode):
            await websockets.connect(WEBSOCKET + "/other")

    asyncio.run(talk())
