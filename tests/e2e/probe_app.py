# SPDX-License-Identifier: Apache-2.0
"""An app that tells what reaches it and what it can reach; and what tests say to it."""

import json
import socket
import ssl
import threading

from instance import NAME

PROBE_APP = r"""#!/usr/bin/python3 -SE
import errno, glob, json, os, socket, sys, threading

PROXY = b"\r\n\r\n\0\r\nQUIT\n"

def outcome(function, *words):
    try:
        function(*words)
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]

def secrets():
    found = {}
    for name in ("SECRETS_PATH", "SEALED_SECRETS_PATH"):
        try:
            with open(os.environ[name]) as file:
                found[name] = file.read()
        except FileNotFoundError:
            pass
    return found

def fill():
    path, size, end = os.environ["TMP_PATH"] + "/big", 0, "never"
    try:
        with open(path, "wb", 0) as file:
            while size < 1 << 30:
                size += file.write(bytes(1 << 16))
    except OSError as error:
        end = errno.errorcode[error.errno]
    os.unlink(path)
    with open(path, "w") as file:
        file.write("there is room again")
    return {"size": size, "end": end}

def read(path):
    with open(path, "rb") as file:
        return file.read()

def reach(words):
    connection = socket.create_connection(("192.0.2.1", 443), 2)
    connection.close()

def spy(host):
    mine = {"self", "thread-self"} | {p for p in os.listdir("/proc") if p.isdigit()}
    return {
        "uid": os.getuid(), "pids": sorted(p for p in mine if p.isdigit()),
        "programs": sorted({read(f"/proc/{p}/comm").decode().strip() for p in mine if p.isdigit()}),
        "files": {path: outcome(read, path) for path in host},
        "descriptors": sorted(os.readlink(p).split(":")[0] for p in glob.glob("/proc/self/fd/*")
                              if os.path.islink(p)),
        "network": outcome(reach, ()), "code": outcome(open, os.environ["MODULE_PATH"] + "/x", "w"),
    }

def as_json(value):
    return json.dumps(value).encode()

def page(request, head, body, seen):
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    path = target.partition("?")[0]
    if path == "/seen":
        return as_json(seen)
    if path == "/secrets":
        return as_json(secrets())
    if path == "/env":
        return as_json({"env": dict(os.environ), "cwd": os.getcwd(),
                        "argv": sys.argv, "stdin": sys.stdin.read()})
    if path == "/crash":
        os._exit(3)
    if path == "/fill":
        return as_json(fill())
    if path == "/spy":
        return as_json(spy(json.loads(body)))
    if path == "/print":
        print(target, flush=True)
        print(target, file=sys.stderr, flush=True)
    return request

def serve(connection):
    data, seen = b"", {}
    while b"\r\n\r\n" not in data or data.startswith(PROXY):
        if data.startswith(PROXY) and len(data) >= 16:
            size = 16 + int.from_bytes(data[14:16], "big")
            if len(data) >= size:
                seen["proxy"] = data[:size].hex()
                data = data[size:]
                continue
        more = connection.recv(65536)
        if not more:
            return
        data += more
    if data.startswith(b"PRI "):
        return
    head = data.partition(b"\r\n\r\n")[0]
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if length > len(data) - len(head) - 4:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while len(data) < len(head) + 4 + length:
        more = connection.recv(65536)
        if not more:
            return
        data += more
    answer = page(data, head, data[len(head) + 4:], seen)
    status = STATUS if head.startswith(b"GET /health ") else b"200 OK"
    connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                       % len(answer) + answer)

def run(connection):
    with connection:
        try:
            serve(connection)
        except OSError:
            pass

STATUS = b"200 OK"
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=128)
while True:
    threading.Thread(target=run, args=(listener.accept()[0],), daemon=True).start()
"""


def connect(instance, name=NAME, before=b"", source="127.0.0.1", alpn=("http/1.1",)):
    """A TLS connection to the instance, whoever it is; before: bytes ahead of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    plain = socket.create_connection(("127.0.0.1", instance.port), 20, (source, 0))
    plain.sendall(before)
    return context.wrap_socket(plain, server_hostname=name)


def read_all(stream):
    data = b""
    while part := stream.recv(65536):
        data += part
    return data


def certificate_of(instance, name=NAME):
    """DER that is shown for the name."""
    with connect(instance, name) as stream:
        return stream.getpeercert(binary_form=True)


def split(answer):
    """(status, headers in lower case, body) of an answer with Content-Length, and interim ones before."""
    while answer.startswith(b"HTTP/1.1 1"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split(" ")[1]), fields, body


def exchange(instance, request, name=NAME):
    with connect(instance, name) as stream:
        stream.sendall(request)
        return split(read_all(stream))


def get(instance, path, body=b"", name=NAME):
    """JSON that the app says."""
    method = b"POST" if body else b"GET"
    request = b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (
        method, path.encode(), len(body))  # fmt: skip
    status, _, answer = exchange(instance, request + body, name)
    assert status == 200, answer
    return json.loads(answer)


class InBackground(threading.Thread):
    """with InBackground(function) as b: ...; the result is b.result afterwards."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function, self.result = function, None

    def run(self):
        try:
            self.result = self.function()
        except BaseException as error:  # it is raised where it is waited for
            self.result = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join(60)
        if isinstance(self.result, BaseException):
            raise self.result
