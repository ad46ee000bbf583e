/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of an X.509 certificate that a verification reads (RFC 5280, 4.1), as views. */
#ifndef MSE_CRYPTO_CERT_H
#define MSE_CRYPTO_CERT_H

#include "crypto/der.h"
#include "crypto/key.h"

#define MSE_CERT_MAX_EXTENSIONS 64
#define MSE_CERT_MAX_SIZE (1U << 20)

/* keyUsage bits, RFC 5280, 4.2.1.3: bit n of the BIT STRING is 1 << n here. */
#define MSE_KEY_USAGE_DIGITAL_SIGNATURE (1U << 0)
#define MSE_KEY_USAGE_CERT_SIGN (1U << 5)
#define MSE_KEY_USAGE_CRL_SIGN (1U << 6)

struct mse_extension {
    struct mse_bytes oid;     /* content octets of the OBJECT IDENTIFIER */
    struct mse_bytes payload; /* content of extnValue's OCTET STRING */
    bool critical;
};

/* Every view lies inside der. */
struct mse_cert {
    struct mse_bytes der;    /* the whole certificate, without anything behind it */
    struct mse_bytes tbs;    /* the signed part, whole TLV */
    unsigned version;        /* 1..3 */
    struct mse_bytes serial; /* content octets, sign octet stripped */
    struct mse_bytes issuer; /* Name, whole TLV */
    struct mse_bytes subject;
    int64_t not_before;
    int64_t not_after;
    struct mse_bytes spki;     /* SubjectPublicKeyInfo, whole TLV */
    struct mse_bytes key_bits; /* its BIT STRING's content */
    enum mse_key_type key_type;
    enum mse_signature_type signature_type;
    struct mse_bytes signature; /* BIT STRING content */
    bool has_basic_constraints;
    bool basic_constraints_critical;
    bool is_ca;
    int path_len; /* -1: no limit given */
    bool has_key_usage;
    uint32_t key_usage;
    struct mse_extension extensions[MSE_CERT_MAX_EXTENSIONS];
    size_t extension_count;
};

/*
 * Parses one DER certificate; leftovers are MSE_ERR_TRAILING, an extension seen twice is
 * MSE_ERR_DUPLICATE. Unknown critical extensions are the caller's business.
 * Tolerated, because real attested certificates have it: ecdsa-with-SHA256 with NULL parameters,
 * an empty BasicConstraints, version 3 without extensions.
 */
MSE_MUST_CHECK bool mse_cert_parse(struct mse_bytes der, struct mse_cert *out,
                                   struct mse_error *err);
/* NULL if there is none with this OID (content octets). */
const struct mse_extension *mse_cert_extension(const struct mse_cert *cert, struct mse_bytes oid);
/* True if issuer's subject is cert's issuer, issuer may sign certificates and its key did. */
MSE_MUST_CHECK bool mse_cert_check_signed_by(const struct mse_cert *cert,
                                             const struct mse_cert *issuer,
                                             const struct mse_key *issuer_key,
                                             struct mse_error *err);
/* Names itself as issuer and is signed by its own key, whatever its constraints say. */
MSE_MUST_CHECK bool mse_cert_check_self_signed(const struct mse_cert *cert, struct mse_error *err);
/* MSE_ERR_EXPIRED or MSE_ERR_NOT_YET_VALID unless not_before <= at <= not_after. */
MSE_MUST_CHECK bool mse_cert_check_dates(const struct mse_cert *cert, int64_t at, const char *field,
                                         struct mse_error *err);
/* Name as "CN=...,O=..." in the order of the certificate, escaped; cut with "..." to fit. "?" if
 * malformed. Returns out. */
const char *mse_cert_name_text(struct mse_bytes name, char *out, size_t size);
/* Common name of a Name, or an empty view; also where there are two of them. */
struct mse_bytes mse_cert_common_name(struct mse_bytes name);

/* Dotted text of an OID's content octets, into out; "?" if malformed or if there is no room. Arcs
 * of any size. */
const char *mse_oid_text(struct mse_bytes oid, char *out, size_t size);

/* Subject alternative names. kind is the GeneralName tag: 2 dNSName, 7 iPAddress, others. */
struct mse_general_name {
    unsigned kind;
    struct mse_bytes value;
};
#define MSE_CERT_MAX_NAMES 256
/* *count is room on entry, number on return; no SAN extension is *count = 0. */
MSE_MUST_CHECK bool mse_cert_alt_names(const struct mse_cert *cert, struct mse_general_name *out,
                                       size_t *count, struct mse_error *err);

#endif
