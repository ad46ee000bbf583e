/* SPDX-License-Identifier: Apache-2.0 */
/* The files that Cosmian MSE unpacks beside its runtime and measures there. */
#ifndef MSE_PACKAGE_ORIGINAL_FILES_H
#define MSE_PACKAGE_ORIGINAL_FILES_H

#include "measure/tree.h"
#include "package/package.h"

#define MSE_ORIGINAL_REQUIREMENTS "requirements.txt"

struct mse_original_file {
    char *path;  /* in the code; of a package the same as name; owned */
    char *name;  /* in the package; owned */
    bool sealed; /* not a requirements.txt */
    bool hidden; /* a part begins with '.': it has a nonce, but is not in the package */
    uint64_t size;
    uint8_t sha256[32]; /* with size: of what is in the package; nothing of a hidden one */
};
struct mse_original_files {
    struct mse_original_file *of; /* owned; sorted by the bytes of name */
    size_t count, room;
};
void mse_original_files_cleanup(struct mse_original_files *files);
/* A new one at the end, valid until the next is added. */
MSE_MUST_CHECK bool mse_original_files_add(struct mse_original_files *files, const char *path,
                                           const char *name, struct mse_original_file **out,
                                           struct mse_error *err);
/* Two files of one name are an error that says so. */
MSE_MUST_CHECK bool mse_original_files_sort(struct mse_original_files *files,
                                            struct mse_error *err);
bool mse_original_is_hidden(const char *path);

/*
 * The original's walk: a directory without what its .mseignore leaves out (package/ignore_glob.h),
 * links followed wherever they lead, as a copy of the directory would hold them. What is neither
 * file nor directory, a dangling link, and a name that is not UTF-8 are errors that name the path.
 * Neither sizes nor digests are filled in.
 */
MSE_MUST_CHECK bool mse_original_code_read(const char *directory, struct mse_original_files *out,
                                           struct mse_error *err);
/*
 * Compares the paths with those that have a nonce: MSE_TREE_EXTRA for a file without one, and
 * MSE_TREE_MISSING for a nonce without a file, unless it is of a hidden one, which is not measured.
 */
MSE_MUST_CHECK bool mse_original_code_compare(const struct mse_original_files *code,
                                              const struct mse_nonces *nonces,
                                              mse_tree_change_seen *seen, void *context,
                                              size_t *differences, struct mse_error *err);
/*
 * Sizes and digests of what the original made of these files with this key: NaCl secretbox of
 * each, but for requirements.txt, which stays plain. Every file but those needs a nonce. Reads each
 * file twice, since the tag comes before the content; one that changed in between is MSE_ERR_IO.
 */
MSE_MUST_CHECK bool mse_original_code_seal(const char *directory, const uint8_t key[static 32],
                                           const struct mse_nonces *nonces,
                                           struct mse_original_files *code, struct mse_error *err);

/* The files of such a package, a tar of any program, with their digests. Links are refused. */
MSE_MUST_CHECK bool mse_original_package_read(const char *path, struct mse_original_files *out,
                                              struct mse_error *err);
/* Where files differ from those of a package, by name. Returns the number of differences. */
size_t mse_original_package_compare(const struct mse_original_files *files,
                                    const struct mse_original_files *package,
                                    mse_tree_change_seen *seen, void *context);

#endif
