/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The app as a process of its own: user, mount, pid, ipc and network namespace, seccomp, limits.
 * A keeper process, forked before the runtime has keys or a network, holds the privileges that
 * starting it takes; it never sees a byte from outside (docs/runtime.md, "The app's process").
 */
#ifndef MSE_ENCLAVE_APP_H
#define MSE_ENCLAVE_APP_H

#include <uv.h>

#include "measure/app_command.h"

/* What an app finds: docs/app.md. */
#define MSE_APP_CODE_DIR "/mse-app"
#define MSE_APP_HOME "/root"
#define MSE_APP_TMP "/tmp"
#define MSE_APP_SECRETS MSE_APP_HOME "/" MSE_APP_SECRETS_IN_HOME
#define MSE_APP_SEALED_SECRETS MSE_APP_HOME "/" MSE_APP_SEALED_SECRETS_IN_HOME
#define MSE_APP_PORT 5000 /* on 127.0.0.1 of the app's own network namespace */

/* ---- keeper: blocking calls, before the loop runs ------------------------------------------ */

struct mse_app_keeper;

struct mse_app_keeper_options {
    const struct mse_app_manifest *app; /* borrowed */
    bool isolate;                       /* false: Gramine, a plain child */
    uint64_t tmp_bytes, code_bytes; /* of the memory-backed file systems; 0: an eighth, a half of
                                       the app's memory */
};
/*
 * Forks the keeper: to be called while the process has one thread, no secret and no connection.
 * Namespaces, mounts and the code directory stand when it returns, or it fails and says what is
 * missing. Without root a user namespace is used.
 */
MSE_MUST_CHECK bool mse_app_keeper_new(const struct mse_app_keeper_options *options,
                                       struct mse_app_keeper **out, struct mse_error *err);
/* Ends the app and the keeper. */
void mse_app_keeper_free(struct mse_app_keeper *keeper);
/* Directory that the app sees as its code, to be written by this process; stays the keeper's. */
int mse_app_keeper_code_dir(const struct mse_app_keeper *keeper);

/* ---- the app, on the loop ------------------------------------------------------------------- */

enum mse_app_status {
    MSE_APP_STOPPED,
    MSE_APP_STARTING, /* runs, its health endpoint has not answered yet */
    MSE_APP_READY,
    MSE_APP_BACKING_OFF, /* ended by itself, will be started again */
    MSE_APP_FAILED       /* cannot be started (no such program ...) or has never become healthy */
};
const char *mse_app_status_name(enum mse_app_status status);

struct mse_app;

struct mse_app_options {
    uv_loop_t *loop;
    struct mse_app_keeper *keeper;            /* borrowed */
    const struct mse_app_manifest *app;       /* borrowed */
    struct mse_bytes secrets, sealed_secrets; /* JSON texts, only during the call; empty: no file */
    unsigned health_timeout_ms;               /* 0: 60 s */
    void *arg;
    /* Every change from STARTING, with which it begins; exit_status as waitpid(2) gives it, or -1
     * where nothing has ended. BACKING_OFF and FAILED also say how it ended. */
    void (*changed)(void *arg, enum mse_app_status status, int exit_status);
    /* What the app wrote to stdout and stderr; borrowed. */
    void (*output)(void *arg, struct mse_bytes data);
};
/* Its code was opened before. Once READY, it is not asked for its health again. A start that does
 * not become healthy in time is ended by force. */
MSE_MUST_CHECK bool mse_app_start(const struct mse_app_options *options, struct mse_app **out,
                                  struct mse_error *err);
enum mse_app_status mse_app_status(const struct mse_app *app);
uint64_t mse_app_restarts(const struct mse_app *app);
/* True once the app has answered an HTTP/2 preface with prior knowledge (RFC 9113, 3.3). */
bool mse_app_takes_h2(const struct mse_app *app);
/* A connected, non-blocking socket to the app, or -1 (also if it is not READY); done is called
 * exactly once, mostly before this returns. */
void mse_app_connect(struct mse_app *app, void (*done)(void *context, int fd), void *context);
/* SIGTERM, after grace_ms SIGKILL; stopped (may be NULL) is called when it is gone, never from
 * within. To be called once. */
void mse_app_stop(struct mse_app *app, unsigned grace_ms, void (*stopped)(void *arg), void *arg);
/* After it stopped, also in the call of stopped. Memory goes when the loop has closed its handles.
 */
void mse_app_free(struct mse_app *app);

#endif
