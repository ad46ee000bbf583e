/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud context: the stored contexts of deployments. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/context_store.h"
#include "cli/options.h"
#include "cli/same_file.h"
#include "package/values.h"

#define COMMAND "cloud context"

struct request {
    bool list, purge, public_form, secret_form, force, yes, json;
    const char *show, *remove, *export_id, *import, *output;
    char id[37]; /* of show, remove or export_id */
};

static const char *format_name(enum mse_context_format format)
{
    static const char *const names[] = { "1.0", "2.0", "3.0" };

    return names[format];
}

static bool print(struct cli *cli, struct mse_writer *w, struct mse_error *err)
{
    if (!mse_writer_ok(w))
        return mse_fail_memory(err);
    cli_put(cli, w);
    return true;
}

/* ---- list ---- */

static void write_list(const struct context_list *list, struct mse_writer *w)
{
    char name[640], when[MSE_TIME_TEXT_SIZE];

    for (size_t i = 0; i < list->count; i++) {
        const struct context_entry *e = &list->of[i];

        if (e->readable)
            mse_write_format(w, "%s -> %s (%s)\n", e->id,
                             mse_escape(MSE_CSTR_BYTES(e->name), name, sizeof(name)),
                             mse_time_write(e->created_at, when));
        else
            mse_write_format(w, "%s -> unsupported format\n", e->id);
    }
}

static void write_list_json(const struct context_list *list, struct mse_writer *to)
{
    struct mse_json_writer w = mse_json_writer_init(to, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-context-list-v1");
    mse_json_open_array(&w, "contexts");
    for (size_t i = 0; i < list->count; i++) {
        const struct context_entry *e = &list->of[i];

        mse_json_open_object(&w, NULL);
        mse_json_put_text(&w, "id", e->id);
        mse_json_put_bool(&w, "supported", e->readable);
        if (e->readable) {
            mse_json_put_text(&w, "format", format_name(e->format));
            mse_json_put_text(&w, "name", e->name);
            mse_json_put_time(&w, "created_at", e->created_at);
        }
        mse_json_close_object(&w);
    }
    mse_json_close_array(&w);
    mse_json_close_object(&w);
    mse_write_text(to, "\n");
}

static bool run_list(struct cli *cli, const struct request *r, struct mse_error *err)
{
    struct mse_writer w = { 0 };
    struct context_list list;
    bool ok;

    if (!context_store_list(cli, &list, err))
        return false;
    if (r->json)
        write_list_json(&list, &w);
    else
        write_list(&list, &w);
    ok = print(cli, &w, err);
    mse_writer_cleanup(&w);
    context_list_cleanup(&list);
    return ok;
}

/* ---- show ---- */

static void put_text(struct mse_json_writer *w, const char *key, const char *text)
{
    if (text != NULL)
        mse_json_put_text(w, key, text);
}

static void put_hex(struct mse_json_writer *w, const char *key, const uint8_t value[static 32])
{
    if (!mse_is_zero(value, 32))
        mse_json_put_hex(w, key, value, 32);
}

static void put_number(struct mse_json_writer *w, const char *key, uint64_t value)
{
    if (value != 0)
        mse_json_put_unsigned(w, key, value);
}

static void put_time(struct mse_json_writer *w, const char *key, int64_t t)
{
    if (t != 0)
        mse_json_put_time(w, key, t);
}

static void write_config_json(const struct mse_context *c, struct mse_json_writer *w)
{
    mse_json_put_text(w, "name", c->name);
    put_text(w, "docker", c->format == MSE_CONTEXT_3_0 ? NULL : c->docker);
    put_text(w, "python_application", c->python);
    if (c->command_count > 0) {
        mse_json_open_array(w, "command");
        for (size_t i = 0; i < c->command_count; i++)
            mse_json_put_text(w, NULL, c->command[i]);
        mse_json_close_array(w);
    }
    put_text(w, "healthcheck_endpoint", c->health);
    put_number(w, "memory", c->memory);
    put_number(w, "threads", c->threads);
    if (c->format == MSE_CONTEXT_3_0) {
        mse_json_put_text(w, "isolation",
                          c->isolation == MSE_APP_ISOLATION_NONE ? "none" : "process");
        mse_json_put_bool(w, "unsigned", c->unsigned_config);
    }
    put_hex(w, "owner", c->owner);
    put_hex(w, "runtime", c->runtime);
    put_hex(w, "tree", c->tree);
}

static void write_json(const struct mse_context *c, struct mse_writer *to)
{
    struct mse_json_writer w = mse_json_writer_init(to, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-context-v1");
    mse_json_put_text(&w, "format", format_name(c->format));
    mse_json_put_text(&w, "id", c->id);
    write_config_json(c, &w);
    put_text(&w, "domain_name", c->domain_name);
    put_text(&w, "config_domain_name", c->config_domain_name);
    mse_json_put_text(&w, "ssl_certificate_origin", mse_app_cert_name(c->origin));
    put_number(&w, "enclave_size", c->enclave_size);
    put_time(&w, "expires_at", c->expires_at);
    put_time(&w, "created_at", c->created_at);
    mse_json_put_bool(&w, "has_code_key", c->has_code_key);
    mse_json_put_unsigned(&w, "nonces", c->nonces.count);
    put_text(&w, "files", c->files);
    mse_json_close_object(&w);
    mse_write_text(to, "\n");
}

static bool run_show(struct cli *cli, const struct request *r, struct mse_error *err)
{
    struct mse_context context;
    struct mse_writer w = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = context_store_read(cli, r->id, &data, &len, &context, err);

    context_bytes_free(data, len);
    if (!ok)
        return false;
    if (r->json)
        write_json(&context, &w);
    else
        ok = mse_context_write(&context, MSE_CONTEXT_PUBLIC, &w, err);
    ok = ok && print(cli, &w, err);
    if (ok && context.has_code_key)
        cli_note(cli, "Not shown: the code key and %zu nonce%s.", context.nonces.count,
                 context.nonces.count == 1 ? "" : "s");
    mse_writer_cleanup(&w);
    mse_context_cleanup(&context);
    return ok;
}

/* ---- remove and purge ---- */

static bool run_remove(struct cli *cli, const struct request *r, struct mse_error *err)
{
    if (!context_store_remove(cli, r->id, err))
        return false;
    cli_note(cli, "Context removed: %s", r->id);
    return true;
}

static bool confirmed(struct cli *cli, size_t count)
{
    char answer[16];

    (void)fprintf(cli->err,
                  "Remove %zu context%s? Without it the fingerprint of a deployment cannot be "
                  "computed again. [yes/no] ",
                  count, count == 1 ? "" : "s");
    (void)fflush(cli->err);
    return fgets(answer, sizeof(answer), cli->in) != NULL &&
           (strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0);
}

static enum exit_code purge(struct cli *cli, const struct request *r,
                            const struct context_list *list)
{
    struct mse_error err = { 0 };

    if (list->count > 0 && !r->yes && !cli->is_terminal) {
        cli_note(cli, "mse: not asked on a terminal: --yes removes %zu context%s", list->count,
                 list->count == 1 ? "" : "s");
        return EXIT_USAGE;
    }
    if (list->count > 0 && !r->yes && !confirmed(cli, list->count)) {
        cli_note(cli, "mse: nothing removed");
        return EXIT_NO;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!context_store_remove(cli, list->of[i].id, &err))
            return cli_fail(cli, &err);
    }
    cli_note(cli, "Contexts removed: %zu", list->count);
    return EXIT_YES;
}

static enum exit_code run_purge(struct cli *cli, const struct request *r)
{
    struct mse_error err = { 0 };
    struct context_list list;
    enum exit_code code;

    if (!context_store_list(cli, &list, &err))
        return cli_fail(cli, &err);
    code = purge(cli, r, &list);
    context_list_cleanup(&list);
    return code;
}

/* ---- export ---- */

/* An identical file is left alone by a writer that keeps; its mode may let others read it. */
static bool is_open_to_others(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && (st.st_mode & 077) != 0;
}

static bool save(const struct request *r, const char *path, struct mse_bytes data,
                 struct mse_error *err)
{
    unsigned mode = r->secret_form ? 0600 : 0644;

    if (!mse_file_write(path, data, mode, r->force ? MSE_FILE_REPLACE : MSE_FILE_KEEP, err))
        return false;
    return !r->secret_form || !is_open_to_others(path) ||
           mse_file_write(path, data, mode, MSE_FILE_REPLACE, err);
}

static void note_export(struct cli *cli, const struct request *r, const struct mse_context *c,
                        const char *path)
{
    char shown[4200];

    cli_note(cli, "Context exported to: %s",
             mse_escape(MSE_CSTR_BYTES(path), shown, sizeof(shown)));
    if (r->secret_form)
        cli_note(cli, "WARNING: this file holds the SECRET KEY of the code. Whoever has it can "
                      "read the code and make packages. Keep it; hand out --public instead.");
    else if (c->format != MSE_CONTEXT_3_0)
        cli_note(cli,
                 "This context is of format %s. The code key and the nonces are left out, and the "
                 "fingerprint of that format cannot be computed without them: it is one of the "
                 "encrypted code.",
                 format_name(c->format));
}

/* The secret form is the stored file itself: nothing that the original wrote is lost. */
static bool run_export(struct cli *cli, const struct request *r, struct mse_error *err)
{
    struct mse_context context;
    struct mse_writer w = { 0 };
    char path[64];
    uint8_t *data = NULL;
    size_t len = 0;
    struct mse_bytes form;
    bool ok;

    (void)snprintf(path, sizeof(path), "./%s.toml", r->id);
    if (!context_store_read(cli, r->id, &data, &len, &context, err))
        return false;
    ok = r->secret_form || mse_context_write(&context, MSE_CONTEXT_PUBLIC, &w, err);
    form = r->secret_form ? (struct mse_bytes){ data, len } : mse_writer_bytes(&w);
    ok = ok && save(r, r->output != NULL ? r->output : path, form, err);
    if (ok)
        note_export(cli, r, &context, r->output != NULL ? r->output : path);
    mse_writer_cleanup(&w);
    context_bytes_free(data, len);
    mse_context_cleanup(&context);
    return ok;
}

/* ---- import ---- */

static bool run_import(struct cli *cli, const struct request *r, struct mse_error *err)
{
    struct mse_context context;
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(r->import, MSE_CONTEXT_MAX_SIZE, &data, &len, err);

    if (!ok)
        return false;
    ok = mse_context_parse((struct mse_bytes){ data, len }, r->import, &context, err) &&
         context_store_put(cli, context.id, (struct mse_bytes){ data, len }, r->force, err);
    if (ok)
        cli_note(cli, "Context stored: %s (format %s%s)", context.id, format_name(context.format),
                 context.has_code_key ? "" : ", without code key");
    mse_context_cleanup(&context);
    context_bytes_free(data, len);
    return ok;
}

/* ---- command line ---- */

static bool check_one_action(const struct request *r, struct mse_error *err)
{
    int actions = r->list + r->purge + (r->show != NULL) + (r->remove != NULL) +
                  (r->export_id != NULL) + (r->import != NULL);

    if (actions != 1)
        return mse_fail_text(err, MSE_ERR_USAGE, COMMAND,
                             "wants exactly one of --list, --show, --remove, --purge, --export and "
                             "--import");
    if (r->public_form && r->secret_form)
        return mse_fail_text(err, MSE_ERR_USAGE, COMMAND,
                             "--public and --secret exclude each "
                             "other");
    if (r->export_id == NULL && (r->public_form || r->secret_form || r->output != NULL))
        return mse_fail_text(err, MSE_ERR_USAGE, COMMAND,
                             "--public, --secret and --output belong to --export");
    if (!cli_check_output("--output", r->output, err))
        return false;
    if (r->force && r->export_id == NULL && r->import == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, COMMAND,
                             "--force belongs to --export and "
                             "--import");
    if (r->yes && !r->purge)
        return mse_fail_text(err, MSE_ERR_USAGE, COMMAND, "--yes belongs to --purge");
    if (r->json && !r->list && r->show == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, COMMAND, "--json belongs to --list and --show");
    return true;
}

static bool check_id(struct request *r, struct mse_error *err)
{
    const char *text = r->show != NULL ? r->show : r->remove != NULL ? r->remove : r->export_id;
    char shown[80];

    if (text == NULL || mse_value_uuid(text, r->id))
        return true;
    return mse_fail_text(err, MSE_ERR_USAGE, COMMAND, "\"%s\" is no UUID",
                         mse_escape(MSE_CSTR_BYTES(text), shown, sizeof(shown)));
}

static enum exit_code run(struct cli *cli, const struct request *r)
{
    struct mse_error err = { 0 };
    enum exit_code code;
    bool ok;

    if (r->purge)
        return run_purge(cli, r);
    if (r->list)
        ok = run_list(cli, r, &err);
    else if (r->show != NULL)
        ok = run_show(cli, r, &err);
    else if (r->remove != NULL)
        ok = run_remove(cli, r, &err);
    else if (r->export_id != NULL)
        ok = run_export(cli, r, &err);
    else
        ok = run_import(cli, r, &err);
    if (ok)
        return EXIT_YES;
    code = cli_fail(cli, &err);
    /* A key that is not known is wrong usage on a command line; here it is in a file. */
    return err.code == MSE_ERR_UNKNOWN_KEY ? EXIT_NO : code;
}

enum exit_code cmd_context(struct cli *cli, int argc, char **argv)
{
    struct request r = { 0 };
    /* clang-format off */
    struct option_row rows[] = {
        { "--list", NULL, "list the stored contexts", OPTION_FLAG, &r.list, NULL, false },
        { "--show", "ID", "print what is public of one", OPTION_TEXT, &r.show, NULL, false },
        { "--remove", "ID", "remove one", OPTION_TEXT, &r.remove, NULL, false },
        { "--purge", NULL, "remove all", OPTION_FLAG, &r.purge, NULL, false },
        { "--export", "ID", "write one to a file", OPTION_TEXT, &r.export_id, NULL, false },
        { "--import", "FILE", "store a context of any format", OPTION_TEXT, &r.import, NULL, false },
        { "--public", NULL, "export for users, without secrets (default)", OPTION_FLAG, &r.public_form, NULL, false },
        { "--secret", NULL, "export with the code key and the nonces", OPTION_FLAG, &r.secret_form, NULL, false },
        { "--output", "FILE", "where to export to; ./ID.toml if not given", OPTION_TEXT, &r.output, NULL, false },
        { "--force", NULL, "replace a different existing file or context", OPTION_FLAG, &r.force, NULL, false },
        { "--yes", NULL, "do not ask", OPTION_FLAG, &r.yes, NULL, false },
        { "-y", NULL, "the same", OPTION_FLAG, &r.yes, NULL, false },
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &r.json, NULL, false },
    };
    /* clang-format on */
    struct mse_error err = { 0 };
    const char *none = NULL;
    bool helped = false;
    size_t count = 0;
    enum exit_code code;

    if (!options_read(cli, COMMAND, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, &none, 0,
                      &count, &helped, &err))
        return cli_fail(cli, &err);
    if (helped)
        return EXIT_YES;
    cli->json_errors = &r.json;
    if (check_one_action(&r, &err) && check_id(&r, &err))
        code = run(cli, &r);
    else
        code = cli_fail(cli, &err);
    cli->json_errors = NULL;
    return code;
}
