/* SPDX-License-Identifier: Apache-2.0 */
/* A BIO over shared buffers: writing never blocks, reading asks for a retry when nothing is left.
 */
#include "enclave/tls_bio.h"

void mse_tls_out_flush(struct mse_tls_out *out)
{
    struct mse_bytes data = { out->data, out->len };

    out->len = 0; /* first: sending may end the connection, and with it this buffer's owner */
    if (data.len > 0 && out->owner != NULL)
        out->send(out->owner, data);
}

void mse_tls_out_forget(struct mse_tls_out *out, const struct mse_tls_io *io)
{
    if (out->owner != io)
        return;
    out->owner = NULL;
    out->len = 0;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *written)
{
    struct mse_tls_io *io = BIO_get_data(bio);
    struct mse_tls_out *out = io->out;

    BIO_clear_retry_flags(bio);
    *written = len;
    if (out->owner != io) {
        mse_tls_out_flush(out);
        out->owner = io;
    }
    while (len > 0) {
        size_t room = sizeof(out->data) - out->len;
        size_t part = len < room ? len : room;

        memcpy(out->data + out->len, data, part);
        out->len += part;
        data += part;
        len -= part;
        if (out->len == sizeof(out->data))
            mse_tls_out_flush(out);
    }
    return 1;
}

static int bio_read(BIO *bio, char *data, size_t size, size_t *read)
{
    struct mse_tls_io *io = BIO_get_data(bio);
    size_t len = size < io->in.len ? size : io->in.len;

    BIO_clear_retry_flags(bio);
    *read = len;
    if (len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(data, io->in.data, len);
    io->in.data += len;
    io->in.len -= len;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *mse_tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "shared buffers");

    if (method == NULL)
        return NULL;
    if (BIO_meth_set_write_ex(method, bio_write) != 1 ||
        BIO_meth_set_read_ex(method, bio_read) != 1 ||
        BIO_meth_set_ctrl(method, bio_control) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

BIO *mse_tls_bio_new(const BIO_METHOD *method, struct mse_tls_io *io)
{
    BIO *bio = BIO_new(method);

    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, io);
    BIO_set_init(bio, 1);
    return bio;
}
