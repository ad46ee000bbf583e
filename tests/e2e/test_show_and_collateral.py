# SPDX-License-Identifier: Apache-2.0
"""mse show, mse collateral, and the rest of the command line."""

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import (
    AT, LOCAL, NO, SGX, SNP, UNKNOWN, USAGE, YES, accepted, stamp, wrong_usage,
)  # fmt: skip

from testpki import bundle
from testpki.collateral_server import CollateralServer
from testpki.server import TlsServer

RANDOM = random.Random(20261102)


# ---- show ------------------------------------------------------------------------------------


def test_show_on_everything(mse, judge, world):
    inputs = {
        "sgx": world.sgx(), "snp": world.snp(),
        "td": world.tdx(), "td15": world.tdx15(), "hcl": world.hcl(), "vlek": world.vlek(),
        "bundle": judge.collateral(), "crl": world.intel.root_crl(),
        "tcb": world.intel.tcb_info(), "qe": world.intel.qe_identity(),
        "qvl": bundle.qvl_collateral(world.intel), "root": world.intel.root.pem,
        **{name: make().pem for name, make in world.profiles().items()},
    }  # fmt: skip
    for name, data in inputs.items():
        path = mse.put(data)
        done = mse.run("show", path)
        assert done.code == YES and done.out, f"{name}: {done}"
        done = mse.run("show", path, "--json")
        assert done.code == YES, f"{name}: {done}"
        json.loads(done.out)
        assert done.written == {}


def test_show_on_nothing(mse):
    for data in (b"", b"x", RANDOM.randbytes(2000), b"{}", b"-----BEGIN CERTIFICATE-----\n"):
        done = mse.run("show", mse.put(data))
        assert done.code not in (YES, 139), str(done)
    for where in (mse.inputs / "none", mse.inputs, "no-such-name.invalid"):
        assert mse.run("show", where, timeout=40).code in (LOCAL, UNKNOWN, USAGE, NO)
    wrong_usage(mse.run("show"))


def test_show_of_a_service(mse, present):
    with TlsServer(present.certificate("mse")) as server:
        done = mse.run("show", server.authority)
        assert done.code == YES and "app1.example" in done.out.decode(), str(done)
        assert server.wait() and server.app_bytes == 0


# ---- collateral ------------------------------------------------------------------------------


def test_fetch_then_verify_offline(mse, present):
    quote, roots = mse.put(present.sgx()), mse.put(present.roots_pem())
    with CollateralServer(present.intel, [present.milan]) as pcs:
        words = ("--pccs", pcs.url, "--kds", pcs.url, "--simulation-root", roots)
        done = mse.run("collateral", "fetch", quote, "--output", "b.json", *words)
        assert done.code == YES and set(done.written) == {"b.json"}, str(done)
        report = mse.put(present.snp())
        done = mse.run("collateral", "fetch", report, "--output", "s.json", *words)
        assert done.code == YES and set(done.written) == {"b.json", "s.json"}, str(done)
    done = mse.run("verify", "--quote", quote, *SGX, "--collateral", "b.json", "--offline",
                   "--simulation-root", roots)  # fmt: skip
    assert done.code == YES, str(done)
    done = mse.run("verify", "--report", report, *SNP, "--collateral", "s.json", "--offline",
                   "--simulation-root", roots)  # fmt: skip
    assert done.code == YES, str(done)
    for what in ("b.json", "s.json"):
        done = mse.run("collateral", "check", what, "--simulation-root", roots)
        assert done.code == YES, str(done)
        done = mse.run("collateral", "show", what)
        assert done.code == YES and done.out


def test_fetch_writes_nothing_when_it_fails(mse, present):
    quote, roots = mse.put(present.sgx()), mse.put(present.roots_pem())
    words = ("--pccs", "http://127.0.0.1:9", "--simulation-root", roots)
    done = mse.run("collateral", "fetch", quote, "--output", "b.json", *words)
    assert done.code == UNKNOWN and done.written == {}, str(done)
    wrong_usage(mse.run("collateral", "fetch", quote, *words))
    wrong_usage(mse.run("collateral", "fetch", "--output", "b.json", *words))


def test_check_tells_forged_and_stale_items(mse, judge, world, forger):
    roots = mse.put(world.roots_pem())
    at = ("--at", stamp(AT), "--simulation-root", roots)
    done = mse.run("collateral", "check", mse.put(judge.collateral()), *at)
    assert done.code == YES, str(done)
    forged = bundle.bundle(bundle.intel_items(forger.intel))
    assert mse.run("collateral", "check", mse.put(forged), *at).code == NO
    stale = mse.put(judge.collateral())
    done = mse.run("collateral", "check", stale, "--at", "2028-01-01", "--simulation-root", roots)
    assert done.code == UNKNOWN, str(done)
    done = mse.run("collateral", "check", mse.put(judge.collateral()), "--at", stamp(AT))
    assert done.code == NO, "simulated statements under vendor roots"
    for data in (b"", b"x", b"{}", b'{"format":"mse-collateral-v1","items":[{}]}'):
        assert mse.run("collateral", "check", mse.put(data), *at).code != YES


@pytest.mark.parametrize(
    "change",
    (
        lambda d: d.update(format="mse-collateral-v2"),
        lambda d: d.update(extra=1),
        lambda d: d["items"][0].update(extra=1),
        lambda d: d["items"][0].update(data="!"),
        lambda d: d["items"][0].update(data=3),
        lambda d: d["items"][0].update(kind="policy"),
        lambda d: d["items"][0].pop("kind"),
        lambda d: d.update(items={}),
        lambda d: d.pop("items"),
        lambda d: d["items"][0].update(update="never"),
    ),
)
def test_bundles_that_are_refused(judge, world, change):
    document = json.loads(judge.collateral())
    change(document)
    done = judge.quote(world.sgx(), collateral=json.dumps(document))
    assert done.code not in (YES,) and done.no_result and done.written == {}, str(done)


def test_verify_fetches_only_when_told(mse, present):
    quote, roots = mse.put(present.sgx()), mse.put(present.roots_pem())
    with CollateralServer(present.intel) as pcs:
        words = ("verify", "--quote", quote, *SGX, "--simulation-root", roots, "--json")
        done = mse.run(*words, "--pccs", pcs.url)
        assert done.code == UNKNOWN and pcs.count() == 0, str(done)
        accepted(mse.run(*words, "--pccs", pcs.url, "--fetch"))
        assert pcs.count() > 0


def test_many_programs_share_one_cache(mse, present):
    quote, roots = mse.put(present.sgx()), mse.put(present.roots_pem())
    with CollateralServer(present.intel) as pcs:

        def one(_):
            return subprocess.run(
                [mse.program, "verify", "--quote", str(quote), *SGX, "--fetch", "--pccs", pcs.url,
                 "--simulation-root", str(roots)],
                env=mse.env(), cwd=mse.work, capture_output=True, timeout=60, check=False,
            ).returncode  # fmt: skip

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(one, range(16))) == [YES] * 16
    done = mse.run("verify", "--quote", quote, *SGX, "--simulation-root", roots, "--json",
                   "--pccs", pcs.url)  # fmt: skip
    accepted(done)


# ---- the rest of the command line ------------------------------------------------------------


def test_help_and_version(mse):
    for words in (("help",), ("--help",), ("-h",), ("cloud", "verify", "--help"),
                  ("verify", "--help"), ("show", "--help"), ("collateral", "fetch", "--help"),
                  ("cloud", "trust-operator", "--help"), ("completion", "--help")):  # fmt: skip
        done = mse.run(*words)
        assert done.code == YES and done.out.startswith(b"usage: ") and done.err == ""
    assert mse.run("--version").out.startswith(b"mse ")


@pytest.mark.parametrize("words", ((), ("nothing",), ("cloud",), ("cloud", "nothing"), ("--x",),
                                   ("collateral",), ("verify", "-x"), ("",)), ids=str)  # fmt: skip
def test_commands_that_are_none(mse, words):
    done = mse.run(*words)
    assert done.code == USAGE and done.written == {}


@pytest.mark.parametrize("words", (("help",), ("--version",), ("completion", "bash")))
def test_a_full_device_is_a_failure(mse, words):
    with open("/dev/full", "w") as full:
        assert mse.run(*words, stdout=full).code == LOCAL
