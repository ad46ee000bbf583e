# SPDX-License-Identifier: Apache-2.0
"""The TLS front beside hitch, HAProxy and nginx: same certificate (10 KB), same backend, in turn.

CPU time is the server's own (all its processes), per operation; the machine's other work changes it
less than it changes rates. Each round runs every server once; a ratio is the median over rounds.
"""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROUNDS = int(os.environ.get("MSE_BENCH_ROUNDS", "5"))
SECONDS = 2
SUITE = "TLS_AES_128_GCM_SHA256"
STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
IDLE = 1000
MIB = 1 << 20


def figure(name, value, unit, bar=None):
    verdict = "ok" if bar is None or value <= bar else "short"
    print(f"figure {name} {value:.3f} {unit} bar {'-' if bar is None else f'{bar:g}'} {verdict}",
          flush=True)  # fmt: skip


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def make_certificate(directory):
    """As large as one with TDX evidence in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app.example")])
    now = datetime.now(timezone.utc)
    evidence = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), os.urandom(9700))
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        .add_extension(evidence, False).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    key = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())  # fmt: skip
    for file, data in (("cert.pem", pem), ("key.pem", key), ("both.pem", key + pem)):
        (directory / file).write_bytes(data)


# ---- servers --------------------------------------------------------------------------------


def family(pid):
    """The process and its descendants."""
    out = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            out += family(int(child))
    return out


class Server:
    def __init__(self, name, command, port):
        self.name, self.port = name, port
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(500):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                return
            assert self.process.poll() is None, f"{name} does not start: {command}"
            time.sleep(0.01)
        raise AssertionError(f"{name} does not listen")

    def cpu(self):
        """Seconds so far; run time of the scheduler, in nanoseconds."""
        return sum(
            int((task / "schedstat").read_text().split()[0])
            for pid in family(self.process.pid) for task in Path(f"/proc/{pid}/task").iterdir()
        ) / 1e9  # fmt: skip

    def memory(self):
        """KiB that are its own."""
        total = 0
        for pid in family(self.process.pid):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Private_Dirty", "Private_Clean")):
                    total += int(line.split()[1])
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def nginx_conf(directory, backend):
    return f"""daemon off; worker_processes 1; pid {directory}/backend.pid;
error_log /dev/null; events {{ worker_connections 8000; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
server {{ listen 127.0.0.1:{backend} backlog=4096; root {directory}/www; }} }}
"""


def ours(build, d, port, backend):
    return [build / "tests/tools/front_server", "--cert", d / "cert.pem", "--key", d / "key.pem",
            "--listen", f"127.0.0.1:{port}", "--connect", f"127.0.0.1:{backend}",
            "--hello-ms", "600000", "--connections-per-peer", "16000"]  # fmt: skip


def hitch(build, d, port, backend):
    (d / "hitch.conf").write_text(
        f'frontend = "[127.0.0.1]:{port}"\nbackend = "[127.0.0.1]:{backend}"\n'
        f'pem-file = "{d}/both.pem"\nworkers = 1\nbacklog = 4096\nkeepalive = 3600\n'
        f'tls-protos = TLSv1.2 TLSv1.3\nciphersuites = "{SUITE}"\nprefer-server-ciphers = on\n'
        'daemon = off\nquiet = on\nuser = "nobody"\n'
    )
    return ["hitch", f"--config={d}/hitch.conf"]


def haproxy(build, d, port, backend):
    (d / "haproxy.cfg").write_text(
        "global\n nbthread 1\n maxconn 9000\n tune.ssl.default-dh-param 2048\n"
        f" ssl-default-bind-ciphersuites {SUITE}\n"
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n timeout server 1h\n"
        f"frontend f\n bind 127.0.0.1:{port} ssl crt {d}/both.pem ssl-min-ver TLSv1.2\n"
        f" default_backend b\nbackend b\n server s 127.0.0.1:{backend}\n"
    )
    return ["haproxy", "-db", "-q", "-f", d / "haproxy.cfg"]


def nginx(build, d, port, backend):
    """The stream module where it is installed, else HTTP with connections kept to the backend."""
    tls = (f"listen 127.0.0.1:{port} ssl backlog=4096; ssl_certificate {d}/cert.pem; "
           f"ssl_certificate_key {d}/key.pem; ssl_protocols TLSv1.2 TLSv1.3; "
           f"ssl_conf_command Ciphersuites {SUITE}; ssl_session_cache none; ")  # fmt: skip
    head = (f"daemon off; worker_processes 1; pid {d}/nginx.pid; error_log /dev/null; "
            "events { worker_connections 16000; }\n")  # fmt: skip
    if STREAM_MODULE.exists():
        conf = (f"load_module {STREAM_MODULE};{head} stream {{ server {{ {tls} "
                f"proxy_timeout 1h; proxy_pass 127.0.0.1:{backend}; }} }}\n")  # fmt: skip
    else:
        conf = (f"{head} http {{ access_log off; keepalive_requests 1000000000; "
                f"keepalive_timeout 1h; upstream b {{ server 127.0.0.1:{backend}; keepalive 64; }} "
                f"server {{ {tls} location / {{ proxy_pass http://b; proxy_http_version 1.1; "
                "proxy_set_header Connection ''; } "
                # One connection to the backend for each of a client, as the others have.
                f"location = /once {{ proxy_pass http://127.0.0.1:{backend}/1k; }} }} }}\n")  # fmt: skip
    (d / "nginx.conf").write_text(conf)
    return ["nginx", "-c", d / "nginx.conf"]


SERVERS = {"ours": ours, "hitch": hitch, "haproxy": haproxy, "nginx": nginx}


# ---- loads: operations done in about SECONDS --------------------------------------------------


def handshakes(port):
    """Full handshakes, each with one request: s_time keeps no session."""
    out = subprocess.run(
        ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-www", "/once", "-time",
         str(SECONDS)], capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    return int(re.search(r"(\d+) connections in \d+ real", out).group(1))


def wrk(port, path, connections, seconds=SECONDS):
    out = subprocess.run(
        ["wrk", "-t1", "--timeout", "30s", f"-c{connections}", f"-d{seconds}s",
         f"https://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "errors" not in out, out
    return int(re.search(r"(\d+) requests in", out).group(1))


def requests(port):
    return wrk(port, "/1k", 64)


def bodies(port):
    """Counted in GB."""
    return wrk(port, "/1m", 8) * MIB / 1e9


LOADS = {
    "handshake": (handshakes, 1e6, "us"),
    "keepalive": (requests, 1e6, "us"),
    "bulk": (bodies, 1e3, "ms_per_GB"),
}


def cost(server, load):
    before = server.cpu()
    count = load(server.port)
    return (server.cpu() - before) / count


def compare(servers):
    """{load: {server: [cost in each round]}}"""
    got = {load: {s.name: [] for s in servers} for load in LOADS}
    for _ in range(ROUNDS):
        for load, (run, _, _) in LOADS.items():
            for server in servers:
                got[load][server.name].append(cost(server, run))
    return got


def report(got):
    for load, (_, scale, unit) in LOADS.items():
        by_name = got[load]
        for name, values in by_name.items():
            figure(f"front_{load}_cpu_{name}", statistics.median(values) * scale, unit)
        ratios = {
            name: statistics.median(a / b for a, b in zip(by_name["ours"], values))
            for name, values in by_name.items() if name != "ours"
        }  # fmt: skip
        bars = {"handshake": {}, "keepalive": {"hitch": 0.8},
                "bulk": {"hitch": 0.8, "haproxy": 0.8}}[load]  # fmt: skip
        for name, ratio in ratios.items():
            figure(f"front_{load}_over_{name}", ratio, "ratio", bars.get(name))
        if load == "handshake":
            figure("front_handshake_over_best_peer", max(ratios.values()), "ratio", 1.0)


# ---- system calls -----------------------------------------------------------------------------


def system_calls(server, run):
    """(calls, operations), as strace counts them."""
    with tempfile.NamedTemporaryFile() as out:
        words = ["strace", "-f", "-c", "-S", "calls", "-o", out.name]
        for pid in family(server.process.pid):
            words += ["-p", str(pid)]
        tracer = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        tracer.stderr.readline()  # attached
        count = run(server.port)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        total = re.search(r"(\d+)(?: +\d+)? total", Path(out.name).read_text())
        return int(total.group(1)), count


def calls_per_request(server):
    """What connections cost once is in both runs, so it is not in the difference."""
    runs = [system_calls(server, lambda port, s=s: wrk(port, "/1k", 64, s)) for s in (1, 4)]
    return (runs[1][0] - runs[0][0]) / (runs[1][1] - runs[0][1])


def count_calls(servers):
    for server in servers:
        mine = server.name == "ours"
        per = calls_per_request(server)
        figure(f"front_calls_per_request_{server.name}", per, "calls", 4.5 if mine else None)
        calls, count = system_calls(server, handshakes)
        figure(f"front_calls_per_connection_{server.name}", calls / count, "calls")
        calls, count = system_calls(server, lambda port: wrk(port, "/1m", 8))
        per = calls / count
        figure(f"front_calls_per_MiB_{server.name}", per, "calls", 40 if mine else None)


# ---- memory -----------------------------------------------------------------------------------


def connection(port, context=None):
    s = socket.create_connection(("127.0.0.1", port))
    return context.wrap_socket(s) if context else s


def measure_memory(start):
    """Each on a fresh server, whose heap has no room left from connections before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for kind in SERVERS:
        for name, with_tls, bar in (("idle", True, 15), ("half_open", False, 1)):
            server = start(kind)
            for _ in range(20):  # what the first connections cost once
                connection(server.port, context).close()
            before = server.memory()
            held = [connection(server.port, context if with_tls else None) for _ in range(IDLE)]
            for s in held if with_tls else ():
                s.sendall(b"GET /1k HTTP/1.1\r\nHost: a\r\n\r\n")
                assert s.recv(100)
            connection(server.port, context).close()  # all before it are accepted then
            figure(f"front_KiB_per_{name}_{server.name}", (server.memory() - before) / IDLE, "KiB",
                   bar if server.name == "ours" else None)  # fmt: skip
            for s in held:
                s.close()
            server.stop()


def serve_beside_half_open(server):
    """Rate with 10,000 half-open connections over the rate without."""
    ratios = []
    for _ in range(ROUNDS):
        alone = requests(server.port)
        held = [connection(server.port) for _ in range(10000)]
        ratios.append(alone / requests(server.port))
        for s in held:
            s.close()
    # The bar is a least value: its inverse is printed, so that less is better here as well.
    figure("front_rate_alone_over_beside_10000_half_open", statistics.median(ratios), "ratio", 1.25)


def main():
    build = Path(sys.argv[1]).resolve()
    missing = [p for p in ("hitch", "haproxy", "nginx", "wrk", "strace") if not shutil.which(p)]
    if missing:
        print(f"bench_front: not measured, not installed: {' '.join(missing)}", file=sys.stderr)
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        d = Path(directory)
        d.chmod(0o755)
        make_certificate(d)
        (d / "www").mkdir()
        for name in ("1k", "once"):
            (d / "www" / name).write_bytes(os.urandom(1024))
        (d / "www/1m").write_bytes(os.urandom(MIB))
        backend = free_port()
        (d / "backend.conf").write_text(nginx_conf(d, backend))
        stack.callback(Server("backend", ["nginx", "-c", d / "backend.conf"], backend).stop)

        def start(name):
            port = free_port()
            return Server(name, SERVERS[name](build, d, port, backend), port)

        servers = [start(name) for name in SERVERS]
        for server in servers:
            stack.callback(server.stop)
        report(compare(servers))
        count_calls(servers)
        measure_memory(start)
        serve_beside_half_open(servers[0])


if __name__ == "__main__":
    main()
