/* SPDX-License-Identifier: Apache-2.0 */
/* The few DER elements that certificate extensions of our own are made of (X.690). */
#ifndef MSE_ISSUE_DER_WRITE_H
#define MSE_ISSUE_DER_WRITE_H

#include "base/bytes.h"

#define MSE_ISSUE_DER_BOOLEAN 0x01
#define MSE_ISSUE_DER_INTEGER 0x02
#define MSE_ISSUE_DER_OCTET_STRING 0x04
#define MSE_ISSUE_DER_OID 0x06
#define MSE_ISSUE_DER_ENUMERATED 0x0a
#define MSE_ISSUE_DER_SEQUENCE 0x30
#define MSE_ISSUE_DER_CONTEXT(n) (0x80 | (n))
#define MSE_ISSUE_DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n))

/* Content of at most 65535 bytes; more makes the writer fail. */
void mse_issue_der_put(struct mse_writer *w, uint8_t tag, struct mse_bytes content);
/* Shortest form of a number that is not negative. */
void mse_issue_der_put_unsigned(struct mse_writer *w, uint8_t tag, uint32_t v);
void mse_issue_der_put_boolean(struct mse_writer *w, bool v);

/* Everything written since the mark becomes the content of one element. */
static inline size_t mse_issue_der_mark(const struct mse_writer *w)
{
    return w->len;
}
void mse_issue_der_close(struct mse_writer *w, uint8_t tag, size_t mark);

#endif
