/* SPDX-License-Identifier: Apache-2.0 */
/* The list of checks: outcomes only ever get worse. */
#include "appraisal/checks.h"

#include <stdio.h>

#include "base/encode.h"

/* How bad an outcome is; a change must be to a worse one. */
static unsigned badness(enum mse_outcome outcome)
{
    switch (outcome) {
    case MSE_OUTCOME_FAILED:
        return 3;
    case MSE_OUTCOME_UNKNOWN:
        return 2;
    case MSE_OUTCOME_WAIVED:
    case MSE_OUTCOME_NOT_APPLICABLE:
    case MSE_OUTCOME_PASSED:
        return 1;
    case MSE_OUTCOME_NOT_RUN:
        break;
    }
    return 0;
}

/* The entry to fill in, emptied, or NULL if what is there stays. */
static struct mse_check_result *worsen(struct mse_checks *checks, enum mse_check check,
                                       enum mse_outcome outcome, enum mse_err_code code)
{
    struct mse_check_result *r = &checks->of[check];

    if (badness(outcome) <= badness(r->outcome))
        return NULL;
    *r = (struct mse_check_result){ .outcome = outcome, .code = code };
    return r;
}

__attribute__((format(printf, 2, 0))) static void say(struct mse_check_result *r,
                                                      const char *format, va_list args)
{
    char line[sizeof(r->reason)];

    if (vsnprintf(line, sizeof(line), format, args) < 0)
        line[0] = '\0';
    /* It may quote a peer: no terminal sequences. */
    (void)mse_escape(MSE_CSTR_BYTES(line), r->reason, sizeof(r->reason));
}

void mse_check_pass(struct mse_checks *checks, enum mse_check check)
{
    (void)worsen(checks, check, MSE_OUTCOME_PASSED, MSE_ERR_NONE);
}

void mse_check_pass_text(struct mse_checks *checks, enum mse_check check, const char *format, ...)
{
    struct mse_check_result *r = worsen(checks, check, MSE_OUTCOME_PASSED, MSE_ERR_NONE);
    va_list args;

    if (r == NULL)
        return;
    va_start(args, format);
    say(r, format, args);
    va_end(args);
}

void mse_check_waive(struct mse_checks *checks, enum mse_check check, const char *format, ...)
{
    struct mse_check_result *r = worsen(checks, check, MSE_OUTCOME_WAIVED, MSE_ERR_NONE);
    va_list args;

    if (r == NULL)
        return;
    va_start(args, format);
    say(r, format, args);
    va_end(args);
}

bool mse_check_fail(struct mse_checks *checks, enum mse_check check, enum mse_err_code code,
                    const char *format, ...)
{
    struct mse_check_result *r = worsen(checks, check, MSE_OUTCOME_FAILED, code);
    va_list args;

    if (r == NULL)
        return false;
    va_start(args, format);
    say(r, format, args);
    va_end(args);
    return false;
}

bool mse_check_unknown(struct mse_checks *checks, enum mse_check check, enum mse_err_code code,
                       const char *format, ...)
{
    struct mse_check_result *r = worsen(checks, check, MSE_OUTCOME_UNKNOWN, code);
    va_list args;

    if (r == NULL)
        return false;
    va_start(args, format);
    say(r, format, args);
    va_end(args);
    return false;
}

bool mse_check_fail_error(struct mse_checks *checks, enum mse_check check,
                          const struct mse_error *err)
{
    struct mse_check_result *r = worsen(checks, check, MSE_OUTCOME_FAILED, err->code);

    /* The code stands beside the reason: the sentence does without it. */
    if (r != NULL && err->text[0] != '\0' && err->field[0] != '\0' && err->offset == 0) {
        char line[sizeof(err->field) + sizeof(err->text) + 2];

        (void)snprintf(line, sizeof(line), "%s: %s", err->field, err->text);
        mse_escape(MSE_CSTR_BYTES(line), r->reason, sizeof(r->reason));
    } else if (r != NULL) {
        mse_error_describe(err, r->reason, sizeof(r->reason));
    }
    return false;
}

/* Hex of what fits: the arrays hold 95 bytes, the longest measurement has 64. */
static void hex_cut(struct mse_bytes in, char *out, size_t size)
{
    size_t len = in.len < (size - 1) / 2 ? in.len : (size - 1) / 2;

    mse_hex_write(in.data, len, out);
}

bool mse_check_fail_bytes(struct mse_checks *checks, enum mse_check check,
                          struct mse_bytes expected, struct mse_bytes actual, const char *format,
                          ...)
{
    struct mse_check_result *r = worsen(checks, check, MSE_OUTCOME_FAILED, MSE_ERR_MISMATCH);
    va_list args;

    if (r == NULL)
        return false;
    va_start(args, format);
    say(r, format, args);
    va_end(args);
    hex_cut(expected, r->expected, sizeof(r->expected));
    hex_cut(actual, r->actual, sizeof(r->actual));
    return false;
}
