/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud logs: opens the records of an app's output that an operator hands over. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "attest/log_record.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cli/code.h"
#include "cli/options.h"
#include "cli/release_args.h"
#include "release/minisign_secret.h"

#define COMMAND "cloud logs"
#define FILE_MAX (64U << 20)

struct logs {
    struct cli *cli;
    /* options */
    struct option_list files;
    const char *key, *password_file;
    bool json, times;
    /* made of them */
    struct mse_minisign_secret *owner;
    uint8_t *data[OPTION_LIST_MAX]; /* owned; records point into it */
    size_t len[OPTION_LIST_MAX];
    struct mse_log_record *records; /* owned */
    size_t count, room;
    uint64_t last;             /* sequence number of the last one that was printed; 0: none */
    size_t foreign, falsified; /* foreign: not for this key, or changed */
    bool is_new_line;
};

static void logs_cleanup(struct logs *l)
{
    mse_minisign_secret_free(l->owner);
    for (size_t i = 0; i < l->files.count; i++)
        free(l->data[i]);
    free(l->records);
}

/* ---- reading ---- */

static bool keep(struct logs *l, const struct mse_log_record *record, struct mse_error *err)
{
    if (l->count == l->room) {
        size_t room = l->room > 0 ? 2 * l->room : 256;
        struct mse_log_record *more = reallocarray(l->records, room, sizeof(*more));

        if (more == NULL)
            return mse_fail_memory(err);
        l->records = more;
        l->room = room;
    }
    l->records[l->count++] = *record;
    return true;
}

/* A writer that was killed, or that writes just now, leaves a part of a record at the end. */
static bool read_file(struct logs *l, size_t i, struct mse_error *err)
{
    const char *path = l->files.of[i];
    size_t at = 0;

    if (!mse_file_read(path, FILE_MAX, &l->data[i], &l->len[i], err))
        return mse_fail_in(err, "--file");
    while (at < l->len[i]) {
        struct mse_bytes rest = { l->data[i] + at, l->len[i] - at };
        struct mse_log_record record;
        struct mse_error why = { 0 };
        size_t used;

        if (!mse_log_record_parse(rest, &record, &used, &why)) {
            if (why.code != MSE_ERR_TRUNCATED)
                return mse_fail_text_at(err, MSE_ERR_FORMAT, at, path,
                                        "no log: there is no record here");
            cli_note(l->cli, "note: %s ends in the middle of a record: %zu bytes are left out",
                     path, rest.len);
            return true;
        }
        if (!keep(l, &record, err))
            return false;
        at += used;
    }
    return true;
}

static int by_sequence(const void *a, const void *b)
{
    const struct mse_log_record *x = a, *y = b;

    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* One file may be given twice. Another record of the same number is another record. */
static bool is_copy(const struct logs *l, size_t i)
{
    const struct mse_log_record *r = &l->records[i];

    while (i-- > 0 && l->records[i].sequence == r->sequence) {
        if (mse_bytes_equal(l->records[i].box, r->box))
            return true;
    }
    return false;
}

/* ---- printing ---- */

/* A terminal obeys control characters, whoever wrote them; a file keeps what the app said. */
static void print_escaped(FILE *out, struct mse_bytes text)
{
    for (size_t i = 0; i < text.len;) {
        uint8_t c = text.data[i];
        size_t len = mse_utf8_length(text.data + i, text.len - i);
        bool c1 = len == 2 && c == 0xc2 && text.data[i + 1] <= 0x9f; /* U+0080 to U+009F */
        bool obeyed = len == 0 || c1 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;

        len = len > 0 ? len : 1;
        for (size_t k = 0; k < len; k++)
            (void)(obeyed ? fprintf(out, "\\x%02x", text.data[i + k])
                          : fputc(text.data[i + k], out));
        i += len;
    }
}

static void print_text(struct logs *l, const struct mse_log_entry *entry)
{
    FILE *out = l->cli->out;

    if (isatty(fileno(out)) == 1)
        print_escaped(out, entry->text);
    else
        (void)fwrite(entry->text.data, 1, entry->text.len, out);
}

/* Each line with the time of its record. */
static void print_times(struct logs *l, const struct mse_log_entry *entry)
{
    struct mse_log_entry part = *entry;
    char time[MSE_TIME_TEXT_SIZE];

    (void)mse_time_write(entry->time_ms / 1000, time);
    for (struct mse_bytes rest = entry->text; rest.len > 0;) {
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end + 1 - rest.data) : rest.len;

        if (l->is_new_line)
            (void)fprintf(l->cli->out, "%s ", time);
        part.text = (struct mse_bytes){ rest.data, len };
        print_text(l, &part);
        l->is_new_line = end != NULL;
        rest.data += len;
        rest.len -= len;
    }
}

/* One object in each line: a log may be long, and is read by programs line by line. */
static bool print_json(struct logs *l, const struct mse_log_entry *entry, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 0);

    mse_json_open_object(&w, NULL);
    mse_json_put_unsigned(&w, "sequence", entry->sequence);
    mse_json_put_integer(&w, "time_ms", entry->time_ms);
    if (entry->lost > 0)
        mse_json_put_unsigned(&w, "lost", entry->lost);
    mse_json_put_bytes_text(&w, "text", entry->text);
    mse_json_close_object(&w);
    mse_write_text(&to, "\n");
    if (!mse_writer_ok(&to))
        return mse_fail_memory(err);
    cli_put(l->cli, &to);
    return true;
}

/* The ring forgets its oldest records: that is no gap. */
static void name_gap(struct logs *l, uint64_t sequence)
{
    uint64_t first = l->last + 1, last = sequence - 1;

    if (first < last && l->last > 0)
        cli_note(l->cli, "warning: records %" PRIu64 " to %" PRIu64 " are missing", first, last);
    else if (first == last && l->last > 0)
        cli_note(l->cli, "warning: record %" PRIu64 " is missing", first);
    else if (first <= last)
        cli_note(l->cli, "note: records 1 to %" PRIu64 " are not in these files any more", last);
    l->last = sequence;
}

static bool print_entry(struct logs *l, const struct mse_log_entry *entry, struct mse_error *err)
{
    if (entry->lost > 0)
        cli_note(l->cli,
                 "warning: %" PRIu64 " bytes of output were lost before record %" PRIu64
                 ": they could not be written",
                 entry->lost, entry->sequence);
    if (l->json)
        return print_json(l, entry, err);
    if (l->times)
        print_times(l, entry);
    else
        print_text(l, entry);
    return true;
}

static bool print_record(struct logs *l, const struct mse_log_record *record, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer plain = { 0 };
    struct mse_error why = { 0 };
    struct mse_log_entry entry;
    bool ok = true;

    name_gap(l, record->sequence);
    if (!code_unseal(l->cli, l->owner->key, record->box, &plain, &why)) {
        if (why.code != MSE_ERR_SIGNATURE) {
            *err = why;
            return false;
        }
        l->foreign++;
        cli_note(l->cli, "warning: record %" PRIu64 " is for another key, or was changed",
                 record->sequence);
    } else if (!mse_log_entry_parse(mse_writer_bytes(&plain), &entry, &why) ||
               entry.sequence != record->sequence) {
        l->falsified++;
        cli_note(l->cli, "warning: record %" PRIu64 " is not what it says it is", record->sequence);
    } else {
        ok = print_entry(l, &entry, err);
    }
    if (plain.data != NULL)
        OPENSSL_cleanse(plain.data, plain.len);
    return ok;
}

/* ---- command ---- */

static bool run(struct logs *l, struct mse_error *err)
{
    for (size_t i = 0; i < l->files.count; i++) {
        if (!read_file(l, i, err))
            return false;
    }
    if (!release_key_load(l->cli, l->key, l->password_file, &l->owner, err))
        return false;
    if (l->count > 0)
        qsort(l->records, l->count, sizeof(*l->records), by_sequence);
    l->is_new_line = true;
    for (size_t i = 0; i < l->count; i++) {
        if (!is_copy(l, i) && !print_record(l, &l->records[i], err))
            return false;
    }
    if (l->foreign + l->falsified == 0)
        return true;
    return mse_fail_text(err, MSE_ERR_MISMATCH, "log",
                         "%zu of %zu records did not open with this key, %zu are falsified",
                         l->foreign, l->count, l->falsified);
}

enum exit_code cmd_logs(struct cli *cli, int argc, char **argv)
{
    struct logs l = { .cli = cli };
    const struct option_row table[] = {
        { "--file", "FILE", "what the operator handed over (may be repeated)", OPTION_LIST,
          &l.files, NULL, false },
        { "--key", "FILE", "the owner's secret key", OPTION_TEXT, &l.key, NULL, false },
        { "--password-file", "FILE", "its password is in this file", OPTION_TEXT, &l.password_file,
          NULL, false },
        { "--times", NULL, "each line with the time of its record", OPTION_FLAG, &l.times, NULL,
          false },
        { "--json", NULL, "one JSON object for each record, in a line of its own", OPTION_FLAG,
          &l.json, NULL, false },
    };
    struct option_row rows[sizeof(table) / sizeof(table[0])];
    struct mse_error err = { 0 };
    bool helped = false, ok;
    size_t count = 0;

    memcpy(rows, table, sizeof(table));
    ok = options_read(cli, COMMAND, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, NULL, 0,
                      &count, &helped, &err);
    if (ok && !helped && l.files.count == 0)
        ok = mse_fail_text(&err, MSE_ERR_USAGE, "--file", "is needed");
    if (ok && !helped && l.key == NULL)
        ok = mse_fail_text(&err, MSE_ERR_USAGE, "--key", "is needed");
    if (ok && !helped)
        ok = run(&l, &err);
    logs_cleanup(&l);
    return ok ? EXIT_YES : cli_fail(cli, &err);
}
