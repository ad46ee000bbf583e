/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP on one connection of the configuration server, without sockets: bytes in, bytes out. All
 * connections share one door and one bound on memory.
 */
#ifndef MSE_ENCLAVE_CONFIG_EXCHANGE_H
#define MSE_ENCLAVE_CONFIG_EXCHANGE_H

#include "enclave/config_door.h"

#define MSE_CONFIG_HEAD_MS 10000
#define MSE_CONFIG_BODY_MS 60000
/* After the last reply: the peer takes it and goes. */
#define MSE_CONFIG_FINISH_MS 10000
/* Heads and bodies of all connections that are not complete. When it is used up, whoever has been
 * sending for the longest time is sent away: a configuration takes a moment, blocking takes time.
 */
#define MSE_CONFIG_HELD_MAX ((size_t)16 << 20)

struct mse_config_exchanges;
struct mse_config_exchange;

MSE_MUST_CHECK bool mse_config_exchanges_new(const struct mse_config_door_options *options,
                                             struct mse_config_exchanges **out,
                                             struct mse_error *err);
/* After the last exchange was freed. */
void mse_config_exchanges_free(struct mse_config_exchanges *all);
/* Bytes that are held at present. */
size_t mse_config_exchanges_held(const struct mse_config_exchanges *all);

/* What an exchange does to its connection. Any of them may call mse_config_exchange_free. */
struct mse_config_exchange_handler {
    void (*write)(void *context, struct mse_bytes data);
    /* Nothing more is said or read: to be closed when all is written. */
    void (*finish)(void *context);
    /* To be closed when this time has passed, unless it is set anew; 0: no limit. */
    void (*deadline)(void *context, unsigned ms);
};
MSE_MUST_CHECK bool mse_config_exchange_new(struct mse_config_exchanges *all,
                                            const struct mse_config_exchange_handler *handler,
                                            void *context, struct mse_config_exchange **out,
                                            struct mse_error *err);
void mse_config_exchange_data(struct mse_config_exchange *exchange, struct mse_bytes data);
/* The peer sends nothing more; it may wait for a decision. */
void mse_config_exchange_end(struct mse_config_exchange *exchange);
bool mse_config_exchange_is_finished(const struct mse_config_exchange *exchange);
/* The connection is gone. The handler is not called any more. */
void mse_config_exchange_free(struct mse_config_exchange *exchange);

#endif
