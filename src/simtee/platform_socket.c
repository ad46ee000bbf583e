/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to what an enclave asks its platform. */
#include "simtee/platform_socket.h"

#include "attest/sim_socket.h"

#define STATUS_DONE 0
#define STATUS_REFUSED 1

bool mse_sim_is_quote_request(struct mse_bytes request)
{
    return request.len > 0 && request.data[0] == MSE_SIM_QUOTE;
}

static bool give_hello(const struct mse_sim_session *session, struct mse_writer *reply,
                       struct mse_error *err)
{
    uint8_t mrsigner[32], id[32];

    if (!mse_issue_key_mrsigner(session->platform->signer, mrsigner, err) ||
        !mse_sim_platform_id(session->platform, id, err))
        return false;
    mse_write_bytes(reply, session->enclave.mrenclave, sizeof(session->enclave.mrenclave));
    mse_write_bytes(reply, mrsigner, sizeof(mrsigner));
    mse_write_bytes(reply, id, sizeof(id));
    return true;
}

static bool give_key(const struct mse_sim_session *session, struct mse_writer *reply,
                     struct mse_error *err)
{
    uint8_t key[32];

    if (!mse_sim_sealing_key(session->secret, &session->enclave, key, err))
        return false;
    mse_write_bytes(reply, key, sizeof(key));
    OPENSSL_cleanse(key, sizeof(key));
    return true;
}

static bool give_counter(const struct mse_sim_session *session, struct mse_writer *reply,
                         struct mse_error *err)
{
    uint64_t value;

    if (!mse_sim_counter_read(&session->counter, &value, err))
        return false;
    mse_write_u32be(reply, (uint32_t)(value >> 32));
    mse_write_u32be(reply, (uint32_t)value);
    return true;
}

/* How many bytes follow the operation, or -1 for one that there is not. */
static int argument_size(uint8_t operation)
{
    switch (operation) {
    case MSE_SIM_HELLO:
    case MSE_SIM_SEALING_KEY:
    case MSE_SIM_COUNTER:
        return 0;
    case MSE_SIM_QUOTE:
        return 64;
    case MSE_SIM_ADVANCE:
        return 8;
    default:
        return -1;
    }
}

static bool act(const struct mse_sim_session *session, struct mse_bytes request,
                struct mse_writer *reply, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(request, err);
    uint8_t operation = mse_read_u8(&r, "operation");

    if (!mse_read_ok(&r))
        return false;
    if (argument_size(operation) == -1)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "operation", "%u is not known", operation);
    if (mse_reader_left(&r) != (size_t)argument_size(operation))
        return mse_fail_text(err, MSE_ERR_FORMAT, "request", "%zu bytes follow operation %u",
                             mse_reader_left(&r), operation);
    switch ((enum mse_sim_operation)operation) {
    case MSE_SIM_HELLO:
        return give_hello(session, reply, err);
    case MSE_SIM_QUOTE:
        return mse_sim_quote_make(session->platform, &session->enclave,
                                  mse_read_array(&r, 64, "report data"), reply, err);
    case MSE_SIM_SEALING_KEY:
        return give_key(session, reply, err);
    case MSE_SIM_COUNTER:
        return give_counter(session, reply, err);
    case MSE_SIM_ADVANCE:
        return mse_sim_counter_advance(&session->counter, mse_read_u64be(&r, "counter"), err);
    }
    return false;
}

bool mse_sim_session_answer(const struct mse_sim_session *session, struct mse_bytes request,
                            struct mse_writer *reply, struct mse_error *err)
{
    struct mse_error why = { 0 };
    char text[512];

    reply->cap = MSE_SIM_SOCKET_MAX;
    mse_write_u8(reply, STATUS_DONE);
    if (!act(session, request, reply, &why) && mse_writer_ok(reply)) {
        reply->len = 0;
        mse_write_u8(reply, STATUS_REFUSED);
        mse_write_text(reply, mse_error_describe(&why, text, sizeof(text)));
    }
    return mse_writer_ok(reply) || mse_fail_memory(err);
}
