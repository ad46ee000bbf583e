/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints of a certificate against its own alternative names. */
#include "verdict/constraints.h"

#include <strings.h>

#include "crypto/der.h"

#define NAME_DNS 2
#define NAME_IP 7
#define MAX_SUBTREES 512

/* What the subtrees read so far do to the three kinds of names that TLS clients ask for. */
struct reach {
    const struct mse_general_name *names;
    size_t count;
    bool dns, ipv4, ipv6; /* limited: some are permitted, or all are excluded */
};

static bool same_text(struct mse_bytes a, struct mse_bytes b)
{
    return a.len == b.len && strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0;
}

/* An address and a mask that leaves exactly this address. */
static bool same_address(struct mse_bytes address, struct mse_bytes subtree)
{
    if (subtree.len != 2 * address.len || memcmp(subtree.data, address.data, address.len) != 0)
        return false;
    for (size_t i = address.len; i < subtree.len; i++) {
        if (subtree.data[i] != 0xff)
            return false;
    }
    return true;
}

static bool permit(struct reach *r, uint8_t tag, struct mse_bytes value)
{
    for (size_t i = 0; i < r->count; i++) {
        if (tag == MSE_DER_CONTEXT(NAME_DNS) && r->names[i].kind == NAME_DNS &&
            same_text(r->names[i].value, value)) {
            r->dns = true;
            return true;
        }
        if (tag == MSE_DER_CONTEXT(NAME_IP) && r->names[i].kind == NAME_IP &&
            same_address(r->names[i].value, value)) {
            *(value.len == 8 ? &r->ipv4 : &r->ipv6) = true;
            return true;
        }
    }
    return false;
}

/* More may be excluded than has to be: that takes nothing from the caller's safety. */
static void exclude(struct reach *r, bool *below, uint8_t tag, struct mse_bytes value)
{
    if (tag == MSE_DER_CONTEXT(NAME_DNS) && value.len == 0)
        r->dns = true;
    if (tag == MSE_DER_CONTEXT(NAME_IP) && mse_is_zero(value.data, value.len) &&
        (value.len == 8 || value.len == 32))
        *(value.len == 8 ? &r->ipv4 : &r->ipv6) = true;
    if (tag != MSE_DER_CONTEXT(NAME_DNS) || value.len < 2 || value.data[0] != '.')
        return;
    for (size_t i = 0; i < r->count; i++) {
        struct mse_bytes name = { value.data + 1, value.len - 1 };

        below[i] |= r->names[i].kind == NAME_DNS && same_text(r->names[i].value, name);
    }
}

/* GeneralSubtrees; minimum and maximum are not used in X.509 and make the list unusable. */
static bool read_subtrees(struct mse_reader *all, uint8_t tag, struct reach *r, bool *below)
{
    struct mse_reader list = mse_der_enter(all, tag, "subtrees");

    for (size_t n = 0; mse_read_ok(&list) && mse_reader_left(&list) > 0; n++) {
        struct mse_reader one = mse_der_enter(&list, MSE_DER_SEQUENCE, "subtree");
        uint8_t kind = 0;
        struct mse_bytes value = mse_der_read_any(&one, &kind, NULL, "base");

        if (!mse_read_done(&one, "subtree") || n == MAX_SUBTREES)
            return false;
        if (below != NULL)
            exclude(r, below, kind, value);
        else if (!permit(r, kind, value))
            return false;
    }
    return mse_read_ok(&list);
}

bool mse_constraints_are_own_names(const struct mse_cert *cert, struct mse_bytes constraints)
{
    struct mse_general_name names[MSE_CERT_MAX_NAMES];
    bool below[MSE_CERT_MAX_NAMES] = { false };
    struct reach r = { .names = names, .count = MSE_CERT_MAX_NAMES };
    struct mse_error err = { 0 };
    struct mse_reader in = mse_reader_init(constraints, &err), all;

    if (!mse_cert_alt_names(cert, names, &r.count, &err))
        return false;
    all = mse_der_enter(&in, MSE_DER_SEQUENCE, "nameConstraints");
    if (mse_der_next_is(&all, MSE_DER_CONTEXT_CONSTRUCTED(0)) &&
        !read_subtrees(&all, MSE_DER_CONTEXT_CONSTRUCTED(0), &r, NULL))
        return false;
    if (mse_der_next_is(&all, MSE_DER_CONTEXT_CONSTRUCTED(1)) &&
        !read_subtrees(&all, MSE_DER_CONTEXT_CONSTRUCTED(1), &r, below))
        return false;
    if (!mse_read_done(&all, "nameConstraints") || !mse_read_done(&in, "nameConstraints"))
        return false;
    for (size_t i = 0; i < r.count; i++) {
        if (names[i].kind == NAME_DNS && !below[i])
            return false;
    }
    return r.dns && r.ipv4 && r.ipv6;
}
