# SPDX-License-Identifier: Apache-2.0
"""docs/report.schema.json describes what the program really prints, and nothing looser."""

import copy
import json
import re
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from testpki import bundle, keys, quote, snp
from testpki.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text())
NAMES = {
    "mse-report-v1": "report",
    "mse-show-v1": "show",
    "mse-collateral-list-v1": "collateral_list",
    "mse-error-v1": "error",
}
EXPECTED = ["--fingerprint", quote.SgxBody().mrenclave.hex(), "--mrtd", quote.Td10Body().mrtd.hex()]
SNP = ["--measurement", snp.digest("measurement", 48).hex()]
SGX = ["sgx.quote", "sgx-v4.quote", "sgx-v5.quote"]
TDX = ["tdx.quote", "tdx15.quote"]
GUESTS = ["snp.report", "vlek.report", "hcl.bin"]
CERTIFICATES = ["mse-x25519", "tee-tools-snp", "gramine", "constellation-tdx"]


def errors(document):
    """Problems under the part that is for this kind of document: clearer than those of oneOf."""
    part = {**SCHEMA, "$ref": f"#/$defs/{NAMES[document['schema']]}"}
    del part["oneOf"]
    found = [f"{list(e.absolute_path)}: {e.message}"
             for e in Draft202012Validator(part).iter_errors(document)]  # fmt: skip
    assert bool(found) != Draft202012Validator(SCHEMA).is_valid(document)
    return found


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    directory = tmp_path_factory.mktemp("schema")
    world = World(keys.shared_cache())
    files = {
        "sgx.quote": world.sgx(), "sgx-v4.quote": world.sgx_v4(), "sgx-v5.quote": world.sgx_v5(),
        "tdx.quote": world.tdx(), "tdx15.quote": world.tdx15(), "snp.report": world.snp(),
        "vlek.report": world.vlek(), "hcl.bin": world.hcl(), "bundle.json": world.bundle(),
        "early.json": bundle.bundle(bundle.intel_items(world.intel, update="early")),
        "qvl.json": bundle.qvl_collateral(world.intel, "SGX"),
        "roots.pem": world.roots_pem().encode(),
    }  # fmt: skip
    for name in CERTIFICATES:
        files[f"{name}.pem"] = world.certificate(name).pem.encode()
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


@pytest.fixture(scope="module")
def ask(build, evidence):
    program = (build / "src/cli/mse").resolve()  # it runs in another directory

    def run(*words):
        done = subprocess.run(
            [program, *words, "--json"], cwd=evidence, capture_output=True,
            text=True, timeout=60, env={"HOME": str(evidence)},
        )  # fmt: skip
        return json.loads(done.stdout)

    return run


def judge(ask, name, *more):
    guest = "--report" if name in GUESTS else "--quote"
    kind = "--certificate" if name.endswith(".pem") else guest
    expected = SNP if re.search("snp|vlek|hcl", name) else EXPECTED
    return ask("verify", kind, name, "--offline", *expected, *more)


SIMULATED = ["--simulation-root", "roots.pem"]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", SGX + TDX + GUESTS + [f"{c}.pem" for c in CERTIFICATES])
def test_a_report_fits_whatever_the_verdict(ask, name):
    verdicts = set()
    complete = ["--collateral", "bundle.json", *SIMULATED]
    for more in (complete, SIMULATED, [], [*complete, "--collateral", "early.json", "--early"]):
        report = judge(ask, name, *more)
        assert errors(report) == []
        verdicts.add(report["verdict"])
    if "constellation" in name:
        assert verdicts == {"fail"}
    else:
        # A bare report brings no certificate that vendor roots could refuse.
        refused = set() if name in GUESTS else {"fail"}
        assert verdicts == {"incomplete", "unknown"} | refused


@pytest.mark.parametrize("name", SGX + TDX + GUESTS + [f"{c}.pem" for c in CERTIFICATES]
                         + ["bundle.json", "qvl.json", "early.json"])  # fmt: skip
def test_what_show_prints_fits(ask, name):
    assert errors(ask("show", name)) == []


@pytest.mark.parametrize("command", ["show", "check"])
@pytest.mark.parametrize("more", [[], SIMULATED, [*SIMULATED, "--at", "2060-01-01"]])
def test_a_list_of_collateral_fits(ask, command, more):
    assert errors(ask("collateral", command, "bundle.json", "early.json", *more)) == []


def test_a_refusal_of_the_certificate_itself_fits(ask, evidence):
    text = (evidence / "gramine.pem").read_text().splitlines()
    (evidence / "broken.pem").write_text("\n".join(text[:1] + text[5:]) + "\n")
    report = judge(ask, "broken.pem", *SIMULATED)
    assert report["verdict"] == "fail" and report["evidence"] == []
    assert errors(report) == []


def test_a_report_says_what_an_hcl_report_adds(ask):
    bare = judge(ask, "snp.report", *SIMULATED)
    hcl = judge(ask, "hcl.bin", *SIMULATED)
    assert "hcl" not in bare and hcl["hcl"]["hcl_type"] == "SNP"
    assert errors(changed(hcl, lambda r: r["hcl"].pop("ak_modulus"))) != []


@pytest.mark.parametrize(
    "words, code",
    [
        (["--quote", "sgx.quote", "--fetch", "--offline"], "usage"),
        (["--quote", "snp.report"], "format"),
        (["--report", "sgx.quote"], "format"),
        (["--quote", "absent"], "io"),
    ],
)
def test_an_error_fits(ask, words, code):
    said = ask("verify", *words, *EXPECTED)
    assert said["schema"] == "mse-error-v1" and said["code"] == code
    assert errors(said) == []
    assert errors(changed(said, lambda r: r.pop("message"))) != []


def changed(document, change):
    other = copy.deepcopy(document)
    change(other)
    return other


def test_the_schema_refuses_what_the_program_does_not_print(ask):
    report = judge(ask, "mse-x25519.pem", "--collateral", "bundle.json", *SIMULATED)
    wrong = [
        lambda r: r.update(verdict="maybe"),
        lambda r: r.update(level=4),
        lambda r: r.update(at="yesterday"),
        lambda r: r.pop("holds_until"),
        lambda r: r.update(verdict="fail"),
        lambda r: r["checks"].pop(),
        lambda r: r["checks"].reverse(),
        lambda r: r["checks"][0].update(outcome="failed"),
        lambda r: r["checks"][3].update(outcome="ok"),
        lambda r: r["evidence"][0]["claims"].update(mrenclave="AB" * 32),
        lambda r: r["evidence"][0]["claims"].pop("report_data"),
        lambda r: r["evidence"][0]["claims"].update(tee="TDX"),
        lambda r: r["evidence"][0].pop("oid"),
        lambda r: r["evidence"][0]["tcb"].update(status="Fine"),
        lambda r: r["certificate"].pop("shape"),
        lambda r: r.update(x25519="00"),
    ]
    for number, change in enumerate(wrong):
        assert errors(changed(report, change)), f"change {number} went unnoticed"


def test_the_schema_names_the_words_of_the_code():
    code = (ROOT / "src/base/error.c").read_text()
    names = re.findall(r'^    \[MSE_ERR_\w+\] += "([a-z-]+)"', code, re.M)
    assert SCHEMA["$defs"]["code"]["examples"] == [n for n in names if n != "none"]
    code = (ROOT / "src/endorsement/tcb_json.c").read_text()
    words = re.findall(r'^    \[MSE_TCB_\w+\] = "(\w+)"', code, re.M)
    assert SCHEMA["$defs"]["tcb_status"]["enum"] == words
