/* SPDX-License-Identifier: Apache-2.0 */
/* Operators whose enclaves the user expects: from mse-operator-v1 files into config.toml. */
#ifndef MSE_CLI_CONFIG_H
#define MSE_CLI_CONFIG_H

#include "cli/cli.h"

#define CONFIG_MAX_SIZE (1U << 20)
#define OPERATOR_MAX_RUNTIME_KEYS 16

struct operator_entry {
    char name[64];
    uint8_t mrsigner[32];
    int64_t isv_prod_id;
    int64_t min_isv_svn;
    uint8_t instance_key[32];
    char runtime_keys[OPERATOR_MAX_RUNTIME_KEYS][64]; /* minisign public keys, base64 */
    size_t runtime_key_count;
};

/* docs/formats.md, "Operator's keys": strict JSON. */
MSE_MUST_CHECK bool operator_parse(struct mse_bytes file, struct operator_entry *out,
                                   struct mse_error *err);
/*
 * The operator named, or the only one if name is NULL. *found false and success if there is none at
 * all; several without a name is MSE_ERR_DUPLICATE, a name that is not there MSE_ERR_MISSING.
 */
MSE_MUST_CHECK bool config_operator(const struct cli *cli, const char *name, bool *found,
                                    struct operator_entry *out, struct mse_error *err);
/* Writes the entry; another one of that name is replaced only with replace, else MSE_ERR_EXISTS.
 * The rest of the file stays as it is, comments too. */
MSE_MUST_CHECK bool config_store_operator(const struct cli *cli, const struct operator_entry *entry,
                                          bool replace, char *path, size_t path_size,
                                          struct mse_error *err);

#endif
