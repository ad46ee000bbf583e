/* SPDX-License-Identifier: Apache-2.0 */
/* Names and addresses that a certificate may be issued for. */
#ifndef MSE_ISSUE_NAMES_H
#define MSE_ISSUE_NAMES_H

#include "base/bytes.h"

#define MSE_ISSUE_MAX_NAMES 16
#define MSE_ISSUE_DNS_NAME_MAX 253

struct mse_issue_name {
    const char *text; /* borrowed */
    uint8_t address[16];
    size_t address_len; /* 0: a DNS name; 4 or 16: an address */
};

/* A host name in lower case (RFC 1123, 2.1; no wildcard) or an IPv4 or IPv6 address. field: for
 * messages. */
MSE_MUST_CHECK bool mse_issue_name_read(const char *text, const char *field,
                                        struct mse_issue_name *out, struct mse_error *err);

/* Payload of subjectAltName (RFC 5280, 4.2.1.6). */
void mse_issue_names_write_san(const struct mse_issue_name *names, size_t count,
                               struct mse_writer *w);
/*
 * Payload of nameConstraints (RFC 5280, 4.2.1.10): permits exactly these names, excludes all that
 * is below them, and every address but these.
 */
void mse_issue_names_write_constraints(const struct mse_issue_name *names, size_t count,
                                       struct mse_writer *w);

#endif
