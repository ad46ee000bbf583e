/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for mse-enclave under mse-simtee run: does what the file "script" in its working
 * directory says, line by line, and prints what it sees and what the platform answers.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PLATFORM 3
#define ROOM (1U << 16)

extern char **environ;

static void print_hex(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", data[i]);
    printf("\n");
}

/* "ask HEX": sends these bytes, prints the reply's. */
static void ask(const char *hex)
{
    static uint8_t reply[ROOM];
    uint8_t request[256];
    size_t len = 0;
    unsigned byte;
    ssize_t n;

    while (len < sizeof(request) && sscanf(hex + 2 * len, "%2x", &byte) == 1)
        request[len++] = (uint8_t)byte;
    if (send(PLATFORM, request, len, MSG_NOSIGNAL) == -1 ||
        (n = recv(PLATFORM, reply, sizeof(reply), 0)) == -1) {
        printf("error %s\n", strerror(errno));
        return;
    }
    print_hex(reply, (size_t)n);
}

static void list_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir))
            printf("%s ", entry->d_name);
    }
    printf("\n");
    if (dir != NULL)
        (void)closedir(dir);
}

static void list_words(char **words)
{
    for (; *words != NULL; words++)
        printf("%s|", *words);
    printf("\n");
}

static void show_program(void)
{
    char path[256] = "", image[64] = "";
    int dies_with = 0, fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    (void)!readlink("/proc/self/exe", image, sizeof(image) - 1);
    (void)!getcwd(path, sizeof(path));
    (void)prctl(PR_GET_PDEATHSIG, &dies_with);
    printf("pid %d in %s runs %s sealed %d ends by %d\n", (int)getpid(), path, image,
           fcntl(fd, F_GET_SEALS), dies_with);
    (void)close(fd);
}

static volatile sig_atomic_t caught;

static void catch (int number)
{
    caught = number;
}

/* Until SIGTERM, SIGINT or SIGUSR1: the platform passes them on. */
static void wait_for_signal(void)
{
    struct sigaction action = { .sa_handler = catch };
    sigset_t wanted, before;

    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &wanted, &before);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
    printf("waiting\n");
    (void)fflush(stdout);
    while (caught == 0)
        (void)sigsuspend(&before);
    printf("signal %d\n", (int)caught);
}

static void obey(const char *line, char **argv)
{
    if (strncmp(line, "ask ", 4) == 0)
        ask(line + 4);
    else if (strcmp(line, "descriptors") == 0)
        list_descriptors();
    else if (strcmp(line, "arguments") == 0)
        list_words(argv);
    else if (strcmp(line, "environment") == 0)
        list_words(environ);
    else if (strcmp(line, "program") == 0)
        show_program();
    else if (strcmp(line, "wait") == 0)
        wait_for_signal();
    else if (strcmp(line, "close") == 0)
        (void)close(PLATFORM);
    else if (strcmp(line, "abort") == 0)
        (void)raise(SIGKILL);
    else if (strncmp(line, "exit ", 5) == 0)
        exit(atoi(line + 5));
    else
        printf("not understood: %s\n", line);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    FILE *script = fopen("script", "re");
    char line[1024];

    (void)argc;
    while (script != NULL && fgets(line, sizeof(line), script) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        obey(line, argv);
    }
    if (script != NULL)
        (void)fclose(script);
    return script != NULL ? 0 : 99;
}
