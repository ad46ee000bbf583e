# SPDX-License-Identifier: Apache-2.0
"""A real Firefox without a window, driven by Marionette over its socket."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
WAIT_S = 120
# Nothing but what the test asks for; every host name leads to this machine.
PREFERENCES = {
    "marionette.port": 0,
    "network.dns.forceResolve": "127.0.0.1",
    "network.proxy.type": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.dom.window.dump.enabled": True,  # else it does not say where it listens
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.update.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "remote.prefs.recommended": False,
    "security.OCSP.enabled": 0,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
    "toolkit.startup.max_resumed_crashes": -1,
}
LISTENS = re.compile(rb"Marionette\tINFO\tListening on port (\d+)")
# What the page of a refusal knows: of a certificate its code, of other failures their kind.
ERROR = """
    (document.documentURI.startsWith("about:certerror")
        ? document.getFailedCertSecurityInfo().errorCodeString
        : new URLSearchParams(document.documentURI.replace(/^[^?]*/, "")).get("e")) || ""
"""


@dataclass
class Page:
    """What a visitor sees. error: "" or the browser's name of it, as SEC_ERROR_UNKNOWN_ISSUER."""

    title: str
    text: str
    error: str


class Gone(Exception):
    """The browser ended, or said nothing for too long."""


class Refused(Exception):
    """A command that failed: the kind of error and its message."""


class Firefox:
    """with Firefox(home) as browser: browser.open("https://app1.example:8443/").text

    home: the user's HOME. profile: the directory with cert9.db (one in home by default), kept from
    start to start; preferences: more of them.
    """

    def __init__(self, home, *, profile=None, preferences=None):
        self.home = Path(home)
        self.profile = Path(profile or self.home / "firefox-profile")
        self.preferences = {**PREFERENCES, **(preferences or {})}
        self.count, self.buffer, self.socket, self.copy = 0, b"", None, None

    def __enter__(self):
        self.profile.mkdir(parents=True, exist_ok=True)
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n"
                 for k, v in self.preferences.items()]  # fmt: skip
        (self.profile / "user.js").write_text("".join(lines))
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [PROGRAM, "--headless", "--marionette", "--no-remote", "--profile", self.profile],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=self.env(), start_new_session=True,
        )  # fmt: skip
        try:
            self._attach()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def env(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8",
                "MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_DATA_REPORTING": "0",
                "DBUS_SESSION_BUS_ADDRESS": "disabled:"}  # fmt: skip

    def _attach(self):
        limit = threading.Timer(WAIT_S, self.process.kill)
        limit.start()
        try:
            for line in self.process.stdout:
                self.log.write(line)
                if found := LISTENS.search(line):
                    break
            else:
                self._gone()
        finally:
            limit.cancel()
        # What it says later must not fill the pipe.
        self.copy = threading.Thread(target=self._copy, daemon=True)
        self.copy.start()
        self.socket = socket.create_connection(("127.0.0.1", int(found[1])), WAIT_S)
        self._message()  # it says who it is
        strategy = {"acceptInsecureCerts": False, "timeouts": {"pageLoad": WAIT_S * 1000}}
        self._call("WebDriver:NewSession", capabilities={"alwaysMatch": strategy})

    def _copy(self):
        while part := self.process.stdout.read1(1 << 16):
            self.log.write(part)

    def _gone(self):
        self.log.seek(0)
        raise Gone(self.log.read().decode(errors="replace"))

    # ---- the protocol: LENGTH:JSON, where JSON is [0, id, command, parameters] or
    # ---- [1, id, error, result] ------------------------------------------------------------

    def _receive(self):
        part = self.socket.recv(1 << 16)
        if not part:
            self._gone()
        self.buffer += part

    def _message(self):
        while b":" not in self.buffer:
            self._receive()
        length, _, self.buffer = self.buffer.partition(b":")
        while len(self.buffer) < int(length):
            self._receive()
        raw, self.buffer = self.buffer[: int(length)], self.buffer[int(length) :]
        return json.loads(raw)

    def _call(self, command, **parameters):
        self.count += 1
        data = json.dumps([0, self.count, command, parameters]).encode()
        self.socket.sendall(b"%d:" % len(data) + data)
        _, number, error, result = self._message()
        assert number == self.count
        if error:
            raise Refused(error["error"], error["message"])
        return result

    # ---- what a user does --------------------------------------------------------------------

    def open(self, url):
        """Goes there and returns the Page once it is loaded, or refused."""
        try:
            self._call("WebDriver:Navigate", url=url)
        except Refused as refusal:
            if refusal.args[0] not in ("insecure certificate", "unknown error"):
                raise
            return Page("", "", self.run(ERROR.strip()) or str(refusal))
        title, text = self.run("[document.title, document.body ? document.body.innerText : '']")
        return Page(title, text, "")

    def run(self, script):
        """Value of a JavaScript expression in the page; a promise is waited for."""
        return self._call(
            "WebDriver:ExecuteScript", script=f"return {script};", args=[], sandbox=None
        )["value"]

    def close(self):
        """Ends it as a user does, so that everything is written; by force if that fails."""
        try:
            if self.socket is not None:
                self._call("Marionette:Quit", flags=["eForceQuit"])
                self.process.wait(20)
        except (Gone, Refused, OSError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # its helpers are in the same group
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.socket is not None:
            self.socket.close()
        if self.copy is not None:
            self.copy.join(WAIT_S)
        self.process.stdout.close()
        self.log.close()
