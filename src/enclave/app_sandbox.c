/* SPDX-License-Identifier: Apache-2.0 */
/* The last steps of a process before it is the app: all that it has is taken away, then exec. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/securebits.h>

#include "enclave/app_launch.h"

/* Processes and threads; counted for the user on the whole machine. */
#define MAX_TASKS 4096
/* Descriptors: enough for ten thousand connections, and what goes with them. */
#define MAX_FILES 65536

#define STATUS 3 /* where the status pipe goes; closed by exec */

/* ---- descriptors and signals ---- */

static bool place_descriptors(int output, int status, struct mse_error *err)
{
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null == -1)
        return mse_fail_errno(err, "/dev/null", "cannot open", errno);
    if (dup2(null, STDIN_FILENO) == -1 || dup2(output, STDOUT_FILENO) == -1 ||
        dup2(output, STDERR_FILENO) == -1 ||
        (status != STATUS && dup3(status, STATUS, O_CLOEXEC) == -1))
        return mse_fail_errno(err, "standard streams", "cannot place", errno);
    return true;
}

/* The keeper's socket, the group's files, and whatever the runtime had when it was forked. */
static bool close_others(struct mse_error *err)
{
    if (close_range(STATUS + 1, ~0U, 0) == 0)
        return true;
    if (errno != ENOSYS)
        return mse_fail_errno(err, "descriptors", "cannot close", errno);
    for (int fd = STATUS + 1; fd < MAX_FILES; fd++)
        (void)close(fd);
    return true;
}

/* What is ignored would stay so. */
static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- limits ---- */

/* Lowers both limits: without a capability neither goes up again. */
static bool limit(__rlimit_resource_t resource, const char *name, rlim_t most,
                  struct mse_error *err)
{
    struct rlimit now;

    if (getrlimit(resource, &now) == -1)
        return mse_fail_errno(err, name, "cannot read the limit", errno);
    now.rlim_max = now.rlim_max < most ? now.rlim_max : most;
    now.rlim_cur = now.rlim_max;
    return setrlimit(resource, &now) == 0 ||
           mse_fail_errno(err, name, "cannot set the limit", errno);
}

/* No limit of the address space: runtimes such as Go's and Java's reserve far more than they use.
 * Memory is limited by a control group where there is one. */
static bool set_limits(struct mse_error *err)
{
    const struct rlimit no_core = { 1, 1 };

    /* core(5): 0 still lets a program that the host has named in core_pattern read the core; 1 is
     * for the kernel's own use there, and is too short for a file. */
    return (setrlimit(RLIMIT_CORE, &no_core) == 0 || limit(RLIMIT_CORE, "RLIMIT_CORE", 0, err)) &&
           limit(RLIMIT_NPROC, "RLIMIT_NPROC", MAX_TASKS, err) &&
           limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", MAX_FILES, err);
}

/* A process that writes 0 names itself. */
static bool enter_cgroups(const struct mse_app_launch *launch, struct mse_error *err)
{
    for (size_t i = 0; i < MSE_APP_MAX_CGROUPS; i++) {
        if (launch->cgroups[i] != -1 && write(launch->cgroups[i], "0", 1) != 1)
            return mse_fail_errno(err, "control group", "cannot enter", errno);
    }
    return true;
}

/* ---- privileges ---- */

static bool drop_bounding_set(struct mse_error *err)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != -1;
         capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == -1)
            return mse_fail_errno(err, "capabilities", "cannot drop", errno);
    }
    return true;
}

static bool drop_capabilities(struct mse_error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

    return (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
            syscall(SYS_capset, &header, none) == 0) ||
           mse_fail_errno(err, "capabilities", "cannot drop", errno);
}

/* With one's own user namespace there are no groups to drop: setgroups(2) is switched off in it. */
static bool become_app(const struct mse_app_launch *launch, struct mse_error *err)
{
    if (!launch->own_user && setgroups(0, NULL) == -1)
        return mse_fail_errno(err, "groups", "cannot drop", errno);
    if (setresgid(MSE_APP_UID, MSE_APP_UID, MSE_APP_UID) == -1 ||
        setresuid(MSE_APP_UID, MSE_APP_UID, MSE_APP_UID) == -1)
        return mse_fail_errno(err, "user", "cannot become the app's", errno);
    return true;
}

static bool drop_privileges(const struct mse_app_launch *launch, struct mse_error *err)
{
    const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                               SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                               SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

    if (!drop_bounding_set(err))
        return false;
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) == -1)
        return mse_fail_errno(err, "capabilities", "cannot lock", errno);
    if (!become_app(launch, err) || !drop_capabilities(err))
        return false;
    /* A change of the user takes the signal away, so not before. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return mse_fail_errno(err, "process", "cannot restrict", errno);
    return mse_app_filter_load(err);
}

/* ---- all of it ---- */

static bool prepare(const struct mse_app_launch *launch, int output, int status,
                    struct mse_error *err)
{
    (void)setsid();
    (void)umask(022);
    reset_signals();
    if ((launch->isolate && !enter_cgroups(launch, err)) ||
        !place_descriptors(output, status, err) || !close_others(err))
        return false;
    if (chdir(launch->places.code) == -1)
        return mse_fail_errno(err, launch->places.code, "cannot enter", errno);
    if (launch->isolate)
        return set_limits(err) && drop_privileges(launch, err);
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 || errno == ENOSYS || errno == EINVAL ||
           mse_fail_errno(err, "process", "cannot restrict", errno);
}

_Noreturn void mse_app_exec(const struct mse_app_launch *launch, int output, int status)
{
    const char *const program = launch->command.argv[0];
    struct mse_error err = { 0 };
    char text[640];

    if (prepare(launch, output, status, &err)) {
        status = STATUS;
        output = STDERR_FILENO;
        environ = (char **)launch->environment.envp; /* execvp looks for PATH there */
        (void)execvp(program, (char **)launch->command.argv);
        (void)mse_fail_errno(&err, program, "cannot execute", errno);
    }
    (void)dprintf(output, "mse-enclave: the app cannot be started: %s\n",
                  mse_error_describe(&err, text, sizeof(text)));
    (void)!write(status, "", 1);
    _exit(127);
}
