/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's instance statement: which app an instance is. */
#include "simtee/statement.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"
#include "simtee/der_write.h"

#define TAG "mse-instance-v1\n"

/* Arc 2.25 with a UUID as one integer (ITU-T X.667, 7): base 128, high bit on all but the last. */
static const uint8_t oid_statement[] = {
    0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x20,
};
const struct mse_bytes mse_sim_oid_statement = { oid_statement, sizeof(oid_statement) };

/* RFC 9562, 5.4: version 4, variant 10. */
static bool make_uuid(char out[static 37], struct mse_error *err)
{
    uint8_t u[16];
    char hex[33];

    if (!mse_sim_random(u, sizeof(u), err))
        return false;
    u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
    u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
    mse_hex_write(u, sizeof(u), hex);
    (void)snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    return true;
}

/* Canonical JSON: members in byte order, no white space. */
static bool put_statement(struct mse_writer *w, const struct mse_sim_statement *statement,
                          struct mse_error *err)
{
    struct mse_json_writer json = mse_json_writer_init(w, 0);
    char uuid[37];

    if (!make_uuid(uuid, err))
        return false;
    mse_json_open_object(&json, NULL);
    mse_json_put_text(&json, "config_name", statement->config_name);
    mse_json_put_hex(&json, "fingerprint", statement->fingerprint, 32);
    mse_json_put_text(&json, "name", statement->name);
    mse_json_put_integer(&json, "not_after", statement->not_after);
    mse_json_put_hex(&json, "owner", statement->owner, 32);
    mse_json_put_text(&json, "uuid", uuid);
    mse_json_close_object(&json);
    return mse_writer_ok(w) || mse_fail_memory(err);
}

bool mse_sim_statement_make(const struct mse_sim_statement *statement, EVP_PKEY *key,
                            struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer message = { 0 };
    size_t sequence = mse_sim_der_mark(out);
    uint8_t signature[64];
    struct mse_bytes text;

    mse_write_text(&message, TAG);
    if (!put_statement(&message, statement, err) ||
        !mse_sim_sign_ed25519(key, mse_writer_bytes(&message), signature, err))
        return false;
    text = (struct mse_bytes){ message.data + sizeof(TAG) - 1, message.len - (sizeof(TAG) - 1) };
    mse_sim_der_put(out, MSE_SIM_DER_OCTET_STRING, text);
    mse_sim_der_put(out, MSE_SIM_DER_OCTET_STRING, MSE_BYTES(signature));
    mse_sim_der_close(out, MSE_SIM_DER_SEQUENCE, sequence);
    return mse_writer_ok(out) || mse_fail_memory(err);
}
