/* SPDX-License-Identifier: Apache-2.0 */
/* mse completion: scripts for bash and zsh, made from the table of commands. */
#include "cli/cli.h"

static void words_after(struct cli *cli, const char *prefix)
{
    size_t len = strlen(prefix);

    for (const struct command *c = mse_commands; c->name != NULL; c++) {
        if (strncmp(c->name, prefix, len) != 0)
            continue;
        (void)fprintf(cli->out, " %.*s", (int)strcspn(c->name + len, " "), c->name + len);
    }
}

static void print_bash(struct cli *cli)
{
    (void)fputs("_mse() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}\n"
                "    case $command in cloud|collateral) command+=\" ${COMP_WORDS[2]}\" ;; esac\n"
                "    if [[ $COMP_CWORD -eq 1 ]]; then\n"
                "        COMPREPLY=($(compgen -W \"",
                cli->out);
    words_after(cli, "");
    (void)fputs("\" -- \"$cur\"))\n"
                "    elif [[ $COMP_CWORD -eq 2 && ${COMP_WORDS[1]} == cloud ]]; then\n"
                "        COMPREPLY=($(compgen -W \"",
                cli->out);
    words_after(cli, "cloud ");
    (void)fputs("\" -- \"$cur\"))\n"
                "    elif [[ $COMP_CWORD -eq 2 && ${COMP_WORDS[1]} == collateral ]]; then\n"
                "        COMPREPLY=($(compgen -W \"",
                cli->out);
    words_after(cli, "collateral ");
    (void)fputs("\" -- \"$cur\"))\n"
                "    elif [[ $cur == -* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$(mse $command --help 2>/dev/null |\n"
                "            sed -n 's/^  \\(--[a-z0-9-]*\\).*/\\1/p')\" -- \"$cur\"))\n"
                "    else\n"
                "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                "    fi\n"
                "}\n"
                "complete -F _mse mse\n",
                cli->out);
}

enum exit_code cmd_completion(struct cli *cli, int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "bash") == 0) {
        print_bash(cli);
        return EXIT_YES;
    }
    if (argc == 1 && strcmp(argv[0], "zsh") == 0) {
        (void)fputs("autoload -U +X bashcompinit && bashcompinit\n", cli->out);
        print_bash(cli);
        return EXIT_YES;
    }
    if (argc == 1 && strcmp(argv[0], "--help") == 0) {
        (void)fputs("usage: mse completion bash|zsh\n", cli->out);
        return EXIT_YES;
    }
    cli_note(cli, "mse: completion wants bash or zsh");
    return EXIT_USAGE;
}
