/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command and prints its peak memory in KiB. Small itself, since a child starts with its
 * parent's peak. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct rusage usage;
    int status = 0;
    pid_t pid;

    if (argc < 2)
        return 2;
    pid = fork();
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(126);
        (void)execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (pid == -1 || wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status))
        return 1;
    printf("%ld\n", usage.ru_maxrss);
    return WEXITSTATUS(status);
}
