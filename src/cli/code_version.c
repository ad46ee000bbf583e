/* SPDX-License-Identifier: Apache-2.0 */
/* The module and the program share structures: they must be of one version. */
#include "cli/code.h"

const char *mse_code_version(void)
{
    return MSE_VERSION;
}
