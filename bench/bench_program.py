# SPDX-License-Identifier: Apache-2.0
"""The whole program against `openssl version`, run in turn: wall-time ratio and peak memory."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "pki"))

from testpki import keys  # noqa: E402
from testpki.world import World  # noqa: E402

PAIRS = 60
WALL_BAR = 3.0
MEMORY_BAR_MB = 12.0


def run(command):
    """Wall seconds of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def figure(name, value, unit, bar=None):
    verdict = "ok" if bar is None or value <= bar else "short"
    shown = "-" if bar is None else f"{bar:g}"
    print(f"figure {name} {value:.3f} {unit} bar {shown} {verdict}")


def main():
    program = str(Path(sys.argv[1]) / "src/cli/mse")
    world = World(keys.shared_cache())
    with tempfile.TemporaryDirectory() as directory:
        files = {"q.quote": world.sgx(bytes(64)), "t.quote": world.tdx(bytes(64)),
                 "c.json": world.bundle(), "roots.pem": world.roots_pem()}
        for name, data in files.items():
            path = Path(directory) / name
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        os.environ["HOME"] = directory
        shown = subprocess.run([program, "show", f"{directory}/q.quote"], check=True,
                               capture_output=True, text=True).stdout
        mrenclave = next(l.split()[1] for l in shown.splitlines() if "mrenclave" in l)
        verify = [program, "verify", "--quote", f"{directory}/q.quote", "--collateral",
                  f"{directory}/c.json", "--simulation-root", f"{directory}/roots.pem",
                  "--fingerprint", mrenclave, "--offline"]
        other = ["openssl", "version"]
        run(verify)
        run(other)
        ratios = [run(verify) / run(other) for _ in range(PAIRS)]
        peak = [str(Path(sys.argv[1]) / "bench/peak"), *verify]
        kib = int(subprocess.run(peak, check=True, capture_output=True, text=True).stdout)
    figure("program_wall_over_openssl_version", statistics.median(ratios), "ratio", WALL_BAR)
    figure("program_peak_memory", kib / 1024, "MB", MEMORY_BAR_MB)


if __name__ == "__main__":
    main()
