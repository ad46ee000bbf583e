/* SPDX-License-Identifier: Apache-2.0 */
/* mse-simtee: a simulated TEE platform for development, tests and the demo. */
#include <time.h>

#include "simtee/cli.h"

enum exit_code { EXIT_DONE = 0, EXIT_WRONG_USAGE = 2, EXIT_LOCAL = 4 };

#define LIST(...) ((const enum mse_sim_option[]){ __VA_ARGS__, MSE_SIM_OPT_NONE })
#define NOTHING ((const enum mse_sim_option[]){ MSE_SIM_OPT_NONE })
#define CERTIFICATE_OPTIONS                                                                        \
    MSE_SIM_OPT_NAME, MSE_SIM_OPT_DAYS, MSE_SIM_OPT_MRENCLAVE, MSE_SIM_OPT_DEBUG,                  \
        MSE_SIM_OPT_ISV_SVN, MSE_SIM_OPT_OTHER_KEY, MSE_SIM_OPT_NO_STATEMENT,                      \
        MSE_SIM_OPT_CONFIG_NAME, MSE_SIM_OPT_AT

static const struct command {
    const char *name;
    const char *args;
    const char *summary; /* help and man page show this one line */
    mse_sim_command *run;
    const enum mse_sim_option *allowed, *required;
} commands[] = {
    { "init", "DIR [OPTION...]", "make a new simulated platform", mse_sim_cmd_init,
      LIST(MSE_SIM_OPT_FMSPC, MSE_SIM_OPT_TCB_STATUS, MSE_SIM_OPT_PROCESSOR, MSE_SIM_OPT_AT),
      NOTHING },
    { "collateral", "DIR --output FILE [OPTION...]", "issue its collateral again, in any state",
      mse_sim_cmd_collateral,
      LIST(MSE_SIM_OPT_OUTPUT, MSE_SIM_OPT_TCB_STATUS, MSE_SIM_OPT_QE_STATUS, MSE_SIM_OPT_REVOKE,
           MSE_SIM_OPT_ISSUED, MSE_SIM_OPT_DAYS, MSE_SIM_OPT_EVAL, MSE_SIM_OPT_AT),
      LIST(MSE_SIM_OPT_OUTPUT) },
    { "quote", "DIR --report-data HEX --output FILE [OPTION...]", "sign a quote about any 64 bytes",
      mse_sim_cmd_quote,
      LIST(MSE_SIM_OPT_REPORT_DATA, MSE_SIM_OPT_OUTPUT, MSE_SIM_OPT_MRENCLAVE, MSE_SIM_OPT_DEBUG,
           MSE_SIM_OPT_ISV_SVN),
      LIST(MSE_SIM_OPT_REPORT_DATA, MSE_SIM_OPT_OUTPUT) },
    { "certificate", "DIR --name NAME --output FILE --key FILE [OPTION...]",
      "make the certificate of a simulated enclave", mse_sim_cmd_certificate,
      LIST(MSE_SIM_OPT_OUTPUT, MSE_SIM_OPT_KEY, MSE_SIM_OPT_SEAL_KEY, CERTIFICATE_OPTIONS),
      LIST(MSE_SIM_OPT_NAME, MSE_SIM_OPT_OUTPUT, MSE_SIM_OPT_KEY) },
    { "serve", "DIR --name NAME [OPTION...]", "serve an app and the collateral until SIGTERM",
      mse_sim_cmd_serve, LIST(MSE_SIM_OPT_LISTEN, MSE_SIM_OPT_PCS_LISTEN, CERTIFICATE_OPTIONS),
      LIST(MSE_SIM_OPT_NAME) },
    { "pcs", "DIR [OPTION...]", "serve the collateral until SIGTERM", mse_sim_cmd_pcs,
      LIST(MSE_SIM_OPT_LISTEN), NOTHING },
    { "run", "DIR --runtime FILE --dir DIR [OPTION...] -- ARGUMENT...",
      "measure an enclave, launch it and play its hardware", mse_sim_cmd_run,
      LIST(MSE_SIM_OPT_RUNTIME, MSE_SIM_OPT_ROOT, MSE_SIM_OPT_DIR, MSE_SIM_OPT_DEBUG,
           MSE_SIM_OPT_ISV_SVN, MSE_SIM_OPT_QUOTE_MS, MSE_SIM_OPT_NAME, MSE_SIM_OPT_CONFIG_NAME,
           MSE_SIM_OPT_UUID, MSE_SIM_OPT_DAYS, MSE_SIM_OPT_LISTEN, MSE_SIM_OPT_EDGE,
           MSE_SIM_OPT_REST),
      LIST(MSE_SIM_OPT_RUNTIME, MSE_SIM_OPT_DIR, MSE_SIM_OPT_REST) },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int64_t monotonic_ms(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void show_commands(FILE *out)
{
    (void)fprintf(out, "usage: mse-simtee COMMAND DIR [OPTION...]\n\n"
                       "A simulated TEE platform. It protects nothing from the machine it runs "
                       "on.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        (void)fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    (void)fprintf(out, "\nmse-simtee COMMAND --help tells more; mse-simtee --version.\n");
}

static void show_command(const struct command *command, FILE *out)
{
    (void)fprintf(out, "usage: mse-simtee %s %s\n\n%s\n\n", command->name, command->args,
                  command->summary);
    mse_sim_options_help(command->allowed, out);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

/* Output that did not arrive is a failure too. */
static enum exit_code finish(const struct mse_sim_cli *cli, enum exit_code code)
{
    if (fflush(cli->out) == 0 && ferror(cli->out) == 0)
        return code;
    (void)fprintf(cli->err, "mse-simtee: standard output cannot be written\n");
    return code == EXIT_DONE ? EXIT_LOCAL : code;
}

static enum exit_code fail(const struct mse_sim_cli *cli, const char *command,
                           const struct mse_error *err)
{
    char text[640];

    (void)fprintf(cli->err, "mse-simtee %s: %s\n", command,
                  mse_error_describe(err, text, sizeof(text)));
    return err->code == MSE_ERR_USAGE ? EXIT_WRONG_USAGE : EXIT_LOCAL;
}

static int run(const struct mse_sim_cli *cli, const struct command *command, int argc, char **argv)
{
    struct mse_sim_options options;
    struct mse_error err = { 0 };

    if (!mse_sim_options_read(argc, argv, command->allowed, command->required, &options, &err))
        return (int)fail(cli, command->name, &err);
    if (options.given[MSE_SIM_OPT_HELP]) {
        show_command(command, cli->out);
        return (int)finish(cli, EXIT_DONE);
    }
    (void)fprintf(cli->err,
                  "mse-simtee: warning: a simulated TEE protects nothing from its host\n");
    if (!command->run(cli, &options, &err))
        return (int)finish(cli, fail(cli, command->name, &err));
    return *cli->status != 0 ? *cli->status : (int)finish(cli, EXIT_DONE);
}

int main(int argc, char **argv)
{
    int status = 0;
    struct mse_sim_cli cli = {
        .out = stdout,
        .err = stderr,
        .now = (int64_t)time(NULL),
        .now_ms = monotonic_ms,
        .status = &status,
    };
    const struct command *command = argc > 1 ? find(argv[1]) : NULL;

    if (command != NULL)
        return run(&cli, command, argc - 2, argv + 2);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)fprintf(cli.out, "mse-simtee %s\n", mse_version());
        return (int)finish(&cli, EXIT_DONE);
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        show_commands(cli.out);
        return (int)finish(&cli, EXIT_DONE);
    }
    if (argc > 1)
        (void)fprintf(cli.err, "mse-simtee: no such command: '%s'\n", argv[1]);
    show_commands(cli.err);
    return EXIT_WRONG_USAGE;
}
