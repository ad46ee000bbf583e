/* SPDX-License-Identifier: Apache-2.0 */
/* mse completion: scripts for bash and zsh, made from the table of commands. */
#include "cli/cli.h"

/* The first command whose first word is that of c. */
static bool begins_group(const struct command *c)
{
    size_t len = strcspn(c->name, " ");

    for (const struct command *d = mse_commands; d != c; d++) {
        if (strncmp(d->name, c->name, len) == 0 && (d->name[len] == ' ' || d->name[len] == '\0'))
            return false;
    }
    return true;
}

static bool has_second_word(const struct command *c)
{
    return strchr(c->name, ' ') != NULL;
}

/* First words, or with group the second words of the commands that begin with that one's. */
static void print_words(struct cli *cli, const struct command *group)
{
    size_t len = group != NULL ? strcspn(group->name, " ") + 1 : 0;

    for (const struct command *c = mse_commands; c->name != NULL; c++) {
        if (group != NULL ? strncmp(c->name, group->name, len) != 0 : !begins_group(c))
            continue;
        (void)fprintf(cli->out, " %.*s", (int)strcspn(c->name + len, " "), c->name + len);
    }
}

static void print_groups(struct cli *cli)
{
    const char *between = "";

    for (const struct command *c = mse_commands; c->name != NULL; c++) {
        if (!has_second_word(c) || !begins_group(c))
            continue;
        (void)fprintf(cli->out, "%s%.*s", between, (int)strcspn(c->name, " "), c->name);
        between = "|";
    }
}

static void print_bash(struct cli *cli)
{
    (void)fputs("_mse() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}\n"
                "    case $command in ",
                cli->out);
    print_groups(cli);
    (void)fputs(") command+=\" ${COMP_WORDS[2]}\" ;; esac\n"
                "    if [[ $COMP_CWORD -eq 1 ]]; then\n"
                "        COMPREPLY=($(compgen -W \"",
                cli->out);
    print_words(cli, NULL);
    for (const struct command *c = mse_commands; c->name != NULL; c++) {
        if (!has_second_word(c) || !begins_group(c))
            continue;
        (void)fprintf(cli->out,
                      "\" -- \"$cur\"))\n"
                      "    elif [[ $COMP_CWORD -eq 2 && ${COMP_WORDS[1]} == %.*s ]]; then\n"
                      "        COMPREPLY=($(compgen -W \"",
                      (int)strcspn(c->name, " "), c->name);
        print_words(cli, c);
    }
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
