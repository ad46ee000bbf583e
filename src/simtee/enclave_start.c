/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the very bytes that were measured. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/sim_socket.h"
#include "simtee/enclave_program.h"

#define FAR_FD 100 /* above all that the new program gets */
#define EXIT_CANNOT_START 126

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Sealed, so that nobody changes between measuring and starting what was measured. */
static bool make_image(const struct mse_sim_program *program, int *fd, struct mse_error *err)
{
    *fd = memfd_create("mse-enclave", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd != -1 && write_all(*fd, program->loader, program->loader_len) &&
        fchmod(*fd, 0500) == 0 &&
        fcntl(*fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return true;
    return mse_fail_errno(err, program->runtime.loader.path, "cannot copy to memory", errno);
}

/* Only calls that are safe between fork() and exec(). */
static void become(int image, int socket, char *const *argv, const char *dir, pid_t parent)
{
    char *const no_environment[] = { NULL };
    struct sigaction by_default = { .sa_handler = SIG_DFL };
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &by_default, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* A platform that ended takes its enclaves with it; it may have ended already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        return;
    if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
        (image = fcntl(image, F_DUPFD_CLOEXEC, FAR_FD)) == -1 ||
        (socket = fcntl(socket, F_DUPFD_CLOEXEC, FAR_FD)) == -1 ||
        dup2(socket, MSE_SIM_SOCKET_FD) == -1 ||
        close_range(MSE_SIM_SOCKET_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) == -1 || chdir(dir) == -1)
        return;
    (void)fexecve(image, argv, no_environment);
}

static bool start(int image, const int pair[2], char *const *argv, const char *dir, pid_t *child,
                  struct mse_error *err)
{
    static const char why[] = "mse-simtee run: the enclave cannot be started\n";
    pid_t parent = getpid();

    *child = fork();
    if (*child == -1)
        return mse_fail_errno(err, "enclave", "cannot start a process", errno);
    if (*child == 0) {
        become(image, pair[1], argv, dir, parent);
        (void)!write(STDERR_FILENO, why, sizeof(why) - 1);
        _exit(EXIT_CANNOT_START);
    }
    return true;
}

/* execve() does not change the words, whatever its type says. */
static char **words_of(const char *const *arguments, size_t count)
{
    char **argv = calloc(count + 1, sizeof(argv[0]));

    if (argv != NULL)
        memcpy(argv, arguments, count * sizeof(argv[0]));
    return argv;
}

bool mse_sim_program_start(const struct mse_sim_program *program, const char *const *arguments,
                           size_t count, const char *dir, int *socket, pid_t *child,
                           struct mse_error *err)
{
    MSE_CLEANUP(fd_cleanup) int image = -1;
    char **argv = words_of(arguments, count);
    int pair[2] = { -1, -1 };
    bool ok = argv != NULL || mse_fail_memory(err);

    *socket = -1;
    *child = -1;
    ok = ok && make_image(program, &image, err) &&
         (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ||
          mse_fail_errno(err, "enclave", "cannot make a socket", errno)) &&
         start(image, pair, argv, dir, child, err);
    free(argv);
    fd_cleanup(&pair[1]);
    if (ok)
        *socket = pair[0];
    else
        fd_cleanup(&pair[0]);
    return ok;
}
