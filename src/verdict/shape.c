/* SPDX-License-Identifier: Apache-2.0 */
/* Shape of a certificate, looked at before anybody is told to import it. */
#include "verdict/shape.h"

#include <stdio.h>

#include "verdict/name.h"

/* RFC 5280, 4.2.1.10: id-ce-nameConstraints, 2.5.29.30 */
static const uint8_t oid_name_constraints[] = { 0x55, 0x1d, 0x1e };

struct subtrees {
    struct mse_general_name of[MSE_CERT_MAX_NAMES];
    size_t count;
};

/* GeneralSubtrees whose minimum and maximum are left out, as RFC 5280 demands. */
static void read_subtrees(struct mse_reader *r, uint8_t tag, struct subtrees *out)
{
    struct mse_reader list;

    out->count = 0;
    if (!mse_der_next_is(r, tag))
        return;
    list = mse_der_enter(r, tag, "subtrees");
    while (mse_read_ok(&list) && mse_reader_left(&list) > 0) {
        struct mse_reader one = mse_der_enter(&list, MSE_DER_SEQUENCE, "subtree");
        uint8_t kind = 0;
        struct mse_bytes value = mse_der_read_any(&one, &kind, NULL, "subtree.base");

        if (!mse_read_done(&one, "subtree"))
            return;
        if (out->count == MSE_CERT_MAX_NAMES || (kind & 0xe0U) != MSE_DER_CONTEXT(0)) {
            (void)mse_reader_fail(&list, MSE_ERR_VALUE, "subtrees");
            return;
        }
        out->of[out->count].kind = kind & 0x1fU;
        out->of[out->count++].value = value;
    }
}

static bool has(const struct subtrees *t, unsigned kind, const void *value, size_t len)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->of[i].kind == kind && t->of[i].value.len == len &&
            memcmp(t->of[i].value.data, value, len) == 0)
            return true;
    }
    return false;
}

/* The constraint that permits this name alone: a DNS name as it is, an address with a full mask. */
static size_t exact_base(const struct mse_general_name *name, uint8_t out[static 256])
{
    if (name->value.len > 255 || (name->kind == MSE_NAME_IP && name->value.len > 16))
        return 0;
    memcpy(out, name->value.data, name->value.len);
    if (name->kind != MSE_NAME_IP)
        return name->value.len;
    memset(out + name->value.len, 0xff, name->value.len);
    return 2 * name->value.len;
}

static bool has_kind(const struct mse_general_name *names, size_t count, unsigned kind, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].kind == kind && (len == 0 || names[i].value.len == len))
            return true;
    }
    return false;
}

/* Addresses of a family that the certificate does not name must be excluded as a whole; likewise
 * all DNS names where it names none (an empty constraint matches every one). */
static bool rest_excluded(const struct mse_general_name *names, size_t count,
                          const struct subtrees *excluded)
{
    static const uint8_t zero[32];

    return (has_kind(names, count, MSE_NAME_IP, 4) || has(excluded, MSE_NAME_IP, zero, 8)) &&
           (has_kind(names, count, MSE_NAME_IP, 16) || has(excluded, MSE_NAME_IP, zero, 32)) &&
           (has_kind(names, count, MSE_NAME_DNS, 0) || has(excluded, MSE_NAME_DNS, zero, 0));
}

static bool is_base_of_one(const struct mse_general_name *names, size_t count,
                           const struct mse_general_name *permitted)
{
    uint8_t base[256];

    for (size_t i = 0; i < count; i++) {
        size_t len = exact_base(&names[i], base);

        if (len > 0 && names[i].kind == permitted->kind && permitted->value.len == len &&
            memcmp(permitted->value.data, base, len) == 0)
            return true;
    }
    return false;
}

/* Every name permitted, nothing else permitted, and no subdomain of a name. */
static bool permits_exactly(const struct mse_general_name *names, size_t count,
                            const struct subtrees *permitted, const struct subtrees *excluded)
{
    uint8_t base[256], below[257];

    if (count == 0)
        return false;
    for (size_t i = 0; i < permitted->count; i++) {
        if (!is_base_of_one(names, count, &permitted->of[i]))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t len = exact_base(&names[i], base);

        if (len == 0 || !has(permitted, names[i].kind, base, len))
            return false;
        below[0] = '.';
        memcpy(below + 1, base, len);
        if (names[i].kind == MSE_NAME_DNS && !has(excluded, MSE_NAME_DNS, below, len + 1))
            return false;
    }
    return rest_excluded(names, count, excluded);
}

static bool constrained(const struct mse_cert *cert, const struct mse_general_name *names,
                        size_t count)
{
    const struct mse_extension *e = mse_cert_extension(cert, MSE_BYTES(oid_name_constraints));
    static const struct subtrees none;
    struct subtrees permitted = none, excluded = none;
    struct mse_error err = { 0 };
    struct mse_reader r, sequence;

    if (e == NULL || e->critical) /* critical ones make Mbed TLS refuse the import */
        return false;
    r = mse_reader_init(e->payload, &err);
    sequence = mse_der_enter(&r, MSE_DER_SEQUENCE, "nameConstraints");
    read_subtrees(&sequence, MSE_DER_CONTEXT_CONSTRUCTED(0), &permitted);
    read_subtrees(&sequence, MSE_DER_CONTEXT_CONSTRUCTED(1), &excluded);
    return mse_read_done(&sequence, "nameConstraints") && mse_read_done(&r, "nameConstraints") &&
           permits_exactly(names, count, &permitted, &excluded);
}

enum mse_shape mse_shape_of(const struct mse_cert *cert, const char **reason)
{
    struct mse_general_name names[MSE_CERT_MAX_NAMES];
    size_t count = MSE_CERT_MAX_NAMES;
    struct mse_error err = { 0 };

    *reason = "";
    if (cert->is_ca) {
        *reason = "it is a CA certificate: whoever holds its key could vouch for any site";
        return MSE_SHAPE_UNSAFE;
    }
    if (!cert->has_basic_constraints) {
        *reason = "it has no basicConstraints: GnuTLS clients would take it for a CA";
        return MSE_SHAPE_UNSAFE;
    }
    if (cert->has_key_usage && (cert->key_usage & MSE_KEY_USAGE_CERT_SIGN) != 0) {
        *reason = "its key usage lets it sign certificates";
        return MSE_SHAPE_UNSAFE;
    }
    if (!mse_cert_alt_names(cert, names, &count, &err)) {
        *reason = "its names cannot be read";
        return MSE_SHAPE_UNSAFE;
    }
    for (size_t i = 0; i < count; i++) {
        if (names[i].value.len > 0 &&
            memchr(names[i].value.data, '*', names[i].value.len) != NULL &&
            names[i].kind == MSE_NAME_DNS) {
            *reason = "it is for a wildcard: other sites could be served with it";
            return MSE_SHAPE_UNSAFE;
        }
    }
    if (!constrained(cert, names, count)) {
        *reason = "it is not constrained to its own names: do not import it into rustls or wolfSSL "
                  "clients";
        return MSE_SHAPE_LEAF;
    }
    return MSE_SHAPE_CONSTRAINED;
}

bool mse_shape_names_are(const struct mse_cert *cert, const char *const *names, size_t count,
                         char *other, size_t size)
{
    struct mse_general_name have[MSE_CERT_MAX_NAMES];
    size_t have_count = MSE_CERT_MAX_NAMES;
    struct mse_error err = { 0 };

    (void)snprintf(other, size, "names that cannot be read");
    if (!mse_cert_alt_names(cert, have, &have_count, &err))
        return false;
    for (size_t i = 0; i < have_count; i++) {
        bool known = false;

        for (size_t k = 0; k < count && !known; k++)
            known = mse_name_equals(&have[i], names[k]);
        if (!known) {
            (void)mse_name_text(&have[i], other, size);
            return false;
        }
    }
    other[0] = '\0';
    return true;
}
