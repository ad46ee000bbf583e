/* SPDX-License-Identifier: Apache-2.0 */
/* mse fingerprint --original: the fingerprint of an enclave of Cosmian MSE. */
#ifndef MSE_CLI_FINGERPRINT_ORIGINAL_H
#define MSE_CLI_FINGERPRINT_ORIGINAL_H

#include "cli/cli.h"
#include "package/original.h"

/* True if the words ask for it. */
bool fingerprint_is_original(int argc, char **argv);
/* argc, argv: as mse_code_fingerprint has them. */
enum exit_code fingerprint_original(struct cli *cli, int argc, char **argv);

struct original_difference {
    enum mse_tree_change change;
    char *path; /* owned */
};
/* All borrowed. Where there are differences there is no result. */
struct original_report {
    const struct mse_original_files *files;
    const struct mse_original *result;
    const char *size; /* as it was typed */
    bool compared;    /* the code's files with those that were deployed */
    const struct original_difference *differences;
    size_t difference_count;
};
void original_print_text(const struct original_report *report, bool explain,
                         struct mse_writer *out);
void original_print_json(const struct original_report *report, bool explain,
                         struct mse_writer *out);

#endif
