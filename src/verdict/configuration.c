/* SPDX-License-Identifier: Apache-2.0 */
/* Who configured the app, in words. */
#include <inttypes.h>
#include <stdio.h>

#include "base/encode.h"
#include "verdict/report.h"

const char *mse_configuration_state_name(enum mse_configuration_state state)
{
    switch (state) {
    case MSE_CONFIGURATION_NOT_TOLD:
        return "not told";
    case MSE_CONFIGURATION_UNCONFIGURED:
        return "unconfigured";
    case MSE_CONFIGURATION_UNSIGNED:
        return "unsigned";
    case MSE_CONFIGURATION_UNCHECKED:
        return "unchecked";
    case MSE_CONFIGURATION_SIGNED:
        return "signed";
    }
    return "?";
}

const char *mse_configuration_text(const struct mse_configuration *c,
                                   char out[static MSE_CONFIGURATION_TEXT_SIZE])
{
    char digest[65], owner[65];

    mse_hex_write(c->digest, 32, digest);
    mse_hex_write(c->owner, 32, owner);
    switch (c->state) {
    case MSE_CONFIGURATION_SIGNED:
        (void)snprintf(out, MSE_CONFIGURATION_TEXT_SIZE,
                       "configured by %s, epoch %" PRIu64 ", configuration %s", owner, c->epoch,
                       digest);
        return out;
    case MSE_CONFIGURATION_UNCHECKED:
        (void)snprintf(out, MSE_CONFIGURATION_TEXT_SIZE,
                       "configured, by whom was not checked (no owner's key is known), epoch "
                       "%" PRIu64 ", configuration %s",
                       c->epoch, digest);
        return out;
    case MSE_CONFIGURATION_UNSIGNED:
        (void)snprintf(out, MSE_CONFIGURATION_TEXT_SIZE,
                       "configured without a signature, by whoever came first, epoch %" PRIu64
                       ", configuration %s",
                       c->epoch, digest);
        return out;
    case MSE_CONFIGURATION_UNCONFIGURED:
        (void)snprintf(out, MSE_CONFIGURATION_TEXT_SIZE, "not configured by anybody yet");
        return out;
    case MSE_CONFIGURATION_NOT_TOLD:
        break;
    }
    (void)snprintf(out, MSE_CONFIGURATION_TEXT_SIZE, "by whom it was configured is not known");
    return out;
}
