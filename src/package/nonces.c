/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces by path: kept by contexts, used by packages. */
#include <stdlib.h>

#include "package/package.h"

static int compare_values(const void *a, const void *b)
{
    const struct mse_nonce *const *one = a, *const *other = b;

    return memcmp((*one)->nonce, (*other)->nonce, MSE_BOX_NONCE);
}

bool mse_nonces_check(const struct mse_nonces *nonces, struct mse_error *err)
{
    const struct mse_nonce **sorted;
    bool ok = true;

    if (nonces->count == 0)
        return true;
    sorted = calloc(nonces->count, sizeof(const struct mse_nonce *));
    if (sorted == NULL)
        return mse_fail_memory(err);
    for (size_t i = 0; i < nonces->count; i++)
        sorted[i] = &nonces->of[i];
    qsort(sorted, nonces->count, sizeof(const struct mse_nonce *), compare_values);
    for (size_t i = 1; ok && i < nonces->count; i++) {
        if (compare_values(&sorted[i - 1], &sorted[i]) == 0)
            ok = mse_fail_text(err, MSE_ERR_DUPLICATE, sorted[i]->path,
                               "has the nonce of another file: both could be read by others");
    }
    free(sorted);
    return ok;
}

void mse_nonces_cleanup(struct mse_nonces *nonces)
{
    for (size_t i = 0; i < nonces->count; i++)
        free(nonces->of[i].path);
    if (nonces->of != NULL)
        explicit_bzero(nonces->of, nonces->count * sizeof(nonces->of[0]));
    free(nonces->of);
    *nonces = (struct mse_nonces){ 0 };
}

static int compare(const void *path, const void *nonce)
{
    return strcmp(path, ((const struct mse_nonce *)nonce)->path);
}

const uint8_t *mse_nonces_find(const struct mse_nonces *nonces, const char *path)
{
    const struct mse_nonce *found = NULL;

    if (nonces->count > 0)
        found = bsearch(path, nonces->of, nonces->count, sizeof(nonces->of[0]), compare);
    return found != NULL ? found->nonce : NULL;
}
