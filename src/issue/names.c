/* SPDX-License-Identifier: Apache-2.0 */
/* Names and addresses that a certificate may be issued for. */
#include "issue/names.h"

#include <arpa/inet.h>

#include "issue/der_write.h"

#define LABEL_MAX 63
#define GENERAL_NAME_DNS 2
#define GENERAL_NAME_IP 7

static bool is_label(const char *label, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    return len > 0 && len <= LABEL_MAX && strspn(label, allowed) >= len && label[0] != '-' &&
           label[len - 1] != '-';
}

/* A last label of digits only would be read as an address by some clients. */
static bool is_host_name(const char *text)
{
    size_t len = 0;

    if (*text == '\0' || strlen(text) > MSE_ISSUE_DNS_NAME_MAX)
        return false;
    for (;;) {
        len = strcspn(text, ".");
        if (!is_label(text, len))
            return false;
        if (text[len] == '\0')
            return strspn(text, "0123456789") < len;
        text += len + 1;
    }
}

bool mse_issue_name_read(const char *text, const char *field, struct mse_issue_name *out,
                         struct mse_error *err)
{
    *out = (struct mse_issue_name){ .text = text };
    if (inet_pton(AF_INET, text, out->address) == 1)
        out->address_len = 4;
    else if (inet_pton(AF_INET6, text, out->address) == 1)
        out->address_len = 16;
    else if (!is_host_name(text))
        return mse_fail_text(err, MSE_ERR_USAGE, field,
                             "neither a host name in lower case nor an address: '%s'", text);
    return true;
}

static void put_general_name(struct mse_writer *w, unsigned kind, struct mse_bytes value)
{
    mse_issue_der_put(w, (uint8_t)MSE_ISSUE_DER_CONTEXT(kind), value);
}

void mse_issue_names_write_san(const struct mse_issue_name *names, size_t count,
                               struct mse_writer *w)
{
    size_t list = mse_issue_der_mark(w);

    for (size_t i = 0; i < count; i++) {
        if (names[i].address_len == 0)
            put_general_name(w, GENERAL_NAME_DNS, MSE_CSTR_BYTES(names[i].text));
        else
            put_general_name(w, GENERAL_NAME_IP,
                             (struct mse_bytes){ names[i].address, names[i].address_len });
    }
    mse_issue_der_close(w, MSE_ISSUE_DER_SEQUENCE, list);
}

/* GeneralSubtree with its defaults: minimum 0, no maximum. */
static void put_subtree(struct mse_writer *w, unsigned kind, struct mse_bytes value)
{
    size_t subtree = mse_issue_der_mark(w);

    put_general_name(w, kind, value);
    mse_issue_der_close(w, MSE_ISSUE_DER_SEQUENCE, subtree);
}

/* Address and mask: one address, or all of the family. */
static void put_network(struct mse_writer *w, const uint8_t *address, size_t len, bool all)
{
    uint8_t value[32] = { 0 };

    if (!all) {
        memcpy(value, address, len);
        memset(value + len, 0xff, len);
    }
    put_subtree(w, GENERAL_NAME_IP, (struct mse_bytes){ value, 2 * len });
}

static bool has_kind(const struct mse_issue_name *names, size_t count, size_t address_len)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].address_len == address_len)
            return true;
    }
    return false;
}

static void put_permitted(struct mse_writer *w, const struct mse_issue_name *names, size_t count)
{
    size_t list = mse_issue_der_mark(w);

    for (size_t i = 0; i < count; i++) {
        if (names[i].address_len == 0)
            put_subtree(w, GENERAL_NAME_DNS, MSE_CSTR_BYTES(names[i].text));
        else
            put_network(w, names[i].address, names[i].address_len, false);
    }
    mse_issue_der_close(w, MSE_ISSUE_DER_CONTEXT_CONSTRUCTED(0), list);
}

/* A form of name that is in no permitted subtree is not constrained at all: it is excluded. */
static void put_excluded(struct mse_writer *w, const struct mse_issue_name *names, size_t count)
{
    size_t list = mse_issue_der_mark(w);

    for (size_t i = 0; i < count; i++) {
        char below[MSE_ISSUE_DNS_NAME_MAX + 2] = ".";

        if (names[i].address_len != 0)
            continue;
        (void)strncat(below, names[i].text, MSE_ISSUE_DNS_NAME_MAX);
        put_subtree(w, GENERAL_NAME_DNS, MSE_CSTR_BYTES(below));
    }
    if (!has_kind(names, count, 0))
        put_subtree(w, GENERAL_NAME_DNS, MSE_CSTR_BYTES(""));
    if (!has_kind(names, count, 4))
        put_network(w, NULL, 4, true);
    if (!has_kind(names, count, 16))
        put_network(w, NULL, 16, true);
    mse_issue_der_close(w, MSE_ISSUE_DER_CONTEXT_CONSTRUCTED(1), list);
}

void mse_issue_names_write_constraints(const struct mse_issue_name *names, size_t count,
                                       struct mse_writer *w)
{
    size_t both = mse_issue_der_mark(w);

    put_permitted(w, names, count);
    put_excluded(w, names, count);
    mse_issue_der_close(w, MSE_ISSUE_DER_SEQUENCE, both);
}
