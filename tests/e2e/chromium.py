# SPDX-License-Identifier: Apache-2.0
"""A real Chromium without a window, driven by the DevTools protocol over two pipes."""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
WAIT_S = 120
# Nothing but what the test asks for: no updates, no account, no other network traffic.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--disable-default-apps", "--disable-dev-shm-usage",
    "--no-proxy-server", "--no-pings", "--remote-debugging-pipe",
)  # fmt: skip
# The protocol is spoken on descriptors 3 and 4; the shell puts ours there.
AS_3_AND_4 = 'eval "shift 2; exec \\"\\$@\\" 3<&$1 4>&$2 $1<&- $2>&-"'


@dataclass
class Page:
    """What a visitor sees. error: "" or the browser's name of it, as ERR_CERT_AUTHORITY_INVALID."""

    title: str
    text: str
    error: str


class Gone(Exception):
    """The browser ended, or said nothing for too long."""


class Chromium:
    """with Chromium(home) as browser: browser.open("https://app1.example:8443/").text

    home: the user's HOME; certificates are looked for where this user has them. The profile (one in
    home by default) stays from start to start. Every host name leads to 127.0.0.1.
    """

    def __init__(self, home, *, profile=None, flags=()):
        self.home = Path(home)
        self.profile = Path(profile or self.home / "chromium-profile")
        self.flags = flags
        self.count, self.events, self.buffer = 0, [], b""

    def __enter__(self):
        self.log = tempfile.TemporaryFile()
        their_in, self.write_end = os.pipe()
        self.read_end, their_out = os.pipe()
        theirs = [fcntl.fcntl(f, fcntl.F_DUPFD, 10) for f in (their_in, their_out)]
        command = [PROGRAM, *FLAGS, "--host-resolver-rules=MAP * 127.0.0.1",
                   f"--user-data-dir={self.profile}", *self.flags, "about:blank"]  # fmt: skip
        self.process = subprocess.Popen(
            ["bash", "-c", AS_3_AND_4, "bash", *map(str, theirs), *command],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=theirs,
            env=self.env(), start_new_session=True,
        )  # fmt: skip
        for descriptor in (their_in, their_out, *theirs):
            os.close(descriptor)
        try:
            self._attach()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def env(self):
        # A message bus of the machine would be asked for the user's key ring.
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8",
                "DBUS_SESSION_BUS_ADDRESS": "disabled:"}  # fmt: skip

    def _attach(self):
        targets = self._call("Target.getTargets", session=None)["targetInfos"]
        page = next(t for t in targets if t["type"] == "page")
        self.session = self._call(
            "Target.attachToTarget", session=None, targetId=page["targetId"], flatten=True
        )["sessionId"]
        self._call("Page.enable")
        self._call("Network.enable")

    # ---- the protocol: JSON messages that end in a zero byte ---------------------------------

    def _message(self, deadline):
        while b"\0" not in self.buffer:
            left = max(0, deadline - time.monotonic())
            ready, _, _ = select.select([self.read_end], [], [], left)
            part = os.read(self.read_end, 1 << 20) if ready else b""
            if not part:
                self.log.seek(0)
                raise Gone(self.log.read().decode(errors="replace"))
            self.buffer += part
        raw, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(raw)

    def _send(self, method, session="", **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session or self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        return self.count

    def _call(self, method, session="", **parameters):
        number = self._send(method, session, **parameters)
        deadline = time.monotonic() + WAIT_S
        while (answer := self._message(deadline)).get("id") != number:
            self.events.append(answer)
        if "error" in answer:
            raise Gone(f"{method}: {answer['error']}")
        return answer["result"]

    def _navigate(self, url):
        """Error text of a navigation, "" if there is a page. A warning is shown after seconds only
        (it looks for captive portals first), so that the failed request has to tell."""
        number = self._send("Page.navigate", url=url)
        deadline, requests = time.monotonic() + WAIT_S, set()
        while True:
            message = self._message(deadline)
            parameters = message.get("params", {})
            if message.get("id") == number:
                return message["result"].get("errorText", "")
            if message.get("method") == "Network.requestWillBeSent":
                if parameters["request"]["url"] == url:
                    requests.add(parameters["requestId"])
            elif message.get("method") == "Network.loadingFailed":
                if parameters["requestId"] in requests:
                    return parameters["errorText"]
            self.events.append(message)

    def _event(self, wanted):
        deadline = time.monotonic() + WAIT_S
        while not any(wanted(event) for event in self.events):
            self.events.append(self._message(deadline))

    # ---- what a user does --------------------------------------------------------------------

    def open(self, url):
        """Goes there and returns the Page once it is loaded, or refused."""
        self.events.clear()
        error = self._navigate(url).removeprefix("net::")
        if error:
            return Page("", "", error)
        self._event(lambda e: e.get("method") == "Page.loadEventFired")
        title, text = self.run("[document.title, document.body ? document.body.innerText : '']")
        return Page(title, text, "")

    def run(self, script):
        """Value of a JavaScript expression in the page; a promise is waited for."""
        found = self._call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise ValueError(json.dumps(found["exceptionDetails"]))
        return found["result"].get("value")

    def close(self):
        """Ends it as a user does, so that everything is written; by force if that fails."""
        try:
            self._call("Browser.close", session=None)
            self.process.wait(20)
        except (Gone, OSError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # its helpers are in the same group
        except ProcessLookupError:
            pass
        self.process.wait()
        for descriptor in (self.read_end, self.write_end):
            os.close(descriptor)
        self.log.close()
