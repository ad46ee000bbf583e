/* SPDX-License-Identifier: Apache-2.0 */
/* Reading HOST:PORT in its forms, and proxy settings. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

#include "client/connect.h"

static bool bad_target(struct mse_error *err, const char *text)
{
    return mse_fail_text(err, MSE_ERR_USAGE, "", "\"%.80s\" is not DOMAIN[:PORT]", text);
}

static bool port_ok(const char *text, size_t len)
{
    unsigned long v = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (unsigned long)(text[i] - '0');
    }
    return len > 0 && len <= 5 && v > 0 && v <= 65535;
}

static bool host_ok(const char *text, size_t len)
{
    if (len == 0 || len > 253)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_' || c == ':';

        if (!ok)
            return false;
    }
    return text[0] != '-'; /* would read as an option somewhere */
}

bool mse_target_parse(const char *text, const char *default_port, struct mse_target *out,
                      struct mse_error *err)
{
    const char *p = strncasecmp(text, "https://", 8) == 0 ? text + 8 : text;
    size_t len = strlen(p);
    const char *host = p, *port = default_port, *colon;
    size_t host_len, port_len = strlen(default_port);
    uint8_t address[16];

    memset(out, 0, sizeof(*out));
    if (p != text)
        len = strcspn(p, "/?#"); /* of a URL, only who serves it */
    host_len = len;
    if (len > 0 && p[0] == '[') { /* [v6] or [v6]:port */
        const char *close = memchr(p, ']', len);

        if (close == NULL)
            return bad_target(err, text);
        host = p + 1;
        host_len = (size_t)(close - host);
        if (close + 1 < p + len) {
            if (close[1] != ':')
                return bad_target(err, text);
            port = close + 2;
            port_len = (size_t)(p + len - port);
        }
    } else if ((colon = memchr(p, ':', len)) != NULL &&
               memchr(colon + 1, ':', (size_t)(p + len - colon - 1)) == NULL) {
        host_len = (size_t)(colon - p);
        port = colon + 1;
        port_len = (size_t)(p + len - port);
    }
    if (!host_ok(host, host_len) || !port_ok(port, port_len))
        return bad_target(err, text);
    memcpy(out->host, host, host_len);
    memcpy(out->port, port, port_len);
    out->is_address = inet_pton(AF_INET, out->host, address) == 1 ||
                      inet_pton(AF_INET6, out->host, address) == 1;
    if (strchr(out->host, ':') != NULL && !out->is_address) {
        memset(out, 0, sizeof(*out));
        return bad_target(err, text);
    }
    return true;
}

bool mse_proxy_parse(const char *url, struct mse_target *out, struct mse_error *err)
{
    char text[300];
    const char *p = strncasecmp(url, "http://", 7) == 0 ? url + 7 : url;
    size_t len = strcspn(p, "/");

    if (strstr(p, "://") != NULL || memchr(p, '@', len) != NULL || len >= sizeof(text))
        return mse_fail_text(err, MSE_ERR_USAGE, "proxy",
                             "only http://HOST:PORT without a password is supported");
    memcpy(text, p, len);
    text[len] = '\0';
    return mse_target_parse(text, "3128", out, err) || mse_fail_in(err, "proxy");
}

bool mse_no_proxy_has(const char *no_proxy, const char *host)
{
    size_t host_len = strlen(host);

    for (const char *p = no_proxy; *p != '\0';) {
        size_t len = strcspn(p, ", ");
        const char *item = p;

        p += len;
        p += strspn(p, ", ");
        if (len == 1 && item[0] == '*')
            return true;
        if (len > 0 && item[0] == '.') {
            item++;
            len--;
        }
        if (len == 0 || len > host_len)
            continue;
        if (strncasecmp(host + host_len - len, item, len) == 0 &&
            (len == host_len || host[host_len - len - 1] == '.'))
            return true;
    }
    return false;
}
