# SPDX-License-Identifier: Apache-2.0
"""What the holder of an imported certificate's key can try with it, for several shapes of it."""

from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace

from testpki import keys, ratls, x509
from testpki.server import TlsServer

NAME = "app1.example"
DAY = timedelta(days=1)
NC, BC, KU, EKU = x509.OID_NC, x509.OID_BC, x509.OID_KU, x509.OID_EKU

SIGNER = x509.key_usage("keyCertSign", "digitalSignature")
# Of a CA that may serve its subdomains.
LIMITS = x509.name_constraints(("DNS:" + NAME,), ("IP:0.0.0.0/0", "IP:::/0"), critical=True)
# A certificate that is imported and served, by what differs from the one MSE makes: CA:FALSE, and
# name constraints that are not critical.
SHAPES = {
    "MSE": {},
    "no constraints": {"drop": (NC,)},
    "no basicConstraints": {"drop": (NC, BC, KU, EKU)},
    "constrained CA": {"ca": True, "pathlen": 0, "drop": (NC, KU, EKU), "extra": (SIGNER, LIMITS)},
    "CA": {"ca": True, "drop": (NC, KU, EKU), "extra": (SIGNER,)},
    "CA without key usage": {"ca": True, "drop": (NC, KU, EKU)},
}


def subject(shape):
    """Different ones, so that one client can be given all shapes at once."""
    return f"CN={shape}"


def shaped(present, shape):
    """A certificate of this shape, with a key of its own."""
    key = keys.generate("p256")
    return present.certificate("mse", key=key, subject=subject(shape), **SHAPES[shape])


def issuer_of(attested, shape):
    """The imported certificate in the role of an issuer."""
    return SimpleNamespace(der=attested.der, key=attested.key, pem=attested.pem,
                           subject=x509.name(subject(shape)))  # fmt: skip


def leaf(issuer, present, names, *, key=None, name="CN=leaf", ca=False):
    key = key or keys.generate("p256")
    extensions = [x509.basic_constraints(ca)]
    extensions += [x509.key_usage(*(["keyCertSign"] if ca else []), "digitalSignature")]
    extensions += [x509.subject_key_id(key)] if ca else [x509.extended_key_usage("serverAuth")]
    extensions += [x509.subject_alt_name(*names)] if names else []
    extensions.append(x509.authority_key_id(issuer.key))
    return x509.issue(
        key=key, subject=name, issuer=issuer, extensions=extensions,
        not_before=present.at - DAY, not_after=present.at + DAY,
    )  # fmt: skip


def presented(*chain):
    return SimpleNamespace(
        pem="".join(c.pem for c in chain), key_pem=keys.private_pem(chain[0].key).decode()
    )


def attacks(own, present, shape):
    """{attack: (name asked for, what the server shows)}."""
    issuer = issuer_of(own, shape)
    sub = leaf(issuer, present, (), name="CN=sub", ca=True)

    def signed(*names, **options):
        return presented(leaf(issuer, present, names, **options), issuer)

    return {
        "site": ("bank.example", signed("DNS:bank.example")),
        "site in the subject": ("bank.example", signed(name="CN=bank.example")),
        "address": ("127.0.0.1", signed("IP:127.0.0.1")),
        "subdomain": ("x." + NAME, signed("DNS:x." + NAME)),
        "below a sub-CA": ("bank.example",
                           presented(leaf(sub, present, ("DNS:bank.example",)), sub, issuer)),
        "twin": ("bank.example", ratls.plain(names=("DNS:bank.example",), key=own.key,
                                             subject=subject(shape), **present.hooks)),
        "own name": (NAME, signed("DNS:" + NAME)),
    }  # fmt: skip


class Stage:
    """One certificate, the server that it belongs to, and a server for each attack with its key.

    with Stage(present, "MSE") as stage: stage.own is a TlsServer, stage.attacks a dict
    {attack: (name, TlsServer)}, stage.certificate what is imported.
    """

    def __init__(self, present, shape):
        self.certificate = shaped(present, shape)
        self.shown = attacks(self.certificate, present, shape)

    def __enter__(self):
        self.stack = ExitStack()
        self.own = self.stack.enter_context(TlsServer(self.certificate))
        self.attacks = {
            attack: (name, self.stack.enter_context(TlsServer(shown)))
            for attack, (name, shown) in self.shown.items()
        }
        return self

    def __exit__(self, *_):
        self.stack.close()

    def application_bytes(self):
        """What the attackers' servers got to read."""
        total = 0
        for _, server in self.attacks.values():
            assert server.wait(server.connections)
            total += server.app_bytes
        return total
