# SPDX-License-Identifier: Apache-2.0
"""Command-line clients that import the saved certificate: it opens its own name, nothing else."""

from contextlib import ExitStack

import pytest
from attacks import NAME, SHAPES, Stage
from clients import CLIENTS, missing
from harness import MRENCLAVE, YES, Mse

from testpki import keys
from testpki.server import TlsServer

ALL = {"site", "site in the subject", "address", "subdomain", "below a sub-CA", "twin", "own name"}
NEVER = ["no constraints", "no basicConstraints"]
UNLIMITED = ["CA", "CA without key usage"]


def openssl(refuse=()):
    """Libraries on OpenSSL's verifier: it does not take a certificate for its own issuer."""
    return {
        **{shape: (True, set()) for shape in NEVER},
        "constrained CA": (True, {"subdomain", "own name"}),
        **{shape: (True, ALL - {"twin"} if shape not in refuse else set()) for shape in UNLIMITED},
    }


# {client: {shape: (its own server is accepted, the attacks that succeed)}}. The shape MSE makes
# lets none succeed in any client; each attack is seen to succeed with another shape, but for a
# name in the subject, which some clients never look at.
GNUTLS = {
    "no constraints": (True, set()),
    # Its absence means "may sign" there.
    "no basicConstraints": (True, ALL),
    "constrained CA": (True, {"subdomain", "own name"}),
    **{shape: (True, ALL) for shape in UNLIMITED},
}
SUCCEED = {
    "curl": openssl(),
    "openssl": openssl(),
    "openssl strict": openssl(refuse=("CA without key usage",)),
    "python": openssl(),
    "node": openssl(),
    "wget": GNUTLS,
    "gnutls": GNUTLS,
    "go": {
        **{shape: (True, set()) for shape in NEVER},
        "constrained CA": (True, {"subdomain", "own name"}),
        **{shape: (True, ALL - {"site in the subject"}) for shape in UNLIMITED},
    },
    "java": {
        **{shape: (True, set()) for shape in NEVER},
        # The constraints and path length of an anchor do not count there.
        **{shape: (True, ALL) for shape in ["constrained CA", *UNLIMITED]},
    },
    "bun": {**openssl(), **{shape: (True, ALL) for shape in UNLIMITED}},
    # rustls: an anchor is a name, a key and constraints; what is CA:TRUE is no server.
    "deno": {
        **{shape: (True, ALL - {"site in the subject"}) for shape in NEVER},
        "constrained CA": (False, {"subdomain", "own name"}),
        **{shape: (False, ALL - {"site in the subject"}) for shape in UNLIMITED},
    },
}
# The key is the attested one; no other name can be had with it.
MSE_SHAPE = {client: (True, {"own name"} if client == "deno" else set()) for client in SUCCEED}


# Debian does not have these: one skipped test for each says so.
ELSEWHERE = ("bun", "deno")


@pytest.fixture(scope="module", params=[name for name in CLIENTS
                                        if name not in ELSEWHERE or not missing(CLIENTS[name])])
def client(request, tmp_path_factory):
    made = CLIENTS[request.param]
    if absent := missing(made):
        pytest.skip(f"no {' and no '.join(absent)} here")
    one = made(tmp_path_factory.mktemp("client"))
    one.name = request.param
    yield one
    one.close()


@pytest.fixture(scope="module")
def stages(present):
    """{shape: Stage}, each started when it is first asked for."""
    started = {}
    with ExitStack() as stack:

        def stage(shape):
            if shape not in started:
                started[shape] = stack.enter_context(Stage(present, shape))
            return started[shape]

        yield stage


def verified(program, directory, present, stage):
    """cert.pem as mse cloud verify writes it."""
    mse = Mse(program, directory)
    done = mse.run(
        "cloud", "verify", NAME, "--connect", stage.own.authority, "--fingerprint", MRENCLAVE,
        "--simulation-root", mse.put(present.roots_pem()), "--offline",
        "--collateral", mse.put(present.bundle()),
    )  # fmt: skip
    assert done.code == YES, str(done)
    return mse.work / "cert.pem"


@pytest.fixture(scope="module")
def saved(program, tmp_path_factory, present, stages):
    return verified(program, tmp_path_factory.mktemp("verify"), present, stages("MSE"))


def succeeded(client, stage, trusted):
    """(the service itself is accepted, the attacks that are)."""
    own = client.get(stage.own, NAME, trusted)
    return own, {attack for attack, (name, server) in stage.attacks.items()
                 if client.get(server, name, trusted)}  # fmt: skip


def test_22_the_imported_key_vouches_for_nothing_else(client, stages, saved):
    stage = stages("MSE")
    before = stage.application_bytes()
    assert succeeded(client, stage, saved) == MSE_SHAPE[client.name]
    if client.name != "deno":
        assert stage.application_bytes() == before, "an attacker got to read something"


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "MSE"])
def test_22_what_each_attack_does_to_other_shapes(client, stages, shape, tmp_path):
    """The same attacks, with parts of the shape taken out: the test above can fail."""
    trusted = tmp_path / "cert.pem"
    trusted.write_text(stages(shape).certificate.pem)
    assert succeeded(client, stages(shape), trusted) == SUCCEED[client.name][shape]


def test_22_the_attacks_succeed_somewhere():
    for client, shapes in SUCCEED.items():
        found = set().union(*(attacks for _, attacks in shapes.values()))
        assert found >= ALL - {"twin", "site in the subject"}, client
    assert any("twin" in attacks for s in SUCCEED.values() for _, attacks in s.values())


@pytest.mark.parametrize("name", ELSEWHERE)
def test_clients_that_debian_does_not_have(name):
    if missing(CLIENTS[name]):
        pytest.skip(f"no {name} here: the tests above ran without it")


def test_23_after_an_update_the_old_certificate_opens_nothing(client, saved, present, stages):
    assert client.get(stages("MSE").own, NAME, saved)
    with TlsServer(present.certificate("mse", key=keys.generate("p256"))) as server:
        assert not client.get(server, NAME, saved), "a new certificate needs a new verification"
    # A certificate without a new key is another certificate too; to rustls it is the same anchor.
    again = present.certificate("mse", key=stages("MSE").certificate.key)
    with TlsServer(again) as server:
        assert client.get(server, NAME, saved) == (client.name == "deno")


def test_28_another_name_and_what_was_not_imported_are_refused(client, saved, present, stages,
                                                               tmp_path):  # fmt: skip
    own = stages("MSE").own
    assert not client.get(own, "app2.example", saved)
    assert not client.get(own, "127.0.0.1", saved)
    other = tmp_path / "other.pem"
    other.write_text(present.certificate("mse", names=("DNS:other.example",)).pem)
    assert not client.get(own, NAME, other)


@pytest.mark.parametrize("size", (9_000, 20_000, 60_000))
def test_38_large_certificates_can_be_used(client, present, tmp_path, size):
    certificate = present.certificate("mse", pad_to=size)
    trusted = tmp_path / "cert.pem"
    trusted.write_text(certificate.pem)
    with TlsServer(certificate) as server:
        # Java reads no handshake message above 32 KB.
        if client.name == "java" and size > 32_768:
            with pytest.raises(AssertionError, match="handshake message"):
                client.get(server, NAME, trusted)
        else:
            assert client.get(server, NAME, trusted)
