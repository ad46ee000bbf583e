/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP service in C with nothing but libc: one thread, one request a connection.
 *
 *     mkdir -p app && cc -O2 -static -o app/server server.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REQUEST_MAX 8192
#define PEER_TIMEOUT_S 10 /* who says nothing for so long is hung up on */

/* The runtime says where to listen, and connects from 127.0.0.1. */
static int listen_on_port(void)
{
    const char *text = getenv("PORT");
    const long port = text != NULL ? strtol(text, NULL, 10) : 0;
    struct sockaddr_in at = { .sin_family = AF_INET };
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (port < 1 || port > 65535) {
        (void)fprintf(stderr, "PORT is not set\n");
        exit(1);
    }
    at.sin_port = htons((uint16_t)port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 128) != 0) {
        perror("cannot listen");
        exit(1);
    }
    return fd;
}

/* Reads up to the empty line that ends the header; false: there was none. */
static int read_request(int fd, char *request)
{
    size_t len = 0;

    while (len < REQUEST_MAX - 1) {
        ssize_t n = recv(fd, request + len, REQUEST_MAX - 1 - len, 0);

        if (n <= 0)
            return 0;
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            return 1;
    }
    return 0;
}

static void answer(int fd, const char *status, const char *body)
{
    (void)dprintf(fd,
                  "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                  "Connection: close\r\n\r\n%s",
                  status, strlen(body), body);
}

/* What the owner sent after checking whom they talk to: says how much, not what. */
static void answer_secrets(int fd)
{
    const char *path = getenv("SECRETS_PATH");
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    char text[64];
    size_t size = 0;

    if (file == NULL) {
        answer(fd, "404 Not Found", "no secrets were configured\n");
        return;
    }
    while (fgetc(file) != EOF)
        size++;
    (void)fclose(file);
    (void)snprintf(text, sizeof(text), "secrets: %zu bytes\n", size);
    answer(fd, "200 OK", text);
}

static void serve(int fd)
{
    char request[REQUEST_MAX], method[8] = "", path[256] = "";

    if (!read_request(fd, request) || sscanf(request, "%7s %255s", method, path) != 2)
        answer(fd, "400 Bad Request", "not understood\n");
    else if (strcmp(method, "GET") != 0)
        answer(fd, "405 Method Not Allowed", "only GET\n");
    else if (strcmp(path, "/health") == 0)
        answer(fd, "200 OK", "ok\n");
    else if (strcmp(path, "/") == 0)
        answer(fd, "200 OK", "hello from C\n");
    else if (strcmp(path, "/secrets") == 0)
        answer_secrets(fd);
    else
        answer(fd, "404 Not Found", "nothing here\n");
}

int main(void)
{
    const struct timeval wait = { .tv_sec = PEER_TIMEOUT_S };
    int listening = listen_on_port();

    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

        if (fd == -1) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            perror("cannot accept");
            return 1;
        }
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
        serve(fd);
        (void)shutdown(fd, SHUT_WR);
        (void)close(fd);
    }
}
