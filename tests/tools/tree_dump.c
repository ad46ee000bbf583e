/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what a tree reads as (see frames.h). A document is the name of a directory; the answer is a
 * JSON array: digest, list, and the targets of links by path. The first argument is the number of
 * threads, the second "plain" if .mseignore shall have no effect.
 */
#include "base/encode.h"
#include "base/json.h"
#include "frames.h"
#include "measure/tree.h"
#include "package/ignore_git.h"

static void put_targets(struct mse_json_writer *json, const struct mse_tree *tree)
{
    mse_json_open_object(json, NULL);
    for (size_t i = 0; i < mse_tree_count(tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(tree, i);

        if (entry->type == MSE_TREE_LINK)
            mse_json_put_text(json, entry->path, entry->target);
    }
    mse_json_close_object(json);
}

static char *show(const struct mse_tree *tree)
{
    struct mse_writer w = { 0 };
    struct mse_writer list = { 0 };
    struct mse_json_writer json = mse_json_writer_init(&w, 0);
    uint8_t digest[32];
    struct mse_error err = { 0 };
    char hex[65];

    if (!mse_tree_digest(tree, digest, &err))
        exit(2);
    mse_hex_write(digest, sizeof(digest), hex);
    mse_tree_list_write(tree, &list);
    mse_json_open_array(&json, NULL);
    mse_json_put_text(&json, NULL, hex);
    mse_json_put_bytes_text(&json, NULL, mse_writer_bytes(&list));
    put_targets(&json, tree);
    mse_json_close_array(&json);
    mse_writer_cleanup(&list);
    return mse_writer_take_text(&w);
}

static char *dump(const char *directory, bool with_rules, unsigned threads, struct mse_error *err)
{
    struct mse_ignore_git *git = NULL;
    struct mse_tree *tree = NULL;
    char *text = NULL;

    if ((!with_rules || mse_ignore_git_open(directory, &git, err)) &&
        mse_tree_read(directory, with_rules ? mse_ignore_git_of(git) : NULL, &tree, err) &&
        mse_tree_hash(tree, threads, err))
        text = show(tree);
    mse_tree_free(tree);
    mse_ignore_git_free(git);
    return text;
}

int main(int argc, char **argv)
{
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    bool with_rules = argc <= 2 || strcmp(argv[2], "plain") != 0;
    struct mse_ignore_git *keeps = NULL; /* libgit2 started: that takes longer than a tree */
    struct mse_error none = { 0 };
    uint8_t *data;
    size_t len;

    if (!mse_ignore_git_new(MSE_CSTR_BYTES("x"), &keeps, &none))
        abort();
    while (next_frame(&data, &len)) {
        struct mse_error err = { 0 };
        char *directory = strndup((const char *)data, len);

        if (directory == NULL)
            abort();
        answer(dump(directory, with_rules, threads, &err), &err);
        (void)fflush(stdout);
        free(directory);
        free(data);
    }
    mse_ignore_git_free(keeps);
    return 0;
}
