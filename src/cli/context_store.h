/* SPDX-License-Identifier: Apache-2.0 */
/* Stored contexts: context/UUID/context.mse below the configuration directory. */
#ifndef MSE_CLI_CONTEXT_STORE_H
#define MSE_CLI_CONTEXT_STORE_H

#include "cli/cli.h"
#include "package/context.h"

struct context_entry {
    char id[37];
    bool readable;
    char *name; /* owned; NULL if not readable */
    enum mse_context_format format;
    int64_t created_at; /* of formats that do not say it: when the file was written */
};
struct context_list {
    struct context_entry *of; /* owned; sorted by id */
    size_t count;
};

/* id is a UUID in its usual form everywhere: nothing else is a name of a context. */

/* Why one is not readable is said in a note. No directory is an empty list. */
MSE_MUST_CHECK bool context_store_list(struct cli *cli, struct context_list *out,
                                       struct mse_error *err);
void context_list_cleanup(struct context_list *list);
/* The stored bytes (to be wiped and freed by the caller) and what they say. One that is not there
 * is MSE_ERR_MISSING. */
MSE_MUST_CHECK bool context_store_read(const struct cli *cli, const char *id, uint8_t **data,
                                       size_t *len, struct mse_context *out, struct mse_error *err);
/* A different stored one needs force. */
MSE_MUST_CHECK bool context_store_put(const struct cli *cli, const char *id, struct mse_bytes data,
                                      bool force, struct mse_error *err);
/* Everything in its directory; links are removed, not followed. */
MSE_MUST_CHECK bool context_store_remove(const struct cli *cli, const char *id,
                                         struct mse_error *err);
void context_bytes_free(uint8_t *data, size_t len); /* wiped */

#endif
