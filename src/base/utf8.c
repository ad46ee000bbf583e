/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: RFC 3629, section 4 has the table that is followed here. */
#include "base/utf8.h"

struct lead {
    size_t len;       /* 0: no character begins like this */
    uint8_t min, max; /* of the second byte; all others are 80..BF */
};

static struct lead lead_of(uint8_t c)
{
    if (c < 0x80)
        return (struct lead){ 1, 0, 0 };
    if (c < 0xc2) /* a continuation, or longer than needed */
        return (struct lead){ 0 };
    if (c < 0xe0)
        return (struct lead){ 2, 0x80, 0xbf };
    if (c < 0xf0) /* E0: longer than needed below A0; ED: surrogates from A0 */
        return (struct lead){ 3, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf };
    if (c < 0xf5) /* F0: longer than needed below 90; F4: above U+10FFFF from 90 */
        return (struct lead){ 4, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf };
    return (struct lead){ 0 };
}

/* True if the first 'have' bytes, 1 at least, are what they must be. */
static bool fits(struct lead lead, const uint8_t *p, size_t have)
{
    if (lead.len == 0)
        return false;
    if (have > 1 && (p[1] < lead.min || p[1] > lead.max))
        return false;
    for (size_t i = 2; i < have; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return false;
    }
    return true;
}

size_t mse_utf8_length(const uint8_t *p, size_t len)
{
    struct lead lead;

    if (len == 0)
        return 0;
    lead = lead_of(p[0]);
    return lead.len <= len && fits(lead, p, lead.len) ? lead.len : 0;
}

bool mse_utf8_is_cut(const uint8_t *p, size_t len)
{
    struct lead lead = lead_of(p[0]);

    return len < lead.len && fits(lead, p, len);
}

bool mse_utf8_is_valid(struct mse_bytes text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t n = 1;

        if (text.data[at] >= 0x80)
            n = mse_utf8_length(text.data + at, text.len - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

size_t mse_utf8_put(uint32_t c, uint8_t out[static 4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | (c >> 18 & 7));
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}
