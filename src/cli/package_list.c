/* SPDX-License-Identifier: Apache-2.0 */
/* mse package --list: what goes into a package, and rules that leave nothing out. */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/package_job.h"

/* Of a million entries with paths of usual length. */
#define MAX_LIST (1U << 30)

/* ---- entries ---- */

static void put_text(const struct package_job *job, struct mse_writer *out)
{
    for (size_t i = 0; i < mse_tree_count(job->tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(job->tree, i);

        mse_write_format(out, "%c %12llu ", entry->type, (unsigned long long)entry->size);
        mse_write_text(out, entry->path);
        if (entry->type == MSE_TREE_LINK) {
            mse_write_text(out, " -> ");
            mse_write_text(out, entry->target);
        }
        mse_write_u8(out, '\n');
    }
}

static void put_json(const struct package_job *job, struct mse_writer *out)
{
    struct mse_json_writer w = mse_json_writer_init(out, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-package-list-v1");
    mse_json_open_array(&w, "entries");
    for (size_t i = 0; i < mse_tree_count(job->tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(job->tree, i);
        const char type[] = { (char)entry->type, '\0' };

        mse_json_open_object(&w, NULL);
        mse_json_put_text(&w, "type", type);
        mse_json_put_unsigned(&w, "size", entry->size);
        mse_json_put_text(&w, "path", entry->path);
        if (entry->type == MSE_TREE_LINK)
            mse_json_put_text(&w, "target", entry->target);
        mse_json_close_object(&w);
    }
    mse_json_close_array(&w);
    mse_json_close_object(&w);
    mse_write_text(out, "\n");
}

/* ---- rules that match nothing ---- */

#define MAX_RULES 256

struct rules {
    struct mse_ignore ignore; /* leaves nothing out */
    struct {
        struct mse_ignore_git *git;
        struct mse_bytes text;
        bool matched;
    } of[MAX_RULES];
    size_t count;
};

static bool look(const struct mse_ignore *self, const char *path, bool is_directory, bool *ignored,
                 struct mse_error *err)
{
    /* The walk has only a view of its asker; ours is the first member of what we own. */
    struct rules *rules = (struct rules *)(uintptr_t)self;

    *ignored = false;
    for (size_t i = 0; i < rules->count; i++) {
        const struct mse_ignore *one = mse_ignore_git_of(rules->of[i].git);
        bool matches = false;

        if (rules->of[i].matched)
            continue;
        if (!one->is_ignored(one, path, is_directory, &matches, err))
            return false;
        rules->of[i].matched = matches;
    }
    return true;
}

/* One rule of each line; those that take others back say nothing alone. */
static bool split(struct mse_bytes in, struct rules *rules, struct mse_error *err)
{
    size_t at = 0;

    while (at < in.len && rules->count < MAX_RULES) {
        const uint8_t *end = memchr(in.data + at, '\n', in.len - at);
        size_t len = end != NULL ? (size_t)(end - in.data) - at : in.len - at;
        struct mse_bytes line = { in.data + at, len };

        at += len + 1;
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0 || line.data[0] == '#' || line.data[0] == '!')
            continue;
        if (!mse_ignore_git_new(line, &rules->of[rules->count].git, err))
            return false;
        rules->of[rules->count++].text = line;
    }
    return true;
}

static void warn(struct cli *cli, const struct rules *rules)
{
    char shown[160];

    for (size_t i = 0; i < rules->count; i++) {
        if (!rules->of[i].matched)
            cli_note(cli, "mse: warning: %s: \"%s\" leaves nothing out", MSE_IGNORE_FILE,
                     mse_escape(rules->of[i].text, shown, sizeof(shown)));
    }
}

/* Only advice: a tree that cannot be walked whole (what is left out may hold anything) gets none.
 */
static void warn_of_dead_rules(struct cli *cli, const struct package_job *job)
{
    struct rules *rules = calloc(1, sizeof(*rules));
    struct mse_error ignored = { 0 };
    struct mse_tree *all = NULL;
    uint8_t *data = NULL;
    char *path = NULL;
    size_t len = 0;

    if (asprintf(&path, "%s/%s", job->code, MSE_IGNORE_FILE) == -1)
        path = NULL;
    if (rules != NULL && path != NULL &&
        mse_file_read(path, MSE_IGNORE_MAX_SIZE, &data, &len, &ignored) &&
        split((struct mse_bytes){ data, len }, rules, &ignored)) {
        rules->ignore.is_ignored = look;
        if (mse_tree_read(job->code, &rules->ignore, &all, &ignored))
            warn(cli, rules);
        mse_tree_free(all);
    }
    for (size_t i = 0; rules != NULL && i < rules->count; i++)
        mse_ignore_git_free(rules->of[i].git);
    free(rules);
    free(data);
    free(path);
}

bool package_list(struct cli *cli, const struct package_job *job, struct mse_error *err)
{
    struct mse_writer out = { .cap = MAX_LIST };
    bool ok;

    if (job->json)
        put_json(job, &out);
    else
        put_text(job, &out);
    ok = mse_writer_ok(&out) || mse_fail_memory(err);
    if (ok)
        (void)fwrite(out.data, 1, out.len, cli->out);
    mse_writer_cleanup(&out);
    warn_of_dead_rules(cli, job);
    return ok;
}
