/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes of a local run: each leads a process group, which ends with it. */
#ifndef MSE_CLI_LOCAL_CHILD_H
#define MSE_CLI_LOCAL_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "base/bytes.h"

struct local_variable {
    const char *name, *value; /* value NULL: unset */
};

struct local_child_options {
    const char *const *argv; /* the first word is searched in PATH if it has no slash */
    char *const *envp;       /* all that there is; NULL: what this program has, and */
    const struct local_variable *variables;
    size_t variable_count;
    const char *directory;   /* working directory */
    const sigset_t *signals; /* the mask that the program began with */
    int output;              /* stdout and stderr of the child; -1: those of this program */
};

struct local_child {
    pid_t pid;    /* 0: none */
    int ended_fd; /* can be read when it has ended */
};
#define LOCAL_CHILD_NONE ((struct local_child){ 0, -1 })

/* From now on whatever a child leaves behind becomes a child of this process. */
void local_children_adopt(void);
/* MSE_ERR_VALUE if there is nothing that can be run. Standard input is empty. */
MSE_MUST_CHECK bool local_child_start(const struct local_child_options *options,
                                      struct local_child *out, struct mse_error *err);
/* It stays until local_child_stop. *status: as waitpid(2) gives it. */
bool local_child_has_ended(const struct local_child *child, int *status);
/* SIGTERM to the group, after grace_ms or when its leader has ended SIGKILL. */
void local_child_stop(struct local_child *child, unsigned grace_ms);
/* Kills all children there are, and theirs. */
void local_children_kill(void);

#endif
