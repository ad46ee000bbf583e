/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may configure the instance, and when: the nonce, one candidate at a time, the decision.
 * Order: authenticate, check all, decide; before the last of these nothing is kept.
 */
#ifndef MSE_ENCLAVE_CONFIG_DOOR_H
#define MSE_ENCLAVE_CONFIG_DOOR_H

#include "enclave/config.h"
#include "enclave/config_reply.h"

struct mse_config_door;

/* A candidate that is authenticated and valid in itself; body and statement are borrowed. */
struct mse_config_candidate {
    struct mse_bytes body;
    const struct mse_config *config;
    uint64_t epoch;
    bool has_statement;
    const uint8_t *statement; /* MSE_CONFIG_STATEMENT_SIZE bytes */
};
/* Answer to a candidate: err is NULL if it was committed. Called exactly once. */
typedef void mse_config_decided(void *context, const struct mse_error *err);

/* Pointers are borrowed. The callbacks: see config_server.h. */
struct mse_config_door_options {
    const struct mse_app_manifest *app;
    const struct mse_instance_file *instance;
    const struct mse_identity *identity;
    uint64_t next_epoch;
    void *arg;
    int64_t (*now)(void *arg);
    void (*decide)(void *arg, const struct mse_config_candidate *candidate,
                   mse_config_decided *decided, void *context);
    /* A configuration was committed and its reply was given. */
    void (*configured)(void *arg);
};
MSE_MUST_CHECK bool mse_config_door_new(const struct mse_config_door_options *options,
                                        struct mse_config_door **out, struct mse_error *err);
/* Callbacks are not called any more. A candidate that is being decided stays until it is. */
void mse_config_door_free(struct mse_config_door *door);

/* Fills in what every reply of the door says: state, epoch, nonce. */
void mse_config_door_describe(const struct mse_config_door *door, struct mse_config_reply *reply);
/* True with unsigned=yes: refusals say nothing, as clients of the original expect. */
bool mse_config_door_is_bare(const struct mse_config_door *door);

struct mse_config_post {
    bool has_signature;
    struct mse_bytes signature; /* borrowed */
    uint8_t *body;              /* owned (malloc): it is the door's from the call on */
    size_t len;
};
/* reply is borrowed; may be called before mse_config_door_post returns. */
typedef void mse_config_answered(void *context, const struct mse_config_reply *reply);
void mse_config_door_post(struct mse_config_door *door, const struct mse_config_post *post,
                          mse_config_answered *answered, void *context);
/* Whoever waits with this context is gone; what is being decided goes on. */
void mse_config_door_forget(struct mse_config_door *door, const void *context);

#endif
