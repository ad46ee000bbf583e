/* SPDX-License-Identifier: Apache-2.0 */
/* Name check of certificates: DNS names and addresses in subjectAltName. */
#include "verdict/name.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "base/encode.h"

/* Without a final dot. */
static size_t dns_len(const char *name)
{
    size_t len = strlen(name);

    return len > 1 && name[len - 1] == '.' ? len - 1 : len;
}

bool mse_dns_equal(const char *a, const char *b)
{
    size_t len = dns_len(a);

    return len == dns_len(b) && strncasecmp(a, b, len) == 0;
}

static bool dns_bytes_ok(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= 0x20 || c >= 0x7f)
            return false;
    }
    return len > 0 && len <= 253;
}

/* pattern comes from the certificate; "*" is honoured as the whole leftmost label only. */
static bool dns_match(struct mse_bytes pattern, const char *name, size_t name_len)
{
    const char *p = (const char *)pattern.data;
    size_t len = pattern.len;
    const char *dot;

    if (!dns_bytes_ok(p, len)) /* also refuses an embedded NUL */
        return false;
    if (len == name_len && memchr(p, '*', len) == NULL)
        return strncasecmp(p, name, len) == 0;
    if (len < 3 || p[0] != '*' || p[1] != '.' || memchr(p + 1, '*', len - 1) != NULL ||
        memchr(p + 2, '.', len - 2) == NULL) /* not "*.org" */
        return false;
    dot = memchr(name, '.', name_len);
    if (dot == NULL || dot == name)
        return false;
    return (size_t)(name + name_len - dot) == len - 1 && strncasecmp(p + 1, dot, len - 1) == 0;
}

/* Bytes of an address, or 0 for a name. */
static size_t read_address(const char *name, uint8_t out[static 16])
{
    if (inet_pton(AF_INET, name, out) == 1)
        return 4;
    return inet_pton(AF_INET6, name, out) == 1 ? 16 : 0;
}

bool mse_name_equals(const struct mse_general_name *have, const char *name)
{
    uint8_t address[16];
    size_t len = read_address(name, address);

    if (len > 0)
        return have->kind == MSE_NAME_IP && have->value.len == len &&
               memcmp(have->value.data, address, len) == 0;
    len = dns_len(name);
    return have->kind == MSE_NAME_DNS && have->value.len == len &&
           strncasecmp((const char *)have->value.data, name, len) == 0;
}

const char *mse_name_text(const struct mse_general_name *name, char *out, size_t size)
{
    out[0] = '\0';
    if (name->kind == MSE_NAME_IP && name->value.len == 4)
        (void)inet_ntop(AF_INET, name->value.data, out, (socklen_t)size);
    else if (name->kind == MSE_NAME_IP && name->value.len == 16)
        (void)inet_ntop(AF_INET6, name->value.data, out, (socklen_t)size);
    else if (name->kind == MSE_NAME_DNS)
        (void)mse_escape(name->value, out, size);
    else
        (void)snprintf(out, size, "a name of kind %u", name->kind);
    return out;
}

const char *mse_name_list(const struct mse_cert *cert, char *out, size_t size)
{
    struct mse_general_name names[MSE_CERT_MAX_NAMES];
    size_t count = MSE_CERT_MAX_NAMES;
    struct mse_error err = { 0 };
    size_t used = 0;

    out[0] = '\0';
    if (!mse_cert_alt_names(cert, names, &count, &err))
        return out;
    for (size_t i = 0; i < count; i++) {
        char text[280];
        int n = snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "",
                         mse_name_text(&names[i], text, sizeof(text)));

        if (n < 0 || (size_t)n >= size - used)
            return out; /* cut */
        used += (size_t)n;
    }
    return out;
}

/* What no certificate may match: a pattern, or something that other software reads as an address.
 */
static bool name_ok(const char *name, struct mse_error *err)
{
    size_t len = dns_len(name);
    size_t digits = 0;

    while (digits < len && name[len - 1 - digits] >= '0' && name[len - 1 - digits] <= '9')
        digits++;
    if (dns_bytes_ok(name, len) && memchr(name, '*', len) == NULL &&
        (digits == 0 || (digits < len && name[len - 1 - digits] != '.')))
        return true;
    return mse_fail_text(err, MSE_ERR_USAGE, "name", "is neither a DNS name nor an address");
}

bool mse_name_check(const struct mse_cert *cert, const char *name, struct mse_error *err)
{
    struct mse_general_name names[MSE_CERT_MAX_NAMES];
    size_t count = MSE_CERT_MAX_NAMES;
    uint8_t address[16];
    bool is_address = read_address(name, address) > 0;
    char list[256];

    if ((!is_address && !name_ok(name, err)) || !mse_cert_alt_names(cert, names, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (is_address
                ? mse_name_equals(&names[i], name)
                : names[i].kind == MSE_NAME_DNS && dns_match(names[i].value, name, dns_len(name)))
            return true;
    }
    (void)mse_name_list(cert, list, sizeof(list));
    if (list[0] == '\0')
        return mse_fail_text(err, MSE_ERR_MISMATCH, "subjectAltName",
                             "asked for %s, the certificate names nothing", name);
    return mse_fail_text(err, MSE_ERR_MISMATCH, "subjectAltName",
                         "asked for %s, the certificate is for %s", name, list);
}
