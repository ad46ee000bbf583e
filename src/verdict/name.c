/* SPDX-License-Identifier: Apache-2.0 */
/* Name check of certificates: DNS names and addresses in subjectAltName. */
#include "verdict/name.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "base/encode.h"

#define NAME_DNS 2
#define NAME_IP 7

static bool dns_label_ok(const char *text, size_t len)
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

    if (!dns_label_ok(p, len)) /* also refuses an embedded NUL */
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
        int n;

        if (names[i].kind == NAME_IP && names[i].value.len == 4)
            (void)inet_ntop(AF_INET, names[i].value.data, text, sizeof(text));
        else if (names[i].kind == NAME_IP && names[i].value.len == 16)
            (void)inet_ntop(AF_INET6, names[i].value.data, text, sizeof(text));
        else if (names[i].kind == NAME_DNS)
            (void)mse_escape(names[i].value, text, sizeof(text));
        else
            continue;
        n = snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", text);
        if (n < 0 || (size_t)n >= size - used)
            return out; /* cut */
        used += (size_t)n;
    }
    return out;
}

bool mse_name_check(const struct mse_cert *cert, const char *name, struct mse_error *err)
{
    struct mse_general_name names[MSE_CERT_MAX_NAMES];
    size_t count = MSE_CERT_MAX_NAMES;
    size_t name_len = strlen(name);
    uint8_t address[16];
    size_t address_len = 0;
    char list[256];

    if (inet_pton(AF_INET, name, address) == 1)
        address_len = 4;
    else if (inet_pton(AF_INET6, name, address) == 1)
        address_len = 16;
    if (name_len > 1 && name[name_len - 1] == '.')
        name_len--;
    if (!mse_cert_alt_names(cert, names, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct mse_bytes value = names[i].value;

        if (address_len > 0) {
            if (names[i].kind == NAME_IP && value.len == address_len &&
                memcmp(value.data, address, address_len) == 0)
                return true;
        } else if (names[i].kind == NAME_DNS && dns_match(value, name, name_len)) {
            return true;
        }
    }
    (void)mse_name_list(cert, list, sizeof(list));
    if (list[0] == '\0')
        return mse_fail_text(err, MSE_ERR_MISMATCH, "subjectAltName",
                             "asked for %s, the certificate names nothing", name);
    return mse_fail_text(err, MSE_ERR_MISMATCH, "subjectAltName",
                         "asked for %s, the certificate is for %s", name, list);
}
