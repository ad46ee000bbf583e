/* SPDX-License-Identifier: Apache-2.0 */
/* The list of checks and their outcomes. Adding a failure is easy, taking one back impossible. */
#ifndef MSE_APPRAISAL_CHECKS_H
#define MSE_APPRAISAL_CHECKS_H

#include "base/bytes.h"

struct mse_check_result {
    enum mse_outcome outcome;
    enum mse_err_code code; /* of the first failure */
    char reason[320];       /* a sentence for people */
    char expected[192];     /* "" where no values are compared */
    char actual[192];
};

struct mse_checks {
    struct mse_check_result of[MSE_CHECK_COUNT];
};

/*
 * A failure beats unknown, unknown beats waived and passed; of two of the same kind the first
 * stays. pass only turns NOT_RUN into PASSED: it never repairs anything.
 */
void mse_check_pass(struct mse_checks *checks, enum mse_check check);
/* As pass, with a remark that is shown beside it. */
void mse_check_pass_text(struct mse_checks *checks, enum mse_check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mse_check_waive(struct mse_checks *checks, enum mse_check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Both always return false. */
bool mse_check_fail(struct mse_checks *checks, enum mse_check check, enum mse_err_code code,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
bool mse_check_unknown(struct mse_checks *checks, enum mse_check check, enum mse_err_code code,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* From an error: described as reason. */
bool mse_check_fail_error(struct mse_checks *checks, enum mse_check check,
                          const struct mse_error *err);
/* A comparison of bytes that failed; both are shown as hex. */
bool mse_check_fail_bytes(struct mse_checks *checks, enum mse_check check,
                          struct mse_bytes expected, struct mse_bytes actual, const char *format,
                          ...) __attribute__((format(printf, 5, 6)));

#endif
