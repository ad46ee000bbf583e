/* SPDX-License-Identifier: Apache-2.0 */
/* Request and reply of mse-attest/1 as bytes. */
#include "attest/message.h"

static bool check_version(struct mse_reader *r, const char *field)
{
    unsigned version = mse_read_u8(r, field);

    if (mse_read_ok(r) && version != MSE_ATTEST_VERSION)
        return mse_fail_text_at(r->err, MSE_ERR_UNSUPPORTED, 0, field,
                                "is %u, this program speaks %d", version, MSE_ATTEST_VERSION);
    return mse_read_ok(r);
}

bool mse_attest_request_parse(struct mse_bytes in, struct mse_attest_request *out, size_t *used,
                              struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct mse_attest_request q = { 0 };
    const uint8_t *nonce;
    unsigned flags, len;

    memset(out, 0, sizeof(*out));
    *used = 0;
    if (!check_version(&r, "request.version"))
        return false;
    flags = mse_read_u8(&r, "request.flags");
    /* What is wrong is refused before more is waited for. */
    if (mse_read_ok(&r) && (flags & ~(unsigned)MSE_ATTEST_CONTINUE) != 0)
        return mse_fail(err, MSE_ERR_VALUE, 1, "request.flags");
    q.go_on = (flags & MSE_ATTEST_CONTINUE) != 0;
    nonce = mse_read_array(&r, MSE_ATTEST_NONCE, "request.nonce");
    len = mse_read_u8(&r, "request.inner_length");
    if (mse_read_ok(&r) && q.go_on != (len > 0))
        return mse_fail_text_at(err, MSE_ERR_VALUE, 2 + MSE_ATTEST_NONCE, "request.inner",
                                "an inner protocol goes with CONTINUE, and only with it");
    q.inner = mse_read_bytes(&r, len, "request.inner");
    if (!mse_read_ok(&r))
        return false;
    memcpy(q.nonce, nonce, sizeof(q.nonce));
    *out = q;
    *used = mse_reader_offset(&r); /* what follows belongs to the inner protocol */
    return true;
}

void mse_attest_request_write(const struct mse_attest_request *request, struct mse_writer *out)
{
    if (request->inner.len > MSE_ATTEST_MAX_INNER || request->go_on != (request->inner.len > 0)) {
        out->failed = true;
        return;
    }
    mse_write_u8(out, MSE_ATTEST_VERSION);
    mse_write_u8(out, request->go_on ? MSE_ATTEST_CONTINUE : 0);
    mse_write_bytes(out, request->nonce, sizeof(request->nonce));
    mse_write_u8(out, (uint8_t)request->inner.len);
    mse_write_bytes(out, request->inner.data, request->inner.len);
}

static bool read_place(struct mse_reader *r, struct mse_attest_reply *out)
{
    unsigned tee = mse_read_u8(r, "reply.tee");
    unsigned length;

    out->index = mse_read_u16be(r, "reply.index");
    out->count = mse_read_u16be(r, "reply.count");
    length = mse_read_u8(r, "reply.path_length");
    if (!mse_read_ok(r))
        return false;
    if (tee < MSE_ATTEST_SIM || tee > MSE_ATTEST_SNP)
        return mse_reader_fail(r, MSE_ERR_VALUE, "reply.tee");
    if (out->count < 1 || out->count > MSE_ATTEST_MAX_LEAVES)
        return mse_reader_fail(r, MSE_ERR_VALUE, "reply.count");
    if (out->index >= out->count)
        return mse_reader_fail(r, MSE_ERR_VALUE, "reply.index");
    if (length > MSE_ATTEST_MAX_PATH)
        return mse_reader_fail(r, MSE_ERR_VALUE, "reply.path_length");
    out->tee = (enum mse_attest_tee)tee;
    out->path_length = length;
    out->path = mse_read_array(r, length * MSE_ATTEST_HASH, "reply.path");
    return mse_read_ok(r);
}

static struct mse_bytes read_item(struct mse_reader *r, const char *field)
{
    uint32_t len = mse_read_u32be(r, field);

    return mse_read_bytes(r, len, field);
}

bool mse_attest_reply_parse(struct mse_bytes in, struct mse_attest_reply *out,
                            struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct mse_attest_reply p = { 0 };

    memset(out, 0, sizeof(*out));
    if (in.len > MSE_ATTEST_MAX_REPLY)
        return mse_fail(err, MSE_ERR_LIMIT, in.len, "reply");
    if (!check_version(&r, "reply.version") || !read_place(&r, &p))
        return false;
    p.evidence = read_item(&r, "reply.evidence");
    if (mse_read_ok(&r) && p.evidence.len == 0)
        return mse_reader_fail(&r, MSE_ERR_VALUE, "reply.evidence");
    p.config_statement = read_item(&r, "reply.config_statement");
    p.release = read_item(&r, "reply.release");
    if (!mse_read_done(&r, "reply"))
        return false;
    *out = p;
    return true;
}

static void write_item(struct mse_writer *out, struct mse_bytes item)
{
    mse_write_u32be(out, (uint32_t)item.len);
    mse_write_bytes(out, item.data, item.len);
}

bool mse_attest_reply_write(const struct mse_attest_reply *reply, struct mse_writer *out,
                            struct mse_error *err)
{
    size_t fixed = 1 + 1 + 2 + 2 + 1 + reply->path_length * MSE_ATTEST_HASH + 3 * 4;
    struct mse_bytes items[] = { reply->evidence, reply->config_statement, reply->release };
    size_t left;

    if (reply->path_length > MSE_ATTEST_MAX_PATH)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "reply.path");
    left = MSE_ATTEST_MAX_REPLY - fixed;
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        if (items[i].len > left)
            return mse_fail_text(err, MSE_ERR_LIMIT, "reply", "would be longer than %u bytes",
                                 MSE_ATTEST_MAX_REPLY);
        left -= items[i].len;
    }
    mse_write_u32be(out, (uint32_t)(MSE_ATTEST_MAX_REPLY - left));
    mse_write_u8(out, MSE_ATTEST_VERSION);
    mse_write_u8(out, (uint8_t)reply->tee);
    mse_write_u16be(out, reply->index);
    mse_write_u16be(out, reply->count);
    mse_write_u8(out, (uint8_t)reply->path_length);
    mse_write_bytes(out, reply->path, reply->path_length * MSE_ATTEST_HASH);
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
        write_item(out, items[i]);
    return mse_writer_ok(out) || mse_fail_memory(err);
}
