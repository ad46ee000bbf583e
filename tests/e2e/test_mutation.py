# SPDX-License-Identifier: Apache-2.0
"""No byte of evidence or collateral can change without a refusal, but for those nobody reads.

tests/conformance/mutate.c flips one bit of every byte, each judged by a verifier of its own and by
one that has seen the genuine evidence. regions.c says which bytes may change, and why.
"""

import hashlib
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from testpki import bundle, keys, quote, snp
from testpki.world import World

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "conformance"))

import common  # noqa: E402
import quotes as corpus_quotes  # noqa: E402
import reports as corpus_reports  # noqa: E402

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
CORPUS = os.environ.get("MSE_CORPUS")
EACH = 5
TIMEOUT_S = 300
# Sanitizers make each judgement ten times as slow: then fewer, and the caches are left alone.
SANITIZED = os.environ.get("MSE_SANITIZER") == "1"
PASSES = ("cold",) if SANITIZED else ("cold", "warm")


def set_policy(flags):
    """Options of mse verify as settings of mutate."""
    out, words = [], [str(f) for f in flags]
    while words:
        key = words.pop(0).removeprefix("--").replace("-", "_")
        value = "true" if not words or words[0].startswith("--") else words.pop(0)
        out += ["--set", f"{key}={value}"]
    return out


@pytest.fixture(scope="session")
def mutate(build):
    program = build / "tests" / "conformance" / "mutate"
    if not program.exists():
        pytest.skip(f"{program} is not built")

    def run(*words, at=AT, code=0):
        command = [program, "--at", common.text_of(at), *words]
        done = subprocess.run([str(w) for w in command], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)  # fmt: skip
        assert done.returncode == code, f"{done.stdout[-4000:]}{done.stderr}"
        return done.stdout

    return run


# ---- simulated evidence ----


@pytest.fixture(scope="session")
def world():
    return World(keys.shared_cache(), AT)


@pytest.fixture(scope="session")
def place(world, tmp_path_factory):
    """A directory with roots and collateral."""
    directory = tmp_path_factory.mktemp("mutation")
    (directory / "roots.pem").write_text(world.roots_pem())
    (directory / "intel.json").write_bytes(bundle.bundle(bundle.intel_items(world.intel)))
    (directory / "amd.json").write_bytes(bundle.bundle(bundle.amd_items(world.milan)))
    lists = [bundle.item("crl", world.milan.crl(), chain=world.milan.ark.pem)]
    (directory / "amd-crl.json").write_bytes(bundle.bundle(lists))
    return directory


def extended(world, **options):
    return snp.extended_report(world.snp(), snp.vek_certs(world.milan, **options))


# name: (evidence, collateral, both: also each item of the collateral)
EVIDENCE = {
    "sgx-v3": (lambda w: w.sgx(), "intel", True),
    "sgx-v3-crlf": (lambda w: w.sgx(newline="\r\n", nul=False), "intel", False),
    "sgx-v3-processor": (lambda w: w.sgx(ca="processor"), "intel", False),
    "sgx-v4": (lambda w: w.sgx_v4(), "intel", False),
    "sgx-v5": (lambda w: w.sgx_v5(), "intel", False),
    "tdx-v4": (lambda w: w.tdx(), "intel", True),
    "tdx-v4-padded": (lambda w: w.tdx(padding=bytes(70)), "intel", False),
    "tdx-v5-10": (lambda w: w.tdx10(), "intel", False),
    "tdx-v5-15": (lambda w: w.tdx15(), "intel", True),
    "snp-v2": (lambda w: w.snp(version=2), "amd", False),
    "snp-v3": (lambda w: w.snp(), "amd", True),
    "snp-v5": (lambda w: w.snp(version=5), "amd", False),
    "snp-vlek": (lambda w: w.vlek(), "amd", True),
    "snp-extended": (extended, "amd-crl", True),
    "snp-extended-and-set": (extended, "amd", False),
    "hcl": (lambda w: w.hcl(), "amd", False),
}
CERTIFICATES = {
    "mse": "intel", "mse-snp": "amd-crl", "tee-tools-tdx": "intel", "dice": "intel",
    "open-enclave-report": "intel", "contrast-snp": "amd-crl",
}  # fmt: skip
SIMULATED_POLICY = {
    "sgx": ["--fingerprint", quote.SgxBody().mrenclave.hex()],
    "tdx": ["--mrtd", quote.Td10Body().mrtd.hex()],
    "snp": ["--measurement", snp.digest("measurement", 48).hex()],
}


def simulated(place, kind, path, collateral, *, certificate=False, how="cold", both=False):
    words = ["--certificate" if certificate else "--evidence", path,
             "--collateral", place / f"{collateral}.json",
             "--simulation-root", place / "roots.pem"]  # fmt: skip
    words += [] if both else ["--evidence-only"]
    words += ["--warm"] if how == "warm" else []
    return words + set_policy(SIMULATED_POLICY[kind])


def chosen(names):
    return list(names)[::3] if SANITIZED else names


def kind_of(name, collateral):
    if collateral.startswith("amd"):
        return "snp"
    return "tdx" if "tdx" in name else "sgx"


@pytest.mark.parametrize("how", PASSES)
@pytest.mark.parametrize("name", chosen(EVIDENCE))
def test_no_byte_of_simulated_evidence_can_change(mutate, world, place, name, how):
    make, collateral, both = EVIDENCE[name]
    path = place / name
    path.write_bytes(make(world))
    out = mutate(*simulated(place, kind_of(name, collateral), path, collateral, how=how, both=both))
    assert out.startswith(f"{name}: {path.stat().st_size} bytes")
    assert not both or out.count(" refused") >= 3


@pytest.mark.parametrize("how", PASSES)
@pytest.mark.parametrize("name", chosen(CERTIFICATES))
def test_no_byte_of_an_attested_certificate_can_change(mutate, world, place, name, how):
    collateral = CERTIFICATES[name]
    path = place / f"{name}.der"
    path.write_bytes(world.certificate(name).der)
    out = mutate(*simulated(place, kind_of(name, collateral), path, collateral, certificate=True,
                            how=how))  # fmt: skip
    assert f"{path.stat().st_size} refused, 0 accepted" in out


def test_accepted_bytes_are_those_that_the_formats_leave_open(mutate, world, place):
    path = place / "crlf"
    path.write_bytes(world.sgx(newline="\r\n", nul=False))
    out = mutate(*simulated(place, "sgx", path, "intel", both=True))
    open_bytes = [line.split(": ", 2)[2] for line in out.splitlines() if line.startswith("  ")]
    assert set(open_bytes) <= {
        "white space of PEM", "case of a hex digit of the signature",
        "certificate of a pinned root", "certificate that the evidence brings too",
    }  # fmt: skip


def test_a_byte_that_nobody_declared_fails_the_run(mutate, world, place):
    """Beside the signed object a reply may have other members: nobody reads their values."""
    def with_remark(inner, signature):
        return b'{"tcbInfo":' + inner + b',"signature":"' + signature.encode() + b'","note":"ab"}'

    items = bundle.intel_items(world.intel, kinds=("SGX",), tcb={"envelope": with_remark})
    (place / "remark.json").write_bytes(bundle.bundle(items))
    path = place / "remark"
    path.write_bytes(world.sgx())
    out = mutate(*simulated(place, "sgx", path, "remark", both=True), code=1)
    assert "accepted: NOT DECLARED" in out


def test_evidence_that_is_refused_unchanged_proves_nothing(mutate, world, place):
    path = place / "debug"
    path.write_bytes(world.sgx(flags=quote.INIT | quote.MODE64 | quote.DEBUG))
    mutate(*simulated(place, "sgx", path, "intel"), code=2)


# ---- evidence of real machines ----


class Files:
    """The part of a corpus that these tests need; nothing is run for it."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.files = common.Corpus.read_manifest(self.directory)

    def path(self, name):
        return self.directory / name

    def genuine(self, kind, version):
        """With everything that a positive appraisal needs."""
        for f in self.files:
            if f["kind"] != kind or f["negative"] is not None:
                continue
            if kind == "snp_report" and f["crypto"]["all_ok"]:
                yield f
            elif kind != "snp_report" and f["quote_version"] == version and self.window(f):
                yield f

    @staticmethod
    def window(f):
        windows = f["matching_collateral"]["full_windows"]
        accepted = (w for w in windows if corpus_quotes.merged_status(w) != corpus_quotes.NO_MATCH)
        return next(accepted, None)

    def signing(self, at):
        """One TCB signing certificate: of several with one key all but one would be superfluous."""
        return next(self.path(f["file"]) for f in self.files if f.get("role") == "intel_tcb_signing"
                    and common.instant(f["not_before"]) <= at <= common.instant(f["not_after"]))  # fmt: skip

    def quote_words(self, f):
        window = self.window(f)
        at = common.middle(common.instant(window["from"]), common.instant(window["to"]))
        names = ("tcb_info", "qe_identity", "root_ca_crl", "pck_crl")
        needed = [self.path(window[n]) for n in names] + [self.signing(at)]
        return at, needed, set_policy(corpus_quotes.policy_flags(f))

    def report_words(self, f):
        at = common.middle(common.instant(f["window"]["from"]), common.instant(f["window"]["to"]))
        needed = [self.path(f["crypto"]["signer_cert"])]
        needed += [self.path(c["file"]) for c in self.files if c.get("role") in common.AMD_CA_ROLES
                   and f"CN={f['crypto']['ask']}," in c["subject"]]  # fmt: skip
        flags = corpus_reports.policy_flags(f)
        # There is no list of AMD's in such a corpus: that check stays unknown.
        return at, needed, ["--unknown", "revocation", *set_policy(flags)]


def corpus_cases():
    if not CORPUS:
        return []
    files, out = Files(CORPUS), []
    for kind, version in (("sgx_quote", 3), ("tdx_quote", 4), ("tdx_quote", 5), ("snp_report", 0)):
        seen = set()
        for f in files.genuine(kind, version):
            digest = hashlib.sha256(files.path(f["file"]).read_bytes()).hexdigest()
            if len(seen) < EACH and digest not in seen:
                out.append(pytest.param(f, not seen, id=f["file"]))
                seen.add(digest)
    return out


@pytest.mark.skipif(not CORPUS, reason="MSE_CORPUS names no corpus")
@pytest.mark.parametrize("how", PASSES)
@pytest.mark.parametrize("f,both", corpus_cases())
def test_no_byte_of_real_evidence_can_change(mutate, f, both, how):
    files = Files(CORPUS)
    is_report = f["kind"] == "snp_report"
    at, needed, words = files.report_words(f) if is_report else files.quote_words(f)
    words += ["--evidence", files.path(f["file"])]
    for path in needed:
        words += ["--collateral", path]
    words += [] if both else ["--evidence-only"]
    words += ["--warm"] if how == "warm" else []
    mutate(*words, at=at)
