# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/clients.md, read from there so that tests run what users read."""

import os
import re
import subprocess
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "clients.md"
NAME = "app.example.org"
NICKNAME = f"mse {NAME}"


def blocks():
    """{heading: [(language, text), ...]} of the fenced blocks."""
    found = {}
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.M)[1:]:
        heading = section.split("\n")[0]
        fenced = re.findall(r"^```(\w+)\n(.*?)^```$", section, re.M | re.S)
        if fenced:
            found[heading] = fenced
    return found


def shell(text, home, directory, **env):
    """Runs one of them as the user whose home this is, with cert.pem in the directory."""
    done = subprocess.run(
        ["sh", "-e", "-c", text], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **env}, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.decode()
