/* SPDX-License-Identifier: Apache-2.0 */
/* The mse program: one table of commands. Clock and environment are read here and nowhere else. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli/cli.h"

/* clang-format off */
const struct command mse_commands[] = {
    { "cloud verify", "DOMAIN[:PORT] [options]", "check an app before you call it, and save its certificate", cmd_cloud_verify },
    { "cloud trust-operator", "FILE|URL [options]", "store whose enclaves you expect", cmd_trust_operator },
    { "verify", "--certificate FILE|--quote FILE|--report FILE|--evidence FILE [options]", "judge a file: certificate, quote, report or evidence bundle", cmd_verify },
    { "show", "FILE|DOMAIN[:PORT] [options]", "say what is in a certificate, quote, report or bundle; judges nothing", cmd_show },
    { "collateral fetch", "FILE|DOMAIN[:PORT] --output FILE [options]", "fetch what judging it needs into one file", cmd_collateral_fetch },
    { "collateral show", "FILE... [options]", "say what a bundle holds and until when", cmd_collateral_show },
    { "collateral check", "FILE... [options]", "authenticate a bundle under the pinned roots", cmd_collateral_check },
    { "completion", "bash|zsh", "print a completion script for a shell", cmd_completion },
    { "help", "[COMMAND]", "say how to use mse", cmd_help },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */

enum exit_code cli_code_of(enum mse_err_code code)
{
    switch (code) {
    case MSE_ERR_NONE:
        return EXIT_YES;
    case MSE_ERR_MEMORY:
    case MSE_ERR_CRYPTO:
    case MSE_ERR_IO:
    case MSE_ERR_EXISTS:
        return EXIT_LOCAL;
    case MSE_ERR_NETWORK:
    case MSE_ERR_TIMEOUT:
    case MSE_ERR_TLS:
    case MSE_ERR_HTTP:
        return EXIT_UNKNOWN;
    case MSE_ERR_USAGE:
    case MSE_ERR_UNKNOWN_KEY:
        return EXIT_USAGE;
    case MSE_ERR_TRUNCATED:
    case MSE_ERR_TRAILING:
    case MSE_ERR_FORMAT:
    case MSE_ERR_VALUE:
    case MSE_ERR_UNSUPPORTED:
    case MSE_ERR_LIMIT:
    case MSE_ERR_DUPLICATE:
    case MSE_ERR_MISSING:
    case MSE_ERR_SIGNATURE:
    case MSE_ERR_CHAIN:
    case MSE_ERR_ROOT:
    case MSE_ERR_REVOKED:
    case MSE_ERR_EXPIRED:
    case MSE_ERR_NOT_YET_VALID:
    case MSE_ERR_MISMATCH:
    case MSE_ERR_BINDING:
    case MSE_ERR_TCB:
    case MSE_ERR_POLICY:
    case MSE_ERR_SIMULATED:
    case MSE_ERR_NO_EVIDENCE:
        return EXIT_NO;
    }
    return EXIT_NO;
}

static void print_json_error(struct cli *cli, const struct mse_error *err)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-error-v1");
    mse_json_put_text(&w, "code", mse_err_name(err->code));
    mse_json_put_bytes_text(&w, "subject", MSE_CSTR_BYTES(err->field));
    mse_json_put_bytes_text(&w, "message", MSE_CSTR_BYTES(err->text));
    mse_json_close_object(&w);
    mse_write_text(&to, "\n");
    if (mse_writer_ok(&to))
        (void)fwrite(to.data, 1, to.len, cli->out);
    mse_writer_cleanup(&to);
}

enum exit_code cli_fail(struct cli *cli, const struct mse_error *err)
{
    char line[1024], plain[256];

    /* Of a wrong command line the words say enough; of bytes the class and the place help. */
    if (err->code == MSE_ERR_USAGE && err->field[0] != '\0' && err->text[0] != '\0')
        cli_note(cli, "mse: %s: %s", mse_escape(MSE_CSTR_BYTES(err->field), plain, sizeof(plain)),
                 mse_escape(MSE_CSTR_BYTES(err->text), line, sizeof(line)));
    else
        cli_note(cli, "mse: %s", mse_error_describe(err, line, sizeof(line)));
    if (cli->json_errors != NULL && *cli->json_errors)
        print_json_error(cli, err);
    return cli_code_of(err->code == MSE_ERR_NONE ? MSE_ERR_CRYPTO : err->code);
}

void cli_note(struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(cli->err, format, args);
    va_end(args);
    (void)fputc('\n', cli->err);
}

/* The longest command whose words begin argv; *words is how many. */
static const struct command *find_command(int argc, char **argv, int *words)
{
    const struct command *found = NULL;

    *words = 0;
    for (const struct command *c = mse_commands; c->name != NULL; c++) {
        const char *rest = c->name;
        int i = 0;

        for (;;) {
            size_t len = strcspn(rest, " ");

            if (i >= argc || strlen(argv[i]) != len || strncmp(argv[i], rest, len) != 0)
                break;
            i++;
            if (rest[len] == '\0') {
                if (i > *words) {
                    found = c;
                    *words = i;
                }
                break;
            }
            rest += len + 1;
        }
    }
    return found;
}

/* A first word alone ("cloud"): lists the commands that begin with it. */
static bool list_group(struct cli *cli, const char *word)
{
    size_t len = strlen(word);
    bool found = false;

    for (const struct command *c = mse_commands; c->name != NULL; c++) {
        if (strncmp(c->name, word, len) != 0 || c->name[len] != ' ')
            continue;
        if (!found)
            cli_note(cli, "mse %s is one of:", word);
        cli_note(cli, "  %-22s %s", c->name, c->summary);
        found = true;
    }
    return found;
}

enum exit_code cmd_help(struct cli *cli, int argc, char **argv)
{
    static char option[] = "--help";
    char *only_help[] = { option, NULL };
    const struct command *command;
    int words = 0;

    if (argc > 0 && strcmp(argv[0], "--help") != 0 && strcmp(argv[0], "-h") != 0) {
        command = find_command(argc, argv, &words);
        if (command != NULL && words == argc && command->run != cmd_help)
            return command->run(cli, 1, only_help);
        if (command == NULL && !(argc == 1 && list_group(cli, argv[0])))
            cli_note(cli, "mse: no command is named \"%.80s\"", argv[0]);
        return EXIT_USAGE;
    }
    (void)fputs("usage: mse COMMAND [ARGUMENT...]\n\n"
                "Verify what an attested service runs on, and what it runs, before you call it.\n\n"
                "commands:\n",
                cli->out);
    for (const struct command *c = mse_commands; c->name != NULL; c++)
        (void)fprintf(cli->out, "  %-22s %s\n", c->name, c->summary);
    (void)fputs("\n\"mse COMMAND --help\" shows the options of one; mse(1) has it all.\n",
                cli->out);
    return EXIT_YES;
}

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "";
}

static struct cli make_cli(void)
{
    struct cli cli = { .in = stdin, .out = stdout, .err = stderr };
    ssize_t len = readlink("/proc/self/exe", cli.program_dir, sizeof(cli.program_dir) - 1);

    if (len < 0)
        len = 0;
    while (len > 0 && cli.program_dir[len - 1] != '/')
        len--;
    cli.program_dir[len] = '\0';
    cli.now = (int64_t)time(NULL);
    cli.is_terminal = isatty(STDIN_FILENO) == 1;
    cli.home = env("HOME");
    cli.config_home = env("XDG_CONFIG_HOME");
    cli.cache_home = env("XDG_CACHE_HOME");
    cli.https_proxy = env("https_proxy")[0] != '\0' ? env("https_proxy") : env("HTTPS_PROXY");
    cli.no_proxy = env("no_proxy")[0] != '\0' ? env("no_proxy") : env("NO_PROXY");
    return cli;
}

int main(int argc, char **argv)
{
    struct cli cli = make_cli();
    const struct command *command;
    enum exit_code code;
    int words = 0;

    /* A peer or a reader that goes away is an error with an exit status, not the end. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)cmd_help(&cli, 0, NULL);
        code = argc < 2 ? EXIT_USAGE : EXIT_YES;
    } else if (strcmp(argv[1], "--version") == 0) {
        (void)fprintf(cli.out, "mse %s\n", mse_version());
        code = EXIT_YES;
    } else if ((command = find_command(argc - 1, argv + 1, &words)) != NULL) {
        code = command->run(&cli, argc - 1 - words, argv + 1 + words);
    } else if (argc == 2 && list_group(&cli, argv[1])) {
        code = EXIT_USAGE;
    } else {
        char shown[96];

        cli_note(&cli, "mse: no command is named \"%s\" (see mse help)",
                 mse_escape(MSE_CSTR_BYTES(argv[1]), shown, sizeof(shown)));
        code = EXIT_USAGE;
    }
    /* A result that could not be written was not given. */
    if ((fflush(cli.out) != 0 || ferror(cli.out) != 0) && code == EXIT_YES) {
        cli_note(&cli, "mse: cannot write the output");
        code = EXIT_LOCAL;
    }
    return (int)code;
}
