/* SPDX-License-Identifier: Apache-2.0 */
/* What `mse package` was asked for, and what it has read. */
#ifndef MSE_CLI_PACKAGE_JOB_H
#define MSE_CLI_PACKAGE_JOB_H

#include "cli/new_file.h"
#include "cli/options.h"
#include "package/app_config.h"
#include "package/context.h"
#include "package/ignore_git.h"
#include "package/package.h"

struct package_job {
    const char *path, *code, *output, *key_file, *nonces_file;
    const char *context_file, *owner, *runtime_file;
    struct option_list allowed; /* paths that may look like secrets */
    bool list, plain, force, json, helped;
    struct mse_app_config config;
    struct mse_ignore_git *ignore;
    struct mse_tree *tree;
    uint8_t digest[32];
    uint8_t key[MSE_BOX_KEY];
    struct mse_nonces nonces;
    char *own_key_file; /* OUTPUT.key */
    bool key_is_new;
    const char *new_key_file; /* saved now: removed again if there will be no package */
    struct mse_writer context_text;
    struct new_file context; /* has its name when the package has */
    uint64_t size;           /* of the package */
};

/* ---- package_list.c ---- */

/* Prints what goes in, and warns of rules in .mseignore that match nothing. */
MSE_MUST_CHECK bool package_list(struct cli *cli, const struct package_job *job,
                                 struct mse_error *err);

/* ---- package_context.c ---- */

/* Key and nonces of an earlier package of the very same code. */
MSE_MUST_CHECK bool package_load_nonces(struct package_job *job, struct mse_error *err);
/* The text of a context of what is known, with key and nonces. */
MSE_MUST_CHECK bool package_make_context(struct cli *cli, struct package_job *job,
                                         struct mse_error *err);
/* Writes it, all but its name: what can fail does so before there is a package. */
MSE_MUST_CHECK bool package_write_context(struct package_job *job, struct mse_error *err);
void package_context_cleanup(struct package_job *job);

/* ---- package_files.c ---- */

/* Package, key and context are different files, and none of them is one that is read. */
MSE_MUST_CHECK bool package_check_files(const struct package_job *job, struct mse_error *err);

#endif
