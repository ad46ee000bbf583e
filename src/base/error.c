/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in and showing struct mse_error; names of the error codes; the version. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"

/* A cut is shown as one, so that nobody takes half a sentence for the whole. */
static void mark_cut(char *out, size_t size)
{
    memcpy(out + size - 4, "...", 4);
}

static void set_field(struct mse_error *err, const char *field)
{
    size_t len = strlen(field);

    if (len >= sizeof(err->field)) {
        memcpy(err->field, field, sizeof(err->field) - 1);
        mark_cut(err->field, sizeof(err->field));
        return;
    }
    memcpy(err->field, field, len + 1);
}

static void set_text(struct mse_error *err, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void set_text(struct mse_error *err, const char *format, va_list args)
{
    int n = vsnprintf(err->text, sizeof(err->text), format, args);

    if (n < 0)
        err->text[0] = '\0';
    else if ((size_t)n >= sizeof(err->text))
        mark_cut(err->text, sizeof(err->text));
}

bool mse_fail(struct mse_error *err, enum mse_err_code code, size_t offset, const char *field)
{
    if (err->code != MSE_ERR_NONE)
        return false;
    err->code = code;
    err->offset = offset;
    err->text[0] = '\0';
    set_field(err, field);
    return false;
}

bool mse_fail_text(struct mse_error *err, enum mse_err_code code, const char *field,
                   const char *format, ...)
{
    va_list args;

    if (err->code != MSE_ERR_NONE)
        return false;
    (void)mse_fail(err, code, 0, field);
    va_start(args, format);
    set_text(err, format, args);
    va_end(args);
    return false;
}

bool mse_fail_text_at(struct mse_error *err, enum mse_err_code code, size_t offset,
                      const char *field, const char *format, ...)
{
    va_list args;

    if (err->code != MSE_ERR_NONE)
        return false;
    (void)mse_fail(err, code, offset, field);
    va_start(args, format);
    set_text(err, format, args);
    va_end(args);
    return false;
}

bool mse_fail_in(struct mse_error *err, const char *format, ...)
{
    char joined[sizeof(err->field) * 2];
    size_t at;
    size_t len;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(joined, sizeof(err->field), format, args);
    va_end(args);
    if (n < 0 || err->code == MSE_ERR_NONE)
        return false;
    at = (size_t)n < sizeof(err->field) ? (size_t)n : sizeof(err->field) - 1;
    len = strlen(err->field);
    if (len > 0) {
        memcpy(joined + at, ": ", 2);
        at += 2;
    }
    if (len > sizeof(joined) - 1 - at)
        len = sizeof(joined) - 1 - at;
    memcpy(joined + at, err->field, len);
    joined[at + len] = '\0';
    set_field(err, joined);
    return false;
}

/* strerror() may use a static buffer. */
bool mse_fail_errno(struct mse_error *err, const char *path, const char *what, int number)
{
    const char *reason = strerrordesc_np(number);

    return mse_fail_text(err, MSE_ERR_IO, path, "%s: %s", what,
                         reason != NULL ? reason : "unknown error");
}

bool mse_fail_memory(struct mse_error *err)
{
    return mse_fail(err, MSE_ERR_MEMORY, 0, "memory");
}

/* Two columns, so that one look compares them. */
/* clang-format off */
static const char *const names[] = {
    [MSE_ERR_NONE]          = "none",
    [MSE_ERR_TRUNCATED]     = "truncated",
    [MSE_ERR_TRAILING]      = "trailing",
    [MSE_ERR_FORMAT]        = "format",
    [MSE_ERR_VALUE]         = "value",
    [MSE_ERR_UNSUPPORTED]   = "unsupported",
    [MSE_ERR_LIMIT]         = "limit",
    [MSE_ERR_DUPLICATE]     = "duplicate",
    [MSE_ERR_MISSING]       = "missing",
    [MSE_ERR_UNKNOWN_KEY]   = "unknown-key",
    [MSE_ERR_SIGNATURE]     = "signature",
    [MSE_ERR_CHAIN]         = "chain",
    [MSE_ERR_ROOT]          = "root",
    [MSE_ERR_REVOKED]       = "revoked",
    [MSE_ERR_EXPIRED]       = "expired",
    [MSE_ERR_NOT_YET_VALID] = "not-yet-valid",
    [MSE_ERR_MISMATCH]      = "mismatch",
    [MSE_ERR_BINDING]       = "binding",
    [MSE_ERR_TCB]           = "tcb",
    [MSE_ERR_POLICY]        = "policy",
    [MSE_ERR_SIMULATED]     = "simulated",
    [MSE_ERR_NO_EVIDENCE]   = "no-evidence",
    [MSE_ERR_MEMORY]        = "memory",
    [MSE_ERR_CRYPTO]        = "crypto",
    [MSE_ERR_IO]            = "io",
    [MSE_ERR_EXISTS]        = "exists",
    [MSE_ERR_NETWORK]       = "network",
    [MSE_ERR_TIMEOUT]       = "timeout",
    [MSE_ERR_TLS]           = "tls",
    [MSE_ERR_HTTP]          = "http",
    [MSE_ERR_USAGE]         = "usage",
};
/* clang-format on */

const char *mse_err_name(enum mse_err_code code)
{
    size_t i = (size_t)code;

    return i < sizeof(names) / sizeof(names[0]) && names[i] != NULL ? names[i] : "unknown";
}

const char *mse_error_describe(const struct mse_error *err, char *out, size_t size)
{
    char line[sizeof(err->field) + sizeof(err->text) + 64];
    const char *between = err->field[0] != '\0' ? ": " : "";
    int n;

    if (size == 0)
        return out;
    out[0] = '\0';
    if (err->code == MSE_ERR_NONE)
        n = snprintf(line, sizeof(line), "no error");
    else if (err->text[0] != '\0')
        n = snprintf(line, sizeof(line), "%s%s%s (%s)", err->field, between, err->text,
                     mse_err_name(err->code));
    else
        n = snprintf(line, sizeof(line), "%s%s%s", err->field, between, mse_err_name(err->code));
    if (n < 0)
        return out;
    if (err->offset != 0 && (size_t)n < sizeof(line))
        (void)snprintf(line + n, sizeof(line) - (size_t)n, ", at byte %zu", err->offset);
    /* Field and text may quote a peer: no terminal sequences pass from here on. */
    return mse_escape(MSE_CSTR_BYTES(line), out, size);
}

const char *mse_version(void)
{
    return MSE_VERSION;
}
