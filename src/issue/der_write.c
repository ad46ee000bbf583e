/* SPDX-License-Identifier: Apache-2.0 */
/* The few DER elements that certificate extensions of our own are made of (X.690). */
#include "issue/der_write.h"

/* X.690, 8.1.3: the shortest form that holds the length. Returns the size of the header. */
static size_t make_header(uint8_t tag, size_t len, uint8_t out[static 4])
{
    size_t n = 0;

    out[n++] = tag;
    if (len > 0xff) {
        out[n++] = 0x82;
        out[n++] = (uint8_t)(len >> 8);
    } else if (len > 0x7f) {
        out[n++] = 0x81;
    }
    out[n++] = (uint8_t)len;
    return n;
}

void mse_issue_der_put(struct mse_writer *w, uint8_t tag, struct mse_bytes content)
{
    uint8_t header[4];

    if (content.len > UINT16_MAX) {
        w->failed = true;
        return;
    }
    mse_write_bytes(w, header, make_header(tag, content.len, header));
    mse_write_bytes(w, content.data, content.len);
}

void mse_issue_der_put_unsigned(struct mse_writer *w, uint8_t tag, uint32_t v)
{
    uint8_t bytes[5] = { 0, (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    size_t skip = 0;

    /* X.690, 8.3.2: no leading zero octet but one that keeps the number from being negative. */
    while (skip < 4 && bytes[skip] == 0 && (bytes[skip + 1] & 0x80) == 0)
        skip++;
    mse_issue_der_put(w, tag, (struct mse_bytes){ bytes + skip, sizeof(bytes) - skip });
}

void mse_issue_der_put_boolean(struct mse_writer *w, bool v)
{
    uint8_t byte = v ? 0xff : 0;

    mse_issue_der_put(w, MSE_ISSUE_DER_BOOLEAN, (struct mse_bytes){ &byte, 1 });
}

void mse_issue_der_close(struct mse_writer *w, uint8_t tag, size_t mark)
{
    static const uint8_t room[4];
    uint8_t header[4];
    size_t len, n;

    if (!mse_writer_ok(w))
        return;
    len = w->len - mark;
    if (len > UINT16_MAX) {
        w->failed = true;
        return;
    }
    n = make_header(tag, len, header);
    mse_write_bytes(w, room, n);
    if (!mse_writer_ok(w))
        return;
    memmove(w->data + mark + n, w->data + mark, len);
    memcpy(w->data + mark, header, n);
}
