/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's way to the wire: it reads from the bytes at hand, and writes to one buffer that all
 * connections share, so that a connection at rest keeps none (a memory BIO never shrinks).
 */
#ifndef MSE_ENCLAVE_TLS_BIO_H
#define MSE_ENCLAVE_TLS_BIO_H

#include <openssl/bio.h>

#include "base/bytes.h"

/* Four full records, and what may come before them. */
#define MSE_TLS_OUT_SIZE (72U << 10)

struct mse_tls_out;

/* One connection's end. */
struct mse_tls_io {
    struct mse_bytes in; /* what the peer sent and OpenSSL has not taken yet */
    struct mse_tls_out *out;
};

/* What OpenSSL wrote for one connection, its owner, and was not sent yet. */
struct mse_tls_out {
    void (*send)(struct mse_tls_io *owner, struct mse_bytes data);
    struct mse_tls_io *owner;
    size_t len;
    uint8_t data[MSE_TLS_OUT_SIZE];
};

/* Owned by the caller (BIO_meth_free), NULL without memory. */
BIO_METHOD *mse_tls_bio_method(void);
/* io is borrowed: it stays where it is until the BIO is freed. NULL without memory. */
BIO *mse_tls_bio_new(const BIO_METHOD *method, struct mse_tls_io *io);
/* Sends what is there. */
void mse_tls_out_flush(struct mse_tls_out *out);
/* The connection is gone: what it had to say is dropped. */
void mse_tls_out_forget(struct mse_tls_out *out, const struct mse_tls_io *io);

#endif
