# SPDX-License-Identifier: Apache-2.0
"""mse-simtee run: what is measured is what runs, and each enclave has keys of its own."""

import base64
import json
import os
import select
import signal
import stat
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import owner_app
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from harness import YES, accepted, refused
from sim_machine import LIBRARY, LOADER, OWNER, Machine, Runtime, environment, sha256

HELLO, QUOTE, KEY, COUNTER, ADVANCE = 1, 2, 3, 4, 5
WRONG_USAGE, LOCAL = 2, 4
REPORT_DATA = bytes(range(64)).hex()


@pytest.fixture(scope="session")
def stand_in(build):
    path = build / "tests" / "tools" / "sim_enclave"
    if not path.exists() or not (build / "src" / "simtee" / "mse-simtee").exists():
        pytest.skip("the programs are not built")
    return path


@pytest.fixture(scope="session")
def machine(build, stand_in, tmp_path_factory):
    return Machine(build, tmp_path_factory.mktemp("machine") / "tee")


@pytest.fixture(scope="session")
def other_machine(build, stand_in, tmp_path_factory):
    return Machine(build, tmp_path_factory.mktemp("machine") / "tee")


@pytest.fixture
def runtime(stand_in, tmp_path):
    (tmp_path / "runtime").mkdir()
    return Runtime(tmp_path / "runtime", stand_in)


@pytest.fixture
def instance(tmp_path):
    path = tmp_path / "instance"
    path.mkdir()
    return path


def advance(to):
    return f"ask {ADVANCE:02x}{to:016x}"


def run(machine, runtime, instance, *script, options=(), code=0, **more):
    """(measured value, lines that the enclave printed) of one run with this script."""
    (instance / "script").write_text("".join(f"{line}\n" for line in script))
    running = machine.start(runtime, instance, "--name", "app.example", *options, **more)
    lines = running.lines()
    status, err = running.end()
    assert status == code, (lines, err)
    assert lines and lines[0].startswith("measured ") and len(lines[0]) == 9 + 64, (lines, err)
    return lines[0][9:], lines[1:]


def refuse(machine, runtime, instance, *options, code=LOCAL, **more):
    """What it says when nothing is started."""
    (instance / "script").write_text("exit 0\n")
    running = machine.start(runtime, instance, "--name", "app.example", *options, **more)
    assert running.lines() == []
    status, err = running.end()
    assert status == code, err
    return err


# ---- measuring ------------------------------------------------------------------------------


def test_what_is_measured_is_what_mse_fingerprint_says(
    machine, stand_in, instance, mse, monkeypatch
):
    monkeypatch.setattr(owner_app, "LOADER", stand_in.read_bytes())
    app = owner_app.App(mse)
    root = mse.inputs / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/mse-enclave").write_bytes(stand_in.read_bytes())
    said = app.explain()

    class Described:
        description = app.runtime

    Described.root = root
    measured, _ = run(machine, Described, instance, arguments=said["arguments"])
    assert measured == said["fingerprint"] == app.value()


def test_other_arguments_are_another_measurement(machine, runtime, instance):
    first, _ = run(machine, runtime, instance)
    again, _ = run(machine, runtime, instance)
    other, _ = run(machine, runtime, instance, arguments=runtime.arguments(tree="22" * 32))
    unsigned, _ = run(machine, runtime, instance, arguments=runtime.arguments(unsigned="yes"))
    assert first == again and len({first, other, unsigned}) == 3


@pytest.mark.parametrize("path", [LOADER, LIBRARY])
def test_a_changed_file_is_refused_and_named(machine, runtime, instance, path):
    content = bytearray(runtime.place(path).read_bytes())
    content[len(content) // 2] ^= 1
    runtime.place(path).write_bytes(content)
    err = refuse(machine, runtime, instance)
    assert f"{path}: is not the file that the runtime description has" in err
    assert not (instance / "instance.json").exists()


def test_a_missing_file_is_refused_and_named(machine, runtime, instance):
    runtime.place(LIBRARY).unlink()
    assert LIBRARY in refuse(machine, runtime, instance)


def test_a_link_does_not_lead_out_of_the_root(machine, runtime, instance, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(runtime.files[LIBRARY])
    runtime.place(LIBRARY).unlink()
    runtime.place(LIBRARY).symlink_to(outside)
    assert LIBRARY in refuse(machine, runtime, instance)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda a: a[:-1], "at least one word"),
        (lambda a: a[1:], "arguments: mse-enclave"),
        (lambda a: [w.replace("memory=1024", "memory=1000") for w in a], "memory"),
        (lambda a: [w.replace("cert=self", "cert=none") for w in a], "cert"),
        (lambda a: [w if "runtime=" not in w else "runtime=" + "00" * 32 for w in a], "runtime"),
    ],
)
def test_arguments_that_are_no_app_manifest_are_refused(machine, runtime, instance, change, text):
    err = refuse(machine, runtime, instance, arguments=change(runtime.arguments()))
    assert text in err or "command" in err, err


def test_a_description_for_another_tee_is_refused(machine, runtime, instance):
    text = runtime.description.read_bytes().replace(b'"tee":"sim"', b'"tee":"sgx"')
    runtime.description.write_bytes(text)
    err = refuse(machine, runtime, instance, arguments=runtime.arguments())
    assert "for sgx, not for sim" in err


def test_usage_is_checked(machine, runtime, instance):
    words = machine.words(runtime, instance)
    cut = words[: words.index("--")]
    for wrong in (cut, [*cut, "--"], [*cut, "--name", "a.example", "--name", "b.example", "--", "x"],
                  [w for w in words if w not in ("--dir", instance)]):  # fmt: skip
        done = subprocess.run([str(w) for w in wrong], capture_output=True, timeout=30,
                              env=environment(), check=False)  # fmt: skip
        assert done.returncode == WRONG_USAGE and done.stdout == b"", (wrong, done)


# ---- launching ------------------------------------------------------------------------------


def test_the_enclave_gets_its_arguments_its_socket_and_nothing_else(machine, runtime, instance):
    script = ("arguments", "environment", "descriptors", "program")
    read, write = os.pipe()  # a descriptor that somebody forgot to close
    _, lines = run(machine, runtime, instance, *script, pass_fds=(write,))
    os.close(read)
    os.close(write)
    assert lines[0] == "|".join(runtime.arguments()) + "|"
    assert lines[1] == ""
    assert sorted(lines[2].split()) == ["0", "1", "2", "3", "4"]  # 4: the open script
    # F_SEAL_SEAL, SHRINK, GROW and WRITE: nobody can change what was measured.
    assert lines[3].split(" in ")[1] == (
        f"{instance} runs /memfd:mse-enclave (deleted) sealed 15 ends by {int(signal.SIGKILL)}"
    )


def test_the_exit_status_passes_through(machine, runtime, instance):
    run(machine, runtime, instance, "exit 0", code=0)
    run(machine, runtime, instance, "exit 37", code=37)
    run(machine, runtime, instance, "abort", code=128 + signal.SIGKILL)
    run(machine, runtime, instance, "close", "exit 5", code=5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_are_passed_on(machine, runtime, instance, number):
    (instance / "script").write_text("wait\nexit 9\n")
    running = machine.start(runtime, instance, "--name", "app.example")
    while running.line() != "waiting":
        pass
    running.process.send_signal(number)
    assert running.lines() == [f"signal {int(number)}"]
    assert running.end()[0] == 9


def test_the_enclave_does_not_outlive_its_platform(machine, runtime, instance):
    (instance / "script").write_text("program\nwait\n")
    running = machine.start(runtime, instance, "--name", "app.example")
    running.line()
    pid = int(running.line().split()[1])
    assert running.line() == "waiting"
    watch = os.pidfd_open(pid)
    running.process.send_signal(signal.SIGKILL)
    ready, _, _ = select.select([watch], [], [], 10)
    os.close(watch)
    running.end()
    assert ready, "the enclave goes on"


# ---- what the platform answers --------------------------------------------------------------


def hex_of(line):
    """What a reply gives; it must be no refusal."""
    data = bytes.fromhex(line)
    assert data[0] == 0, data
    return data[1:]


def refusal(line):
    data = bytes.fromhex(line)
    assert data[0] != 0
    return data[1:].decode()


def test_hello_names_enclave_signer_and_platform(machine, other_machine, runtime, instance):
    measured, lines = run(machine, runtime, instance, f"ask {HELLO:02x}")
    said = hex_of(lines[0])
    assert len(said) == 96 and said[:32].hex() == measured
    _, lines = run(other_machine, runtime, instance, f"ask {HELLO:02x}")
    other = hex_of(lines[0])
    ppid = bytes.fromhex(json.loads((machine.dir / "platform.json").read_text())["ppid"])
    assert said[64:].hex() == sha256(b"mse-simtee-platform-v1\n" + ppid)
    assert other[:32] == said[:32] and other[32:64] != said[32:64] and other[64:] != said[64:]


def test_sealing_keys_differ_by_platform_measurement_version_and_debug(
    machine, other_machine, runtime, instance
):
    ask = f"ask {KEY:02x}"

    def key(on=machine, **more):
        return hex_of(run(on, runtime, instance, ask, **more)[1][0])

    first = key()
    assert len(first) == 32 and key() == first
    keys = [first, key(other_machine), key(arguments=runtime.arguments(tree="22" * 32)),
            key(options=("--debug",)), key(options=("--isv-svn", "2"))]  # fmt: skip
    assert len(set(keys)) == len(keys)
    secret = machine.dir / "sealing.key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    measured, _ = run(machine, runtime, instance, ask)
    info = b"mse-simtee-sealing-key-v1" + bytes.fromhex(measured)
    for got, tail in ((first, "000100"), (keys[3], "000101"), (keys[4], "000200")):
        hkdf = HKDF(hashes.SHA256(), 32, None, info + bytes.fromhex(tail))
        assert got == hkdf.derive(bytes.fromhex(secret.read_text())), tail


def test_a_platform_without_a_secret_gets_one_and_keeps_it(machine, runtime, instance, tmp_path):
    old = machine.copy(tmp_path / "old")
    (old.dir / "sealing.key").unlink(missing_ok=True)
    keys = {run(old, runtime, instance, f"ask {KEY:02x}")[1][0] for _ in range(2)}
    assert len(keys) == 1 and keys != {run(machine, runtime, instance, f"ask {KEY:02x}")[1][0]}
    for wrong in ("", "\n", "short\n", "00" * 32, "00" * 32 + "\r", "00" * 33 + "\n"):
        (old.dir / "sealing.key").write_text(wrong)
        assert "sealing.key" in refuse(old, runtime, instance)


def test_a_counter_never_goes_back(machine, runtime, instance, tmp_path):
    ask = f"ask {COUNTER:02x}"
    _, lines = run(machine, runtime, instance, ask, advance(5), ask, advance(5), advance(4), ask)
    assert int.from_bytes(hex_of(lines[0]), "big") == 0
    assert hex_of(lines[1]) == b"" and int.from_bytes(hex_of(lines[2]), "big") == 5
    assert hex_of(lines[3]) == b"" and "does not go back" in refusal(lines[4])
    assert int.from_bytes(hex_of(lines[5]), "big") == 5
    largest = 2**64 - 1
    _, lines = run(machine, runtime, instance, ask, advance(largest), ask)
    assert [int.from_bytes(hex_of(lines[i]), "big") for i in (0, 2)] == [5, largest]
    second = tmp_path / "second"
    second.mkdir()
    _, lines = run(machine, runtime, second, ask)
    assert int.from_bytes(hex_of(lines[0]), "big") == 0
    _, lines = run(machine, runtime, instance, ask, arguments=runtime.arguments(tree="33" * 32))
    assert int.from_bytes(hex_of(lines[0]), "big") == 0


def test_requests_that_are_not_understood_are_refused_and_the_next_is_answered(
    machine, runtime, instance
):
    wrong = ["00", "06", "ff", "0100", f"02{'00' * 63}", f"02{'00' * 65}", "0300", "05", "0500"]
    _, lines = run(machine, runtime, instance, *(f"ask {w}" for w in wrong), f"ask {HELLO:02x}")
    assert all(refusal(line) for line in lines[:-1]) and len(lines) == len(wrong) + 1
    assert len(hex_of(lines[-1])) == 96


# ---- quotes ---------------------------------------------------------------------------------


def judge(mse, machine, quote, measured, *words, root=True):
    more = ("--simulation-root", machine.dir / "root.pem") if root else ()
    return mse.run("verify", "--quote", mse.put(quote), "--collateral",
                   machine.dir / "collateral.json", *more, "--fingerprint", measured, "--offline",
                   "--json", *words)  # fmt: skip


def test_a_quote_is_accepted_with_the_simulation_root_only(
    machine, other_machine, runtime, instance, mse
):
    measured, lines = run(machine, runtime, instance, f"ask {QUOTE:02x}{REPORT_DATA}")
    quote = hex_of(lines[0])
    assert quote[368:432].hex() == REPORT_DATA
    accepted(judge(mse, machine, quote, measured), fingerprint="passed")
    refused(judge(mse, machine, quote, "00" * 32), "fingerprint", "mismatch")
    assert judge(mse, machine, quote, measured, root=False).code != YES
    assert judge(mse, other_machine, quote, measured).code != YES


def test_a_debug_launch_shows(machine, runtime, instance, mse):
    ask = f"ask {QUOTE:02x}{REPORT_DATA}"
    measured, lines = run(machine, runtime, instance, ask, options=("--debug", "--isv-svn", "7"))
    refused(judge(mse, machine, hex_of(lines[0]), measured), "attributes", "policy")
    assert hex_of(lines[0])[48 + 258 : 48 + 260] == (7).to_bytes(2, "little")


def test_a_revoked_platform_is_refused(machine, runtime, instance, mse, tmp_path):
    measured, lines = run(machine, runtime, instance, f"ask {QUOTE:02x}{REPORT_DATA}")
    gone = machine.copy(tmp_path / "gone")
    subprocess.run([machine.simtee, "collateral", gone.dir, "--revoke", "pck", "--output",
                    gone.dir / "collateral.json"], check=True, timeout=30, env=environment(),
                   capture_output=True)  # fmt: skip
    refused(judge(mse, gone, hex_of(lines[0]), measured), "revocation", "revoked")


def test_a_slow_quote_holds_up_no_signal(machine, runtime, instance):
    """The time is the requirement: a quote takes as long as it was told to."""
    (instance / "script").write_text(f"ask {QUOTE:02x}{REPORT_DATA}\nexit 3\n")
    running = machine.start(runtime, instance, "--name", "app.example", "--quote-ms", "30000")
    running.line()
    running.process.send_signal(signal.SIGTERM)  # the stand-in has no handler now
    assert running.lines() == []
    assert running.end()[0] == 128 + signal.SIGTERM


# ---- instance file --------------------------------------------------------------------------


def read_der(data):
    """[(tag, content)] of the elements in a row; lengths below 64 KiB."""
    found = []
    while data:
        tag, first = data[0], data[1]
        size = 0 if first < 128 else first - 128
        length = first if first < 128 else int.from_bytes(data[2 : 2 + size], "big")
        found.append((tag, data[2 + size : 2 + size + length]))
        data = data[2 + size + length :]
    return found


def test_the_instance_file_is_the_operators_word(machine, runtime, instance, mse):
    options = ("--days", "10", "--listen", "127.0.0.1:8443", "--edge", "10.0.0.0/8", "--edge",
               "2001:db8::/32")  # fmt: skip
    before = datetime.now(timezone.utc)
    measured, _ = run(machine, runtime, instance, options=options)
    said = json.loads((instance / "instance.json").read_text())
    assert said["name"] == "app.example" and said["config_name"] == "config.app.example"
    assert said["listen"] == "127.0.0.1:8443" and said["edge"] == ["10.0.0.0/8", "2001:db8::/32"]
    end = datetime.strptime(said["not_after"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert timedelta(0) <= end - before - timedelta(days=10) + timedelta(seconds=1) < timedelta(
        minutes=1)  # fmt: skip
    ((tag, inner),) = read_der(base64.b64decode(said["statement"]))
    (_, statement), (_, signature) = read_der(inner)
    assert tag == 0x30
    operator = json.loads((machine.dir / "operator.json").read_text())
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(operator["instance_key"])).verify(
        signature, b"mse-instance-v1\n" + statement)  # fmt: skip
    assert json.loads(statement) == {
        "config_name": "config.app.example", "fingerprint": measured, "name": "app.example",
        "not_after": int(end.timestamp()), "owner": OWNER, "uuid": said["uuid"],
    }  # fmt: skip


def test_an_instance_may_be_given_its_uuid(machine, runtime, instance):
    uuid = "0123abcd-4567-4000-8000-000000000001"
    run(machine, runtime, instance, options=("--uuid", uuid))
    said = json.loads((instance / "instance.json").read_text())
    assert said["uuid"] == uuid and uuid.encode() in base64.b64decode(said["statement"])


def test_an_instance_file_that_is_there_stays(machine, runtime, instance):
    run(machine, runtime, instance)
    first = (instance / "instance.json").read_bytes()
    run(machine, runtime, instance, options=("--days", "3"))
    assert (instance / "instance.json").read_bytes() == first


def test_without_instance_file_a_name_is_needed(machine, runtime, instance, tmp_path):
    (instance / "script").write_text("exit 0\n")
    running = machine.start(runtime, instance)
    assert running.lines() == []
    code, err = running.end()
    assert code == LOCAL and "--name" in err
    fresh = tmp_path / "a" / "b"
    running = machine.start(runtime, fresh, "--name", "app.example")
    assert running.lines()[0].startswith("measured")
    assert running.end()[0] == 99 and (fresh / "instance.json").exists()  # it found no script


@pytest.mark.parametrize(
    "words", [("--name", "UPPER.example"), ("--name", "a.example", "--days", "399"),
              ("--name", "a.example", "--config-name", "not a name"),
              ("--name", "a.example", "--uuid", "00000000-0000-4000-8000-00000000000G"),
              ("--name", "a.example", "--uuid", "00000000-0000-4000-8000-0000000000000")],
)  # fmt: skip
def test_a_wrong_instance_leaves_nothing(machine, runtime, instance, words):
    running = machine.start(runtime, instance, *words)
    assert running.lines() == []
    assert running.end()[0] == WRONG_USAGE
    assert list(Path(instance).iterdir()) == []
