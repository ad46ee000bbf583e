# SPDX-License-Identifier: Apache-2.0
"""Fresh evidence against a peer of another implementation: what is accepted, and each attack."""

import struct
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import attest_oracle as oracle
import pytest
from attest_peer import AttestClient, AttestPeer, honest, read_request
from cryptography import x509 as c
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import MRENCLAVE, MRSIGNER, NO, SNP, TDX, UNKNOWN, YES, saved, stopped
from nacl.signing import SigningKey
from OpenSSL import SSL
from test_trust_operator import instance_key, statement

from testpki import der, quote, snp, x509
from testpki.intel import IntelPki
from testpki.keys import KeyCache
from testpki.server import TlsServer

OWNER = SigningKey(b"owner".ljust(32))
OTHER = SigningKey(b"other".ljust(32))
FINGERPRINT = ("--fingerprint", MRENCLAVE)
UNSIGNED = oracle.config_digest(b"body") + struct.pack(">Q", 3)


@pytest.fixture(scope="module")
def good(present):
    return present.certificate("mse")


@pytest.fixture
def fresh(cloud, mse):
    """run(certificate, answer, *words): mse cloud verify --json of such a peer."""

    def run(certificate, answer, *words, expect=FINGERPRINT, peer=None, json=True, **options):
        (mse.work / "cert.pem").unlink(missing_ok=True)
        with AttestPeer(certificate, answer, **(peer or {})) as server:
            more = ("--json",) if json else ()
            done = cloud(server, *words, *more, expect=expect, **options)
        done.server = server
        return done

    return run


def level(done, code, text=""):
    """Refused for the level, and nothing was written."""
    stopped(done, NO)
    found = done.check("level")
    assert found["outcome"] == "failed" and found["code"] == code, str(done)
    assert text in found["reason"], found
    assert done.report["level"] < 3 and "configuration" not in done.report


def signed(certificate, owner=OWNER, epoch=7, *, digest=None, change=bytes):
    text = oracle.statement_text(b"\x0a" * 32, certificate.der, digest or
                                 oracle.config_digest(b"body"), epoch)  # fmt: skip
    return change(text + owner.sign(text).signature)


def owned_certificate(present, **changes):
    """The operator says whose app it is: then the owner's key is known."""
    said = statement("a", owner=bytes(OWNER.verify_key).hex(), config_name="app1.example",
                     name="app1.example")  # fmt: skip
    return present.certificate("mse", extra=[said], **changes)


def knows_owner():
    public = instance_key("a").public_key()
    return ("--instance-key", public.public_bytes(Encoding.Raw, PublicFormat.Raw).hex())


# ---- what is accepted -------------------------------------------------------------------------


def test_vectors_are_those_of_the_oracle():
    header = Path(__file__).resolve().parent.parent / "unit" / "attest_vectors.h"
    assert header.read_text() == oracle.header()


def test_the_documentation_has_the_worked_value():
    text = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text()
    assert oracle.example().hex() in "".join(text.split())


@pytest.mark.parametrize("before, behind", [(0, 0), (0, 1), (1, 0), (4, 2), (6, 0), (500, 1)])
def test_A30_fresh_evidence_is_asked_for_and_judged(fresh, present, good, before, behind):
    done = fresh(good, honest(present.sgx, before=before, behind=behind))
    saved(done, good)
    report = done.report
    assert report["level"] == 2 and done.check("level")["outcome"] == "passed"
    assert [e.get("fresh", False) for e in report["evidence"]] == [False, True]
    assert report["configuration"] == {"state": "unconfigured", "signed": False}
    assert done.server.offered[0] == oracle.ALPN
    assert len(done.server.asked) == 1 and done.server.asked[0].inner == b""


def test_the_four_lines_stay_and_the_rest_is_told_aside(fresh, present, good):
    done = fresh(good, honest(present.sgx), "--fresh", json=False)
    saved(done, good)
    assert done.out.decode() == (
        "Checking your app...\nVerification: success\n"
        "The verified certificate has been saved at: ./cert.pem\n"
    )
    assert "note: level 2: the key is in that enclave now" in done.err
    assert "note: not configured by anybody yet" in done.err


def test_each_connection_has_a_nonce_of_its_own(fresh, present, good):
    nonces = {fresh(good, honest(present.sgx)).server.asked[0].nonce for _ in range(3)}
    assert len(nonces) == 3


def test_a_peer_without_it_reaches_level_1(cloud, good):
    with TlsServer(good) as server:
        done = cloud(server, "--json", expect=FINGERPRINT)
        saved(done, good)
        assert done.report["level"] == 1 and done.check("level")["outcome"] == "waived"
        for words in (("--fresh",), ("--min-level", "2"), ("--fresh", "--min-level", "1")):
            done = cloud(server, "--json", *words, expect=FINGERPRINT)
            assert done.code == NO and done.check("level")["code"] == "policy", str(done)


def test_level_3_is_not_reached_by_a_connection_that_is_not_used(fresh, present, good):
    level(fresh(good, honest(present.sgx), "--min-level", "3"), "policy", "level 2 was reached")


def test_A30_fresh_evidence_has_no_age(fresh, present, good):
    for words, code in ((("--max-age", "1h"), YES), (("--max-age", "1h", "--fresh"), YES)):
        done = fresh(good, honest(present.sgx), *words)
        assert done.code == code and done.check("age")["outcome"] == "passed", str(done)


@pytest.mark.parametrize("kind", ["tdx", "snp"])
def test_the_other_kinds_of_tee(fresh, present, vendors, kind):
    certificate = present.certificate(f"mse-{kind}", x25519=b"\x05" * 32)
    certs = snp.vek_certs(present.milan)
    answer = {
        "tdx": honest(present.tdx, tee=oracle.TDX),
        "snp": honest(lambda rd: snp.tee_tools_payload(present.snp(rd), certs), tee=oracle.SNP),
    }[kind]
    done = fresh(certificate, answer, "--kds", vendors.url,
                 expect=TDX if kind == "tdx" else SNP)  # fmt: skip
    assert done.code == YES, str(done)
    assert done.report["level"] == 2 and done.report["evidence"][1]["fresh"] is True


# ---- relays, replays, reflections -------------------------------------------------------------


def other_connection(present, change):
    """answer that is right for another connection or question."""

    def answer(asked):
        changed = oracle.leaf(*change(asked))
        return oracle.Reply(evidence=present.sgx(changed)).encode()

    return answer


@pytest.mark.parametrize(
    "change",
    [
        lambda a: (a.spki, bytes(32), a.nonce),
        lambda a: (a.spki, a.exporter[::-1], a.nonce),
        lambda a: (a.spki, a.exporter, bytes(32)),
        lambda a: (a.spki, a.nonce, a.exporter),
        lambda a: (b"another key", a.exporter, a.nonce),
        lambda a: (a.spki, a.exporter, a.nonce, (bytes(32), 1)),
    ],
    ids=["no exporter", "another's exporter", "another nonce", "swapped", "another key", "epoch"],
)
def test_evidence_about_anything_else_is_refused(fresh, present, good, change):
    done = fresh(good, other_connection(present, change))
    level(done, "binding", "not about this connection")


def test_A29_a_relay_with_a_stolen_key_reaches_level_1_only(fresh, cloud, present, good):
    """The thief has the enclave's key and certificate, and asks the enclave with the victim's
    nonce; but the enclave's connection is with the thief."""
    with TlsServer(good) as thief:
        assert cloud(thief, expect=FINGERPRINT).code == YES
        assert cloud(thief, "--fresh", expect=FINGERPRINT).code == NO
    enclave = AttestPeer(good, honest(present.sgx))
    with enclave:

        def relay(asked):
            with AttestClient(enclave.port, "app1.example") as client:
                client.ask(nonce=asked.nonce)
                got, _ = client.reply()
                return got.encode()

        level(fresh(good, relay), "binding")
        assert enclave.asked


def test_a_replayed_reply_is_refused(fresh, present, good):
    kept = []

    def answer(asked):
        kept.append(honest(present.sgx)(asked))
        return kept[0]

    assert fresh(good, answer).code == YES
    level(fresh(good, answer), "binding")


def test_the_request_itself_is_no_reply(fresh, good):
    level(fresh(good, lambda a: oracle.item(oracle.request(a.nonce))), "value")


# ---- what a reply may not be ------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, code",
    [
        ({"index": 3}, "binding"),
        ({"index": 7}, "value"),
        ({"count": 9}, "value"),
        ({"count": 5}, "value"),
        ({"count": 4097}, "value"),
        ({"count": 0}, "value"),
        ({"path": lambda p: p[:-1]}, "value"),
        ({"path": lambda p: (*p, bytes(64))}, "value"),
        ({"path": lambda p: p[::-1]}, "binding"),
        ({"path": lambda p: (bytes(64), *p[1:])}, "binding"),
        ({"path": lambda p: p * 5}, "value"),
        ({"tee": oracle.SGX + 3}, "value"),
        ({"tee": oracle.TDX}, "mismatch"),
        ({"tee": 0}, "value"),
        ({"version": 2}, "unsupported"),
        ({"statement": UNSIGNED}, "binding"),
        ({"statement": bytes(40)}, "value"),
        ({"statement": b"x"}, "value"),
    ],
    ids=lambda v: "" if isinstance(v, str) else "-".join(v),
)
def test_a_changed_reply_is_refused(fresh, present, good, change, code):
    done = fresh(good, honest(present.sgx, before=4, behind=2, **change))
    found = done.check("level")["code"]
    assert found == code or (code == "value" and found == "truncated"), str(done)
    level(done, found)


@pytest.mark.parametrize("change", ["epoch", "digest"])
def test_another_epoch_or_configuration_than_the_enclaves_is_refused(fresh, present, good, change):
    true = UNSIGNED
    told = true[:32] + struct.pack(">Q", 4) if change == "epoch" else true[::-1][8:] + true[32:]
    assert fresh(good, honest(present.sgx, true)).code == YES
    level(fresh(good, honest(present.sgx, true, statement=told)), "binding")


def test_no_or_broken_evidence_is_refused(fresh, present, good):
    for change in ({"evidence": b""}, {"evidence": b"x"}, {"evidence": lambda e: e[:-1]},
                   {"evidence": lambda e: e[:600] + bytes([e[600] ^ 1]) + e[601:]}):  # fmt: skip
        stopped(fresh(good, honest(present.sgx, **change)), NO)


def test_trailing_bytes_are_refused(fresh, present, good):
    def longer(asked):
        return oracle.item(honest(present.sgx)(asked)[4:] + b"\0")

    level(fresh(good, longer), "trailing")


@pytest.mark.parametrize("length", [0, 65537, 0xFFFFFFFF])
def test_an_impossible_length_is_refused_at_once(fresh, good, length):
    done = fresh(good, lambda _: struct.pack(">I", length) + bytes(100), json=False)
    stopped(done, NO, "bytes is announced")


def test_an_empty_body_is_refused(fresh, good):
    done = fresh(good, lambda _: oracle.item(b"\x01"))
    level(done, "truncated")


def test_half_a_reply_is_no_reply(cloud, good):
    class Hasty(AttestPeer):
        def _attest(self, connection):
            read_request(connection)
            connection.sendall(oracle.item(bytes(2000))[:1000])

    with Hasty(good, None) as server:
        done = cloud(server, expect=FINGERPRINT)
    stopped(done, UNKNOWN, "the peer closed the connection")


def test_silence_ends_at_the_deadline(fresh, good):
    begun = time.monotonic()
    done = fresh(good, lambda _: None, "--timeout", "1", json=False)
    stopped(done, UNKNOWN, "timed out")
    assert time.monotonic() - begun < 15


def test_dripping_ends_at_the_deadline(cloud, good):
    class Dripping(AttestPeer):
        def _attest(self, connection):
            connection.sendall(struct.pack(">I", 60000))
            while True:
                connection.sendall(b"\x01")
                time.sleep(0.05)

    with Dripping(good, None) as server:
        stopped(cloud(server, "--timeout", "1", expect=FINGERPRINT), UNKNOWN, "timed out")


# ---- whose evidence it is ---------------------------------------------------------------------


def test_another_enclave_of_the_same_operator_is_refused(fresh, present, good):
    other = honest(lambda rd: present.sgx(rd, mrenclave=b"\x77" * 32))
    done = fresh(good, other, expect=("--mrsigner", MRSIGNER))
    level(done, "mismatch", "another enclave")
    done = fresh(good, other)
    assert done.check("fingerprint")["reason"].startswith("fresh evidence:"), str(done)


@pytest.mark.parametrize(
    "options, check",
    [
        ({"flags": 7}, "attributes"),
        ({"mrsigner": bytes(32)}, "signer"),
        ({"isvsvn": 9}, "level"),
    ],
    ids=["debug", "signer", "svn"],
)
def test_fresh_evidence_is_judged_by_itself(fresh, present, good, options, check):
    answer = honest(lambda rd: present.sgx(rd, **options))
    done = fresh(good, answer, expect=("--mrsigner", MRSIGNER))
    stopped(done, NO)
    assert done.check(check)["outcome"] == "failed", str(done)


def test_evidence_of_a_strangers_machine_is_refused(fresh, present, good):
    stranger = IntelPki(KeyCache(), present.at)
    done = fresh(good, honest(lambda rd: quote.sgx_v3(stranger, rd)))
    stopped(done, NO)
    assert done.check("chain")["reason"].startswith("fresh evidence:"), str(done)
    assert done.check("chain")["code"] == "root"


def test_another_kind_of_tee_than_the_certificates_is_refused(fresh, present, good):
    done = fresh(good, honest(present.tdx, tee=oracle.TDX),
                 expect=(*FINGERPRINT, *TDX))  # fmt: skip
    stopped(done, NO)
    assert done.check("level")["code"] == "mismatch", str(done)


# ---- who configured it ------------------------------------------------------------------------


def test_D15_the_owner_is_named_whose_signature_holds(fresh, present):
    certificate = owned_certificate(present)
    answer = honest(present.sgx, signed(certificate))
    done = fresh(certificate, answer, *knows_owner())
    saved(done, certificate)
    assert done.report["configuration"] == {
        "state": "signed", "signed": True, "owner": bytes(OWNER.verify_key).hex(), "epoch": 7,
        "digest": oracle.config_digest(b"body").hex(),
    }  # fmt: skip
    done = fresh(certificate, answer, *knows_owner(), json=False)
    owner, digest = bytes(OWNER.verify_key).hex(), oracle.config_digest(b"body").hex()
    assert f"note: configured by {owner}, epoch 7, configuration {digest}\n" in done.err


def test_D15_other_secrets_have_another_digest(fresh, present):
    certificate = owned_certificate(present)
    said = [
        fresh(certificate, honest(present.sgx, signed(certificate, digest=oracle.config_digest(b))),
              *knows_owner()).report["configuration"]["digest"]
        for b in (b"secrets", b"other secrets")
    ]  # fmt: skip
    assert said[0] != said[1]


def test_D15_a_signature_that_is_not_the_owners_is_refused(fresh, present):
    certificate = owned_certificate(present)
    for change in (signed(certificate, OTHER),
                   signed(certificate, change=lambda s: s[:-1] + bytes([s[-1] ^ 1])),
                   signed(certificate, change=lambda s: s[:20] + b"\xff" + s[21:])):  # fmt: skip
        done = fresh(certificate, honest(present.sgx, change), *knows_owner())
        level(done, "signature", "not signed by the owner")


def test_D15_a_statement_about_another_certificate_is_refused(fresh, present, good):
    certificate = owned_certificate(present)
    done = fresh(certificate, honest(present.sgx, signed(good)), *knows_owner())
    assert done.code == NO and done.check("level")["code"] == "mismatch", str(done)
    done = fresh(certificate, honest(present.sgx, signed(good)))
    assert done.code == NO and "of another certificate" in done.check("level")["reason"]


def test_D15_without_an_owner_the_signature_is_not_believed(fresh, present, good):
    done = fresh(good, honest(present.sgx, signed(good, OTHER)))
    saved(done, good)
    said = done.report["configuration"]
    assert said["state"] == "unchecked" and said["signed"] is False and "owner" not in said


def test_D15_an_unsigned_configuration_is_said_to_be_one(fresh, present, good):
    done = fresh(good, honest(present.sgx, UNSIGNED), json=False)
    saved(done, good)
    assert "note: configured without a signature, by whoever came first, epoch 3" in done.err
    done = fresh(good, honest(present.sgx, UNSIGNED))
    assert done.report["configuration"]["state"] == "unsigned"


# ---- a certificate without evidence -----------------------------------------------------------


@pytest.fixture(scope="module")
def owners(present):
    """(chain, key): a certificate of a CA that nobody here trusts, for the app's name."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def name(text):
        return c.Name([c.NameAttribute(c.NameOID.COMMON_NAME, text)])

    def issue(subject, public, is_ca):
        builder = (
            c.CertificateBuilder().subject_name(name(subject)).issuer_name(name("A CA"))
            .public_key(public).serial_number(c.random_serial_number())
            .not_valid_before(der.utc(present.at) - timedelta(days=1))
            .not_valid_after(der.utc(present.at) + timedelta(days=30))
            .add_extension(c.BasicConstraints(is_ca, None), True)
        )  # fmt: skip
        if not is_ca:
            names = c.SubjectAlternativeName([c.DNSName("app1.example")])
            builder = builder.add_extension(names, False)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.DER)

    return [issue("app1.example", key.public_key(), False),
            issue("A CA", ca_key.public_key(), True)], key  # fmt: skip


def test_B27_a_certificate_of_the_owners_own_is_verified_by_fresh_evidence(fresh, present, owners):
    done = fresh(owners, honest(present.sgx), "--unsafe-shape")
    assert done.code == YES, str(done)
    report = done.report
    assert report["level"] == 2 and [e["fresh"] for e in report["evidence"]] == [True]
    found = {c["name"]: c["outcome"] for c in report["checks"]}
    assert found["binding"] == found["certificate"] == found["name"] == "passed"
    assert found["fingerprint"] == found["level"] == "passed"
    assert done.written == {"cert.pem": x509.pem(owners[0][0]).encode()}


def test_B27_without_fresh_evidence_it_is_refused(cloud, fresh, present, owners):
    done = fresh(owners, honest(present.sgx), peer={"alpn": False})
    stopped(done, NO)
    assert done.check("evidence")["code"] == "no-evidence"
    done = fresh(owners, honest(present.sgx), peer={"version": SSL.TLS1_2_VERSION})
    stopped(done, NO)
    assert done.check("evidence")["code"] == "no-evidence"


@pytest.mark.parametrize("attack", ["other key", "other code", "silent", "garbage", "name", "late"])
def test_B27_what_is_wrong_with_it_is_refused(fresh, present, owners, attack):
    words, answer, code = [], honest(present.sgx), NO
    if attack == "other key":
        answer = other_connection(present, lambda a: (b"key", a.exporter, a.nonce))
    elif attack == "other code":
        answer = honest(lambda rd: present.sgx(rd, mrenclave=bytes(32)))
    elif attack == "silent":
        answer, words, code = (lambda _: None), ["--timeout", "1"], UNKNOWN
    elif attack == "garbage":
        answer = lambda _: oracle.item(b"\x01" * 100)  # noqa: E731
    elif attack == "name":
        words = ["--name", "app2.example"]
    elif attack == "late":
        words = ["--at", "2060-01-01"]
    done = fresh(owners, answer, *words)
    stopped(done, code)


# ---- TLS 1.2, tickets -------------------------------------------------------------------------


def test_tls_1_2_reaches_level_1(fresh, present, good):
    done = fresh(good, honest(present.sgx), peer={"version": SSL.TLS1_2_VERSION})
    saved(done, good)
    assert done.report["level"] == 1 and done.server.asked == []
    done = fresh(good, honest(present.sgx), "--fresh",
                 peer={"version": SSL.TLS1_2_VERSION})  # fmt: skip
    assert done.code == NO and done.server.asked == []


# ---- mse connect ------------------------------------------------------------------------------


@pytest.fixture
def connect(mse, present, vendors):
    def run(server, *words, text=b"", command=("connect",), expect=FINGERPRINT):
        return mse.run(
            *command, "app1.example", "--connect", server.authority, "--pccs", vendors.url,
            "--simulation-root", mse.put(present.roots_pem()), *expect, *words,
            stdin=mse.put(text).open("rb"),
        )  # fmt: skip

    return run


@pytest.mark.parametrize("command", [("connect",), ("cloud", "connect")])
def test_A29_bytes_go_over_the_connection_that_was_verified(connect, present, good, command):
    with AttestPeer(good, honest(present.sgx), echo=True) as server:
        done = connect(server, text=b"hello\nbye\n", command=command)
    assert done.code == YES and done.out == b"HELLO\nBYE\n", str(done)
    assert server.asked[0].inner == b"http/1.1" and server.asked[0].rest == b""
    assert server.offered == [oracle.ALPN]


def test_connect_names_another_protocol(connect, present, good):
    with AttestPeer(good, honest(present.sgx), echo=True) as server:
        assert connect(server, "--protocol", "h2", text=b"bye\n").code == YES
    assert server.asked[0].inner == b"h2"


def test_connect_carries_much_both_ways(connect, present, good):
    text = bytes(range(32, 123)) * 20000 + b"bye\n"
    with AttestPeer(good, honest(present.sgx), echo=True) as server:
        done = connect(server, text=text)
    assert done.code == YES and done.out == text.upper()
    assert server.said == [text]


@pytest.mark.parametrize(
    "answer, code",
    [
        (lambda p: honest(lambda rd: p.sgx(bytes(64))), NO),
        (lambda p: honest(lambda rd: p.sgx(rd, mrenclave=bytes(32))), NO),
        (lambda p: lambda _: oracle.item(b"\x01"), NO),
    ],
    ids=["unbound", "other code", "broken"],
)
def test_connect_sends_nothing_to_a_peer_that_is_not_proven(connect, present, good, answer, code):
    with AttestPeer(good, answer(present), echo=False) as server:
        done = connect(server, text=b"secret\n")
    assert done.code == code and done.out == b"", str(done)
    assert "nothing was sent" in done.err
    assert b"secret" not in b"".join(server.said) + server.asked[0].rest


def test_connect_wants_level_3(connect, present, good):
    with TlsServer(good) as server:
        done = connect(server, text=b"secret\n")
        assert done.code in (NO, UNKNOWN) and done.out == b"", str(done)
        assert server.wait(1) and server.app_bytes == 0
    with AttestPeer(good, honest(present.sgx), alpn=False) as server:
        done = connect(server, text=b"secret\n")
        assert done.code == NO and server.asked == [], str(done)
    assert b"secret" not in b"".join(server.said)
    with AttestPeer(good, honest(present.sgx), version=SSL.TLS1_2_VERSION) as server:
        done = connect(server, text=b"secret\n")
        assert done.code in (NO, UNKNOWN) and server.asked == [], str(done)


def test_connect_says_when_the_end_was_cut(connect, present, good):
    class Cut(AttestPeer):
        def _echo(self, connection):
            connection.sendall(b"part")
            connection.sock_shutdown(2)

    with Cut(good, honest(present.sgx), echo=True) as server:
        done = connect(server, text=b"x\n")
    assert done.code == UNKNOWN and b"part".startswith(done.out), str(done)


def test_connect_usage(connect, present, good, mse):
    assert mse.run("connect").code == 2
    done = mse.run("connect", "app1.example", *FINGERPRINT, "--json")
    assert done.code == 2 and "--json" in done.err
    done = mse.run("connect", "app1.example", *FINGERPRINT, "--protocol", "")
    assert done.code == 2 and "--protocol" in done.err
    done = mse.run("connect", "app1.example")
    assert done.code == 2 and "nobody is expected" in done.err


# ---- mse_connect() ----------------------------------------------------------------------------


@pytest.fixture
def library(build, mse, present):
    """run(server, ...): what mse_connect() gives."""
    program = build / "tests" / "tools" / "attested_connect"
    roots, bundle = mse.put(present.roots_pem()), mse.put(present.bundle())

    def run(server, *, fingerprint=MRENCLAVE, name="app1.example", ms=20000, mode="blocking"):
        done = subprocess.run(
            [program, str(server.port), name, roots, bundle, fingerprint, str(ms), mode],
            env=mse.env(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said, socket = done.stdout.splitlines()
        assert socket == "socket as it was"
        return said

    return run


@pytest.mark.parametrize("mode", ["blocking", "non-blocking"])
def test_the_library_reaches_level_3(library, present, good, mode):
    with AttestPeer(good, honest(present.sgx, before=2, behind=9), echo=True) as server:
        assert library(server, mode=mode) == "ok 3"
    assert server.asked[0].inner == b"http/1.1" and server.said == [b"bye\n"]


def test_the_library_sends_nothing_to_others(library, present, good, owners):
    wrong = honest(lambda rd: present.sgx(rd, mrenclave=bytes(32)))
    rows = [
        ("refused policy fail", good, honest(present.sgx), {"fingerprint": "00" * 32}, {}),
        ("refused policy fail", good, honest(present.sgx), {"name": "app2.example"}, {}),
        ("refused policy fail", good, honest(lambda _: present.sgx(bytes(64))), {}, {}),
        ("refused policy fail", good, wrong, {}, {}),
        ("refused policy fail", owners, wrong, {}, {}),
        ("refused limit none", good, lambda _: struct.pack(">I", 1 << 20), {}, {}),
        ("refused policy fail", good, lambda _: oracle.item(b"\x01"), {}, {}),
        ("refused unsupported none", good, honest(present.sgx), {}, {"alpn": False}),
        ("refused tls none", good, honest(present.sgx), {}, {"version": SSL.TLS1_2_VERSION}),
        ("refused timeout none", good, lambda _: None, {"ms": 500}, {}),
        ("refused timeout none", owners, lambda _: None, {"ms": 500}, {}),
    ]
    for expected, certificate, answer, words, peer in rows:
        with AttestPeer(certificate, answer, **peer) as server:
            assert library(server, **words) == expected, (expected, words, peer)
        assert b"".join(server.said) == b""


def test_the_library_takes_an_owners_certificate(library, present, owners):
    with AttestPeer(owners, honest(present.sgx), echo=True) as server:
        assert library(server) == "ok 3"
