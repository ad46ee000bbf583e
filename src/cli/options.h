/* SPDX-License-Identifier: Apache-2.0 */
/* Options are data: name, value, help, target. One given twice is an error unless it is a list. */
#ifndef MSE_CLI_OPTIONS_H
#define MSE_CLI_OPTIONS_H

#include "cli/cli.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST, OPTION_POLICY };

#define OPTION_LIST_MAX 256
struct option_list {
    const char *of[OPTION_LIST_MAX];
    size_t count;
};

struct option_row;
/* Policy options wait here until the policy file, which they override, was read. */
struct option_pending {
    struct {
        const struct option_row *row;
        const char *value;
    } of[OPTION_LIST_MAX];
    size_t count;
};

struct option_row {
    const char *name;  /* with dashes */
    const char *value; /* placeholder; NULL for a flag */
    const char *help;
    enum option_kind kind;
    void *target; /* bool *, const char **, struct option_list *; struct option_pending * */
    const char *policy_key; /* POLICY */
    bool given;
};

/*
 * Reads argv[0..argc-1] (behind the command's words). Positional arguments go to args. "--help"
 * prints usage and sets *helped. Everything is checked here, before any side effect.
 */
MSE_MUST_CHECK bool options_read(struct cli *cli, const char *command, struct option_row *rows,
                                 size_t count, int argc, char **argv, const char **args,
                                 size_t max_args, size_t *arg_count, bool *helped,
                                 struct mse_error *err);

#endif
