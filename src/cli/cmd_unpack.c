/* SPDX-License-Identifier: Apache-2.0 */
/* mse unpack: a package back into a directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli/code.h"
#include "cli/code_key.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/same_file.h"
#include "measure/tree.h"
#include "package/extract.h"

struct unpack {
    const char *file, *output, *key_file;
    bool json, helped;
    uint8_t key[MSE_BOX_KEY];
    struct mse_tree *tree;
    uint8_t digest[32];
};

static bool read_options(struct cli *cli, int argc, char **argv, struct unpack *u,
                         struct mse_error *err)
{
    /* clang-format off */
    struct option_row rows[] = {
        { "--output", "DIR", "directory to make (it must not exist)", OPTION_TEXT, &u->output, NULL, false },
        { "--key", "FILE", "code key of a sealed package", OPTION_TEXT, &u->key_file, NULL, false },
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &u->json, NULL, false },
    };
    /* clang-format on */
    size_t count = 0;

    if (!options_read(cli, "unpack", rows, sizeof(rows) / sizeof(rows[0]), argc, argv, &u->file, 1,
                      &count, &u->helped, err))
        return false;
    if (u->helped)
        return true;
    if (count != 1 || u->output == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "unpack", "wants a package, and --output DIR");
    return cli_check_output("--output", u->output, err);
}

/* "-" is standard input. */
static bool open_archive(const char *file, int *fd, struct mse_error *err)
{
    const char *reason;

    if (strcmp(file, "-") == 0)
        *fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    else
        *fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (*fd != -1)
        return true;
    reason = strerrordesc_np(errno);
    return mse_fail_text(err, MSE_ERR_IO, file, "cannot open: %s", reason != NULL ? reason : "?");
}

static bool extract(struct unpack *u, struct mse_error *err)
{
    const struct mse_extract_limits limits = MSE_EXTRACT_DEFAULT_LIMITS;
    struct interrupt interrupt;
    bool ok;
    int fd;

    if (!open_archive(u->file, &fd, err))
        return false;
    interrupt_hold(&interrupt);
    ok = mse_extract(fd, u->output, &limits, u->key_file != NULL ? u->key : NULL, &interrupt.stop,
                     err);
    interrupt_release(&interrupt);
    (void)close(fd);
    return ok || mse_fail_in(err, "%s", u->file);
}

/* Of what lies there now: it must be as readable as any other code. */
static bool measure(struct unpack *u, struct mse_error *err)
{
    return mse_tree_read(u->output, NULL, &u->tree, err) && mse_tree_hash(u->tree, 0, err) &&
           mse_tree_digest(u->tree, u->digest, err);
}

static size_t count_sealed(const struct unpack *u)
{
    const size_t suffix = sizeof(MSE_BOX_SUFFIX) - 1;
    size_t count = 0;

    for (size_t i = 0; i < mse_tree_count(u->tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(u->tree, i);
        size_t len = strlen(entry->path);

        count += entry->type != MSE_TREE_LINK && len > suffix &&
                 strcmp(entry->path + len - suffix, MSE_BOX_SUFFIX) == 0;
    }
    return count;
}

static void print(struct cli *cli, const struct unpack *u)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 2);
    const size_t count = mse_tree_count(u->tree);
    char hex[65];

    mse_hex_write(u->digest, sizeof(u->digest), hex);
    if (!u->json) {
        (void)fprintf(cli->out, "%s: %zu %s, tree %s\n", u->output, count,
                      count == 1 ? "entry" : "entries", hex);
        return;
    }
    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-unpack-v1");
    mse_json_put_bytes_text(&w, "path", MSE_CSTR_BYTES(u->output));
    mse_json_put_unsigned(&w, "entries", count);
    mse_json_put_text(&w, "tree", hex);
    mse_json_close_object(&w);
    mse_write_text(&to, "\n");
    if (mse_writer_ok(&to))
        cli_put(cli, &to);
    mse_writer_cleanup(&to);
}

static bool run(struct cli *cli, struct unpack *u, struct mse_error *err)
{
    size_t sealed;

    if ((u->key_file != NULL && !code_key_load(u->key_file, u->key, err)) || !extract(u, err) ||
        !measure(u, err))
        return false;
    sealed = u->key_file == NULL ? count_sealed(u) : 0;
    if (sealed > 0)
        cli_note(cli,
                 "mse: %zu %s still sealed, and so is what the tree digest is of: --key FILE "
                 "opens it",
                 sealed, sealed == 1 ? "file is" : "files are");
    print(cli, u);
    return true;
}

enum exit_code mse_code_unpack(struct cli *cli, int argc, char **argv)
{
    struct unpack u = { 0 };
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;

    cli->json_errors = &u.json;
    if (!read_options(cli, argc, argv, &u, &err) || (!u.helped && !run(cli, &u, &err)))
        code = cli_fail(cli, &err);
    cli->json_errors = NULL;
    mse_tree_free(u.tree);
    explicit_bzero(u.key, sizeof(u.key));
    return code;
}
