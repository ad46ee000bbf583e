/* SPDX-License-Identifier: Apache-2.0 */
/* sgx.trusted_files: expansion of directories and hashes, as Gramine's tools do it. */
#ifndef MSE_MEASURE_TRUSTED_FILES_H
#define MSE_MEASURE_TRUSTED_FILES_H

#include "measure/hash_files.h"
#include "measure/manifest.h"

#define MSE_TRUSTED_MAX_FILES (1U << 20)
#define MSE_TRUSTED_MAX_DEPTH 256  /* directories within one another */
#define MSE_TRUSTED_MAX_PATH 16384 /* bytes of one URI */

enum mse_node_type {
    MSE_NODE_ABSENT, /* also a dangling link, or a link that leads round */
    MSE_NODE_FILE,   /* regular, links followed */
    MSE_NODE_DIRECTORY,
    MSE_NODE_OTHER,     /* FIFO, socket, device */
    MSE_NODE_UNREADABLE /* a file or directory that this user may not read */
};

/*
 * Where files come from: a directory, a directory with chroot semantics, or the layers of an image.
 * Paths are those of the URIs, without "file:". All may be called from one thread only, but look,
 * open and digest, which several call at once. The caller of these functions puts the URI before
 * what they say in err.
 */
struct mse_file_source {
    /* Type of what path leads to, links followed; *is_link: its last part is itself a link. */
    bool (*look)(const struct mse_file_source *self, const char *path, enum mse_node_type *type,
                 bool *is_link, struct mse_error *err);
    /* Calls each for every name in a directory, in any order, without "." and "..". */
    bool (*list)(const struct mse_file_source *self, const char *path,
                 bool (*each)(void *context, const char *name, struct mse_error *err),
                 void *context, struct mse_error *err);
    /*
     * As list, with what the directory itself says about each: is_file for a regular file, not a
     * link, which need not be looked at (a look costs a third of what hashing a small file does).
     * It may turn out not to be readable. NULL: list.
     */
    bool (*list_files)(const struct mse_file_source *self, const char *path,
                       bool (*each)(void *context, const char *name, bool is_file,
                                    struct mse_error *err),
                       void *context, struct mse_error *err);
    /* Exactly one of these is set: a descriptor to hash, or a hash that is known already. */
    bool (*open)(const struct mse_file_source *self, const char *path, int *fd,
                 struct mse_error *err);
    bool (*digest)(const struct mse_file_source *self, const char *path, uint8_t out[static 32],
                   struct mse_error *err);
    /* Absolute path with every link in it resolved (chroot semantics), or NULL: paths stay. The
     * last part need not exist. */
    bool (*resolve)(const struct mse_file_source *self, const char *path, struct mse_writer *out,
                    struct mse_error *err);
    /* As open, for loader.entrypoint, which Gramine reads outside of a chroot; NULL: the same. */
    bool (*open_loader)(const struct mse_file_source *self, const char *path, int *fd,
                        struct mse_error *err);
};

/*
 * Paths relative to directory, or from the host's root if absolute. With chroot (may be NULL; a
 * path of the caller's) they must be absolute and lead into it.
 */
struct mse_directory_source {
    struct mse_file_source source;
    int root_fd;
    int chroot_fd; /* -1: none */
};
/* On failure out needs no closing; closing it does no harm. */
MSE_MUST_CHECK bool mse_directory_source_open(const char *directory, const char *chroot,
                                              struct mse_directory_source *out,
                                              struct mse_error *err);
void mse_directory_source_close(struct mse_directory_source *source);

/*
 * Replaces sgx.trusted_files by the expanded, hashed list and fills in loader.entrypoint.sha256
 * (1.9). Files are hashed on several threads (threads as in hash_files.h). The manifest must have
 * its defaults. What Gramine leaves out of a directory is left out: dangling links, links to
 * directories, FIFOs, sockets, devices, what may not be read. Errors name the URI. After a failure
 * the manifest is as before, unless memory ran out.
 */
MSE_MUST_CHECK bool mse_trusted_files_expand(struct mse_manifest *manifest,
                                             const struct mse_file_source *source, unsigned threads,
                                             struct mse_error *err);

#endif
