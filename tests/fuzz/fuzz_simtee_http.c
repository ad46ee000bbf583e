/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests of strangers to the simulated platform's servers. */
#include <stdlib.h>

#include "simtee/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct mse_bytes view, const uint8_t *data, size_t size)
{
    if (view.len > 0 &&
        (view.data < data || view.len > size || (size_t)(view.data - data) > size - view.len))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_sim_request request;
    struct mse_bytes value;
    size_t used;

    if (mse_sim_request_parse((struct mse_bytes){ data, size }, &request, &used) !=
        MSE_SIM_PARSE_DONE) {
        if (used != 0 || request.target.len != 0)
            abort();
        return 0;
    }
    inside(request.method, data, used);
    inside(request.target, data, used);
    inside(request.path, data, used);
    inside(request.query, data, used);
    if (used > size || request.path.len == 0 || request.path.data[0] != '/')
        abort();
    if (mse_sim_query_get(&request, "ca", &value))
        inside(value, data, used);
    return 0;
}
