# SPDX-License-Identifier: Apache-2.0
"""Runs `mse sgx` over a directory of vectors made with Gramine's own tools, and compares.

DIR/vectors.json lists them: {"format": 1, "vectors": [{"name", "gramine_tools", "libpal", "key",
"date", "chroot", "template_variables", "expected": {"mrenclave", ...}}, ...]}. DIR/NAME/ holds
app.manifest.template, app.manifest, app.manifest.sgx, app.sig, layout.json and inputs.tar.xz.
A level whose files are not there is skipped.
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import traceback
from pathlib import Path

TIMEOUT_S = 120
FORMAT = 1


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


class Vector:
    def __init__(self, program, root, entry):
        self.program, self.root, self.entry = program, root, entry
        self.name = entry["name"]
        self.directory = root / self.name

    def file(self, name):
        path = self.directory / name
        if not path.exists():
            raise Skipped(f"no {name}")
        return path

    @property
    def rules(self):
        return ["--gramine", "1.5" if self.entry["gramine_tools"].startswith("1.5") else "1.9"]

    @property
    def libpal(self):
        return ["--libpal", self.root / self.entry["libpal"]]

    def mse(self, *words, cwd=None):
        done = subprocess.run([self.program, *map(str, words)], cwd=cwd, capture_output=True,
                              timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)  # fmt: skip
        if done.returncode != 0:
            words = " ".join(map(str, words))
            raise Failed(f"mse {words}: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def unpack(self, directory):
        with tarfile.open(self.file("inputs.tar.xz")) as tar:
            if hasattr(tarfile, "fully_trusted_filter"):
                tar.extractall(directory, filter="fully_trusted")
            else:
                tar.extractall(directory)

    def sign(self, manifest, work, *more):
        """(.manifest.sgx, .sig) as bytes."""
        out = Path(work) / "mse-out.manifest.sgx"
        sig = Path(work) / "mse-out.sig"
        self.mse("sgx", "sign", manifest, *self.libpal, *self.rules, *more,
                 "--key", self.root / self.entry["key"], "--date", self.entry["date"],
                 "--output", out, "--sig", sig, cwd=work)  # fmt: skip
        return out.read_bytes(), sig.read_bytes()


def same(what, got, want):
    if got == want:
        return
    if isinstance(got, bytes):
        at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b),
                  min(len(got), len(want)))  # fmt: skip
        raise Failed(f"{what}: {len(got)} bytes for {len(want)}, differ at byte {at}: "
                     f"{got[at : at + 40]!r} for {want[at : at + 40]!r}")  # fmt: skip
    raise Failed(f"{what}: {got} for {want}")


def level_1_measurement(vector, work):
    """.manifest.sgx and libpal give MRENCLAVE, area by area."""
    out = vector.mse("sgx", "measure", vector.file("app.manifest.sgx"), *vector.libpal, "--explain",
                     "--json")  # fmt: skip
    got = json.loads(out)
    want = json.loads(vector.file("layout.json").read_text())
    rows = want["areas_in_stream_order"]
    same("areas", [a["name"] for a in got["areas"]], [a["area"] for a in rows])
    for mine, row in zip(got["areas"], rows):
        name = row["area"]
        same(f"{name}: start", int(mine["start"], 16), int(row["addr"], 16))
        size = int(row["size"], 16) * row.get("count", 1)
        same(f"{name}: size", int(mine["size"], 16), size)
        same(f"{name}: measured", mine["measured"], row["measured"])
        same(f"{name}: digest after it", mine["digest_after"], row["digest_of_stream_so_far"])
    for key in ("pages_added", "pages_measured", "sha256_blocks"):
        same(key, got[key], want[key])
    same("mrenclave", got["mrenclave"], vector.entry["expected"]["mrenclave"])


def level_2_signature(vector, work):
    """A finished manifest stays as it is; key and date give the signature."""
    manifest = vector.file("app.manifest.sgx")
    got, sig = vector.sign(manifest, work)
    same("app.manifest.sgx", got, manifest.read_bytes())
    same("app.sig", sig, vector.file("app.sig").read_bytes())
    shown = json.loads(vector.mse("sgx", "show", vector.file("app.sig"), "--json"))
    expected = vector.entry["expected"]
    same("mrenclave", shown["mrenclave"], expected["mrenclave"])
    same("mrsigner", shown["mrsigner"], expected["mrsigner"])
    same("date", shown["date"], vector.entry["date"])
    names = {"attributes": "attribute_flags", "xfrm": "attribute_xfrm",
             "attribute_mask": "attribute_flags_mask", "xfrm_mask": "attribute_xfrm_mask",
             "misc_select": "misc_select", "misc_mask": "misc_mask"}  # fmt: skip
    for key, other in names.items():
        same(key, int(shown[key], 16), int(expected[other], 16))


def level_3_trusted_files(vector, work):
    """.manifest and the tree give .manifest.sgx and .sig."""
    vector.unpack(work)
    chroot = vector.entry.get("chroot")
    more = ["--chroot", chroot] if chroot else []
    got, sig = vector.sign(vector.file("app.manifest"), work, *more)
    same("app.manifest.sgx", got, vector.file("app.manifest.sgx").read_bytes())
    same("app.sig", sig, vector.file("app.sig").read_bytes())


def level_4_template(vector, work):
    """The template and the tree give .manifest."""
    vector.unpack(work)
    out = Path(work) / "mse-out.manifest"
    words = [f"-D{k}={v}" for k, v in vector.entry["template_variables"].items()]
    if vector.entry.get("chroot"):
        words += ["--chroot", vector.entry["chroot"]]
    vector.mse("sgx", "manifest", vector.file("app.manifest.template"), out, *vector.rules, *words,
               cwd=work)  # fmt: skip
    same("app.manifest", out.read_bytes(), vector.file("app.manifest").read_bytes())


LEVELS = (level_1_measurement, level_2_signature, level_3_trusted_files, level_4_template)


def run_one(vector, level, counts):
    name = f"{vector.name}: {level.__name__.replace('_', ' ')}"
    with tempfile.TemporaryDirectory() as work:
        try:
            level(vector, work)
        except Skipped as why:
            counts["skipped"] += 1
            print(f"{name}: skipped, {why}")
        except Failed as why:
            counts["failed"] += 1
            print(f"{name}: FAILED: {why}")
        except Exception:  # a broken answer of the program is a failure, not the end of the run
            counts["failed"] += 1
            print(f"{name}: FAILED:\n{traceback.format_exc()}")
        else:
            counts["passed"] += 1
            print(f"{name}: ok")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True, help="build directory with the program")
    parser.add_argument("--vectors", required=True, help="directory with vectors.json")
    parser.add_argument("--level", type=int, choices=range(1, len(LEVELS) + 1), action="append")
    options = parser.parse_args()
    root = Path(options.vectors).resolve()
    program = Path(options.build).resolve() / "src" / "cli" / "mse"
    listed = json.loads((root / "vectors.json").read_text())
    if listed.get("format") != FORMAT:
        sys.exit(f"{root}: vectors of format {listed.get('format')}, this runner knows {FORMAT}")
    os.environ["LC_ALL"] = "C.UTF-8"
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    for entry in listed["vectors"]:
        for number, level in enumerate(LEVELS, 1):
            if not options.level or number in options.level:
                run_one(Vector(program, root, entry), level, counts)
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
