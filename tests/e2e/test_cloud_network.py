# SPDX-License-Identifier: Apache-2.0
"""mse cloud verify between hostile or absent networks: vendors, caches, proxies."""

import shutil
import socket
import subprocess
import threading
from datetime import timedelta

import pytest
from harness import MRSIGNER, NO, UNKNOWN, USAGE, YES

from testpki import ratls
from testpki.collateral_server import CollateralServer
from testpki.server import TlsServer, listen
from testpki.world import World

NAME = "app1.example"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def good(present):
    return present.certificate("mse")


@pytest.fixture
def app(good):
    with TlsServer(good) as server:
        yield server


@pytest.fixture
def run(mse, present, app):
    """run(pccs URL or None, *words): one home, so that what one run caches the next one finds."""
    roots = mse.put(present.roots_pem())

    def go(pccs, *words, domain=NAME, connect=None, **options):
        more = ["--pccs", pccs] if pccs else []
        return mse.run(
            "cloud", "verify", domain, "--connect", connect or app.authority, *more,
            "--simulation-root", roots, "--mrsigner", MRSIGNER, "--force", *words, **options,
        )  # fmt: skip

    return go


def free_port():
    sock = listen("127.0.0.1")
    port = sock.getsockname()[1]
    sock.close()
    return port


def refused(done, code, *texts):
    assert done.code == code and done.written == {}, str(done)
    for text in texts:
        assert text in done.err, str(done)


# ---- vendors ---------------------------------------------------------------------------------


def test_vendor_unreachable(run):
    dead = f"http://127.0.0.1:{free_port()}"
    refused(run(dead), UNKNOWN, "Verification: ", dead)


def test_vendor_unreachable_but_cached(run, present, mse):
    with CollateralServer(present.intel) as pcs:
        assert run(pcs.url).code == YES
        asked, url = pcs.count(), pcs.url
        assert asked > 0
        (mse.work / "cert.pem").unlink()
        assert run(url).code == YES
        assert pcs.count() == asked, "what is cached and valid is not fetched again"
    (mse.work / "cert.pem").unlink()
    done = run(url)
    assert done.code == YES and set(done.written) == {"cert.pem"}
    done = run(None, "--offline")
    assert done.code in (YES, UNKNOWN), str(done)


def test_what_is_cached_is_not_believed(run, present, mse):
    """Whoever writes there changes nothing: damaged entries count as absent."""
    with CollateralServer(present.intel) as pcs:
        assert run(pcs.url).code == YES
        url = pcs.url
        (mse.work / "cert.pem").unlink()
        files = [p for p in (mse.home / ".cache").rglob("*") if p.is_file()]
        assert files and all(p.stat().st_mode & 0o077 == 0 for p in files)
        for damage in (lambda d: b"", lambda d: d[:-1], lambda d: d[:90] + b"X" + d[91:]):
            for path in files:
                path.write_bytes(damage(path.read_bytes()))
            assert run(url).code == YES, "fetched again"
            (mse.work / "cert.pem").unlink()
        for path in files:
            path.write_bytes(path.read_bytes()[:100])
    refused(run(url), UNKNOWN)


def test_44_what_an_attacker_got_cached_does_no_harm_later(run, present):
    attacker = World(products=())
    with CollateralServer(attacker.intel) as pcs:
        done = run(pcs.url)
        assert done.code in (NO, UNKNOWN) and done.written == {}
    with CollateralServer(present.intel) as pcs:
        assert run(pcs.url).code == YES


def test_44_the_same_address_with_other_collateral(run, present, mse):
    """First a poisoned reply, then the good one from the same URL: the bad one was not kept."""
    attacker = World(products=())
    with CollateralServer(attacker.intel) as pcs:
        assert run(pcs.url).code in (NO, UNKNOWN)
        pcs.intel = present.intel
        pcs.cache.clear()
        done = run(pcs.url)
        assert done.code == YES, str(done)


def test_44_a_vendor_service_of_the_attacker(run, present):
    """Own keys, expired statements, other platforms: never a yes, never a file."""
    attacker = World(products=())
    cases = (
        dict(intel=attacker.intel),
        dict(intel=present.intel, tcb={"signer": attacker.intel.tcb_signing}),
        dict(intel=present.intel, tcb={"next_update": present.at - DAY}),
        dict(intel=present.intel, tcb={"status": "Revoked"}),
        dict(intel=present.intel, tcb={"fmspc": b"\x01" * 6}),
        dict(intel=present.intel, crls={"platform": {"signer": attacker.intel.platform_ca.key}}),
        dict(intel=present.intel, crls={"platform": {"next_update": present.at - DAY}}),
        dict(intel=present.intel, crls={"platform": {"revoked": [present.intel.pck.serial]}}),
        dict(intel=present.intel, qe={"isvprodid": 9}),
    )
    for options in cases:
        with CollateralServer(**options) as pcs:
            done = run(pcs.url)
            assert done.code in (NO, UNKNOWN) and done.written == {}, (options, str(done))


@pytest.mark.parametrize(
    "reply",
    (
        (404, {}, b""),
        (500, {}, b"oops"),
        (302, {"Location": "/sgx/certification/v4/elsewhere"}, b""),
        (200, {}, b""),
        (200, {}, b"<html>"),
        (200, {}, b'{"tcbInfo":'),
        (200, {"TCB-Info-Issuer-Chain": "%00%zz"}, b"{}"),
        (200, {}, b"\x00" * (5 << 20)),
    ),
    ids=lambda r: f"{r[0]}-{len(r[2])}",
)
def test_vendor_replies_that_are_useless(run, present, reply):
    replies = {"/sgx/certification/v4/tcb": reply}
    with CollateralServer(present.intel, replies=replies) as pcs:
        refused(run(pcs.url), UNKNOWN, "collateral")
    with CollateralServer(present.intel) as pcs:
        assert run(pcs.url).code == YES, "nothing of it stayed"


@pytest.mark.parametrize(
    "url", ("", "ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1", "http://")
)
def test_urls_that_are_none(run, url):
    done = run(None, "--pccs", url)
    assert done.code in (USAGE, UNKNOWN) and done.written == {}, str(done)
    assert "root:" not in done.out.decode() + done.err


def test_offline_asks_nobody(run, present):
    refused(run(None, "--offline"), UNKNOWN)
    with CollateralServer(present.intel) as pcs:
        done = run(pcs.url, "--offline")
        assert pcs.count() == 0
    assert done.code in (UNKNOWN, USAGE) and done.written == {}, str(done)


def test_collateral_files_need_no_vendor(run, present, mse):
    bundle = mse.put(present.bundle())
    done = run(None, "--collateral", bundle, "--offline")
    assert done.code == YES and set(done.written) == {"cert.pem"}, str(done)


def test_several_programs_at_once(mse, present, app):
    """One cache, one output file: all succeed, and the file is whole."""
    roots = mse.put(present.roots_pem())
    results = []
    with CollateralServer(present.intel) as pcs:

        def one():
            results.append(
                mse.run("cloud", "verify", NAME, "--connect", app.authority, "--pccs", pcs.url,
                        "--simulation-root", roots, "--mrsigner", MRSIGNER)
            )  # fmt: skip

        threads = [threading.Thread(target=one) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [r.code for r in results] == [YES] * 6, "\n".join(map(str, results))
    assert [p.name for p in mse.work.iterdir()] == ["cert.pem"]
    assert (mse.work / "cert.pem").read_text().count("BEGIN CERTIFICATE") == 1
    left = [p for p in (mse.home / ".cache").rglob("*") if "tmp" in p.name]
    assert left == []


@pytest.mark.no_sanitizer
@pytest.mark.parametrize("call", ("renameat", "rename", "fsync", "pwrite64", "write"))
def test_killed_while_caching(run, mse, present, app, call):
    """kill -9 in the middle: the next run finds a usable cache."""
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    roots = mse.put(present.roots_pem())
    with CollateralServer(present.intel) as pcs:
        for when in ("1", "2", "4"):
            subprocess.run(
                ["strace", "-f", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={when}",
                 mse.program, "cloud", "verify", NAME, "--connect", app.authority, "--pccs",
                 pcs.url, "--simulation-root", str(roots), "--mrsigner", MRSIGNER],
                env=mse.env(), cwd=mse.work, capture_output=True, timeout=60, check=False,
            )  # fmt: skip
        done = run(pcs.url)
        assert done.code == YES, str(done)


def test_30_the_service_swaps_while_vendors_are_asked(mse, present, good):
    """The handshake that was judged is the one that counts, whatever a second one would say."""
    forged = ratls.plain(**present.hooks)
    roots = mse.put(present.roots_pem())
    with TlsServer([forged, good]) as server, CollateralServer(present.intel) as pcs:
        done = mse.run("cloud", "verify", NAME, "--connect", server.authority, "--pccs", pcs.url,
                       "--simulation-root", roots, "--mrsigner", MRSIGNER)  # fmt: skip
        refused(done, NO)
        assert server.connections == 1


# ---- proxies ---------------------------------------------------------------------------------


class Proxy:
    """CONNECT and nothing else; answer: bytes instead of a tunnel."""

    def __init__(self, answer=None):
        self.answer, self.targets = answer, []

    def __enter__(self):
        self.socket = listen("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.socket.close()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            client.settimeout(20)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.targets.append(head.split()[1].decode())
            if self.answer is not None:
                client.sendall(self.answer)
                return
            host, port = self.targets[-1].rsplit(":", 1)
            peer = socket.create_connection((host.strip("[]"), int(port)), timeout=20)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self.pump, args=(peer, client), daemon=True)
            back.start()
            self.pump(client, peer)
            back.join(20)
        except OSError:
            pass
        finally:
            client.close()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_https_proxy_is_used(run, mse, present, app):
    bundle = mse.put(present.bundle())
    words = ("--collateral", bundle, "--offline")
    for variable in ("https_proxy", "HTTPS_PROXY"):
        with Proxy() as proxy:
            done = run(None, *words, env=mse.env(**{variable: proxy.url}))
            assert done.code == YES, str(done)
            assert proxy.targets == [app.authority]


def test_the_name_is_left_to_the_proxy(run, mse, present, good):
    """A name that only the proxy knows."""
    bundle = mse.put(present.bundle())
    with Proxy(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as proxy:
        done = run(None, "--collateral", bundle, "--offline", connect="inside.invalid:8443",
                   env=mse.env(https_proxy=proxy.url))  # fmt: skip
        refused(done, UNKNOWN, "502")
        assert proxy.targets == ["inside.invalid:8443"]


@pytest.mark.parametrize(
    "no_proxy, used",
    (("127.0.0.1", False), ("*", False), ("a.example", True), ("10.0.0.1, 127.0.0.1", False),
     ("", True)),
)  # fmt: skip
def test_no_proxy(run, mse, present, no_proxy, used):
    bundle = mse.put(present.bundle())
    with Proxy() as proxy:
        env = mse.env(https_proxy=proxy.url, no_proxy=no_proxy)
        done = run(None, "--collateral", bundle, "--offline", env=env)
        assert done.code == YES, str(done)
        assert bool(proxy.targets) == used


@pytest.mark.parametrize(
    "answer",
    (
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200000,
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 403 \x1b[31mred\x1b]0;title\x07\r\n\r\n",
    ),
    ids=lambda a: repr(a[:16]),
)
def test_a_proxy_that_refuses(run, mse, present, app, answer):
    bundle = mse.put(present.bundle())
    with Proxy(answer) as proxy:
        done = run(None, "--collateral", bundle, "--offline", "--timeout", "10",
                   env=mse.env(https_proxy=proxy.url))  # fmt: skip
        refused(done, UNKNOWN, "proxy")
    assert app.connections == 0


def test_a_proxy_that_is_not_there(run, mse, app):
    done = run(None, "--offline", env=mse.env(https_proxy=f"http://127.0.0.1:{free_port()}"))
    refused(done, UNKNOWN)
    assert app.connections == 0


@pytest.mark.parametrize("url", ("https://127.0.0.1:3128", "socks5://127.0.0.1:1", "http://u:p@h:1",
                                 "http://127.0.0.1:99999"))  # fmt: skip
def test_proxies_that_are_not_supported(run, mse, app, url):
    done = run(None, "--offline", env=mse.env(https_proxy=url))
    refused(done, USAGE, "proxy")
    assert app.connections == 0
