# SPDX-License-Identifier: Apache-2.0
"""Tests of the service at TEST_REMOTE_URL, which mse localtest sets."""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

URL = os.environ["TEST_REMOTE_URL"].rstrip("/")
SECRETS = json.loads(Path(os.environ["TEST_SECRET_JSON"]).read_text())


def call(path, data=None, token=None):
    """(status, text)"""
    headers = {"Content-Type": "text/plain"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(URL + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_health():
    assert call("/health") == (200, "ok\n")


def test_the_token_opens_the_book():
    assert call("/guests", b"Ada") == (201, "welcome\n")
    status, text = call("/guests", token=SECRETS["api_token"])
    assert status == 200 and "Ada\n" in text


def test_nothing_else_does():
    assert call("/guests")[0] == 401
    assert call("/guests", token="guess")[0] == 401


def test_a_name_is_one_line():
    assert call("/guests", b"a\nb")[0] == 400
    assert call("/guests", b"")[0] == 400
