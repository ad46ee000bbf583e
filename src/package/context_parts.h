/* SPDX-License-Identifier: Apache-2.0 */
/* What reader and writer of contexts share. */
#ifndef MSE_PACKAGE_CONTEXT_PARTS_H
#define MSE_PACKAGE_CONTEXT_PARTS_H

#include "package/context.h"

#define MSE_CONTEXT_MAX_PEM 65536

bool mse_context_isolation_read(const char *text, enum mse_app_isolation *out);
const char *mse_context_isolation_name(enum mse_app_isolation isolation);

/* At least one certificate, and no PEM block of another kind: a private key would be published. */
bool mse_context_is_chain(const char *pem);
/* The certificates alone, without the text that may be around them. */
MSE_MUST_CHECK bool mse_context_chain_write(const char *pem, struct mse_writer *out,
                                            struct mse_error *err);

/* The list of a tree: each line well formed, in order, and together the tree's digest. The error
 * has a text and no place. */
MSE_MUST_CHECK bool mse_context_files_check(const struct mse_context *context,
                                            struct mse_error *err);

/* KEY = "TEXT" with everything escaped that a terminal could take for a command. */
void mse_context_put_text(struct mse_writer *w, const char *key, const char *text);
void mse_context_put_words(struct mse_writer *w, const char *key, char *const *words, size_t count);
/* Inside of quotes; keep_newlines: in a text of several lines. */
void mse_context_escape(struct mse_writer *w, const char *text, bool keep_newlines);

/*
 * What is secret, or of the owner's machine. Only these functions read those members; the writer
 * of the public form does not call them.
 */
void mse_context_secret_config(const struct mse_context *context, struct mse_writer *w); /* 2.0 */
void mse_context_secret_nonces(const struct mse_context *context, const char *table,
                               struct mse_writer *w);
void mse_context_secret_tables(const struct mse_context *context, struct mse_writer *w); /* 3.0 */

#endif
