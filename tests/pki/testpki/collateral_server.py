# SPDX-License-Identifier: Apache-2.0
"""A small HTTP server with the paths of Intel's PCS (and PCCS) and AMD's KDS."""

import re
import socket
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

from . import x509
from .amd import Tcb
from .server import server_context

JSON, PKIX_CRL = "application/json", "application/pkix-crl"
PEM_CHAIN, DER_CERT = "application/x-pem-file", "application/pkix-cert"


class CollateralServer:
    """with CollateralServer(intel=pki, amds=[...]) as s: s.url; s.count(); s.paths.

    tcb, qe: options for the TCB info and QE identity; crls: {"root" | "platform" | "processor":
    options of x509.crl()}; amd_crl: the same for AMD, amd_vlek_crl for the VLEK service's own list.
    hook(path, query) -> None for the normal reply, or (status, headers dict, body bytes).
    replies: {path: (status, headers, body)} fixed replies by path without query.
    cert: an Attested-like object to serve HTTPS instead of HTTP.
    The same request gets the same bytes each time; cache.clear() makes new ones.
    early: options used instead of tcb and qe when the query says update=early.
    """

    def __init__(
        self, intel=None, amds=(), *, host="127.0.0.1", tcb=None, qe=None, crls=None, amd_crl=None,
        amd_vlek_crl=None, hook=None, replies=None, cert=None, early=None,
    ):
        self.intel, self.amds, self.host = intel, {p.product: p for p in amds}, host
        self.tcb, self.qe, self.crls, self.amd_crl = tcb or {}, qe or {}, crls or {}, amd_crl or {}
        self.amd_vlek_crl = self.amd_crl if amd_vlek_crl is None else amd_vlek_crl
        self.hook, self.replies, self.cert, self.early = hook, replies or {}, cert, early
        self.paths, self.cache = [], {}
        self.lock = threading.Lock()

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with outer.lock:
                    outer.paths.append(self.path)
                status, headers, body = outer.reply(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            daemon_threads = True

        self.httpd = Server((self.host, 0), Handler)
        self.port = self.httpd.server_address[1]
        if self.cert is not None:
            with tempfile.TemporaryDirectory() as directory:
                context = server_context(self.cert, directory)
            self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
        self.thread = threading.Thread(target=self.httpd.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.thread.join()
        self.httpd.server_close()

    @property
    def url(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.cert else 'http'}://{host}:{self.port}"

    def count(self, part=""):
        """How many requests had this text in their path or query."""
        with self.lock:
            return sum(part in path for path in self.paths)

    def reply(self, target):
        split = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if self.hook is not None:
            answer = self.hook(split.path, query)
            if answer is not None:
                return answer
        if split.path in self.replies:
            return self.replies[split.path]
        with self.lock:
            if target not in self.cache:
                self.cache[target] = self._normal(split.path, query)
            return self.cache[target]

    def _normal(self, path, query):
        match = re.fullmatch(r"/(sgx|tdx)/certification/v4/(.+)", path)
        if match and self.intel:
            return self._intel(*match.groups(), query)
        if path.startswith("/IntelSGXRootCA") and self.intel:
            return 200, {"Content-Type": PKIX_CRL}, self._root_crl()
        match = re.fullmatch(r"/(vcek|vlek)/v1/([A-Za-z]+)/(\w+)", path)
        if match and match[2] in self.amds:
            return self._amd(match[1], self.amds[match[2]], match[3], query)
        return _not_found()

    def _root_crl(self):
        return self.intel.root_crl(**self.crls.get("root", {}))

    def _intel(self, tee, what, query):
        pki, tdx = self.intel, tee == "tdx"
        options = dict(tcb=self.tcb, qe=self.qe)
        if query.get("update") == "early" and self.early is not None:
            options = dict(tcb=self.early, qe=self.early)
        if what == "tcb":
            if query.get("fmspc", "").lower() != pki.platform.fmspc.hex():
                return _not_found()
            body = pki.tcb_info("TDX" if tdx else "SGX", **options["tcb"])
            return _json(body, "TCB-Info-Issuer-Chain", pki.tcb_chain_pem())
        if what == "qe/identity":
            body = pki.qe_identity("TD_QE" if tdx else "QE", **options["qe"])
            return _json(body, "SGX-Enclave-Identity-Issuer-Chain", pki.tcb_chain_pem())
        if what == "pckcrl" and not tdx:
            ca = query.get("ca")
            if ca not in ("platform", "processor"):
                return 400, {}, b""
            data = pki.pck_crl(ca, **self.crls.get(ca, {}))
            if query.get("encoding") == "der":
                headers, body = {"Content-Type": PKIX_CRL}, data
            else:
                headers, body = {"Content-Type": PEM_CHAIN}, x509.pem(data, "X509 CRL").encode()
            headers["SGX-PCK-CRL-Issuer-Chain"] = quote(pki.pck_crl_chain_pem(ca), safe="")
            return 200, headers, body
        if what == "rootcacrl" and not tdx:
            return 200, {"Content-Type": "text/plain"}, self._root_crl().hex().encode()
        return _not_found()

    def _amd(self, kind, pki, what, query):
        if what == "cert_chain":
            body = pki.ca_chain_pem(vlek=kind == "vlek").encode()
            return 200, {"Content-Type": PEM_CHAIN}, body
        if what == "crl":
            options = self.amd_vlek_crl if kind == "vlek" else self.amd_crl
            return 200, {"Content-Type": PKIX_CRL}, pki.crl(**options)
        if kind != "vcek" or what.lower() != pki.hwid.hex():
            return _not_found()
        names = {"bl": "blSPL", "tee": "teeSPL", "snp": "snpSPL", "ucode": "ucodeSPL"}
        if pki.product == "Turin":
            names["fmc"] = "fmcSPL"
        if any(not query.get(n, "").isdigit() for n in names.values()):
            return 400, {}, b""
        tcb = Tcb(**{field: int(query[n]) for field, n in names.items()})
        if tcb == pki.tcb:
            return 200, {"Content-Type": DER_CERT}, pki.vcek.der
        # Another TCB version has another key.
        other = pki.make_vcek(tcb, key=pki.keys.get(f"{pki.label}-vcek-other-tcb", "p384"))
        return 200, {"Content-Type": DER_CERT}, other.der


def _not_found():
    return 404, {"Content-Type": "text/plain"}, b"not found\n"


def _json(body, header, chain):
    return 200, {"Content-Type": JSON, header: quote(chain, safe="")}, body
