/* SPDX-License-Identifier: Apache-2.0 */
/* The mse program: one table of commands. Clock and environment are read here and nowhere else. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "cli/cli.h"

/* clang-format off */
const struct command mse_commands[] = {
    { "cloud verify", "DOMAIN[:PORT] [options]", "check an app before you call it, and save its certificate", cmd_cloud_verify },
    { "cloud trust-operator", "FILE|URL [options]", "store whose enclaves you expect", cmd_trust_operator },
    { "cloud configure", "DOMAIN[:PORT] --key FILE [options]", "tell a verified instance its code key and secrets", cmd_configure },
    { "cloud connect", "DOMAIN[:PORT] [options]", "talk to an app over a connection that ends in its enclave", cmd_connect },
    { "connect", "DOMAIN[:PORT] [options]", "the same as cloud connect", cmd_connect },
    { "cloud logs", "--file FILE... --key FILE [options]", "open an app's output that the operator hands over", cmd_logs },
    { "cloud seal", "DOMAIN[:PORT] --secrets FILE --output FILE [options]", "seal secrets that only a verified instance can open", cmd_seal },
    { "verify", "--certificate FILE|--quote FILE|--report FILE|--evidence FILE [options]", "judge a file: certificate, quote, report or evidence bundle", cmd_verify },
    { "show", "FILE|DOMAIN[:PORT] [options]", "say what is in a certificate, quote, report or bundle; judges nothing", cmd_show },
    { "collateral fetch", "FILE|DOMAIN[:PORT] --output FILE [options]", "fetch what judging it needs into one file", cmd_collateral_fetch },
    { "collateral show", "FILE... [options]", "say what a bundle holds and until when", cmd_collateral_show },
    { "collateral check", "FILE... [options]", "authenticate a bundle under the pinned roots", cmd_collateral_check },
    { "cloud context", "--list|--show ID|--remove ID|--purge|--export ID|--import FILE [options]", "what deployments left behind for computing their fingerprints again", cmd_context },
    { "context", "--list|--show ID|--remove ID|--purge|--export ID|--import FILE [options]", "the same as cloud context", cmd_context },
    { "cloud localtest", "[--path FILE] [options]", "run an app here, without a TEE, and its tests", cmd_localtest },
    { "localtest", "[--path FILE] [options]", "the same as cloud localtest", cmd_localtest },
    { "fingerprint", "--runtime FILE [--code DIR] [options]", "compute an app's fingerprint from its plain code", cmd_fingerprint },
    { "package", "[--output FILE|--list] [options]", "seal an app's code into a package that only the enclave can read", cmd_package },
    { "unpack", "FILE --output DIR [options]", "open a package with its code key", cmd_unpack },
    { "runtime describe", "ROOT|OCI-LAYOUT --name NAME --version VERSION --tee TEE --loader PATH [options]", "describe the runtime around an app, for its fingerprint", cmd_runtime_describe },
    { "runtime diff", "A B", "say in which files two runtime descriptions differ", cmd_runtime_diff },
    { "keygen", "[--output FILE] [options]", "make an owner's signing key (minisign)", cmd_keygen },
    { "release sign", "--key FILE --app NAME --output FILE [options]", "sign which fingerprints an app may have", cmd_release_sign },
    { "release show", "FILE", "say what a release states; checks nothing", cmd_release_show },
    { "release verify", "FILE --owner KEY [options]", "check a release's signature, dates and order", cmd_release_verify },
    { "sgx manifest", "TEMPLATE [OUTPUT] [options]", "make a Gramine manifest, as gramine-manifest does", cmd_sgx_manifest },
    { "sgx measure", "MANIFEST --libpal FILE [options]", "compute MRENCLAVE", cmd_sgx_measure },
    { "sgx sign", "MANIFEST --libpal FILE --key FILE --output FILE [options]", "measure and sign an enclave, as gramine-sgx-sign does", cmd_sgx_sign },
    { "sgx show", "FILE", "say what is in a SIGSTRUCT (.sig) file, and whether it holds", cmd_sgx_show },
    { "completion", "bash|zsh", "print a completion script for a shell", cmd_completion },
    { "help", "[COMMAND]", "say how to use mse", cmd_help },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */

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

static const char *variable(const char *name)
{
    return getenv(name);
}

static struct cli make_cli(void)
{
    struct cli cli = { .commands = mse_commands, .in = stdin, .out = stdout, .err = stderr };
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
    cli.state_home = env("XDG_STATE_HOME");
    cli.https_proxy = env("https_proxy")[0] != '\0' ? env("https_proxy") : env("HTTPS_PROXY");
    cli.no_proxy = env("no_proxy")[0] != '\0' ? env("no_proxy") : env("NO_PROXY");
    cli.variable = variable;
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
    if (fflush(cli.out) != 0 || ferror(cli.out) != 0) {
        cli_note(&cli, "mse: cannot write the output");
        if (code == EXIT_YES)
            code = EXIT_LOCAL;
    }
    return (int)code;
}
