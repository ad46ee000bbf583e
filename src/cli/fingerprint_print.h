/* SPDX-License-Identifier: Apache-2.0 */
/* Printing a fingerprint, what went into it, and how code differs from a list. */
#ifndef MSE_CLI_FINGERPRINT_PRINT_H
#define MSE_CLI_FINGERPRINT_PRINT_H

#include "base/json.h"
#include "cli/fingerprint_input.h"

/* All borrowed; NULL: not there. */
struct fingerprint_result {
    const struct code_tree *code;
    const struct code_differences *differences; /* code was compared with a list */
    const struct code_runtime *runtime;         /* a fingerprint was computed */
    const struct mse_app_manifest *app;
    const struct mse_enclave_layout *layout;
    uint8_t value[32], app_digest[32];
    uint8_t rtmr3[48]; /* tdx */
};

/* The app manifest, an argument a line: they hold no control characters. */
MSE_MUST_CHECK bool fingerprint_print_argv(const struct mse_app_manifest *app,
                                           struct mse_writer *out, struct mse_error *err);
/* The value alone; with explain all that went in. */
void fingerprint_print_text(const struct fingerprint_result *result, bool explain,
                            struct mse_writer *out);
void fingerprint_print_json(const struct fingerprint_result *result, bool explain,
                            struct mse_writer *out);
/* Member "areas": the layout, in the order of the hash stream. */
void fingerprint_put_areas(struct mse_json_writer *w, const struct mse_enclave_layout *layout);
/* The list of files: its published form, or JSON. */
void fingerprint_print_list(const struct code_tree *code, bool json, struct mse_writer *out);

#endif
