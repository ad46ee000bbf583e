/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of the original's .mseignore and a name: the answer is the same each time, does not change
 * when the rules are there twice, and is yes once "*" is among them.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "package/ignore_glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_NAME 64

static void require(bool ok)
{
    if (!ok)
        abort();
}

static bool ask(const struct mse_ignore_glob *glob, const char *name)
{
    const struct mse_ignore *ignore = mse_ignore_glob_of(glob);
    struct mse_error err = { 0 };
    bool ignored = false, again = false;
    bool ok = ignore->is_ignored(ignore, name, false, &ignored, &err);

    require(ok == mse_utf8_is_valid(MSE_CSTR_BYTES(name)));
    require(ok || !ignored);
    require(!ok || ignore->is_ignored(ignore, name, true, &again, &err));
    require(ignored == again);
    return ignored;
}

/* The rules, and behind them on a line of their own what else there is. */
static struct mse_ignore_glob *with(struct mse_bytes rules, struct mse_bytes more)
{
    struct mse_ignore_glob *glob = NULL;
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };

    mse_write_bytes(&w, rules.data, rules.len);
    mse_write_u8(&w, '\n');
    mse_write_bytes(&w, more.data, more.len);
    if (!mse_ignore_glob_new(mse_writer_bytes(&w), &glob, &err))
        require(glob == NULL && err.code == MSE_ERR_LIMIT);
    mse_writer_cleanup(&w);
    return glob;
}

static void check(const struct mse_ignore_glob *glob, struct mse_bytes rules, const char *name)
{
    struct mse_ignore_glob *twice = with(rules, rules);
    struct mse_ignore_glob *all = with(rules, MSE_CSTR_BYTES("*"));

    if (twice != NULL)
        require(ask(twice, name) == ask(glob, name));
    if (all != NULL && mse_utf8_is_valid(MSE_CSTR_BYTES(name)))
        require(ask(all, name));
    mse_ignore_glob_free(twice);
    mse_ignore_glob_free(all);
}

/* The name comes first, its length before it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_ignore_glob *glob;
    struct mse_error err = { 0 };
    struct mse_bytes rules;
    char name[MAX_NAME + 1];
    size_t len;

    if (size == 0)
        return 0;
    len = data[0] % MAX_NAME < size - 1 ? data[0] % MAX_NAME : size - 1;
    for (size_t i = 0; i < len; i++)
        name[i] = data[1 + i] != '\0' && data[1 + i] != '/' ? (char)data[1 + i] : 'a';
    name[len] = '\0';
    rules = (struct mse_bytes){ data + 1 + len, size - 1 - len };
    if (mse_ignore_glob_new(rules, &glob, &err))
        check(glob, rules, name);
    else
        require(glob == NULL && err.code != MSE_ERR_NONE);
    mse_ignore_glob_free(glob);
    return 0;
}
