/* SPDX-License-Identifier: Apache-2.0 */
/* The program's options: one table of what each takes, one struct of what was given. */
#include "simtee/options.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "simtee/collateral.h"

enum kind { FLAG, TEXT, INTEGER, HEX, TIME, WORD };

static const char *const revocations[] = { "pck", "ca", NULL };

static const struct row {
    const char *name;
    const char *value; /* how help calls it */
    const char *help;
    enum kind kind;
    int64_t min, max;         /* INTEGER; for HEX, max is the number of bytes */
    const char *const *words; /* WORD */
} rows[MSE_SIM_OPT_COUNT] = {
    /* clang-format off */
    [MSE_SIM_OPT_AT] = { "at", "TIME", "act as if it were this instant (2026-01-31T23:59:59Z)", TIME, 0, 0, NULL },
    [MSE_SIM_OPT_CONFIG_NAME] = { "config-name", "NAME", "config name in the instance statement (config.NAME)", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_DAYS] = { "days", "N", "how long it is valid (certificate: 90, at most 398; collateral: 30)", INTEGER, 1, 3650, NULL },
    [MSE_SIM_OPT_DEBUG] = { "debug", NULL, "the enclave runs in debug mode", FLAG, 0, 0, NULL },
    [MSE_SIM_OPT_DIR] = { "dir", "DIR", "working directory of the enclave: its instance file, package and state", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_UUID] = { "uuid", "UUID", "id of the instance (a random one)", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_EDGE] = { "edge", "ADDRESS/BITS", "whose PROXY headers are taken; may be repeated", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_EVAL] = { "eval", "N", "number of the TCB evaluation (20)", INTEGER, 0, UINT32_MAX, NULL },
    [MSE_SIM_OPT_FMSPC] = { "fmspc", "HEX", "family of the machine, 6 bytes (53696d544545)", HEX, 0, 6, NULL },
    [MSE_SIM_OPT_HELP] = { "help", NULL, "show this", FLAG, 0, 0, NULL },
    [MSE_SIM_OPT_ISSUED] = { "issued", "TIME", "instant of issue (now)", TIME, 0, 0, NULL },
    [MSE_SIM_OPT_ISV_SVN] = { "isv-svn", "N", "security version of the enclave (1)", INTEGER, 0, UINT16_MAX, NULL },
    [MSE_SIM_OPT_KEY] = { "key", "FILE", "where to write the private key", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_LISTEN] = { "listen", "ADDRESS:PORT", "where to listen (127.0.0.1:0, a free port)", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_MRENCLAVE] = { "mrenclave", "HEX", "measurement of the enclave, 32 bytes (that of the demo app)", HEX, 0, 32, NULL },
    [MSE_SIM_OPT_NAME] = { "name", "NAME", "host name or address; may be repeated, the first is the app's", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_NO_STATEMENT] = { "no-statement", NULL, "leave the operator's instance statement out", FLAG, 0, 0, NULL },
    [MSE_SIM_OPT_OTHER_KEY] = { "other-key", NULL, "the evidence is about another key (an attack, for tests)", FLAG, 0, 0, NULL },
    [MSE_SIM_OPT_OUTPUT] = { "output", "FILE", "where to write it; an existing file is replaced", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_PCS_LISTEN] = { "pcs-listen", "ADDRESS:PORT", "where to serve collateral (127.0.0.1:0, a free port)", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_PROCESSOR] = { "processor", NULL, "single-package machine: certified by the processor CA", FLAG, 0, 0, NULL },
    [MSE_SIM_OPT_QE_STATUS] = { "qe-status", "STATUS", "TCB status of the quoting enclave (UpToDate)", WORD, 0, 0, mse_sim_tcb_statuses },
    [MSE_SIM_OPT_QUOTE_MS] = { "quote-ms", "N", "how long a quote takes, in milliseconds (0)", INTEGER, 0, 30000, NULL },
    [MSE_SIM_OPT_REPORT_DATA] = { "report-data", "HEX", "what the enclave binds, 64 bytes", HEX, 0, 64, NULL },
    [MSE_SIM_OPT_REST] = { "", "ARGUMENT...", "what the enclave is started with: its app manifest", FLAG, 0, 0, NULL },
    [MSE_SIM_OPT_REVOKE] = { "revoke", "pck|ca", "revoke the machine's certificate, or the CA above it", WORD, 0, 0, revocations },
    [MSE_SIM_OPT_ROOT] = { "root", "DIR", "where the files of the runtime are (/)", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_RUNTIME] = { "runtime", "FILE", "runtime description, as mse runtime describe makes it", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_SEAL_KEY] = { "seal-key", "FILE", "where to write the X25519 private key", TEXT, 0, 0, NULL },
    [MSE_SIM_OPT_TCB_STATUS] = { "tcb-status", "STATUS", "TCB status of the machine (UpToDate)", WORD, 0, 0, mse_sim_tcb_statuses },
    /* clang-format on */
};

/* ---- values ------------------------------------------------------------------------------- */

static bool bad_value(enum mse_sim_option option, const char *value, const char *want,
                      struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_USAGE, rows[option].name, "'%s' is not %s", value, want);
}

static bool read_integer(enum mse_sim_option option, const char *value, int64_t *out,
                         struct mse_error *err)
{
    const struct row *row = &rows[option];
    size_t len = strlen(value);
    long long number;

    errno = 0;
    number = strtoll(value, NULL, 10);
    if (len == 0 || len > 18 || strspn(value, "0123456789") != len || errno != 0 ||
        number < row->min || number > row->max)
        return mse_fail_text(err, MSE_ERR_USAGE, row->name, "'%s' is no number from %lld to %lld",
                             value, (long long)row->min, (long long)row->max);
    *out = number;
    return true;
}

static bool read_word(enum mse_sim_option option, const char *value, struct mse_error *err)
{
    char known[256] = "";

    for (const char *const *word = rows[option].words; *word != NULL; word++) {
        if (strcmp(value, *word) == 0)
            return true;
        (void)snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
                       known[0] != '\0' ? ", " : "one of ", *word);
    }
    return bad_value(option, value, known, err);
}

static bool read_value(enum mse_sim_option option, const char *value, struct mse_sim_options *out,
                       struct mse_error *err)
{
    size_t len = (size_t)rows[option].max;
    char want[32];

    out->text[option] = value;
    switch (rows[option].kind) {
    case FLAG:
    case TEXT:
        return *value != '\0' || bad_value(option, value, "a value", err);
    case INTEGER:
        return read_integer(option, value, &out->number[option], err);
    case HEX:
        (void)snprintf(want, sizeof(want), "%zu hex digits", 2 * len);
        return mse_hex_read(value, strlen(value), out->bytes[option], len) ||
               bad_value(option, value, want, err);
    case TIME:
        return mse_time_read(value, strlen(value), &out->number[option]) ||
               bad_value(option, value, "an instant like 2026-01-31T23:59:59Z", err);
    case WORD:
        return read_word(option, value, err);
    }
    return bad_value(option, value, "understood", err);
}

/* ---- command line ------------------------------------------------------------------------- */

static bool is_listed(const enum mse_sim_option *list, enum mse_sim_option option)
{
    for (; *list != MSE_SIM_OPT_NONE; list++) {
        if (*list == option)
            return true;
    }
    return false;
}

/* word is what stands between "--" and the value. */
static enum mse_sim_option find(const char *word, size_t len, const enum mse_sim_option *allowed)
{
    for (enum mse_sim_option o = MSE_SIM_OPT_NONE + 1; o < MSE_SIM_OPT_COUNT; o++) {
        if (strlen(rows[o].name) == len && memcmp(rows[o].name, word, len) == 0)
            return o == MSE_SIM_OPT_HELP || is_listed(allowed, o) ? o : MSE_SIM_OPT_NONE;
    }
    return MSE_SIM_OPT_NONE;
}

/* Values of an option that may be repeated, NULL of another. */
static const char **list_of(enum mse_sim_option option, struct mse_sim_options *out, size_t **count,
                            size_t *max)
{
    if (option == MSE_SIM_OPT_NAME) {
        *count = &out->name_count;
        *max = MSE_ISSUE_MAX_NAMES;
        return out->names;
    }
    if (option == MSE_SIM_OPT_EDGE) {
        *count = &out->edge_count;
        *max = MSE_SIM_MAX_EDGES;
        return out->edges;
    }
    return NULL;
}

static bool note(enum mse_sim_option option, const char *value, struct mse_sim_options *out,
                 struct mse_error *err)
{
    size_t *count = NULL, max = 0;
    const char **list = list_of(option, out, &count, &max);

    if (list == NULL && out->given[option])
        return mse_fail_text(err, MSE_ERR_USAGE, rows[option].name, "given twice");
    out->given[option] = true;
    if (list == NULL)
        return true;
    if (*count == max)
        return mse_fail_text(err, MSE_ERR_USAGE, rows[option].name, "more than %zu", max);
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(list[i], value) == 0)
            return mse_fail_text(err, MSE_ERR_USAGE, rows[option].name, "'%s' given twice", value);
    }
    list[(*count)++] = value;
    return true;
}

/* --name VALUE and --name=VALUE. *at is the word's index; a value of its own moves it on. */
static bool read_option(int argc, char **argv, int *at, const enum mse_sim_option *allowed,
                        struct mse_sim_options *out, struct mse_error *err)
{
    const char *word = argv[*at] + 2;
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : NULL;
    enum mse_sim_option option = find(word, len, allowed);

    if (option == MSE_SIM_OPT_NONE)
        return mse_fail_text(err, MSE_ERR_USAGE, argv[*at], "no such option");
    if (rows[option].kind == FLAG) {
        if (value != NULL)
            return mse_fail_text(err, MSE_ERR_USAGE, rows[option].name, "takes no value");
        return note(option, "", out, err);
    }
    if (value == NULL && *at + 1 < argc)
        value = argv[++*at];
    if (value == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, rows[option].name, "needs a value (%s)",
                             rows[option].value);
    return note(option, value, out, err) && read_value(option, value, out, err);
}

static bool read_words(int argc, char **argv, const enum mse_sim_option *allowed,
                       struct mse_sim_options *out, struct mse_error *err)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0 && is_listed(allowed, MSE_SIM_OPT_REST)) {
            out->rest = (const char *const *)argv + i + 1;
            out->rest_count = (size_t)(argc - i - 1);
            out->given[MSE_SIM_OPT_REST] = out->rest_count > 0;
            return true;
        }
        if (strncmp(argv[i], "--", 2) == 0) {
            if (!read_option(argc, argv, &i, allowed, out, err))
                return false;
        } else if (argv[i][0] == '-' || argv[i][0] == '\0') {
            return mse_fail_text(err, MSE_ERR_USAGE, "arguments", "'%s' is not understood",
                                 argv[i]);
        } else if (out->dir != NULL) {
            return mse_fail_text(err, MSE_ERR_USAGE, "arguments", "'%s' is one too many", argv[i]);
        } else {
            out->dir = argv[i];
        }
    }
    return true;
}

bool mse_sim_options_read(int argc, char **argv, const enum mse_sim_option *allowed,
                          const enum mse_sim_option *required, struct mse_sim_options *out,
                          struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    if (!read_words(argc, argv, allowed, out, err))
        return false;
    if (out->given[MSE_SIM_OPT_HELP])
        return true;
    if (out->dir == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "arguments",
                             "the platform's directory is missing");
    for (; *required != MSE_SIM_OPT_NONE; required++) {
        if (!out->given[*required])
            return mse_fail_text(err, MSE_ERR_USAGE, rows[*required].name, "--%s %s is missing",
                                 rows[*required].name, rows[*required].value);
    }
    return true;
}

void mse_sim_options_help(const enum mse_sim_option *allowed, FILE *out)
{
    for (; *allowed != MSE_SIM_OPT_NONE; allowed++) {
        const struct row *row = &rows[*allowed];
        char left[40];

        (void)snprintf(left, sizeof(left), "--%s%s%s", row->name, row->value != NULL ? " " : "",
                       row->value != NULL ? row->value : "");
        (void)fprintf(out, "  %-26s %s\n", left, row->help);
    }
}
