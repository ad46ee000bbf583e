/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and ending child processes with all that they start. */
#include "cli/local_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#define KILL_TRIES 500
#define KILL_PAUSE_MS 10

void local_children_adopt(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* ---- starting ---- */

static bool set_streams(const struct local_child_options *options)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    return nothing != -1 && dup2(nothing, STDIN_FILENO) != -1 &&
           (options->output == -1 || (dup2(options->output, STDOUT_FILENO) != -1 &&
                                      dup2(options->output, STDERR_FILENO) != -1));
}

static bool set_variables(const struct local_child_options *options)
{
    /* execvp(3) searches in the PATH of the new environment. */
    if (options->envp != NULL)
        environ = (char **)options->envp;
    for (size_t i = 0; options->envp == NULL && i < options->variable_count; i++) {
        const struct local_variable *v = &options->variables[i];

        if ((v->value != NULL ? setenv(v->name, v->value, 1) : unsetenv(v->name)) != 0)
            return false;
    }
    return true;
}

/* An app with an environment of its own gets nothing of this program's but its output. */
static void forget_all(void)
{
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    (void)umask(022);
    (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* In the child. What fails is told through report: an errno. */
static _Noreturn void become(const struct local_child_options *options, pid_t parent, int report)
{
    int number;

    /* If this program is killed its children are too. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent &&
        setpgid(0, 0) == 0 && set_streams(options) && chdir(options->directory) == 0 &&
        set_variables(options)) {
        /* What is ignored would stay so: these two are by this program. */
        (void)signal(SIGPIPE, SIG_DFL);
        (void)signal(SIGXFSZ, SIG_DFL);
        if (options->envp != NULL)
            forget_all();
        (void)sigprocmask(SIG_SETMASK, options->signals, NULL);
        (void)execvp(options->argv[0], (char *const *)options->argv);
    }
    number = errno;
    (void)!write(report, &number, sizeof(number));
    _exit(127);
}

/* The errno that the child tells, 0 if it became what it should. */
static int read_report(int fd)
{
    int number = 0;
    ssize_t n;

    do
        n = read(fd, &number, sizeof(number));
    while (n == -1 && errno == EINTR);
    return n == (ssize_t)sizeof(number) ? number : 0;
}

bool local_child_start(const struct local_child_options *options, struct local_child *out,
                       struct mse_error *err)
{
    const pid_t self = getpid();
    int report[2], number;

    *out = LOCAL_CHILD_NONE;
    if (pipe2(report, O_CLOEXEC) != 0)
        return mse_fail_errno(err, "pipe", "cannot be made", errno);
    out->pid = fork();
    if (out->pid == 0)
        become(options, self, report[1]);
    number = out->pid == -1 ? errno : 0;
    (void)close(report[1]);
    if (out->pid != -1)
        number = read_report(report[0]);
    (void)close(report[0]);
    if (out->pid == -1) {
        *out = LOCAL_CHILD_NONE;
        return mse_fail_errno(err, options->argv[0], "cannot be started", number);
    }
    out->ended_fd = (int)syscall(SYS_pidfd_open, out->pid, 0);
    if (number == 0 && out->ended_fd != -1)
        return true;
    if (number == 0)
        (void)mse_fail_errno(err, options->argv[0], "cannot be watched", errno);
    else
        (void)mse_fail_text(err, MSE_ERR_VALUE, options->argv[0], "cannot be started: %s",
                            strerror(number));
    local_child_stop(out, 0);
    return false;
}

/* ---- ending ---- */

bool local_child_has_ended(const struct local_child *child, int *status)
{
    siginfo_t info = { 0 };

    *status = 0;
    /* It is not taken away, so that nobody else gets its number before its group is ended. */
    if (child->pid == 0 ||
        waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0)
        return false;
    *status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status & 0x7f;
    return true;
}

void local_child_stop(struct local_child *child, unsigned grace_ms)
{
    struct pollfd ended = { .fd = child->ended_fd, .events = POLLIN };

    if (child->pid == 0)
        return;
    if (grace_ms > 0 && child->ended_fd != -1) {
        (void)kill(-child->pid, SIGTERM);
        while (poll(&ended, 1, (int)grace_ms) == -1 && errno == EINTR)
            continue;
    }
    (void)kill(-child->pid, SIGKILL);
    (void)kill(child->pid, SIGKILL); /* one that has no group yet */
    while (waitpid(child->pid, NULL, 0) == -1 && errno == EINTR)
        continue;
    if (child->ended_fd != -1)
        (void)close(child->ended_fd);
    *child = LOCAL_CHILD_NONE;
}

/* A process that left its group is a child of this one once its parent has ended. */
static void kill_each(void)
{
    char path[64];
    FILE *list;
    int pid;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    list = fopen(path, "re");
    if (list == NULL)
        return;
    while (fscanf(list, "%d", &pid) == 1) {
        if (pid > 1)
            (void)kill(pid, SIGKILL);
    }
    (void)fclose(list);
}

void local_children_kill(void)
{
    for (int i = 0; i < KILL_TRIES; i++) {
        pid_t pid;

        kill_each();
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (pid == -1 && errno == ECHILD)
            return;
        (void)poll(NULL, 0, KILL_PAUSE_MS);
    }
}
