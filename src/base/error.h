/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in struct mse_error: the first failure is kept, callers add context outwards. */
#ifndef MSE_BASE_ERROR_H
#define MSE_BASE_ERROR_H

#include <stdarg.h>

#include <mse/mse.h>

#define MSE_MUST_CHECK __attribute__((warn_unused_result))
#define MSE_CLEANUP(function) __attribute__((cleanup(function)))

/* Keeps the first failure: does nothing if err already holds one. Always returns false. */
bool mse_fail(struct mse_error *err, enum mse_err_code code, size_t offset, const char *field);

/* The same with a sentence for people. Text that came from outside is escaped when shown. */
bool mse_fail_text(struct mse_error *err, enum mse_err_code code, const char *field,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same with the offset in the input at hand. */
bool mse_fail_text_at(struct mse_error *err, enum mse_err_code code, size_t offset,
                      const char *field, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Puts "context: " before the field of a failure. Always returns false. */
bool mse_fail_in(struct mse_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* MSE_ERR_IO about a path: "what: reason", the reason by this errno. Always returns false. */
bool mse_fail_errno(struct mse_error *err, const char *path, const char *what, int number);

/* Out of memory is an ordinary error. */
bool mse_fail_memory(struct mse_error *err);

#endif
