# SPDX-License-Identifier: Apache-2.0
"""The conformance runner passes a true manifest and fails each false one, by name."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import conformance_corpus
import pytest
from testpki import keys
from testpki.world import World

ROOT = Path(__file__).resolve().parents[2]
RUNNER = ROOT / "tests" / "conformance" / "run.py"
AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def world():
    return World(keys.shared_cache(), AT)


@pytest.fixture(scope="module")
def corpus(world, tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpus") / "corpus"
    conformance_corpus.make(directory, world)
    return directory


@pytest.fixture
def copy(corpus, tmp_path):
    return Path(shutil.copytree(corpus, tmp_path / "corpus"))


@pytest.fixture(scope="session")
def run(build):
    if not (build / "tests" / "conformance" / "conformance_driver").exists():
        pytest.skip("the driver is not built")

    def run(directory, *words, simulated=True):
        command = [sys.executable, RUNNER, "--build", build, "--corpus", directory, *words]
        command += ["--simulation-root", directory / "roots.pem"] if simulated else []
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)  # fmt: skip
        counts = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped\n$", done.stdout)
        assert counts, done.stdout + done.stderr
        return done, tuple(map(int, counts.groups()))

    return run


def entry(manifest, file):
    return next(f for f in manifest["files"] if f["file"] == file)


def falsify(directory, file, path, value):
    """Sets a member of a file's entry; path has dots and indices."""
    place = directory / "MANIFEST.json"
    manifest = json.loads(place.read_text())
    target = entry(manifest, file)
    *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    for part in parents:
        target = target[part]
    assert target[last] != value, "nothing would change"
    target[last] = value
    place.write_text(json.dumps(manifest))


def test_a_true_manifest_passes(run, corpus):
    done, (passed, failed, skipped) = run(corpus)
    assert (done.returncode, failed, skipped) == (0, 0, 0), done.stdout
    assert passed > 50


def test_simulated_evidence_fails_without_its_roots(run, corpus):
    done, (_, failed, _) = run(corpus, simulated=False)
    assert done.returncode == 1 and failed > 10


GOOD, TD, SNP = "sgx/good.quote", "tdx/td.quote", "snp/snp.report"
WINDOW = "matching_collateral.full_windows.0"
FALSE = [
    (GOOD, f"{WINDOW}.platform_tcb_status", "OutOfDate", "platform status"),
    (GOOD, f"{WINDOW}.qe_status", "OutOfDate", "qe status"),
    (GOOD, f"{WINDOW}.from", "2026-02-24T12:00:01Z", "before"),
    (GOOD, f"{WINDOW}.to", "2026-03-26T12:00:01Z", "at the end"),
    (GOOD, f"{WINDOW}.tcb_eval_num", 20, "evaluation"),
    (GOOD, f"{WINDOW}.qe_identity_match", False, "qe identity match"),
    (GOOD, f"{WINDOW}.tcb_info", "collateral/tcb-info-TDX.json", "collateral"),
    (GOOD, f"{WINDOW}.pck_crl", None, "revocation"),
    (GOOD, "mrenclave", "00" * 32, "mrenclave"),
    (GOOD, "report_data", "00" * 64, "report data"),
    (GOOD, "attributes", "0700000000000000e700000000000000", "attributes"),
    (GOOD, "pck.fmspc", "000000000000", "fmspc"),
    (GOOD, "pck.serial", "1", "pck serial"),
    (GOOD, "crypto.quote_signature", False, "signature"),
    (GOOD, "crypto.pck_chain_to_intel_root", False, "chain refused"),
    (GOOD, "negative", "a reason that nobody wrote down", "reason for refusal"),
    (GOOD, "negative", "DEBUG attribute set", "negative: attributes"),
    (TD, f"{WINDOW}.tdx_module_status", "OutOfDate", "module status"),
    (TD, "mrtd", "00" * 48, "mrtd"),
    (TD, "td_attributes", "0000000000000000", "attributes"),
    (SNP, "window.to", "2027-01-01T00:00:00Z", "chain"),
    (SNP, "measurement", "00" * 48, "measurement"),
    (SNP, "crypto.tcb_matches_signer", False, "manifest agrees"),
    (SNP, "reported_tcb_parts.snp", 200, "tcb"),
    ("certs/pck.der", "crypto.chain_ok_to_pinned_root", False, "authentic"),
    ("certs/pck.der", "pcesvn", 1, "pcesvn"),
    ("certs/vcek.der", "vek_ext.hwid", "00" * 64, "hwid"),
    ("certs/vcek.der", "not_after", "2030-01-01T00:00:00Z", "not_after"),
    ("collateral/crl-root.der", "crypto.signature_ok", False, "authentic"),
    ("collateral/crl-root.der", "revoked_count", 1, "revoked"),
    ("collateral/tcb-info-SGX.json", "crypto.signature_ok", False, "authentic"),
    ("collateral/tcb-info-SGX.json", "fmspc", "000000000000", "fmspc"),
    ("collateral/qe-identity-TDX.json", "nextUpdate", "2030-01-01T00:00:00Z", "nextUpdate"),
    ("certs/ratls-mse.der", "key_binding_rule", ["sha256(SPKI PEM || 00) [OE]"],
     "profile openenclave"),
    ("certs/ratls-mse.der", "ratls.self_signed_ok", False, "certificate"),
    ("certs/ratls-mse.der", "ratls.ca", True, "unsafe shape"),
    ("certs/ratls-dice.der", "ratls.evidence.0.evidence_sha256", "00" * 32, "evidence"),
    ("certs/ratls-dice.der", "ratls.evidence.0.evidence_windows.0.2", "OutOfDate",
     "platform status"),
    ("certs/keyswap.der", "negative", "SYNTHETIC: part of the forged Intel PKI set", "code"),
]  # fmt: skip


@pytest.mark.parametrize("file,path,value,word", FALSE,
                         ids=lambda v: v if isinstance(v, str) and len(v) < 50 else "value")
def test_a_false_statement_fails(run, copy, file, path, value, word):
    falsify(copy, file, path, value)
    done, (_, failed, _) = run(copy, "--only", file)
    assert done.returncode == 1 and failed > 0
    rows = [line for line in done.stdout.splitlines() if line.startswith(file)]
    assert any(word in row for row in rows), done.stdout


def rewrite(copy, file, change):
    """Another file under the same entry, with its true digest."""
    path = copy / file
    path.write_bytes(change(path.read_bytes()))
    falsify(copy, file, "sha256", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("file,at", [(GOOD, 100), (TD, 200), (SNP, 0x90), ("certs/pck.der", 500),
                                     ("collateral/crl-platform.der", 200),
                                     ("collateral/tcb-info-SGX.json", 60),
                                     ("certs/ratls-mse.der", 1000)])  # fmt: skip
def test_a_changed_file_fails(run, copy, file, at):
    rewrite(copy, file, lambda data: data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
    done, (_, failed, _) = run(copy, "--only", file)
    assert done.returncode == 1 and failed > 0, done.stdout


def test_another_digest_fails(run, copy):
    falsify(copy, GOOD, "sha256", "00" * 32)
    done, _ = run(copy, "--only", "MANIFEST")
    assert done.returncode == 1 and f"sha256 of {GOOD}"[:20] in done.stdout


def test_a_missing_file_fails(run, copy):
    (copy / "certs/keyswap.der").unlink()
    done, _ = run(copy, "--only", "keyswap")
    assert done.returncode == 1 and "certs/keyswap.der is there" in done.stdout


def test_an_unknown_kind_fails(run, copy):
    falsify(copy, GOOD, "kind", "quote_of_tomorrow")
    done, _ = run(copy, "--only", "MANIFEST")
    assert done.returncode == 1 and "quote_of_tomorrow" in done.stdout


def test_an_unknown_reason_fails_even_where_no_file_is_run(run, copy):
    falsify(copy, "tdx/padded.bin", "negative", "for a reason of its own")
    done, _ = run(copy, "--only", "MANIFEST")
    assert done.returncode == 1 and "for a reason of its own" in done.stdout


def test_nothing_run_is_no_success(run, copy):
    done, _ = run(copy, "--only", "no such file")
    assert done.returncode == 1
