/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing the directory of a local run. */
#include "cli/local_dir.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

#define SECRETS_MAX (1U << 20) /* more than the runtime takes in one request */
#define OPEN_DIRECTORIES 32

/* ---- making ---- */

static bool join(const char *directory, const char *name, char **out, struct mse_error *err)
{
    if (asprintf(out, "%s/%s", directory, name) != -1)
        return true;
    *out = NULL;
    return mse_fail_memory(err);
}

static bool make_root(const struct cli *cli, struct local_dir *out, struct mse_error *err)
{
    const char *base = cli->variable("TMPDIR");
    char *template = NULL, *real = NULL;

    if (base == NULL || base[0] != '/')
        base = "/tmp";
    if (!join(base, "mse-localtest-XXXXXX", &template, err))
        return false;
    if (mkdtemp(template) == NULL)
        (void)mse_fail_errno(err, base, "cannot make a directory in it", errno);
    else if ((real = realpath(template, NULL)) == NULL) {
        (void)mse_fail_errno(err, template, "cannot be found", errno);
        (void)rmdir(template);
    }
    free(template);
    out->path = real;
    return real != NULL;
}

/* There also if there are none. */
static bool make_secrets_dir(const struct local_dir *dir, struct mse_error *err)
{
    char *parent = strndup(dir->secrets, (size_t)(strrchr(dir->secrets, '/') - dir->secrets));
    bool ok = parent != NULL ? mse_dir_make(parent, err) : mse_fail_memory(err);

    free(parent);
    return ok;
}

bool local_dir_make(const struct cli *cli, struct local_dir *out, struct mse_error *err)
{
    *out = (struct local_dir){ 0 };
    if (make_root(cli, out, err) && join(out->path, "home", &out->home, err) &&
        join(out->path, "tmp", &out->tmp, err) && join(out->path, "code", &out->code, err) &&
        join(out->home, MSE_APP_SECRETS_IN_HOME, &out->secrets, err) &&
        join(out->home, MSE_APP_SEALED_SECRETS_IN_HOME, &out->sealed_secrets, err) &&
        mse_dir_make(out->home, err) && mse_dir_make(out->tmp, err) && make_secrets_dir(out, err))
        return true;
    local_dir_remove(out);
    return false;
}

bool local_dir_put_secrets(const char *file, const char *place, struct mse_error *err)
{
    struct mse_json json = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(file, SECRETS_MAX, &data, &len, err) &&
              (mse_json_parse((struct mse_bytes){ data, len }, &json, err) ||
               mse_fail_in(err, "%s", file)) &&
              mse_file_write(place, (struct mse_bytes){ data, len }, 0400, MSE_FILE_REPLACE, err);

    mse_json_cleanup(&json);
    if (data != NULL)
        explicit_bzero(data, len);
    free(data);
    return ok;
}

struct mse_app_places local_dir_places(const struct local_dir *dir)
{
    return (struct mse_app_places){ dir->home, dir->tmp, dir->code, dir->secrets,
                                    dir->sealed_secrets };
}

/* ---- locking and removing ---- */

static int lock_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)at;
    if (type == FTW_SL)
        return 0;
    return chmod(path, type == FTW_DP || (st->st_mode & 0111) != 0 ? 0555 : 0444);
}

bool local_dir_lock(const struct local_dir *dir, struct mse_error *err)
{
    return nftw(dir->code, lock_one, OPEN_DIRECTORIES, FTW_PHYS | FTW_DEPTH) == 0 ||
           mse_fail_errno(err, dir->code, "cannot be made read-only", errno);
}

/* A directory that cannot be read (FTW_DNR) is seen once only: chmod, and the next walk enters. */
static int unlock_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    if (type == FTW_D || type == FTW_DNR)
        (void)chmod(path, 0700);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    (void)(type == FTW_DP ? rmdir(path) : unlink(path));
    return 0;
}

void local_dir_remove(struct local_dir *dir)
{
    for (int i = 0; dir->path != NULL && i < 3 && access(dir->path, F_OK) == 0; i++) {
        (void)nftw(dir->path, unlock_one, OPEN_DIRECTORIES, FTW_PHYS);
        (void)nftw(dir->path, remove_one, OPEN_DIRECTORIES, FTW_PHYS | FTW_DEPTH);
    }
    free(dir->path);
    free(dir->home);
    free(dir->tmp);
    free(dir->code);
    free(dir->secrets);
    free(dir->sealed_secrets);
    *dir = (struct local_dir){ 0 };
}
