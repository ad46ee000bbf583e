/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that travel with an SNP report as one blob: DER behind DER, or PEM text. */
#include "ratls/profiles.h"

#include "base/encode.h"

static bool has_prefix(struct mse_bytes text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len > len && memcmp(text.data, prefix, len) == 0;
}

/* Names from AMD's "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface", 57230. */
static enum mse_snp_cert_kind kind_of_name(struct mse_bytes name)
{
    if (mse_bytes_equal_text(name, "SEV-VCEK"))
        return MSE_SNP_CERT_VCEK;
    if (mse_bytes_equal_text(name, "SEV-VLEK"))
        return MSE_SNP_CERT_VLEK;
    if (has_prefix(name, "ARK-"))
        return MSE_SNP_CERT_ARK;
    return has_prefix(name, "SEV-") ? MSE_SNP_CERT_ASK : MSE_SNP_CERT_OTHER;
}

bool mse_snp_certs_add(struct mse_snp_certs *certs, struct mse_bytes der, struct mse_error *err)
{
    struct mse_cert cert;
    enum mse_snp_cert_kind kind;

    if (!mse_cert_parse(der, &cert, err))
        return mse_fail_in(err, "snp certificate");
    kind = kind_of_name(mse_cert_common_name(cert.subject));
    for (size_t i = 0; i < certs->count; i++) {
        if (kind != MSE_SNP_CERT_OTHER && certs->of[i].kind == kind)
            return mse_fail(err, MSE_ERR_DUPLICATE, 0, "snp certificate");
    }
    if (certs->count == MSE_SNP_MAX_CERTS)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "snp certificates");
    certs->of[certs->count++] = (struct mse_snp_cert){ kind, der };
    return true;
}

static bool add_der(struct mse_snp_certs *certs, struct mse_bytes blob, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(blob, err);

    while (mse_read_ok(&r) && mse_reader_left(&r) > 0) {
        struct mse_bytes der = mse_der_read_whole(&r, MSE_DER_SEQUENCE, "snp certificates");

        if (!mse_read_ok(&r) || !mse_snp_certs_add(certs, der, err))
            return false;
    }
    return mse_read_done(&r, "snp certificates");
}

static bool add_pem(struct mse_snp_certs *certs, struct mse_bytes blob, uint8_t *owned,
                    size_t *used, struct mse_error *err)
{
    size_t at = 0, start = *used, len = blob.len;

    while (mse_pem_next(blob, &at, "CERTIFICATE", owned + *used, &len, err)) {
        struct mse_bytes der = { owned + *used, len };

        if (!mse_snp_certs_add(certs, der, err))
            return false;
        *used += len;
        len = blob.len - (*used - start); /* decoded text is shorter than the text */
    }
    if (err->code != MSE_ERR_NONE)
        return false;
    return *used > start || mse_fail(err, MSE_ERR_FORMAT, 0, "snp certificates");
}

bool mse_snp_certs_add_blob(struct mse_snp_certs *certs, struct mse_bytes blob, uint8_t *owned,
                            size_t *used, struct mse_error *err)
{
    if (blob.len > 0 && blob.data[0] == MSE_DER_SEQUENCE)
        return add_der(certs, blob, err);
    return add_pem(certs, blob, owned, used, err);
}
