/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-signed certificate of an enclave, in the shape that a user can import without its key
 * vouching for anything else (docs/formats.md, "Certificate").
 */
#ifndef MSE_ISSUE_CERTIFICATE_H
#define MSE_ISSUE_CERTIFICATE_H

#include "issue/key.h"
#include "issue/names.h"
#include "issue/x509_build.h"

#define MSE_ISSUE_MAX_DAYS 398

/* Extension with the payload as it stands; oid: content octets. Never critical. */
struct mse_issue_extension {
    struct mse_bytes oid;
    struct mse_bytes payload;
};

/* 1.2.840.113741.1337.6, content octets: the payload is the bare evidence. */
extern const struct mse_bytes mse_issue_oid_quote;
/* 1.2.840.113741.1337.32: the operator's instance statement (docs/formats.md). */
extern const struct mse_bytes mse_issue_oid_statement;

struct mse_issue_certificate {
    const struct mse_issue_name *names; /* SAN; the constraints permit exactly these */
    size_t name_count;                  /* 1 at least; the first is the common name if it fits */
    const char *organization;           /* of subject and issuer, or NULL */
    int64_t not_before, not_after;
    const struct mse_issue_extension *extensions; /* behind the standard ones, in this order */
    size_t extension_count;
};

/* key: P-256. *out is owned by the caller (X509_free), NULL on failure. */
MSE_MUST_CHECK bool mse_issue_certificate_make(const struct mse_issue_certificate *certificate,
                                               EVP_PKEY *key, X509 **out, struct mse_error *err);

#endif
