/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and measuring of what a simulated enclave consists of. */
#include "simtee/enclave_program.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "measure/fingerprint.h"
#include "measure/hash_files.h"
#include "measure/source_root.h"

static void blob_cleanup(uint8_t **data)
{
    free(*data);
}

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

/* ---- description ---- */

static bool load_runtime(const char *path, struct mse_runtime *out, struct mse_error *err)
{
    MSE_CLEANUP(blob_cleanup) uint8_t *data = NULL;
    size_t len = 0;

    if (!mse_file_read(path, MSE_RUNTIME_MAX_SIZE, &data, &len, err))
        return false;
    if (!mse_runtime_parse((struct mse_bytes){ data, len }, out, err))
        return mse_fail_in(err, "%s", path);
    return out->tee == MSE_RUNTIME_SIM ||
           mse_fail_text(err, MSE_ERR_UNSUPPORTED, path, "describes a runtime for %s, not for sim",
                         mse_runtime_tee_name(out->tee));
}

/* ---- files ---- */

struct listed {
    const struct mse_runtime *runtime;
    const struct mse_file_source *source;
};

static bool open_listed(void *context, size_t index, int *fd, struct mse_error *err)
{
    const struct listed *listed = context;
    const char *path = listed->runtime->files[index].path;

    return listed->source->open(listed->source, path, fd, err) || mse_fail_in(err, "%s", path);
}

static const char *name_listed(void *context, size_t index)
{
    const struct listed *listed = context;

    return listed->runtime->files[index].path;
}

static bool compare_files(const struct mse_runtime *runtime, const struct mse_file_hash *hashes,
                          struct mse_error *err)
{
    for (size_t i = 0; i < runtime->count; i++) {
        if (memcmp(hashes[i].sha256, runtime->files[i].sha256, sizeof(hashes[i].sha256)) != 0)
            return mse_fail_text(err, MSE_ERR_MISMATCH, runtime->files[i].path,
                                 "is not the file that the runtime description has");
    }
    return true;
}

static bool check_files(const struct mse_runtime *runtime, const struct mse_file_source *source,
                        struct mse_error *err)
{
    struct listed listed = { runtime, source };
    struct mse_file_hash *hashes = calloc(runtime->count + 1, sizeof(hashes[0]));
    bool ok = hashes != NULL || mse_fail_memory(err);

    ok = ok &&
         mse_hash_files_named(runtime->count, open_listed, name_listed, &listed, 0, hashes, err) &&
         compare_files(runtime, hashes, err);
    free(hashes);
    return ok;
}

/* ---- loader ---- */

static bool read_loader(int fd, const char *path, struct mse_writer *out, struct mse_error *err)
{
    uint8_t block[65536];
    ssize_t n;

    out->cap = MSE_PAL_MAX_SIZE;
    while ((n = read(fd, block, sizeof(block))) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, path, "cannot read", errno);
        mse_write_bytes(out, block, (size_t)n);
        if (!mse_writer_ok(out))
            return mse_fail_text(err, MSE_ERR_LIMIT, path, "larger than %u bytes",
                                 MSE_PAL_MAX_SIZE);
    }
    return true;
}

static bool load_loader(const struct mse_file_source *source, struct mse_sim_program *program,
                        struct mse_error *err)
{
    const char *path = program->runtime.loader.path;
    struct mse_writer content = { 0 };
    MSE_CLEANUP(fd_cleanup) int fd = -1;

    if (!source->open(source, path, &fd, err))
        return mse_fail_in(err, "%s", path);
    if (!read_loader(fd, path, &content, err)) {
        mse_writer_cleanup(&content);
        return false;
    }
    program->loader = content.data; /* moved */
    program->loader_len = content.len;
    return true;
}

static bool load_files(const char *root, struct mse_sim_program *program, struct mse_error *err)
{
    struct mse_root_source source = { .root_fd = -1 };
    bool ok = mse_root_source_open(root, &source, err) &&
              check_files(&program->runtime, &source.source, err) &&
              load_loader(&source.source, program, err);

    mse_root_source_close(&source);
    return ok;
}

static bool load(const char *description, const char *root, const char *const *arguments,
                 size_t count, struct mse_sim_program *out, struct mse_error *err)
{
    if (!mse_app_manifest_read(arguments, count, &out->app, err))
        return mse_fail_in(err, "arguments");
    return load_runtime(description, &out->runtime, err) && load_files(root, out, err) &&
           mse_fingerprint_sgx(&out->runtime, (struct mse_bytes){ out->loader, out->loader_len },
                               &out->app, out->mrenclave, NULL, NULL, err);
}

bool mse_sim_program_load(const char *description, const char *root, const char *const *arguments,
                          size_t count, struct mse_sim_program *out, struct mse_error *err)
{
    *out = (struct mse_sim_program){ 0 };
    if (load(description, root, arguments, count, out, err))
        return true;
    mse_sim_program_cleanup(out);
    return false;
}

void mse_sim_program_cleanup(struct mse_sim_program *program)
{
    mse_runtime_cleanup(&program->runtime);
    free(program->loader);
    *program = (struct mse_sim_program){ 0 };
}
