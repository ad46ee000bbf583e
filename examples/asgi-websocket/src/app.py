# SPDX-License-Identifier: Apache-2.0
"""An ASGI application without a framework: HTTP, a stream, and a WebSocket that echoes."""

import asyncio

COUNT = 5  # lines of the stream
PAUSE_S = 0.2  # between two of them


async def app(scope, receive, send):
    await HANDLERS[scope["type"]](scope, receive, send)


async def lifespan(scope, receive, send):
    """Start and end of the application."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


async def http(scope, receive, send):
    handler = PAGES.get(scope["path"])
    if handler is not None:
        await handler(send)
    else:
        await page(send, b"nothing here\n", 404)


async def start(send, status):
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def page(send, body, status=200):
    await start(send, status)
    await send({"type": "http.response.body", "body": body})


async def stream(send):
    """A line now and then: each is with the client before the next one is made."""
    await start(send, 200)
    for i in range(COUNT):
        await send({"type": "http.response.body", "body": b"line %d\n" % i, "more_body": True})
        await asyncio.sleep(PAUSE_S)
    await send({"type": "http.response.body", "body": b""})


async def websocket(scope, receive, send):
    """Sends back what comes, text or bytes."""
    await receive()
    if scope["path"] != "/echo":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await send({"type": "websocket.send", "text": message["text"]})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


HANDLERS = {"lifespan": lifespan, "http": http, "websocket": websocket}
PAGES = {
    "/": lambda send: page(send, b"hello from ASGI\n"),
    "/health": lambda send: page(send, b"ok\n"),
    "/stream": stream,
}
