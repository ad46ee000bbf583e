/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of an app's code as it comes out of its package in the TEE. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/code.h"
#include "package/extract.h"
#include "package/ignore_git.h"
#include "package/package.h"

/* A file without a name beside the new directory. */
static bool open_archive(const char *to, int *out, struct mse_error *err)
{
    const char *slash = strrchr(to, '/');
    char *parent = slash == NULL ? strdup(".") : strndup(to, (size_t)(slash + 1 - to));

    *out = -1;
    if (parent == NULL)
        return mse_fail_memory(err);
    *out = open(parent, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*out == -1)
        (void)mse_fail_errno(err, parent, "cannot make a file in it", errno);
    free(parent);
    return *out != -1;
}

static bool copy(struct mse_tree *tree, const char *to, const struct mse_stop *stop, int archive,
                 struct mse_error *err)
{
    struct mse_package_options options = { .stop = stop };
    uint64_t size = 0;

    if (!mse_tree_hash(tree, 0, err) || !mse_package_write(tree, &options, archive, &size, err))
        return false;
    if (lseek(archive, 0, SEEK_SET) != 0)
        return mse_fail_errno(err, to, "cannot read the package again", errno);
    return mse_extract(archive, to, &MSE_EXTRACT_DEFAULT_LIMITS, NULL, stop, err);
}

bool mse_code_copy(const char *code_dir, const char *to, const struct mse_stop *stop,
                   struct mse_error *err)
{
    struct mse_ignore_git *ignore = NULL;
    struct mse_tree *tree = NULL;
    int archive = -1;
    bool ok = mse_ignore_git_open(code_dir, &ignore, err) &&
              mse_tree_read(code_dir, mse_ignore_git_of(ignore), &tree, err) &&
              open_archive(to, &archive, err) && copy(tree, to, stop, archive, err);

    if (archive != -1)
        (void)close(archive);
    mse_tree_free(tree);
    mse_ignore_git_free(ignore);
    return ok;
}
