/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of a .mseignore and a path: what is written for libgit2 says the same when it is read as
 * rules again, and a path has an answer that is the same each time.
 */
#include <stdlib.h>

#include "package/ignore_git.h"
#include "package/ignore_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PATH 64 /* matching takes longer for each byte: see MSE_IGNORE_MAX_STARS */

static void require(bool ok)
{
    if (!ok)
        abort();
}

static bool ask(const struct mse_ignore_git *git, const char *path, bool is_directory)
{
    const struct mse_ignore *ignore = mse_ignore_git_of(git);
    struct mse_error err = { 0 };
    bool ignored = false;
    bool again = false;

    require(ignore->is_ignored(ignore, path, is_directory, &ignored, &err));
    require(ignore->is_ignored(ignore, path, is_directory, &again, &err));
    require(ignored == again);
    return ignored;
}

/* Lines that end where lines must. */
static void check_lines(struct mse_bytes text)
{
    require(text.len == 0 || text.data[text.len - 1] == '\n');
    require(text.len == 0 || memchr(text.data, '\0', text.len) == NULL);
    for (size_t i = 0; i < text.len; i++)
        require(text.data[i] != '\n' || i == 0 || text.data[i - 1] != '\n');
}

static void check_path(const struct mse_ignore_git *git, const struct mse_ignore_git *again,
                       struct mse_bytes in)
{
    char path[MAX_PATH + 1];
    size_t len = in.len < MAX_PATH ? in.len : MAX_PATH;

    for (size_t i = 0; i < len; i++)
        path[i] = in.data[i] != '\0' ? (char)in.data[i] : 'a';
    path[len] = '\0';
    if (len == 0 || path[0] == '/' || path[len - 1] == '/')
        return;
    for (int is_directory = 0; is_directory < 2; is_directory++)
        require(ask(git, path, is_directory != 0) == ask(again, path, is_directory != 0));
}

/* The path comes first, its length before it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mse_ignore_git *keeps; /* libgit2 started: that takes longer than the rest */
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    struct mse_ignore_git *git;
    struct mse_ignore_git *again;
    struct mse_bytes rules;
    size_t len;

    if (keeps == NULL)
        require(mse_ignore_git_new(MSE_CSTR_BYTES("x"), &keeps, &err));
    if (size == 0)
        return 0;
    len = data[0] % MAX_PATH < size - 1 ? data[0] % MAX_PATH : size - 1;
    rules = (struct mse_bytes){ data + 1 + len, size - 1 - len };
    if (!mse_ignore_git_new(rules, &git, &err)) {
        require(git == NULL && err.code != MSE_ERR_NONE);
        return 0;
    }
    require(mse_ignore_rules_write(rules, &w, &err));
    check_lines(mse_writer_bytes(&w));
    if (mse_ignore_git_new(mse_writer_bytes(&w), &again, &err)) {
        check_path(git, again, (struct mse_bytes){ data + 1, len });
        mse_ignore_git_free(again);
    } else {
        require(err.code == MSE_ERR_LIMIT); /* one rule may have become two */
    }
    mse_ignore_git_free(git);
    mse_writer_cleanup(&w);
    return 0;
}
