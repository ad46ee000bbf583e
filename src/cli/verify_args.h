/* SPDX-License-Identifier: Apache-2.0 */
/* What every verifying command takes: policy, collateral, sources, instant, output form. */
#ifndef MSE_CLI_VERIFY_ARGS_H
#define MSE_CLI_VERIFY_ARGS_H

#include "cli/options.h"
#include "client/fetch_load.h"
#include "endorsement/cache.h"
#include "verdict/verifier.h"

#define VERIFY_ROWS_MAX 96
#define VERIFY_FILE_MAX (16U << 20)

struct verify_args {
    /* options */
    struct option_list collateral_files, signer_keys;
    struct option_pending pending;
    const char *policy_file, *at_text, *pccs, *pccs_ca, *kds, *simulation_root;
    bool json, verbose, offline, early;
    /* made of them */
    struct mse_policy *policy;
    struct mse_verifier *verifier;
    struct mse_collateral *collateral; /* of the files; not prepared yet */
    int64_t at;
    struct mse_roots *roots; /* borrowed from verifier */
    struct mse_disk_cache *cache;
    struct mse_fetch_module *module;
    /* the table */
    struct option_row rows[VERIFY_ROWS_MAX];
    size_t row_count;
    char names[VERIFY_ROWS_MAX][40];
};

void verify_args_init(struct verify_args *v);
void verify_args_add_row(struct verify_args *v, struct option_row row);
/* Rows about collateral and its sources only. */
void verify_args_add_source_rows(struct verify_args *v);
/* Rows about policy and judgement. */
void verify_args_add_policy_rows(struct verify_args *v);
/* After options_read: reads policy, keys and collateral files, makes the verifier. */
MSE_MUST_CHECK bool verify_args_finish(struct cli *cli, struct verify_args *v,
                                       struct mse_error *err);
void verify_args_cleanup(struct verify_args *v);

/* Sources for fetching; with network false the disk cache alone. */
MSE_MUST_CHECK bool verify_args_sources(struct cli *cli, struct verify_args *v, bool network,
                                        struct mse_sources *out, struct mse_error *err);
/* A new set with the items of the collateral files in it. */
MSE_MUST_CHECK bool verify_args_collateral(const struct verify_args *v, struct mse_collateral **out,
                                           struct mse_error *err);

/* Checks with their outcome on stderr, for a verdict that is no yes; or all of it with --verbose.
 */
void print_refusal(struct cli *cli, const struct mse_report *report);
/* Exit status of a verdict. */
enum exit_code verdict_code(enum mse_verdict verdict);

#endif
