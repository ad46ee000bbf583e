/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that every certificate and CRL of the simulation takes. */
#ifndef MSE_ISSUE_X509_BUILD_H
#define MSE_ISSUE_X509_BUILD_H

#include <openssl/x509.h>

#include "base/bytes.h"

void mse_issue_x509_cleanup(X509 **cert);

/* Version 3, random serial number, dates and key; subject and issuer are left to the caller. */
MSE_MUST_CHECK bool mse_issue_x509_begin(EVP_PKEY *key, int64_t not_before, int64_t not_after,
                                         X509 **out, struct mse_error *err);
/* One UTF-8 attribute at the end of the name. */
MSE_MUST_CHECK bool mse_issue_rdn_add(X509_NAME *name, const char *attribute, const char *value,
                                      struct mse_error *err);
/* A standard extension by its numeric id, in the text form of x509v3_config(5). */
MSE_MUST_CHECK bool mse_issue_x509_standard(X509 *cert, X509 *issuer, int nid, const char *value,
                                            struct mse_error *err);
/* Any extension: content octets of its OID, and its payload. */
MSE_MUST_CHECK bool mse_issue_x509_extension(X509 *cert, struct mse_bytes oid, bool critical,
                                             const struct mse_writer *payload,
                                             struct mse_error *err);
/* *out is owned by the caller (ASN1_TIME_free). */
MSE_MUST_CHECK bool mse_issue_asn1_time(int64_t t, ASN1_TIME **out, struct mse_error *err);

#endif
