# SPDX-License-Identifier: Apache-2.0
"""Serves a WSGI or ASGI application with hypercorn; arguments: SCHEME PORT MODULE:VARIABLE."""

import asyncio
import functools
import importlib
import inspect
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote_to_bytes

from hypercorn.asyncio import serve
from hypercorn.config import Config


class Body(io.RawIOBase):
    gone = ended = False
    rest = b""
    watcher = None

    def __init__(self, receive, loop):
        self.receive, self.loop = receive, loop

    def readable(self):
        return True

    async def fill(self):
        message = await self.receive()
        self.rest = self.rest or message.get("body", b"")
        self.gone = message["type"] == "http.disconnect"
        self.ended = self.gone or not message.get("more_body")
        if self.ended and not self.gone:
            # What comes next is the end: nobody reads an endless answer any more.
            self.watcher = self.loop.create_task(self.fill())

    def readinto(self, into):
        while not self.rest and not self.ended:
            asyncio.run_coroutine_threadsafe(self.fill(), self.loop).result()
        count = min(len(into), len(self.rest))
        into[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


def environ_of(scope, body):
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "SERVER_PROTOCOL": "HTTP/" + scope["http_version"],
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BufferedReader(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            continue  # would look like the name with a dash
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        value = value.decode("latin-1")
        if key in environ:
            value = environ[key] + ("; " if key == "HTTP_COOKIE" else ",") + value
        environ[key] = value
    return environ


class Wsgi:
    def __init__(self, app):
        self.app, self.threads = app, ThreadPoolExecutor(32)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                event = (await receive())["type"]
                await send({"type": event + ".complete"})
                if event == "lifespan.shutdown":
                    return
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close"})
        loop = asyncio.get_running_loop()
        body = Body(receive, loop)

        async def send_all(messages):
            for message in messages:
                await send(message)

        def send_now(*messages):
            asyncio.run_coroutine_threadsafe(send_all(messages), loop).result()

        try:
            await body.fill()
            environ = environ_of(scope, body)
            await loop.run_in_executor(self.threads, self.answer, environ, body, send_now)
            while not body.ended:
                await body.fill()
        finally:
            if body.watcher:
                body.watcher.cancel()

    def answer(self, environ, body, send):
        head, sent = [], []

        def start_response(status, headers, exc_info=None):
            if exc_info and sent:
                raise exc_info[1]
            pairs = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers]
            start = {"type": "http.response.start", "status": int(status[:3]), "headers": pairs}
            head[:] = [] if sent else [start]
            return write

        def write(data, more=True):
            message = {"type": "http.response.body", "body": data, "more_body": more}
            sent[:] = sent or head
            send(*head, message)
            head.clear()

        parts = self.app(environ, start_response)
        try:
            for data in parts:
                if body.gone:
                    return
                if data:
                    write(data)
            write(b"", False)
        finally:
            if hasattr(parts, "close"):
                parts.close()


def is_hypercorns(coroutine):
    code = getattr(coroutine, "cr_code", None)
    return code is not None and "/hypercorn/" in code.co_filename


def quieten(loop):
    """Hypercorn 0.13 forgets tasks of ended HTTP/2 connections, and Python says so each time."""
    show = sys.unraisablehook
    sys.unraisablehook = lambda what: is_hypercorns(what.object) or show(what)

    def handle(loop, context):
        destroyed = "destroyed" in context["message"] and "task" in context
        if not (destroyed and is_hypercorns(context["task"].get_coro())):
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


async def run(app, config):
    quieten(asyncio.get_running_loop())
    await serve(app, config)


def main(scheme, port, path):
    module, variable = path.split(":")
    app = functools.reduce(getattr, variable.split("."), importlib.import_module(module))
    if not any(map(inspect.iscoroutinefunction, (app, getattr(app, "__call__", None)))):
        app = Wsgi(app)

    async def outer(scope, receive, send):
        # TLS ends in front of this server, which therefore does not know of it.
        if "scheme" in scope:
            scope["scheme"] += scheme[4:]
        await app(scope, receive, send)

    config = Config()
    config.bind = ["127.0.0.1:" + port]
    config.loglevel = "WARNING"
    config.include_server_header = False
    config.keep_alive_timeout = 75
    asyncio.run(run(outer, config))


if __name__ == "__main__":
    main(*sys.argv[1:])
