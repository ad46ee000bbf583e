/* SPDX-License-Identifier: Apache-2.0 */
/* One poll(2) loop over all that can happen in a local run. */
#include "cli/local_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* ---- output ---- */

bool local_output_open(struct local_output *out, int *write_end, struct mse_error *err)
{
    int ends[2];

    out->fd = *write_end = -1;
    out->total = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return mse_fail_errno(err, "pipe", "cannot be made", errno);
    out->fd = ends[0];
    *write_end = ends[1];
    /* Of this end only: the app may count on writes that wait. */
    return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ||
           mse_fail_errno(err, "pipe", "cannot be set up", errno);
}

static void keep(struct local_output *output, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        output->of[output->total++ % LOCAL_OUTPUT_MAX] = data[i];
}

void local_output_drain(struct local_output *output)
{
    uint8_t buffer[16384];

    /* Not for ever: an app may write faster than this reads. */
    for (int i = 0; output->fd != -1 && i < 64; i++) {
        ssize_t n = read(output->fd, buffer, sizeof(buffer));

        if (n == -1 && errno == EINTR)
            continue;
        if (n == 0)
            local_output_close(output);
        if (n <= 0)
            return;
        keep(output, buffer, (size_t)n);
    }
}

void local_output_write(const struct local_output *output, struct mse_writer *to)
{
    const bool cut = output->total > LOCAL_OUTPUT_MAX;
    uint64_t at = cut ? output->total - LOCAL_OUTPUT_MAX : 0;
    bool ends_line = true;

    while (cut && at < output->total && output->of[at++ % LOCAL_OUTPUT_MAX] != '\n')
        continue;
    for (; at < output->total; at++) {
        uint8_t byte = output->of[at % LOCAL_OUTPUT_MAX];

        ends_line = byte == '\n';
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f)
            byte = '?';
        mse_write_u8(to, byte);
    }
    if (!ends_line)
        mse_write_u8(to, '\n');
}

void local_output_close(struct local_output *output)
{
    if (output->fd != -1)
        (void)close(output->fd);
    output->fd = -1;
}

/* ---- waiting ---- */

static bool has_happened(struct local_watch *w, enum local_event *event)
{
    bool happened = true;

    if (w->interrupt->stop.is_asked(&w->interrupt->stop))
        *event = LOCAL_SIGNAL;
    else if (w->tests != NULL && local_child_has_ended(w->tests, &w->status))
        *event = LOCAL_TESTS_ENDED;
    else if (local_child_has_ended(w->app, &w->status))
        *event = LOCAL_APP_ENDED;
    else if (w->health != NULL && local_health_step(w->health))
        *event = LOCAL_HEALTHY;
    else if (w->deadline != NULL && mse_deadline_left(w->deadline) == 0)
        *event = LOCAL_TIMEOUT;
    else
        happened = false;
    return happened;
}

/* Until when poll may sleep, -1: for ever. */
static int longest_sleep(const struct local_watch *w)
{
    int sleep = w->deadline != NULL ? mse_deadline_left(w->deadline) : -1;

    if (w->health != NULL) {
        int left = mse_deadline_left(&w->health->until);

        sleep = sleep == -1 || left < sleep ? left : sleep;
    }
    return sleep;
}

enum local_event local_wait(struct local_watch *w)
{
    enum local_event event;

    while (!has_happened(w, &event)) {
        /* poll ignores descriptors below 0. */
        struct pollfd fds[] = {
            { .fd = w->interrupt->signals, .events = POLLIN },
            { .fd = w->app->ended_fd, .events = POLLIN },
            { .fd = w->tests != NULL ? w->tests->ended_fd : -1, .events = POLLIN },
            { .fd = w->output != NULL ? w->output->fd : -1, .events = POLLIN },
            { .fd = w->health != NULL ? w->health->fd : -1, .events = POLLIN },
        };

        (void)poll(fds, sizeof(fds) / sizeof(fds[0]), longest_sleep(w));
        if (w->output != NULL)
            local_output_drain(w->output);
    }
    return event;
}
