/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strangers send to the configuration server. The first byte says: bit 0 unsigned=yes, bit 1
 * cert=owner, bit 2 decisions come later, bit 3 they are refusals; the second is the length of the
 * pieces in which the rest arrives.
 */
#include <stdlib.h>

#include "base/encode.h"
#include "enclave/config_exchange.h"
#include "../unit/config_vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct mse_config_exchange *exchange;
    bool finished, later, refuses;
    unsigned decisions, configured;
    mse_config_decided *decided;
    void *context;
};

static void answer(struct world *w)
{
    mse_config_decided *decided = w->decided;
    struct mse_error err = { 0 };

    if (decided == NULL)
        return;
    w->decided = NULL;
    if (w->refuses)
        (void)mse_fail_text(&err, MSE_ERR_SIGNATURE, "code", "no");
    decided(w->context, w->refuses ? &err : NULL);
}

static void decide(void *arg, const struct mse_config_candidate *candidate,
                   mse_config_decided *decided, void *context)
{
    struct world *w = arg;

    if (w->decided != NULL || w->configured != 0 || candidate->has_statement ||
        candidate->body.len == 0 || candidate->body.len > MSE_CONFIG_MAX_BODY)
        abort();
    w->decisions++;
    w->decided = decided;
    w->context = context;
    if (!w->later)
        answer(w);
}

static void configured(void *arg)
{
    struct world *w = arg;

    w->configured++;
}

static int64_t now(void *arg)
{
    (void)arg;
    return 1782864000;
}

static void write_out(void *context, struct mse_bytes data)
{
    const struct world *w = context;

    if (w->finished || data.len < 9 || memcmp(data.data, "HTTP/1.1 ", 9) != 0)
        abort();
}

static void finish(void *context)
{
    struct world *w = context;

    if (w->finished)
        abort();
    w->finished = true;
}

static void deadline(void *context, unsigned ms)
{
    (void)context;
    (void)ms;
}

static const struct mse_config_exchange_handler handler = { write_out, finish, deadline };

static void feed(struct mse_config_exchanges *all, struct world *w, struct mse_bytes rest,
                 size_t piece)
{
    while (rest.len > 0) {
        size_t n = piece > 0 && piece < rest.len ? piece : rest.len;

        mse_config_exchange_data(w->exchange, (struct mse_bytes){ rest.data, n });
        rest.data += n;
        rest.len -= n;
        if (mse_config_exchanges_held(all) > MSE_CONFIG_HELD_MAX)
            abort();
    }
    answer(w);
    mse_config_exchange_end(w->exchange);
    if (!w->finished && w->decided == NULL)
        abort();
    answer(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_app_manifest app = { 0 };
    char name[] = "app.example";
    struct mse_instance_file instance = { .name = name,
                                          .uuid = "01234567-89ab-cdef-0123-456789abcdef" };
    struct mse_identity identity = { 0 };
    struct world w = { 0 };
    struct mse_config_exchanges *all;
    struct mse_error err = { 0 };
    const struct mse_config_door_options options = { .app = &app,
                                                     .instance = &instance,
                                                     .identity = &identity,
                                                     .next_epoch = 1,
                                                     .arg = &w,
                                                     .now = now,
                                                     .decide = decide,
                                                     .configured = configured };

    if (size < 2)
        return 0;
    app.unsigned_config = (data[0] & 1) != 0;
    app.cert = (data[0] & 2) != 0 ? MSE_APP_CERT_OWNER : MSE_APP_CERT_SELF;
    w.later = (data[0] & 4) != 0;
    w.refuses = (data[0] & 8) != 0;
    for (uint8_t i = 0; i < 32; i++)
        identity.x25519_secret[i] = (uint8_t)(101 + i);
    if (!mse_hex_read(BOX_PUBLIC, 64, identity.x25519_public, 32) ||
        !mse_config_exchanges_new(&options, &all, &err) ||
        !mse_config_exchange_new(all, &handler, &w, &w.exchange, &err))
        abort();
    feed(all, &w, (struct mse_bytes){ data + 2, size - 2 }, data[1]);
    mse_config_exchange_free(w.exchange);
    if (mse_config_exchanges_held(all) != 0 || w.configured > 1 ||
        (!app.unsigned_config && w.decisions != 0))
        abort();
    mse_config_exchanges_free(all);
    answer(&w); /* what is still undecided then is wiped, and nobody is told */
    if (w.decided != NULL)
        abort();
    return 0;
}
