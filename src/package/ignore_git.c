/* SPDX-License-Identifier: Apache-2.0 */
/* Ignore rules by libgit2, in a repository that exists in memory only and has no settings. */
#include "package/ignore_git.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <git2.h>
#include <git2/sys/config.h>
#include <git2/sys/repository.h>

#include "measure/tree.h"
#include "package/ignore_rules.h"

/* As long as a walk asks about: the longest path and one more name, and a slash. */
#define PATH_ROOM (MSE_TREE_MAX_PATH + NAME_MAX + 3)

/*
 * Before the rules, these two: libgit2 ignores ".git" by itself, forgets a negative rule that
 * negates none before it, and asks the directories above where no rule matches. The walk has asked
 * about those already.
 */
static const char first_rules[] = "*\n!*\n";

struct mse_ignore_git {
    struct mse_ignore ignore;   /* first: the callback gets its address */
    git_repository *repository; /* NULL: no rules */
};

static bool fail_git(struct mse_error *err)
{
    const git_error *last = git_error_last();

    if (last != NULL && last->klass == GIT_ERROR_NOMEMORY)
        return mse_fail_memory(err);
    return mse_fail_text(err, MSE_ERR_IO, MSE_IGNORE_FILE, "libgit2: %s",
                         last != NULL ? last->message : "failed without a reason");
}

static bool is_ignored(const struct mse_ignore *self, const char *path, bool is_directory,
                       bool *ignored, struct mse_error *err)
{
    const struct mse_ignore_git *git = (const struct mse_ignore_git *)(const void *)self;
    char full[PATH_ROOM];
    size_t len = strlen(path);
    int result = 0;

    *ignored = false;
    if (git->repository == NULL)
        return true;
    if (len + 2 > sizeof(full))
        return mse_fail(err, MSE_ERR_LIMIT, 0, "path");
    memcpy(full, path, len);
    if (is_directory)
        full[len++] = '/'; /* how libgit2 is told */
    full[len] = '\0';
    if (git_ignore_path_is_ignored(&result, git->repository, full) < 0)
        return fail_git(err);
    *ignored = result != 0;
    return true;
}

/* Nothing of the user or the system: neither configuration nor ignore nor attribute files. */
static bool open_repository(git_repository **out, struct mse_error *err)
{
    git_config *none = NULL;
    bool ok = true;

    for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; ok && level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
        ok = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "") == 0;
    ok = ok && git_repository_new(out) == 0 && git_config_new(&none) == 0 &&
         git_repository_set_config(*out, none) == 0;
    git_config_free(none); /* the repository holds its own reference */
    return ok || fail_git(err);
}

static bool start(struct mse_ignore_git *git, const char *rules, struct mse_error *err)
{
    if (git_libgit2_init() < 0)
        return fail_git(err);
    if (open_repository(&git->repository, err)) {
        if (git_ignore_add_rule(git->repository, first_rules) == 0 &&
            git_ignore_add_rule(git->repository, rules) == 0)
            return true;
        (void)fail_git(err);
    }
    git_repository_free(git->repository);
    git->repository = NULL;
    (void)git_libgit2_shutdown();
    return false;
}

static void text_cleanup(char **text)
{
    free(*text);
}

bool mse_ignore_git_new(struct mse_bytes rules, struct mse_ignore_git **out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };
    MSE_CLEANUP(text_cleanup) char *text = NULL;
    struct mse_ignore_git *git;

    *out = NULL;
    if (!mse_ignore_rules_write(rules, &w, err))
        return false;
    text = mse_writer_take_text(&w);
    git = calloc(1, sizeof(*git));
    if (text == NULL || git == NULL) {
        free(git);
        return mse_fail_memory(err);
    }
    git->ignore.is_ignored = is_ignored;
    /* Without a rule there is nothing to ask libgit2, which takes a while to start. */
    if (text[0] != '\0' && !start(git, text, err)) {
        free(git);
        return false;
    }
    *out = git;
    return true;
}

const struct mse_ignore *mse_ignore_git_of(const struct mse_ignore_git *git)
{
    return &git->ignore;
}

void mse_ignore_git_free(struct mse_ignore_git *git)
{
    if (git == NULL)
        return;
    if (git->repository != NULL) {
        git_repository_free(git->repository);
        (void)git_libgit2_shutdown();
    }
    free(git);
}

/* ---- the file ---- */

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

/* *fd is owned by the caller, and -1 where there is no such file. */
static bool open_rules(const char *directory, int *fd, struct mse_error *err)
{
    MSE_CLEANUP(fd_cleanup) int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (dir == -1)
        return mse_fail_errno(err, directory, "cannot open this directory", errno);
    /* A link would bring rules from elsewhere; a FIFO would let us wait. */
    *fd = openat(dir, MSE_IGNORE_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd == -1 && errno == ENOENT)
        return true;
    if (*fd == -1 && errno == ELOOP)
        return mse_fail_text(err, MSE_ERR_VALUE, MSE_IGNORE_FILE,
                             "is a link; it must be a regular file");
    if (*fd == -1)
        return mse_fail_errno(err, MSE_IGNORE_FILE, "cannot open", errno);
    if (fstat(*fd, &st) == -1)
        return mse_fail_errno(err, MSE_IGNORE_FILE, "cannot examine", errno);
    if (!S_ISREG(st.st_mode))
        return mse_fail_text(err, MSE_ERR_VALUE, MSE_IGNORE_FILE, "must be a regular file");
    return true;
}

static bool read_rules(int fd, struct mse_writer *to, struct mse_error *err)
{
    uint8_t block[16384];

    to->cap = MSE_IGNORE_MAX_SIZE;
    for (;;) {
        ssize_t n = read(fd, block, sizeof(block));

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_errno(err, MSE_IGNORE_FILE, "cannot read", errno);
        if (n == 0)
            return true;
        if ((size_t)n > MSE_IGNORE_MAX_SIZE - to->len)
            return mse_fail_text(err, MSE_ERR_LIMIT, MSE_IGNORE_FILE, "larger than %u bytes",
                                 MSE_IGNORE_MAX_SIZE);
        mse_write_bytes(to, block, (size_t)n);
        if (!mse_writer_ok(to))
            return mse_fail_memory(err);
    }
}

bool mse_ignore_git_open(const char *directory, struct mse_ignore_git **out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer rules = { 0 };
    MSE_CLEANUP(fd_cleanup) int fd = -1;

    *out = NULL;
    if (!open_rules(directory, &fd, err))
        return false;
    if (fd != -1 && !read_rules(fd, &rules, err))
        return false;
    return mse_ignore_git_new(mse_writer_bytes(&rules), out, err);
}
