/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: every view lies inside the input, and what is not signed is never accepted. */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct mse_bytes view, struct mse_bytes whole)
{
    if (view.len == 0)
        return;
    if (view.data < whole.data || view.len > whole.len ||
        (size_t)(view.data - whole.data) > whole.len - view.len)
        abort();
}

static void check_views(const struct mse_cert *cert, struct mse_bytes in)
{
    const struct mse_bytes views[] = { cert->der,     cert->tbs,  cert->serial,   cert->issuer,
                                       cert->subject, cert->spki, cert->key_bits, cert->signature };

    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
        inside(views[i], in);
    for (size_t i = 0; i < cert->extension_count; i++) {
        const struct mse_extension *e = &cert->extensions[i];

        inside(e->oid, cert->tbs);
        inside(e->payload, cert->tbs);
        if (mse_cert_extension(cert, e->oid) != e) /* none is there twice */
            abort();
    }
    if (cert->der.len != in.len || cert->version < 1 || cert->version > 3 || cert->serial.len < 1 ||
        cert->serial.len > 20 || cert->path_len < -1 ||
        cert->extension_count > MSE_CERT_MAX_EXTENSIONS)
        abort();
}

static void check_texts(const struct mse_cert *cert)
{
    char text[64];

    if (strlen(mse_cert_name_text(cert->subject, text, sizeof(text))) >= sizeof(text))
        abort();
    inside(mse_cert_common_name(cert->subject), cert->subject);
    for (size_t i = 0; i < cert->extension_count; i++) {
        if (strlen(mse_oid_text(cert->extensions[i].oid, text, sizeof(text))) >= sizeof(text))
            abort();
    }
}

static void check_names(const struct mse_cert *cert)
{
    struct mse_general_name names[MSE_CERT_MAX_NAMES];
    size_t count = MSE_CERT_MAX_NAMES;
    struct mse_error err = { 0 };

    if (!mse_cert_alt_names(cert, names, &count, &err) && (count != 0 || err.code == MSE_ERR_NONE))
        abort();
    for (size_t i = 0; i < count; i++)
        inside(names[i].value, cert->tbs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes in = { data, size };
    struct mse_error err = { 0 };
    struct mse_error key_err = { 0 };
    struct mse_cert cert;
    struct mse_key *key = NULL;

    if (!mse_cert_parse(in, &cert, &err)) {
        if (err.code == MSE_ERR_NONE || err.offset > size || cert.der.data != NULL)
            abort();
        return 0;
    }
    check_views(&cert, in);
    check_texts(&cert);
    check_names(&cert);
    if (mse_key_new(cert.key_type, cert.key_bits, &key, &key_err) != (key != NULL) ||
        (key == NULL) != (key_err.code != MSE_ERR_NONE))
        abort();
    mse_key_free(key);
    return 0;
}
