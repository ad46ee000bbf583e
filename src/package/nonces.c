/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces by path: kept by contexts, used by packages. */
#include <stdlib.h>

#include "package/package.h"

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
