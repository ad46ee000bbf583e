/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what is ignored (see frames.h). A document is the content of a .mseignore, an octet 0xff,
 * and paths, each with a final NUL; directories end in '/'. The answer has a digit for each path, 1
 * where the path or a directory above it is ignored.
 */
#include "frames.h"
#include "package/ignore_git.h"

static bool ask(const struct mse_ignore *ignore, const char *path, bool is_directory, bool *ignored,
                struct mse_error *err)
{
    return ignore->is_ignored(ignore, path, is_directory, ignored, err);
}

/* path is changed while this works. */
static bool decide(const struct mse_ignore *ignore, char *path, bool *ignored,
                   struct mse_error *err)
{
    size_t len = strlen(path);
    bool is_directory = len > 0 && path[len - 1] == '/';

    *ignored = false;
    if (is_directory)
        path[len - 1] = '\0';
    for (char *slash = strchr(path, '/'); slash != NULL && !*ignored;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!ask(ignore, path, true, ignored, err))
            return false;
        *slash = '/';
    }
    return *ignored || ask(ignore, path, is_directory, ignored, err);
}

static char *decide_all(struct mse_ignore_git *git, struct mse_bytes paths, struct mse_error *err)
{
    struct mse_writer w = { 0 };
    const uint8_t *end = paths.data + paths.len;
    bool ok = true;

    for (const uint8_t *at = paths.data; ok && at < end; at += strlen((const char *)at) + 1) {
        char path[8192];
        bool ignored = false;

        (void)snprintf(path, sizeof(path), "%s", (const char *)at);
        ok = decide(mse_ignore_git_of(git), path, &ignored, err);
        mse_write_text(&w, ignored ? "1" : "0");
    }
    if (ok)
        return mse_writer_take_text(&w);
    mse_writer_cleanup(&w);
    return NULL;
}

int main(void)
{
    struct mse_ignore_git *keeps = NULL; /* libgit2 started: that takes longer than a tree */
    struct mse_error none = { 0 };
    uint8_t *data;
    size_t len;

    if (!mse_ignore_git_new(MSE_CSTR_BYTES("x"), &keeps, &none))
        abort();
    while (next_frame(&data, &len)) {
        const uint8_t *mark = memchr(data, 0xff, len);
        struct mse_error err = { 0 };
        struct mse_ignore_git *git = NULL;
        char *text = NULL;

        if (mark == NULL || data[len - 1] != '\0')
            abort();
        if (mse_ignore_git_new((struct mse_bytes){ data, (size_t)(mark - data) }, &git, &err))
            text = decide_all(git, (struct mse_bytes){ mark + 1, (size_t)(data + len - mark - 1) },
                              &err);
        answer(text, &err);
        mse_ignore_git_free(git);
        free(data);
    }
    mse_ignore_git_free(keeps);
    return 0;
}
