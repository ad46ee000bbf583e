/* SPDX-License-Identifier: Apache-2.0 */
/* mse sgx measure: MRENCLAVE of a finished manifest, and what it is made of. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "cli/options.h"
#include "cli/sgx_enclave.h"
#include "verdict/claims.h"

#define COMMAND "sgx measure"
#define SCHEMA "mse-sgx-measure-v1"

static void buffer_cleanup(uint8_t **data)
{
    free(*data);
}

static void manifest_cleanup(struct mse_manifest *manifest)
{
    mse_manifest_cleanup(manifest);
}

/* ---- shared with mse sgx sign ---- */

bool sgx_enclave_measure(const char *name, struct mse_bytes manifest, enum mse_gramine rules,
                         const char *libpal, struct sgx_enclave *out, struct mse_error *err)
{
    MSE_CLEANUP(manifest_cleanup) struct mse_manifest parsed = { 0 };
    MSE_CLEANUP(buffer_cleanup) uint8_t *data = NULL;
    size_t len = 0;
    struct mse_pal pal;

    memset(out, 0, sizeof(*out));
    if (!mse_manifest_parse(manifest, rules, &parsed, err) ||
        !mse_manifest_settings(&parsed, &out->settings, err))
        return mse_fail_in(err, "%s", name);
    if (!mse_file_read(libpal, MSE_PAL_MAX_SIZE, &data, &len, err))
        return false;
    if (!mse_pal_parse((struct mse_bytes){ data, len }, &pal, err))
        return mse_fail_in(err, "%s", libpal);
    return mse_enclave_measure(manifest, &pal, &out->settings, out->mrenclave, &out->layout, err);
}

void sgx_enclave_cleanup(struct sgx_enclave *enclave)
{
    mse_enclave_layout_cleanup(&enclave->layout);
}

/* ---- the command ---- */

struct measure {
    const char *manifest, *libpal;
    bool json, explain;
};

/* "REG:RW-", as the tools of Gramine write it. */
static const char *flags_text(uint64_t flags, char out[static 8])
{
    (void)snprintf(out, 8, "%s:%c%c%c", (flags >> 8 & 0xff) == 1 ? "TCS" : "REG",
                   (flags & 1) != 0 ? 'R' : '-', (flags & 2) != 0 ? 'W' : '-',
                   (flags & 4) != 0 ? 'X' : '-');
    return out;
}

static void area_fields(const struct mse_enclave_area *area, struct mse_field_sink *s)
{
    char text[24];

    s->text(s, "name", area->name);
    (void)snprintf(text, sizeof(text), "0x%" PRIx64, area->start);
    s->text(s, "start", text);
    (void)snprintf(text, sizeof(text), "0x%" PRIx64, area->size);
    s->text(s, "size", text);
    s->text(s, "pages", flags_text(area->flags, text));
    s->flag(s, "measured", area->measured);
    s->hex(s, "digest_after", area->digest_after, sizeof(area->digest_after));
}

/* One line each: a list of fields would take seven. */
static void area_line(const struct mse_enclave_area *area, struct mse_writer *to)
{
    char flags[8], digest[65];

    mse_hex_write(area->digest_after, sizeof(area->digest_after), digest);
    mse_write_format(to, "  %016" PRIx64 "-%016" PRIx64 " %s %-9s %-8s %s\n", area->start,
                     area->start + area->size, flags_text(area->flags, flags), area->name,
                     area->measured ? "measured" : "", digest);
}

static void fields(const struct sgx_enclave *e, struct mse_field_sink *s)
{
    s->hex(s, "mrenclave", e->mrenclave, sizeof(e->mrenclave));
    s->number(s, "enclave_size", e->settings.size);
    s->number(s, "max_threads", e->settings.max_threads);
    s->flag(s, "edmm", e->settings.edmm);
    s->number(s, "pages_added", e->layout.pages_added);
    s->number(s, "pages_measured", e->layout.pages_measured);
    s->number(s, "sha256_blocks", e->layout.blocks);
}

static void write_json(const struct sgx_enclave *e, bool explain, struct mse_writer *to)
{
    struct mse_json_writer w = mse_json_writer_init(to, 2);
    struct mse_json_sink json = mse_json_sink_init(&w);
    struct mse_field_sink *s = &json.sink;

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", SCHEMA);
    fields(e, s);
    if (explain) {
        s->open_list(s, "areas");
        for (size_t i = 0; i < e->layout.count; i++) {
            s->open_item(s, i + 1);
            area_fields(&e->layout.areas[i], s);
            s->close(s);
        }
        s->close_list(s);
    }
    mse_json_close_object(&w);
    mse_write_text(to, "\n");
}

static void write_text(const struct sgx_enclave *e, bool explain, struct mse_writer *to)
{
    struct mse_text_sink text = mse_text_sink_init(to, true);

    fields(e, &text.sink);
    if (!explain)
        return;
    mse_write_text(to, "\nAreas in the order in which they are measured, each with the digest of "
                       "the stream up to it\n");
    for (size_t i = 0; i < e->layout.count; i++)
        area_line(&e->layout.areas[i], to);
}

static bool measure(struct cli *cli, const struct measure *m, struct mse_error *err)
{
    MSE_CLEANUP(buffer_cleanup) uint8_t *data = NULL;
    MSE_CLEANUP(sgx_enclave_cleanup) struct sgx_enclave enclave = { 0 };
    struct mse_writer to = { 0 };
    size_t len = 0;

    if (!mse_file_read(m->manifest, MSE_MANIFEST_MAX_SIZE, &data, &len, err))
        return false;
    /* What differs between the versions does not reach this measurement but through the text. */
    if (!sgx_enclave_measure(m->manifest, (struct mse_bytes){ data, len }, MSE_GRAMINE_1_9,
                             m->libpal, &enclave, err))
        return false;
    if (m->json)
        write_json(&enclave, m->explain, &to);
    else
        write_text(&enclave, m->explain, &to);
    if (mse_writer_ok(&to))
        cli_put(cli, &to);
    else
        (void)mse_fail_memory(err);
    mse_writer_cleanup(&to);
    return err->code == MSE_ERR_NONE;
}

enum exit_code cmd_sgx_measure(struct cli *cli, int argc, char **argv)
{
    struct measure m = { 0 };
    struct option_row rows[] = {
        { "--libpal", "FILE", "Gramine's libpal.so for SGX", OPTION_TEXT, &m.libpal, NULL, false },
        { "--explain", NULL, "list all areas, with the digest after each", OPTION_FLAG, &m.explain,
          NULL, false },
        { "--json", NULL, "print JSON", OPTION_FLAG, &m.json, NULL, false },
    };
    struct mse_error err = { 0 };
    enum exit_code code = EXIT_YES;
    bool helped = false, ok;
    size_t count = 0;

    cli->json_errors = &m.json;
    ok = options_read(cli, COMMAND, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, &m.manifest,
                      1, &count, &helped, &err);
    if (ok && !helped && (count == 0 || m.libpal == NULL))
        ok = mse_fail_text(&err, MSE_ERR_USAGE, COMMAND,
                           "wants a finished manifest, and --libpal FILE");
    if (!ok || (!helped && !measure(cli, &m, &err)))
        code = cli_fail(cli, &err);
    cli->json_errors = NULL;
    return code;
}
