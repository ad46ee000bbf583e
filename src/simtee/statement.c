/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's instance statement: which app an instance is. */
#include "simtee/statement.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"
#include "issue/der_write.h"

#define TAG "mse-instance-v1\n"

/* RFC 9562, 5.4: version 4, variant 10. */
bool mse_sim_uuid_make(char out[static MSE_SIM_UUID_SIZE], struct mse_error *err)
{
    uint8_t u[16];
    char hex[33];

    if (!mse_issue_random(u, sizeof(u), err))
        return false;
    u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
    u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
    mse_hex_write(u, sizeof(u), hex);
    (void)snprintf(out, MSE_SIM_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
    return true;
}

bool mse_sim_uuid_check(const char *uuid, struct mse_error *err)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool ok = strlen(uuid) == sizeof(form) - 1;

    for (size_t i = 0; ok && form[i] != '\0'; i++)
        ok = form[i] == '-' ? uuid[i] == '-' : strchr("0123456789abcdef", uuid[i]) != NULL;
    return ok || mse_fail_text(err, MSE_ERR_USAGE, "uuid",
                               "'%s' is not 32 hex digits in lower case with dashes", uuid);
}

/* Canonical JSON: members in byte order, no white space. */
static bool put_statement(struct mse_writer *w, const struct mse_sim_statement *statement,
                          struct mse_error *err)
{
    struct mse_json_writer json = mse_json_writer_init(w, 0);
    char uuid[MSE_SIM_UUID_SIZE];

    if (statement->uuid == NULL && !mse_sim_uuid_make(uuid, err))
        return false;
    mse_json_open_object(&json, NULL);
    mse_json_put_text(&json, "config_name", statement->config_name);
    mse_json_put_hex(&json, "fingerprint", statement->fingerprint, 32);
    mse_json_put_text(&json, "name", statement->name);
    mse_json_put_integer(&json, "not_after", statement->not_after);
    mse_json_put_hex(&json, "owner", statement->owner, 32);
    mse_json_put_text(&json, "uuid", statement->uuid != NULL ? statement->uuid : uuid);
    mse_json_close_object(&json);
    return mse_writer_ok(w) || mse_fail_memory(err);
}

bool mse_sim_statement_make(const struct mse_sim_statement *statement, EVP_PKEY *key,
                            struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer message = { 0 };
    size_t sequence = mse_issue_der_mark(out);
    uint8_t signature[64];
    struct mse_bytes text;

    mse_write_text(&message, TAG);
    if (!put_statement(&message, statement, err) ||
        !mse_issue_sign_ed25519(key, mse_writer_bytes(&message), signature, err))
        return false;
    text = (struct mse_bytes){ message.data + sizeof(TAG) - 1, message.len - (sizeof(TAG) - 1) };
    mse_issue_der_put(out, MSE_ISSUE_DER_OCTET_STRING, text);
    mse_issue_der_put(out, MSE_ISSUE_DER_OCTET_STRING, MSE_BYTES(signature));
    mse_issue_der_close(out, MSE_ISSUE_DER_SEQUENCE, sequence);
    return mse_writer_ok(out) || mse_fail_memory(err);
}
