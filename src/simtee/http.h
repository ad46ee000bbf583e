/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 (RFC 9112) as far as two small servers need it: requests without body, whole replies. */
#ifndef MSE_SIMTEE_HTTP_H
#define MSE_SIMTEE_HTTP_H

#include "base/bytes.h"

#define MSE_SIM_HEAD_CAP 8192
#define MSE_SIM_TARGET_CAP 2048

/* Views into the bytes that were parsed. */
struct mse_sim_request {
    struct mse_bytes method;
    struct mse_bytes target; /* path and query: visible ASCII, begins with a slash */
    struct mse_bytes path;   /* without query */
    struct mse_bytes query;
    bool keep_alive;
};

enum mse_sim_parse { MSE_SIM_PARSE_MORE, MSE_SIM_PARSE_DONE, MSE_SIM_PARSE_BAD };

/* *used is the length of the head when it is done. What announces a body is bad. */
enum mse_sim_parse mse_sim_request_parse(struct mse_bytes in, struct mse_sim_request *out,
                                         size_t *used);
/*
 * Value of a query parameter; false if it is not there. A parameter given twice is none at all:
 * which of the two counts would be anybody's guess.
 */
bool mse_sim_query_get(const struct mse_sim_request *request, const char *name,
                       struct mse_bytes *out);

struct mse_sim_reply {
    unsigned status;
    const char *type;          /* media type */
    struct mse_writer headers; /* more header lines, each with its CRLF; owned */
    struct mse_writer body;    /* owned */
};

void mse_sim_reply_cleanup(struct mse_sim_reply *reply);
/* Status with its reason phrase as body. */
void mse_sim_reply_error(struct mse_sim_reply *reply, unsigned status);
void mse_sim_reply_write(const struct mse_sim_reply *reply, bool with_body, bool keep_alive,
                         struct mse_writer *out);

#endif
