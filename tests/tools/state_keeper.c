/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saves one state after the other until it is killed, or says which one is there.
 * state_keeper save DIR: prints each epoch once its state is saved. state_keeper load DIR: prints
 * the epoch that it finds, 0 for none; exit status 1 if what it finds is not one complete state.
 */
#include <stdio.h>
#include <stdlib.h>

#include "enclave/state.h"

#define CONFIG_MAX (256U << 10)

static const uint8_t key[32] = { 1 }, app[32] = { 2 }, platform[32] = { 3 };

/* Everything in a state follows from its epoch. */
static size_t config_len(uint64_t epoch)
{
    return 1 + (size_t)(epoch * 7919 % CONFIG_MAX);
}

static void fill(struct mse_state *state, uint64_t epoch)
{
    *state = (struct mse_state){ .epoch = epoch, .configured = true, .has_statement = true };
    memcpy(state->app_digest, app, 32);
    memcpy(state->platform, platform, 32);
    state->identity_len = sizeof(epoch);
    state->identity = malloc(sizeof(epoch));
    state->config_len = config_len(epoch);
    state->config = malloc(state->config_len);
    if (state->identity == NULL || state->config == NULL)
        abort();
    memcpy(state->identity, &epoch, sizeof(epoch));
    memset(state->config, (int)(epoch & 0xff), state->config_len);
    memset(state->statement, (int)(~epoch & 0xff), sizeof(state->statement));
}

static bool is_whole(const struct mse_state *state)
{
    struct mse_state want;
    bool same;

    fill(&want, state->epoch);
    same = state->configured && state->has_statement && state->identity_len == want.identity_len &&
           memcmp(state->identity, want.identity, want.identity_len) == 0 &&
           state->config_len == want.config_len &&
           memcmp(state->config, want.config, want.config_len) == 0 &&
           memcmp(state->statement, want.statement, sizeof(want.statement)) == 0;
    mse_state_cleanup(&want);
    return same;
}

static bool load(const char *dir, uint64_t *epoch, struct mse_error *err)
{
    struct mse_state state;
    bool found, ok;

    *epoch = 0;
    if (!mse_state_load(dir, key, app, platform, &state, &found, err))
        return false;
    ok = !found || is_whole(&state) || mse_fail(err, MSE_ERR_VALUE, 0, "mixed state");
    *epoch = state.epoch;
    mse_state_cleanup(&state);
    return ok;
}

static bool save_for_ever(const char *dir, uint64_t epoch, struct mse_error *err)
{
    bool ok = true;

    while (ok) {
        struct mse_state state;

        fill(&state, ++epoch);
        ok = mse_state_save(dir, &state, key, err);
        mse_state_cleanup(&state);
        if (ok)
            ok = printf("%llu\n", (unsigned long long)epoch) > 0 && fflush(stdout) == 0;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct mse_error err = { 0 };
    uint64_t epoch;
    char line[512];
    bool ok;

    if (argc != 3)
        return 2;
    ok = load(argv[2], &epoch, &err);
    if (ok && strcmp(argv[1], "save") == 0)
        ok = save_for_ever(argv[2], epoch, &err);
    else if (ok)
        ok = printf("%llu\n", (unsigned long long)epoch) > 0;
    if (!ok)
        (void)fprintf(stderr, "%s\n", mse_error_describe(&err, line, sizeof(line)));
    return ok ? 0 : 1;
}
