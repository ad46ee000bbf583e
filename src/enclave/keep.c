/* SPDX-License-Identifier: Apache-2.0 */
/* State, counter and identity as one thing that is either the old or the new one. */
#include "enclave/keep.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* Where a TEE cannot do something it says MSE_ERR_UNSUPPORTED: no failure, *can stays false. */
static bool optional(bool done, bool *can, struct mse_error *err)
{
    *can = done;
    if (done)
        return true;
    if (err->code != MSE_ERR_UNSUPPORTED)
        return false;
    *err = (struct mse_error){ 0 };
    return true;
}

/*
 * The file is written first, then the counter goes up; so the file may be one ahead (killed in
 * between), which is caught up with, but never behind.
 */
static bool check_counter(struct mse_keep *keep, bool found, struct mse_error *err)
{
    if (!keep->can_count || !found || keep->state.counter == keep->counter)
        return true;
    if (keep->counter < UINT64_MAX && keep->state.counter == keep->counter + 1) {
        if (!mse_tee_advance(keep->tee, keep->state.counter, err))
            return false;
        keep->counter = keep->state.counter;
        return true;
    }
    return mse_fail_text(err, MSE_ERR_EXPIRED, "state",
                         "is number %llu, but this platform has seen number %llu: an old copy was "
                         "put back",
                         (unsigned long long)keep->state.counter,
                         (unsigned long long)keep->counter);
}

static bool load(struct mse_keep *keep, const struct mse_app_manifest *app, struct mse_error *err)
{
    uint8_t app_digest[32], platform[32];
    bool found = false;

    if (!mse_app_digest(app, app_digest, err) || !mse_tee_platform_id(keep->tee, platform, err))
        return false;
    if (keep->can_seal && !mse_state_load(mse_tee_host_dir(keep->tee), keep->key, app_digest,
                                          platform, &keep->state, &found, err))
        return mse_fail_in(err, "state");
    memcpy(keep->state.app_digest, app_digest, sizeof(app_digest));
    memcpy(keep->state.platform, platform, sizeof(platform));
    return check_counter(keep, found, err);
}

bool mse_keep_open(struct mse_tee *tee, const struct mse_app_manifest *app, struct mse_keep *out,
                   struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    out->tee = tee;
    if (optional(mse_tee_sealing_key(tee, out->key, err), &out->can_seal, err) &&
        optional(mse_tee_counter(tee, &out->counter, err), &out->can_count, err) &&
        load(out, app, err))
        return true;
    mse_keep_cleanup(out);
    return false;
}

void mse_keep_cleanup(struct mse_keep *keep)
{
    mse_state_cleanup(&keep->state);
    OPENSSL_cleanse(keep, sizeof(*keep));
}

void mse_keep_forget_config(struct mse_keep *keep)
{
    if (keep->state.config != NULL)
        OPENSSL_cleanse(keep->state.config, keep->state.config_len);
    free(keep->state.config);
    keep->state.config = NULL;
    keep->state.config_len = 0;
}

/* next is what shall be kept; it is taken over only when it is on the disk. */
static bool commit(struct mse_keep *keep, struct mse_state *next, struct mse_error *err)
{
    /* Two states of one number could be exchanged: the platform first learns of the one before. */
    if (keep->can_count && keep->state.counter > keep->counter && !check_counter(keep, true, err))
        return false;
    next->counter = keep->can_count ? keep->counter + 1 : 0;
    if (keep->can_seal && !mse_state_save(mse_tee_host_dir(keep->tee), next, keep->key, err))
        return mse_fail_in(err, "state");
    keep->state = *next;
    if (keep->can_seal && keep->can_count) {
        /* What is on the disk is the truth by now, and one ahead is caught up with at the start. */
        struct mse_error ignored = { 0 };

        if (mse_tee_advance(keep->tee, next->counter, &ignored))
            keep->counter = next->counter;
    }
    return true;
}

static bool make_identity(struct mse_keep *keep, const struct mse_instance_file *file,
                          const struct mse_app_manifest *app, int64_t now, struct mse_identity *out,
                          struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer bytes = { 0 };
    struct mse_state old = keep->state, next = keep->state;
    bool ok = mse_identity_make(keep->tee, file, app->cert, now, out, err) &&
              mse_identity_write(out, &bytes, err);

    next.configured = next.has_statement = false;
    next.config = NULL;
    next.config_len = 0;
    next.identity = bytes.data;
    next.identity_len = bytes.len;
    memset(next.statement, 0, sizeof(next.statement));
    ok = ok && (mse_writer_ok(&bytes) || mse_fail_memory(err)) && commit(keep, &next, err);
    if (!ok) {
        mse_identity_cleanup(out);
        if (bytes.data != NULL)
            OPENSSL_cleanse(bytes.data, bytes.len);
        return false;
    }
    bytes.data = NULL; /* the state's now */
    mse_state_cleanup(&old);
    return true;
}

bool mse_keep_identity(struct mse_keep *keep, const struct mse_instance_file *file,
                       const struct mse_app_manifest *app, int64_t now, struct mse_identity *out,
                       struct mse_error *err)
{
    struct mse_bytes kept = { keep->state.identity, keep->state.identity_len };

    memset(out, 0, sizeof(*out));
    if (kept.len > 0) {
        if (!mse_identity_parse(kept, out, err))
            return mse_fail_in(err, "state: identity");
        if (mse_identity_fits(out, file, app->cert, now))
            return true;
        mse_identity_cleanup(out);
    }
    return make_identity(keep, file, app, now, out, err);
}

uint64_t mse_keep_next_epoch(const struct mse_keep *keep)
{
    uint64_t seen = keep->state.epoch;

    if (keep->can_count && keep->counter > seen)
        seen = keep->counter;
    return seen < UINT64_MAX ? seen + 1 : seen;
}

static uint8_t *copy(struct mse_bytes in)
{
    uint8_t *out = malloc(in.len > 0 ? in.len : 1);

    if (out != NULL && in.len > 0)
        memcpy(out, in.data, in.len);
    return out;
}

bool mse_keep_configure(struct mse_keep *keep, const struct mse_keep_config *config,
                        struct mse_error *err)
{
    struct mse_state next = keep->state;
    uint8_t *old = keep->state.config;
    size_t old_len = keep->state.config_len;

    next.config = copy(config->body);
    next.config_len = config->body.len;
    next.configured = true;
    next.epoch = config->epoch;
    next.has_statement = config->statement != NULL;
    if (config->statement != NULL)
        memcpy(next.statement, config->statement, sizeof(next.statement));
    if (next.config == NULL)
        return mse_fail_memory(err);
    if (!commit(keep, &next, err)) {
        OPENSSL_cleanse(next.config, next.config_len);
        free(next.config);
        return false;
    }
    if (old != NULL)
        OPENSSL_cleanse(old, old_len);
    free(old);
    return true;
}
