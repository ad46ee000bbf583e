/* SPDX-License-Identifier: Apache-2.0 */
/* Option reading over a table of rows. */
#include "cli/options.h"

#include "base/encode.h"

static void print_help(struct cli *cli, const char *command, const struct option_row *rows,
                       size_t count)
{
    for (const struct command *c = cli->commands; c->name != NULL; c++) {
        if (strcmp(c->name, command) == 0)
            (void)fprintf(cli->out, "usage: mse %s %s\n%s\n", c->name, c->args, c->summary);
    }
    if (count > 0)
        (void)fputs("\noptions:\n", cli->out);
    for (size_t i = 0; i < count; i++) {
        char left[64];

        (void)snprintf(left, sizeof(left), "%s%s%s", rows[i].name, rows[i].value != NULL ? " " : "",
                       rows[i].value != NULL ? rows[i].value : "");
        (void)fprintf(cli->out, "  %-34s %s\n", left, rows[i].help);
    }
}

static struct option_row *find(struct option_row *rows, size_t count, const char *word, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(rows[i].name) == len && strncmp(rows[i].name, word, len) == 0)
            return &rows[i];
    }
    return NULL;
}

static bool keep_pending(struct option_row *row, const char *value, struct mse_error *err)
{
    struct option_pending *pending = row->target;

    if (pending->count == OPTION_LIST_MAX)
        return mse_fail_text(err, MSE_ERR_USAGE, row->name, "too many policy options");
    pending->of[pending->count].row = row;
    pending->of[pending->count++].value = value;
    return true;
}

static bool apply(struct option_row *row, const char *value, struct mse_error *err)
{
    struct option_list *list = row->target;

    if (row->given && row->kind != OPTION_LIST && row->kind != OPTION_POLICY)
        return mse_fail_text(err, MSE_ERR_USAGE, row->name, "given twice");
    row->given = true;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)row->target = true;
        return true;
    case OPTION_TEXT:
        *(const char **)row->target = value;
        return true;
    case OPTION_LIST:
        if (list->count == OPTION_LIST_MAX)
            return mse_fail_text(err, MSE_ERR_USAGE, row->name, "given too often");
        list->of[list->count++] = value;
        return true;
    case OPTION_POLICY:
        return keep_pending(row, row->value == NULL ? "true" : value, err);
    }
    return mse_fail_text(err, MSE_ERR_USAGE, row->name, "cannot be set");
}

bool options_read(struct cli *cli, const char *command, struct option_row *rows, size_t count,
                  int argc, char **argv, const char **args, size_t max_args, size_t *arg_count,
                  bool *helped, struct mse_error *err)
{
    bool only_args = false;
    char shown[80];

    *arg_count = 0;
    *helped = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        const char *equals = strchr(word, '=');
        size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
        struct option_row *row;

        if (only_args || word[0] != '-' || word[1] == '\0') {
            if (*arg_count == max_args)
                return mse_fail_text(err, MSE_ERR_USAGE, command, "does not take \"%s\"",
                                     mse_escape(MSE_CSTR_BYTES(word), shown, sizeof(shown)));
            args[(*arg_count)++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_args = true;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            print_help(cli, command, rows, count);
            *helped = true;
            return true;
        }
        row = find(rows, count, word, len);
        if (row == NULL)
            return mse_fail_text(err, MSE_ERR_USAGE, command, "has no option \"%s\" (see --help)",
                                 mse_escape(MSE_CSTR_BYTES(word), shown, sizeof(shown)));
        if ((row->value == NULL) && equals != NULL)
            return mse_fail_text(err, MSE_ERR_USAGE, row->name, "takes no value");
        if (row->value != NULL && equals == NULL && i + 1 >= argc)
            return mse_fail_text(err, MSE_ERR_USAGE, row->name, "needs a value: %s", row->value);
        if (!apply(row, row->value == NULL ? NULL : equals != NULL ? equals + 1 : argv[++i], err))
            return false;
    }
    return true;
}
