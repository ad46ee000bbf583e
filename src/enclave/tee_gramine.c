/* SPDX-License-Identifier: Apache-2.0 */
/* SGX inside of Gramine: the pseudo-files below /dev/attestation (Gramine, "Attestation and secret
 * provisioning"). */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "enclave/tee.h"
#include "enclave/tee_file.h"
#include "issue/hkdf.h"

#define KEY_INFO "mse-gramine-sealing-key-v1"
#define KEY_SIZE 16

struct gramine {
    struct mse_tee tee;
    pthread_mutex_t lock; /* report data and quote belong together, and Gramine has one of each */
    char dir[MSE_TEE_MAX_FILE_PATH];
};

static struct gramine *gramine_of(struct mse_tee *tee)
{
    return (struct gramine *)tee;
}

/* The quote is made when its file is opened, over what was written last. */
static bool quote(struct mse_tee *tee, const uint8_t report_data[static 64], struct mse_writer *out,
                  struct mse_error *err)
{
    struct gramine *gramine = gramine_of(tee);
    bool ok;

    (void)pthread_mutex_lock(&gramine->lock);
    ok = mse_tee_file_write(gramine->dir, "user_report_data", (struct mse_bytes){ report_data, 64 },
                            err) &&
         mse_tee_file_read(gramine->dir, "quote", MSE_TEE_MAX_EVIDENCE, out, err);
    (void)pthread_mutex_unlock(&gramine->lock);
    return ok;
}

/* EGETKEY's seal key under MRENCLAVE, which Gramine has for its encrypted files too: derived from
 * before it is used for anything else. */
static bool sealing_key(struct mse_tee *tee, uint8_t out[static 32], struct mse_error *err)
{
    uint8_t key[KEY_SIZE];
    bool ok = mse_tee_file_read_exact(gramine_of(tee)->dir, "keys/_sgx_mrenclave", key, sizeof(key),
                                      err);

    if (ok && mse_is_zero(key, sizeof(key)))
        ok = mse_fail_text(err, MSE_ERR_VALUE, "keys/_sgx_mrenclave", "is zero");
    ok = ok && mse_issue_hkdf(MSE_BYTES(key), MSE_CSTR_BYTES(KEY_INFO), out, err);
    OPENSSL_cleanse(key, sizeof(key));
    return ok;
}

static void gramine_free(struct mse_tee *tee)
{
    (void)pthread_mutex_destroy(&gramine_of(tee)->lock);
    free(tee);
}

static const struct mse_tee_backend backend = {
    .kind = MSE_ATTEST_SGX,
    .name = "gramine",
    .host_dir = "/mse",
    .has_isolation = false,
    .quote = quote,
    .sealing_key = sealing_key,
    .free = gramine_free,
};

static bool check_type(const char *dir, struct mse_error *err)
{
    char type[32];

    if (!mse_tee_file_read_word(dir, "attestation_type", type, sizeof(type), err))
        return false;
    return strcmp(type, "dcap") == 0 ||
           mse_fail_text(err, MSE_ERR_UNSUPPORTED, "attestation_type",
                         "is '%s', not dcap: see sgx.remote_attestation in the manifest", type);
}

bool mse_tee_gramine_open(const char *root, struct mse_tee **out, struct mse_error *err)
{
    struct gramine *gramine = calloc(1, sizeof(*gramine));
    bool ok = gramine != NULL || mse_fail_memory(err);

    *out = NULL;
    ok = ok && mse_tee_file_path(root, "dev/attestation", gramine->dir, err) &&
         (access(gramine->dir, F_OK) == 0 ||
          mse_fail_text(err, MSE_ERR_MISSING, gramine->dir, "there is no such directory"));
    if (ok && !check_type(gramine->dir, err)) {
        /* There is Gramine, but it is not in an enclave: no other TEE will be found either. */
        if (err->code == MSE_ERR_MISSING)
            err->code = MSE_ERR_UNSUPPORTED;
        ok = false;
    }
    ok = ok && (pthread_mutex_init(&gramine->lock, NULL) == 0 || mse_fail_memory(err));
    if (!ok) {
        free(gramine);
        return false;
    }
    gramine->tee.backend = &backend;
    *out = &gramine->tee;
    return true;
}
