# SPDX-License-Identifier: Apache-2.0
"""What each reason for refusal in a manifest means in terms of the program's own answers.

A text that is not here fails the run: a new kind of negative sample must be looked at by somebody.
"""

# Statements (collateral check): the codes with which an item may be refused.
STATEMENTS = {
    # Same names as the vendor's, other keys; a self-issued leaf has no issuer with a fitting role;
    # some mark Intel's extension as critical, which the vendor's certificates do not.
    "does not chain to the pinned vendor root (test PKI, mutated or malformed)": {
        "signature", "chain", "missing", "root", "unsupported",
    },
    "not signed by the real Intel/AMD CA (Intel sample PKI)": {"signature"},
    "signature does not verify under any Intel TCB signing key in the corpus "
    "(test PKI or corrupted)": {"signature"},
}  # fmt: skip

# Evidence and certificates: {check: outcomes with codes}, all of which must be there.
# "shape" stands for the shape of the certificate in the report.
DEBUG = {"attributes": {"failed policy"}}
SELF_SIGNATURE = {"certificate": {"failed signature"}}
EVIDENCE = {
    "DEBUG attribute set": DEBUG,
    "DEBUG attribute set; quote signature invalid": {**DEBUG, "signature": {"failed signature"}},
    # The vendor's own sample has DER where its specification wants PEM.
    "PCK does not chain to the real Intel SGX Root CA": {
        "chain": {"failed root", "failed chain", "failed signature", "failed format"}
    },
    # Without a certificate in the quote nothing can be said: that is no failure, and no pass.
    "certification data type 3 (no PCK chain inside)": {"chain": {"unknown missing"}},
    "PCK does not chain to the real Intel SGX Root CA; certification data type 1 "
    "(no PCK chain inside)": {"chain": {"unknown missing"}},
    # One of the certificates inside was changed: its key is no point of the curve any more.
    "embedded key/cert malformed: ValueError('Invalid key')": {
        "chain": {"failed root", "failed signature", "failed value", "failed crypto"}
    },
    "signer certificate not in corpus: signature not checkable here": {
        "chain": {"unknown missing"}
    },
    "certificate self-signature invalid": SELF_SIGNATURE,
    "evidence from a DEBUG enclave": DEBUG,
    "evidence from a DEBUG enclave; certificate self-signature invalid": {
        **DEBUG, **SELF_SIGNATURE,
    },
    # The copy under the older OID is judged through the extension that is bound.
    "evidence from a DEBUG enclave; one evidence extension does not satisfy any simple "
    "public-key hash rule (SGX SDK legacy extension repeats the DICE quote)": DEBUG,
    "CA:TRUE self-signed: must never be added to a general trust store": {"shape": {"unsafe"}},
}

# Made samples: what is done with them is decided by their text as well.
FORGED_CRL = "SYNTHETIC: part of the forged Intel PKI set"
FORGED_AMD = (
    "SYNTHETIC: Cosmian SNP payload with forged ARK/ASK/VCEK, HWID and TCB extensions consistent"
)
KEY_SWAP = "SYNTHETIC: real DICE evidence under another TLS key"
SYNTHETIC = {FORGED_CRL, FORGED_AMD, KEY_SWAP}


def compare(case, text, table, report):
    """Every stated reason must be among the report's own."""
    if text not in table:
        case.equal("reason for refusal", "one that negatives.py knows", text)
        return
    for check, allowed in table[text].items():
        got = report.value.get("certificate", {}).get("shape") if check == "shape" else (
            report.both(check)
        )
        case.one_of(check, allowed, got)


def check_texts(files, case):
    """Fails for every text that no table has."""
    known = {*STATEMENTS, *EVIDENCE, *SYNTHETIC}
    for f in files:
        text = f.get("negative")
        if text is not None and text not in known:
            case.equal(f"negative of {f['file']}", "a text that negatives.py knows", text)
