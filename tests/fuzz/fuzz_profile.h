/* SPDX-License-Identifier: Apache-2.0 */
/* Opens fuzzed bytes as the payload of a profile's extension and checks what comes out. */
#ifndef MSE_FUZZ_PROFILE_H
#define MSE_FUZZ_PROFILE_H

#include <stdlib.h>

#include "ratls/ratls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct mse_bytes view, struct mse_bytes payload, const uint8_t *owned)
{
    /* Where something was decoded, the size of that block is the sanitizer's to watch. */
    if (owned != NULL || view.len == 0)
        return;
    if (view.data < payload.data || view.len > payload.len ||
        (size_t)(view.data - payload.data) > payload.len - view.len)
        abort();
}

/* Reads every byte of a view, so that the sanitizer sees it. */
static unsigned touch(struct mse_bytes view)
{
    unsigned sum = 0;

    for (size_t i = 0; i < view.len; i++)
        sum += view.data[i];
    return sum;
}

static void check_attestation(const struct mse_attestation *a, struct mse_bytes payload)
{
    struct mse_error err = { 0 };
    volatile unsigned sum = touch(a->evidence);

    if (a->kind == MSE_EVIDENCE_NONE || a->expected_len < 32 || a->expected_len > 64)
        abort();
    check_inside(a->evidence, payload, a->owned);
    if (a->certs.count > MSE_SNP_MAX_CERTS)
        abort();
    for (size_t i = 0; i < a->certs.count; i++) {
        check_inside(a->certs.of[i].der, payload, a->owned);
        sum += touch(a->certs.of[i].der);
    }
    (void)sum;
    if (mse_attestation_check_binding(a, &err) != (err.code == MSE_ERR_NONE))
        abort();
}

static void open_payload(const struct mse_cert *cert, const struct mse_profile *profile,
                         struct mse_bytes oid, struct mse_bytes payload)
{
    struct mse_extension extension = { oid, payload, false };
    struct mse_attestation attestation = { 0 };
    struct mse_error err = { 0 };
    bool done = profile->open(cert, &extension, &attestation, &err);

    if (done != (err.code == MSE_ERR_NONE))
        abort();
    if (done)
        check_attestation(&attestation, payload);
    mse_attestation_cleanup(&attestation);
}

/* For targets of one profile: a fixed key, and every OID that the profile reads. */
static inline int fuzz_profile(const char *name, const uint8_t *data, size_t size)
{
    static const uint8_t key[] = { 0x30, 0x00 };
    const struct mse_profile *profile = mse_profile_find(name);
    struct mse_cert cert = { .spki = MSE_BYTES(key),
                             .key_bits = MSE_BYTES(key),
                             .key_type = MSE_KEY_P256 };

    for (size_t i = 0; profile->oids[i].len > 0; i++)
        open_payload(&cert, profile, profile->oids[i], (struct mse_bytes){ data, size });
    return 0;
}

#endif
