/* SPDX-License-Identifier: Apache-2.0 */
/* What every command gets: streams, clock, places; and the exit statuses (DESIGN of the CLI). */
#ifndef MSE_CLI_CLI_H
#define MSE_CLI_CLI_H

#include <stdio.h>

#include "base/bytes.h"

enum exit_code {
    EXIT_YES = 0,
    EXIT_NO = 1,      /* a check failed, no evidence, wrong shape, answered no */
    EXIT_USAGE = 2,   /* wrong usage: no traffic happened */
    EXIT_UNKNOWN = 3, /* cannot tell: unreachable, timeout, collateral missing or expired */
    EXIT_LOCAL = 4    /* disk, permission, memory */
};

/* The environment is read once, in main.c. Strings are borrowed; "" where unset. */
struct command;
struct cli {
    const struct command *commands; /* the table, which help reads */
    FILE *in, *out, *err;
    int64_t now;
    bool is_terminal; /* input: may ask */
    const char *home, *config_home, *cache_home, *state_home;
    const char *https_proxy, *no_proxy;
    /* Any other variable of the environment, for templates; NULL where unset. */
    const char *(*variable)(const char *name);
    const bool *json_errors; /* set while a command runs: true prints errors as JSON on out too */
    char program_dir[4096];  /* where this program lies, "" if unknown */
};

struct command {
    const char *name; /* words after the program's name */
    const char *args;
    const char *summary; /* help, man page and completion show this one line */
    enum exit_code (*run)(struct cli *cli, int argc, char **argv);
};
extern const struct command mse_commands[];

enum exit_code cmd_cloud_verify(struct cli *cli, int argc, char **argv);
enum exit_code cmd_trust_operator(struct cli *cli, int argc, char **argv);
enum exit_code cmd_configure(struct cli *cli, int argc, char **argv);
enum exit_code cmd_logs(struct cli *cli, int argc, char **argv);
enum exit_code cmd_seal(struct cli *cli, int argc, char **argv);
enum exit_code cmd_verify(struct cli *cli, int argc, char **argv);
enum exit_code cmd_show(struct cli *cli, int argc, char **argv);
enum exit_code cmd_collateral_fetch(struct cli *cli, int argc, char **argv);
enum exit_code cmd_collateral_show(struct cli *cli, int argc, char **argv);
enum exit_code cmd_collateral_check(struct cli *cli, int argc, char **argv);
enum exit_code cmd_connect(struct cli *cli, int argc, char **argv);
enum exit_code cmd_context(struct cli *cli, int argc, char **argv);
enum exit_code cmd_localtest(struct cli *cli, int argc, char **argv);
enum exit_code cmd_fingerprint(struct cli *cli, int argc, char **argv);
enum exit_code cmd_package(struct cli *cli, int argc, char **argv);
enum exit_code cmd_unpack(struct cli *cli, int argc, char **argv);
enum exit_code cmd_runtime_describe(struct cli *cli, int argc, char **argv);
enum exit_code cmd_runtime_diff(struct cli *cli, int argc, char **argv);
enum exit_code cmd_keygen(struct cli *cli, int argc, char **argv);
enum exit_code cmd_release_sign(struct cli *cli, int argc, char **argv);
enum exit_code cmd_release_show(struct cli *cli, int argc, char **argv);
enum exit_code cmd_release_verify(struct cli *cli, int argc, char **argv);
enum exit_code cmd_sgx_manifest(struct cli *cli, int argc, char **argv);
enum exit_code cmd_sgx_measure(struct cli *cli, int argc, char **argv);
enum exit_code cmd_sgx_sign(struct cli *cli, int argc, char **argv);
enum exit_code cmd_sgx_show(struct cli *cli, int argc, char **argv);
enum exit_code cmd_completion(struct cli *cli, int argc, char **argv);
enum exit_code cmd_help(struct cli *cli, int argc, char **argv);

/* Prints "mse: ..." and maps the error to its exit status: the one place that does. */
enum exit_code cli_fail(struct cli *cli, const struct mse_error *err);
enum exit_code cli_code_of(enum mse_err_code code);
/* A result to standard output; main says if it could not be written. */
void cli_put(struct cli *cli, const struct mse_writer *text);
void cli_note(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
