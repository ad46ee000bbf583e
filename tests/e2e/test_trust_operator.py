# SPDX-License-Identifier: Apache-2.0
"""mse cloud trust-operator, and what the stored operator then means to cloud verify."""

import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import LOCAL, MRENCLAVE, NO, USAGE, YES

from testpki import der, ratls, x509
from testpki.keys import sha256, spki_pem
from testpki.server import TlsServer

NAME = "app1.example"
OID_STATEMENT = "1.2.840.113741.1337.32"


def signer_key(present, label):
    return present.keys.get(f"enclave-signer-{label}", "rsa3072")


def mrsigner_of(key):
    return sha256(key.public_key().public_numbers().n.to_bytes(384, "little"))


def instance_key(label):
    return ed25519.Ed25519PrivateKey.from_private_bytes(sha256(f"mse {label}".encode()))


def statement(label="a", *, signer=None, wrong=b"", **changes):
    """The extension in which the operator says which app an instance is."""
    said = {
        "config_name": "config-1.example",
        "fingerprint": MRENCLAVE,
        "name": NAME,
        "not_after": int(time.time()) + 3600,
        "owner": "11" * 32,
        "uuid": "00000000-0000-4000-8000-000000000001",
    }
    said.update(changes)
    said = {name: value for name, value in said.items() if value is not None}
    text = json.dumps(said, separators=(",", ":"), sort_keys=True).encode() + wrong
    signature = (signer or instance_key(label)).sign(b"mse-instance-v1\n" + text)
    return x509.Ext(OID_STATEMENT, der.seq(der.octets(text), der.octets(signature)))


def operator(present, label="a", **changes):
    instance = instance_key(label).public_key()
    document = {
        "format": "mse-operator-v1",
        "name": f"operator {label}",
        "signer": spki_pem(signer_key(present, label)).decode(),
        "isv_prod_id": 1,
        "min_isv_svn": 3,
        "instance_key": instance.public_bytes(Encoding.Raw, PublicFormat.Raw).hex(),
        "runtime_keys": [],
    }
    document.update(changes)
    return document


@pytest.fixture
def store(mse):
    def run(document, *words, **options):
        data = document if isinstance(document, (str, bytes)) else json.dumps(document)
        return mse.run("cloud", "trust-operator", mse.put(data), *words, **options)

    return run


@pytest.fixture
def config(mse):
    return mse.home / ".config" / "mse" / "config.toml"


@pytest.fixture
def verify(mse, present):
    """cloud verify of an enclave of this signer."""
    bundle, roots = mse.put(present.bundle()), mse.put(present.roots_pem())

    def run(label, *words, isvsvn=10, said="own", **options):
        mrsigner = mrsigner_of(signer_key(present, label))
        evidence = lambda rd: present.sgx(rd, mrsigner=mrsigner, isvsvn=isvsvn)  # noqa: E731
        extra = [statement(label)] if said == "own" else [said] if said else []
        with TlsServer(ratls.mse(evidence, extra=extra, **present.hooks)) as server:
            return mse.run(
                "cloud", "verify", NAME, "--connect", server.authority, "--collateral", bundle,
                "--simulation-root", roots, "--offline", "--force", *words, **options,
            )  # fmt: skip

    return run


def test_shows_whose_keys_they_are_and_stores_them(store, present, config):
    document = operator(present)
    done = store(document, "--yes")
    assert done.code == YES, str(done)
    out = done.out.decode()
    assert "operator a" in out and mrsigner_of(signer_key(present, "a")).hex() in out
    assert document["instance_key"][:16] in out and str(config) in out
    assert config.stat().st_mode & 0o022 == 0
    text = config.read_text()
    assert mrsigner_of(signer_key(present, "a")).hex() in text and document["instance_key"] in text


def test_nothing_is_stored_without_a_yes(store, present, config):
    done = store(operator(present))
    assert done.code == USAGE and "--yes" in done.err
    assert "operator a" in done.out.decode()
    assert not config.exists()


def test_the_stored_operator_is_expected(store, verify, present, mse):
    done = verify("a")
    assert done.code == USAGE and "nobody is expected" in done.err
    store(operator(present), "--yes")
    assert verify("a").code == YES
    (mse.work / "cert.pem").unlink()
    for done in (verify("b"), verify("a", isvsvn=2), verify("a", "--isv-prod-id", "2")):
        assert done.code == NO and done.written == {} and "signer failed" in done.err, str(done)
    assert verify("a", "--operator", "operator a").code == YES
    assert verify("a", "--operator", "nobody").code == USAGE


STATEMENTS = {
    "another key": {"signer": instance_key("stranger")},
    "another fingerprint": {"fingerprint": "22" * 32},
    "another app": {"name": "app2.example", "config_name": "config-2.example"},
    "expired": {"not_after": 1_700_000_000},
    "a member missing": {"uuid": None},
    "one too many": {"extra": "x"},
    "number as text": {"not_after": "9999999999"},
    "bytes behind it": {"wrong": b"{}"},
    "no JSON": {"wrong": b"x"},
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_statements_that_are_refused(store, verify, present, what):
    store(operator(present), "--yes")
    assert verify("a", "--output", "good.pem").code == YES
    done = verify("a", said=statement("a", **STATEMENTS[what]))
    assert done.code == NO and "instance failed" in done.err, str(done)
    assert set(done.written) == {"good.pem"}
    # a fingerprint as well does not excuse a wrong statement
    done = verify("a", "--fingerprint", MRENCLAVE, said=statement("a", **STATEMENTS[what]))
    assert done.code == NO, str(done)


def test_without_a_statement_the_signer_alone_is_not_enough(store, verify, present):
    """Any app of this operator would pass: refused, or at least told; strict never takes it."""
    store(operator(present), "--yes")
    done = verify("a", "--strict", "--min-level", "1", said=None)
    assert done.code == NO and done.written == {}, str(done)
    done = verify("a", said=None)
    assert "any app of this signer would pass" in done.err, str(done)


def test_several_operators_need_a_choice(store, verify, present, mse):
    store(operator(present, "a"), "--yes")
    store(operator(present, "b"), "--yes")
    done = verify("a")
    assert done.code == USAGE and "--operator" in done.err and done.written == {}
    assert verify("b", "--operator", "operator b").code == YES
    (mse.work / "cert.pem").unlink()
    done = verify("b", "--operator", "operator a")
    assert done.code == NO and done.written == {}


def test_an_explicit_signer_needs_no_operator(store, verify, present):
    store(operator(present, "a"), "--yes")
    store(operator(present, "b"), "--yes")
    signer = mrsigner_of(signer_key(present, "c")).hex()
    assert verify("c", "--mrsigner", signer).code == YES


def test_other_keys_under_the_same_name_need_force(store, present, config):
    first = operator(present, "a")
    store(first, "--yes")
    assert store(first, "--yes").code == YES  # the same again
    before = config.read_text()
    other = operator(present, "b", name="operator a")
    done = store(other, "--yes")
    assert done.code in (LOCAL, NO, USAGE) and "--force" in done.err, str(done)
    assert config.read_text() == before
    assert store(other, "--yes", "--force").code == YES
    assert other["instance_key"] in config.read_text()
    assert first["instance_key"] not in config.read_text()


def test_comments_and_other_tables_stay(store, present, config, verify):
    config.parent.mkdir(parents=True)
    store(operator(present, "a"), "--yes")
    text = "# mine\n" + config.read_text() + "\n# end of mine\n"
    config.write_text(text)
    assert store(operator(present, "b"), "--yes").code == YES
    after = config.read_text()
    assert "# mine\n" in after and "# end of mine\n" in after
    assert after.count("[operators.") == 2
    assert store(operator(present, "a"), "--yes", "--force").code == YES
    after = config.read_text()
    assert "# mine\n" in after and after.count("[operators.") == 2
    assert verify("b", "--operator", "operator b").code == YES


def test_xdg_config_home_counts(store, present, mse, config):
    done = store(operator(present), "--yes", env=mse.env(XDG_CONFIG_HOME=str(mse.inputs / "c")))
    assert done.code == YES and (mse.inputs / "c" / "mse" / "config.toml").exists()
    assert not config.exists()


BAD = {
    "no JSON": "x",
    "empty": "",
    "array": "[]",
    "other format": {"format": "mse-operator-v2"},
    "no name": {"name": ""},
    "long name": {"name": "a" * 64},
    "name with bracket": {"name": "a]\nb"},
    "name with quote": {"name": 'a"b'},
    "name with escape": {"name": "a\x1b[31m"},
    "name of wrong type": {"name": 3},
    "no PEM": {"signer": "x"},
    "product id": {"isv_prod_id": 65536},
    "negative": {"isv_prod_id": -1},
    "text number": {"min_isv_svn": "3"},
    "short key": {"instance_key": "00"},
    "runtime key": {"runtime_keys": ["x"]},
    "unknown member": {"extra": 1},
}


@pytest.mark.parametrize("bad", BAD)
def test_files_that_are_refused(store, present, config, bad):
    changes = BAD[bad]
    document = changes if isinstance(changes, str) else operator(present, **changes)
    done = store(document, "--yes", "--force")
    assert done.code != YES and done.out == b"" and done.err, str(done)
    assert not config.exists()


@pytest.mark.parametrize("kind", ("rsa2048", "p256"))
def test_signers_of_another_kind_of_key(store, present, kind):
    pem = spki_pem(present.keys.get(f"kind-{kind}", kind)).decode()
    assert store(operator(present, signer=pem), "--yes").code != YES


def test_members_left_out_or_twice(store, present, config):
    document = operator(present)
    for name in document:
        left = {k: v for k, v in document.items() if k != name}
        assert store(left, "--yes").code != YES, name
        text = json.dumps(document)[:-1] + f', "{name}": {json.dumps(document[name])}}}'
        assert store(text, "--yes").code != YES, name
    assert not config.exists()


@pytest.mark.parametrize(
    "text", ("x", "unknown = 1\n", "\x00", "[operators\n", "operators = 1\n"), ids=repr
)
def test_a_broken_configuration_is_named_and_kept(store, verify, present, config, text):
    config.parent.mkdir(parents=True)
    config.write_text(text)
    done = store(operator(present), "--yes")
    assert done.code == USAGE and "config.toml" in done.err, str(done)
    assert config.read_text() == text and b"Stored" not in done.out
    done = verify("a")
    assert done.code == USAGE and "config.toml" in done.err and done.written == {}


@pytest.mark.parametrize("table", ("", "mrsigner = 1\n", 'mrsigner = "00"\n', "surprise = 1\n"))
def test_a_broken_entry_is_nobody(verify, config, table):
    config.parent.mkdir(parents=True)
    config.write_text(f"[operators.a]\n{table}")
    done = verify("a")
    assert done.code == USAGE and "config.toml" in done.err and done.written == {}, str(done)


def test_an_operator_in_another_spelling_is_not_stored_twice(store, present, config):
    store(operator(present, "a"), "--yes")
    text = config.read_text().replace('[operators."operator a"]', "[operators.'operator a']")
    config.write_text(text)
    for words in ((), ("--force",)):
        done = store(operator(present, "a"), "--yes", *words)
        assert done.code != YES and config.read_text() == text, str(done)


def test_a_comment_behind_an_entry_stays(store, present, config):
    store(operator(present, "a"), "--yes")
    config.write_text(config.read_text() + "# about b\n")
    store(operator(present, "b"), "--yes")
    store(operator(present, "a"), "--yes", "--force")
    assert config.read_text().count("# about b\n") == 1


def test_urls_are_fetched_over_https_only(mse, config):
    done = mse.run("cloud", "trust-operator", "http://127.0.0.1:9/operator.json", "--yes")
    assert done.code == USAGE and not config.exists()
    for where in ("/nonexistent", "/dev/null", "/"):
        done = mse.run("cloud", "trust-operator", where, "--yes")
        assert done.code != YES and not config.exists()


def test_a_directory_that_cannot_be_written(store, present, mse):
    done = store(operator(present), "--yes", env=mse.env(XDG_CONFIG_HOME="/proc/x"))
    assert done.code == LOCAL, str(done)
