/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of the configuration server: what the owner's client reads (docs/formats.md). */
#include "enclave/config_reply.h"

#include <inttypes.h>

#include "base/encode.h"
#include "base/json.h"

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
};

static const char *reason_of(unsigned status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Error";
}

static void write_problem(const struct mse_config_reply *reply, struct mse_writer *out)
{
    struct mse_json_writer json = mse_json_writer_init(out, 0);

    mse_json_open_object(&json, NULL);
    mse_json_put_text(&json, "type", "about:blank");
    mse_json_put_text(&json, "title", reason_of(reply->status));
    mse_json_put_unsigned(&json, "status", reply->status);
    mse_json_put_text(&json, "detail", reply->text);
    mse_json_put_text(&json, "code", reply->code);
    mse_json_close_object(&json);
    mse_write_text(out, "\n");
}

static void write_fields(const struct mse_config_reply *reply, struct mse_writer *out)
{
    char nonce[65];

    mse_write_format(out, "Content-Type: %s\r\nCache-Control: no-store\r\n",
                     reply->code != NULL ? "application/problem+json" : "text/plain");
    mse_write_format(out, "Mse-Status: %s\r\nMse-Epoch: %" PRIu64 "\r\n", reply->state,
                     reply->epoch);
    if (reply->nonce != NULL) {
        mse_hex_write(reply->nonce, 32, nonce);
        mse_write_format(out, "Mse-Nonce: %s\r\n", nonce);
    }
    if (reply->status == 401) /* RFC 9110, 15.5.2 */
        mse_write_text(out, "WWW-Authenticate: Mse-Signature\r\n");
    if (reply->retry_s != 0)
        mse_write_format(out, "Retry-After: %u\r\n", reply->retry_s);
}

void mse_config_reply_write(const struct mse_config_reply *reply, struct mse_writer *out)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer body = { 0 };

    if (!reply->bare && reply->code != NULL)
        write_problem(reply, &body);
    else if (!reply->bare)
        mse_write_text(&body, reply->text);
    mse_write_format(out, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\nConnection: %s\r\n",
                     reply->status, reason_of(reply->status), body.len,
                     reply->close ? "close" : "keep-alive");
    if (!reply->bare)
        write_fields(reply, out);
    mse_write_text(out, "\r\n");
    if (!reply->to_head)
        mse_write_bytes(out, body.data, body.len);
    if (body.failed)
        out->failed = true;
}
