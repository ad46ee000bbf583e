/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the app's runtime side share: keeper, sockets, health check. */
#ifndef MSE_ENCLAVE_APP_PRIVATE_H
#define MSE_ENCLAVE_APP_PRIVATE_H

#include "enclave/app.h"
#include "enclave/app_launch.h"

struct mse_app_keeper {
    pid_t pid;
    int socket;
    bool gone; /* its socket has ended; it stays open as long as the loop watches it */
    int code_dir;
    int output; /* not isolated: what the app writes comes from here, else -1 */
    struct mse_app_launch launch;
};

/* ---- app_pool.c: sockets of the app's network namespace ---- */

#define MSE_APP_POOL 64
#define MSE_APP_REFILL MSE_WIRE_MAX_FDS

struct mse_app_waiting;
struct mse_app_under_way;

struct mse_app_pool {
    uv_loop_t *loop;
    struct mse_app_keeper *keeper;
    int fds[MSE_APP_POOL];
    unsigned count;
    bool asked;                            /* sockets are on their way */
    struct mse_app_waiting *first, **last; /* for a socket, in order */
    unsigned waiting;
    struct mse_app_under_way *under_way;
};

void mse_app_pool_init(struct mse_app_pool *pool, uv_loop_t *loop, struct mse_app_keeper *keeper);
/* All that wait get -1. */
void mse_app_pool_cleanup(struct mse_app_pool *pool);
void mse_app_pool_refill(struct mse_app_pool *pool);
/* What the keeper sent; takes the descriptors. */
void mse_app_pool_add(struct mse_app_pool *pool, struct mse_wire *message);
/* As mse_app_connect, whatever the app's status. */
void mse_app_pool_connect(struct mse_app_pool *pool, void (*done)(void *context, int fd),
                          void *context);

/* ---- app_secrets.c: what the app finds at SECRETS_PATH and SEALED_SECRETS_PATH ---- */

struct mse_app_secret_files {
    int secrets, sealed_secrets; /* in memory, for each start; -1: none, or not isolated */
};

/* Not isolated they are written where the app finds them: below the code, after it was opened. */
MSE_MUST_CHECK bool mse_app_secret_files_make(const struct mse_app_launch *launch, int code_dir,
                                              struct mse_bytes secrets,
                                              struct mse_bytes sealed_secrets,
                                              struct mse_app_secret_files *out,
                                              struct mse_error *err);
void mse_app_secret_files_attach(const struct mse_app_secret_files *files,
                                 struct mse_wire *message);
void mse_app_secret_files_cleanup(struct mse_app_secret_files *files);

/* ---- app_health.c ---- */

/* One question to the app, with a deadline; done is called exactly once, never from within. */
enum mse_app_question { MSE_APP_HEALTH, MSE_APP_H2 };
struct mse_app_probe;

MSE_MUST_CHECK bool mse_app_probe_new(struct mse_app_pool *pool, enum mse_app_question question,
                                      const char *health, void (*done)(void *arg, bool yes),
                                      void *arg, struct mse_app_probe **out, struct mse_error *err);
/* No call to done any more. */
void mse_app_probe_cancel(struct mse_app_probe *probe);

#endif
