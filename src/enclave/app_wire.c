/* SPDX-License-Identifier: Apache-2.0 */
/* Sending and receiving of the keeper's messages. Both sides are the same program. */
#include "enclave/app_wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct body {
    uint32_t kind;
    int32_t value;
    struct mse_error err;
};

union control {
    struct cmsghdr header;
    uint8_t room[CMSG_SPACE(MSE_WIRE_MAX_FDS * sizeof(int))];
};

bool mse_wire_send(int socket, const struct mse_wire *message, int flags)
{
    struct body body = { .kind = message->kind, .value = message->value, .err = message->err };
    struct iovec part = { &body, sizeof(body) };
    const size_t size = message->fd_count * sizeof(int);
    union control control = { 0 };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t n;

    if (message->fd_count > 0) {
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&control.header), message->fds, size);
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(size);
    }
    do
        n = sendmsg(socket, &m, flags | MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n == (ssize_t)sizeof(body);
}

static void take_fds(struct msghdr *m, struct mse_wire *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        const size_t size = c->cmsg_len - CMSG_LEN(0);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || size > sizeof(out->fds) ||
            out->fd_count > 0)
            continue;
        memcpy(out->fds, CMSG_DATA(c), size);
        out->fd_count = (unsigned)(size / sizeof(int));
    }
}

enum mse_wire_result mse_wire_receive(int socket, struct mse_wire *out, int flags)
{
    struct body body = { 0 };
    struct iovec part = { &body, sizeof(body) };
    union control control = { 0 };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof(control) };
    ssize_t n;

    *out = (struct mse_wire){ 0 };
    do
        n = recvmsg(socket, &m, flags | MSG_CMSG_CLOEXEC);
    while (n == -1 && errno == EINTR && (flags & MSG_DONTWAIT) != 0);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR ? MSE_WIRE_NOTHING : MSE_WIRE_END;
    take_fds(&m, out);
    /* Without room for descriptors here there are none of them, which CONNECT may have. */
    if ((m.msg_flags & MSG_CTRUNC) != 0)
        mse_wire_cleanup(out);
    if (n == (ssize_t)sizeof(body) && (m.msg_flags & MSG_TRUNC) == 0 &&
        ((m.msg_flags & MSG_CTRUNC) == 0 || body.kind == MSE_WIRE_CONNECT)) {
        out->kind = (enum mse_wire_kind)body.kind;
        out->value = body.value;
        out->err = body.err;
        return MSE_WIRE_GOT;
    }
    mse_wire_cleanup(out);
    return MSE_WIRE_END;
}

void mse_wire_cleanup(struct mse_wire *message)
{
    for (unsigned i = 0; i < message->fd_count; i++) {
        if (message->fds[i] != -1)
            (void)close(message->fds[i]);
    }
    message->fd_count = 0;
}
