/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a health endpoint on 127.0.0.1 again and again, without waiting itself. */
#ifndef MSE_CLI_LOCAL_HEALTH_H
#define MSE_CLI_LOCAL_HEALTH_H

#include "client/deadline.h"

struct local_health {
    unsigned port;
    const char *path;
    int fd;                    /* of the request on the way; -1: none */
    struct mse_deadline until; /* of this request, or when the next one is made */
    char reply[64];            /* its beginning */
    unsigned reply_len;
    bool has_status;
    int answer; /* last status; 0: never answered */
};

void local_health_init(struct local_health *out, unsigned port, const char *path);
void local_health_cleanup(struct local_health *health);
/* True once the answer was 2xx. Otherwise: call again when fd can be read, or until is over. */
bool local_health_step(struct local_health *health);

#endif
