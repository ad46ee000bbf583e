# SPDX-License-Identifier: Apache-2.0
"""A Flask application (WSGI): a guest book that only holders of a token may read."""

import hmac
import json
import os
from pathlib import Path

from flask import Flask, abort, request

app = Flask(__name__)

# Memory-backed and private; gone when the app ends. The code directory is read-only.
BOOK = Path(os.environ["TMP_PATH"]) / "guests.txt"


def token():
    """From the owner, who sent it after checking whom they talk to."""
    path = Path(os.environ["SECRETS_PATH"])
    return json.loads(path.read_text())["api_token"] if path.exists() else None


@app.get("/health")
def health():
    return "ok\n"


@app.post("/guests")
def sign():
    name = request.get_data(as_text=True, cache=False).strip()
    if not 0 < len(name) <= 80 or not name.isprintable():
        abort(400)
    with BOOK.open("a") as book:
        book.write(name + "\n")
    return "welcome\n", 201


@app.get("/guests")
def read():
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    wanted = token()
    if wanted is None or not hmac.compare_digest(given.encode(), wanted.encode()):
        abort(401)
    return BOOK.read_text() if BOOK.exists() else ""
