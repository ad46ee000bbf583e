/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated TEE: one socket to the platform that launched us (docs/formats.md). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "attest/sim_socket.h"
#include "enclave/tee.h"

/* A platform that plays a slow one takes its time for a quote; longer is a platform that hangs. */
#define ANSWER_MS 60000

struct sim {
    struct mse_tee tee;
    pthread_mutex_t lock; /* one request and its reply at a time */
    int fd;
    bool is_lost; /* a reply that comes late would be taken for that of the next request */
    uint8_t platform[32];
};

/* ---- request and reply ---- */

static bool fail_ended(struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_IO, "simulated platform", "has ended");
}

static bool send_request(int fd, enum mse_sim_operation operation, struct mse_bytes argument,
                         struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer request = { 0 };

    mse_write_u8(&request, (uint8_t)operation);
    mse_write_bytes(&request, argument.data, argument.len);
    if (!mse_writer_ok(&request))
        return mse_fail_memory(err);
    while (send(fd, request.data, request.len, MSG_NOSIGNAL) == -1) {
        if (errno == EPIPE || errno == ECONNRESET)
            return fail_ended(err);
        if (errno != EINTR)
            return mse_fail_errno(err, "simulated platform", "cannot ask", errno);
    }
    return true;
}

static bool receive_reply(int fd, uint8_t *reply, size_t *len, struct mse_error *err)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    ssize_t n;
    int ready;

    do
        ready = poll(&wait, 1, ANSWER_MS);
    while (ready == -1 && errno == EINTR);
    if (ready == 0)
        return mse_fail_text(err, MSE_ERR_TIMEOUT, "simulated platform",
                             "did not answer within %d seconds", ANSWER_MS / 1000);
    n = recv(fd, reply, MSE_SIM_SOCKET_MAX, MSG_TRUNC | MSG_DONTWAIT);
    if (n == 0 || (n == -1 && errno == ECONNRESET))
        return fail_ended(err);
    if (n == -1)
        return mse_fail_errno(err, "simulated platform", "cannot read", errno);
    if ((size_t)n > MSE_SIM_SOCKET_MAX)
        return mse_fail_text(err, MSE_ERR_LIMIT, "simulated platform",
                             "answered with more than %u bytes", MSE_SIM_SOCKET_MAX);
    *len = (size_t)n;
    return true;
}

static bool fail_refused(struct mse_reader *r, struct mse_error *err)
{
    struct mse_bytes why = mse_read_rest(r); /* text for people, of any length */
    int len = why.len < 200 ? (int)why.len : 200;

    return mse_fail_text(err, MSE_ERR_VALUE, "simulated platform", "refused: %.*s", len,
                         (const char *)why.data);
}

/* reply has MSE_SIM_SOCKET_MAX bytes; *gives are those behind the status. */
static bool exchange(struct sim *sim, enum mse_sim_operation operation, struct mse_bytes argument,
                     uint8_t *reply, struct mse_bytes *gives, struct mse_error *err)
{
    size_t len = 0;
    struct mse_reader r;
    uint8_t status;

    if (sim->is_lost)
        return fail_ended(err);
    if (!send_request(sim->fd, operation, argument, err) ||
        !receive_reply(sim->fd, reply, &len, err)) {
        sim->is_lost = true;
        return false;
    }
    r = mse_reader_init((struct mse_bytes){ reply, len }, err);
    status = mse_read_u8(&r, "simulated platform: status");
    if (!mse_read_ok(&r))
        return false;
    if (status != 0)
        return fail_refused(&r, err);
    *gives = mse_read_rest(&r); /* its length is for the caller to judge */
    return true;
}

/* Takes the reply to out, where it must have exactly this length, or whatever it is to a writer. */
static bool ask(struct sim *sim, enum mse_sim_operation operation, struct mse_bytes argument,
                uint8_t *out, size_t want, struct mse_writer *to, struct mse_error *err)
{
    uint8_t *reply = malloc(MSE_SIM_SOCKET_MAX);
    struct mse_bytes gives = { NULL, 0 };
    bool ok;

    if (reply == NULL)
        return mse_fail_memory(err);
    (void)pthread_mutex_lock(&sim->lock);
    ok = exchange(sim, operation, argument, reply, &gives, err);
    (void)pthread_mutex_unlock(&sim->lock);
    if (ok && to == NULL && gives.len != want)
        ok = mse_fail_text(err, MSE_ERR_FORMAT, "simulated platform",
                           "answered %d with %zu bytes, not %zu", (int)operation, gives.len, want);
    if (ok && to != NULL)
        mse_write_bytes(to, gives.data, gives.len);
    else if (ok && want > 0)
        memcpy(out, gives.data, want);
    OPENSSL_cleanse(reply, MSE_SIM_SOCKET_MAX);
    free(reply);
    return ok;
}

/* ---- what the runtime asks ---- */

static struct sim *sim_of(struct mse_tee *tee)
{
    return (struct sim *)tee;
}

static bool quote(struct mse_tee *tee, const uint8_t report_data[static 64], struct mse_writer *out,
                  struct mse_error *err)
{
    return ask(sim_of(tee), MSE_SIM_QUOTE, (struct mse_bytes){ report_data, 64 }, NULL, 0, out,
               err);
}

static bool sealing_key(struct mse_tee *tee, uint8_t out[static 32], struct mse_error *err)
{
    return ask(sim_of(tee), MSE_SIM_SEALING_KEY, (struct mse_bytes){ NULL, 0 }, out, 32, NULL, err);
}

static bool platform_id(struct mse_tee *tee, uint8_t out[static 32], struct mse_error *err)
{
    (void)err;
    memcpy(out, sim_of(tee)->platform, 32);
    return true;
}

static bool counter(struct mse_tee *tee, uint64_t *out, struct mse_error *err)
{
    uint8_t number[8] = { 0 };
    struct mse_reader r = mse_reader_init(MSE_BYTES(number), err);

    if (!ask(sim_of(tee), MSE_SIM_COUNTER, (struct mse_bytes){ NULL, 0 }, number, sizeof(number),
             NULL, err))
        return false;
    *out = mse_read_u64be(&r, "counter");
    return mse_read_done(&r, "counter");
}

static bool advance(struct mse_tee *tee, uint64_t to, struct mse_error *err)
{
    uint8_t number[8];

    for (unsigned i = 0; i < sizeof(number); i++)
        number[i] = (uint8_t)(to >> (56 - 8 * i));
    return ask(sim_of(tee), MSE_SIM_ADVANCE, MSE_BYTES(number), NULL, 0, NULL, err);
}

static void sim_free(struct mse_tee *tee)
{
    struct sim *sim = sim_of(tee);

    (void)close(sim->fd);
    (void)pthread_mutex_destroy(&sim->lock);
    free(sim);
}

static const struct mse_tee_backend backend = {
    .kind = MSE_ATTEST_SIM,
    .name = "sim",
    .host_dir = ".",
    .has_isolation = true,
    .quote = quote,
    .sealing_key = sealing_key,
    .platform_id = platform_id,
    .counter = counter,
    .advance = advance,
    .free = sim_free,
};

/* ---- opening ---- */

static bool is_platform_socket(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static bool hello(struct sim *sim, struct mse_error *err)
{
    uint8_t reply[32 + 32 + 32]; /* MRENCLAVE, MRSIGNER, platform */

    if (!ask(sim, MSE_SIM_HELLO, (struct mse_bytes){ NULL, 0 }, reply, sizeof(reply), NULL, err))
        return false;
    memcpy(sim->platform, reply + 64, sizeof(sim->platform));
    return true;
}

/* The descriptor is taken on success. */
bool mse_tee_sim_open(int fd, struct mse_tee **out, struct mse_error *err)
{
    struct sim *sim;

    *out = NULL;
    if (!is_platform_socket(fd))
        return mse_fail_text(err, MSE_ERR_MISSING, "simulated platform",
                             "descriptor %d is no socket to one", fd);
    sim = calloc(1, sizeof(*sim));
    if (sim == NULL)
        return mse_fail_memory(err);
    sim->tee.backend = &backend;
    sim->fd = fd;
    if (pthread_mutex_init(&sim->lock, NULL) != 0) {
        free(sim);
        return mse_fail_memory(err);
    }
    if (!hello(sim, err)) {
        (void)pthread_mutex_destroy(&sim->lock);
        free(sim);
        return false;
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* nothing that is started here may ask */
    *out = &sim->tee;
    return true;
}
