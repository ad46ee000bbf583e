/* SPDX-License-Identifier: Apache-2.0 */
/* One configuration on its way: open the code, compare its digest, keep the state. */
#include "enclave/runtime_code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enclave/code.h"

#define MAX_ENTRIES (1U << 20)

struct take {
    uv_work_t work;
    struct mse_take_options options;
    struct mse_keep_config to_be_kept;
    struct mse_error err;
    bool ok;
};

/* The host's: a FIFO or a device in its place would be waited for, or do something. */
static bool open_package(struct take *t, int *fd, struct mse_error *err)
{
    char path[256];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/" MSE_CODE_FILE, mse_tee_host_dir(t->options.keep->tee));
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (*fd == -1 || fstat(*fd, &st) == -1)
        return mse_fail_errno(err, path, "cannot be opened", errno);
    return S_ISREG(st.st_mode) || mse_fail_text(err, MSE_ERR_IO, path, "not a regular file");
}

/* Half of the app's memory, as the file system that holds it has (enclave/app.h). */
static struct mse_code_limits limits_of(const struct mse_app_manifest *app)
{
    return (struct mse_code_limits){ MAX_ENTRIES, ((uint64_t)app->memory << 20) / 2 };
}

static void work(uv_work_t *request)
{
    struct take *t = request->data;
    const struct mse_take_options *o = &t->options;
    struct mse_code_limits limits = limits_of(o->app);
    int dir = mse_app_keeper_code_dir(o->keeper), package = -1;
    struct mse_error ignored = { 0 };

    /* A candidate that was refused after its code was opened may have left it there. */
    t->ok = mse_code_clear(dir, &t->err) && open_package(t, &package, &t->err) &&
            mse_code_open(package, dir, o->config->has_code_key ? o->config->code_key : NULL,
                          &limits, o->app->tree, &t->err);
    if (package != -1)
        (void)close(package);
    if (t->ok && o->to_be_kept != NULL) {
        t->ok = mse_keep_configure(o->keep, &t->to_be_kept, &t->err);
        if (!t->ok && !mse_code_clear(dir, &ignored))
            mse_fail_in(&t->err, "code is left");
    }
}

static void after(uv_work_t *request, int status)
{
    struct take *t = request->data;

    if (status != 0 && t->ok)
        t->ok = mse_fail_text(&t->err, MSE_ERR_IO, "code", "interrupted");
    t->options.done(t->options.context, t->ok ? NULL : &t->err);
    free(t);
}

bool mse_take_config(const struct mse_take_options *options, struct mse_error *err)
{
    struct take *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return mse_fail_memory(err);
    t->options = *options;
    if (options->to_be_kept != NULL)
        t->to_be_kept = *options->to_be_kept;
    t->work.data = t;
    if (uv_queue_work(options->loop, &t->work, work, after) != 0) {
        free(t);
        return mse_fail_text(err, MSE_ERR_IO, "code", "no worker thread can be had");
    }
    return true;
}
