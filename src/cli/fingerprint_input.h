/* SPDX-License-Identifier: Apache-2.0 */
/* What a fingerprint is computed from, read and checked: code, context, runtime, loader. */
#ifndef MSE_CLI_FINGERPRINT_INPUT_H
#define MSE_CLI_FINGERPRINT_INPUT_H

#include "measure/fingerprint.h"
#include "measure/tree.h"
#include "package/context.h"

/* The code in a directory, without what its .mseignore leaves out; hashed. */
struct code_tree {
    struct mse_tree *tree; /* owned */
    uint8_t digest[32];
};
MSE_MUST_CHECK bool code_tree_load(const char *directory, struct code_tree *out,
                                   struct mse_error *err);
void code_tree_cleanup(struct code_tree *tree);
/*
 * What .mseignore leaves out of the code, for people: whoever compares a fingerprint should know
 * that there are files it does not cover. "" if there are none.
 */
void code_tree_ignored(const struct code_tree *tree, const char *directory, char out[static 512]);

/* Where a tree differs from a list of files; each line is "WHAT PATH". */
struct code_difference {
    enum mse_tree_change change;
    char *path; /* owned */
};
struct code_differences {
    struct code_difference *of; /* owned */
    size_t count, room;
    bool failed; /* memory */
};
const char *code_change_name(enum mse_tree_change change); /* "missing", "extra", ... */
MSE_MUST_CHECK bool code_compare(const struct mse_tree *tree, struct mse_bytes list,
                                 struct code_differences *out, struct mse_error *err);
void code_differences_cleanup(struct code_differences *differences);

/* A context of format 3.0 whose app makes its own certificate; others are refused. */
MSE_MUST_CHECK bool code_context_load(const char *file, struct mse_context *out,
                                      struct mse_error *err);
/*
 * The code must be what the context says, if it does. differences (may be NULL) is filled in where
 * the context lists its files; err names the first of them.
 */
MSE_MUST_CHECK bool code_context_check(const struct mse_context *context,
                                       const struct code_tree *code, const char *directory,
                                       struct code_differences *differences, struct mse_error *err);

/* A runtime description, and the bytes of its loader if it is for sim or sgx. */
struct code_runtime {
    struct mse_runtime description;
    uint8_t *loader; /* owned; NULL: not read */
    size_t loader_len;
    char file[4096];
};
MSE_MUST_CHECK bool code_runtime_load(const char *file, struct code_runtime *out,
                                      struct mse_error *err);
/* loader_file NULL: the file of the loader's name beside the description. Does nothing for tdx and
 * snp, where no loader is measured. */
MSE_MUST_CHECK bool code_runtime_load_loader(struct code_runtime *runtime, const char *loader_file,
                                             struct mse_error *err);
void code_runtime_cleanup(struct code_runtime *runtime);

#endif
