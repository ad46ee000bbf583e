/* SPDX-License-Identifier: Apache-2.0 */
/* The program's options: one table of what each takes, one struct of what was given. */
#ifndef MSE_SIMTEE_OPTIONS_H
#define MSE_SIMTEE_OPTIONS_H

#include <stdio.h>

#include "issue/names.h"

enum mse_sim_option {
    MSE_SIM_OPT_NONE, /* ends a list */
    MSE_SIM_OPT_AT,
    MSE_SIM_OPT_CONFIG_NAME,
    MSE_SIM_OPT_DAYS,
    MSE_SIM_OPT_DEBUG,
    MSE_SIM_OPT_DIR,
    MSE_SIM_OPT_EDGE,
    MSE_SIM_OPT_UUID,
    MSE_SIM_OPT_EVAL,
    MSE_SIM_OPT_FMSPC,
    MSE_SIM_OPT_HELP,
    MSE_SIM_OPT_ISSUED,
    MSE_SIM_OPT_ISV_SVN,
    MSE_SIM_OPT_KEY,
    MSE_SIM_OPT_LISTEN,
    MSE_SIM_OPT_MRENCLAVE,
    MSE_SIM_OPT_NAME,
    MSE_SIM_OPT_NO_STATEMENT,
    MSE_SIM_OPT_OTHER_KEY,
    MSE_SIM_OPT_OUTPUT,
    MSE_SIM_OPT_PCS_LISTEN,
    MSE_SIM_OPT_PROCESSOR,
    MSE_SIM_OPT_QE_STATUS,
    MSE_SIM_OPT_QUOTE_MS,
    MSE_SIM_OPT_REPORT_DATA,
    MSE_SIM_OPT_REST,
    MSE_SIM_OPT_REVOKE,
    MSE_SIM_OPT_ROOT,
    MSE_SIM_OPT_RUNTIME,
    MSE_SIM_OPT_SEAL_KEY,
    MSE_SIM_OPT_TCB_STATUS,
    MSE_SIM_OPT_COUNT
};

#define MSE_SIM_MAX_EDGES 8

/* Values by option; texts are borrowed from the command line. */
struct mse_sim_options {
    const char *dir; /* the one operand */
    bool given[MSE_SIM_OPT_COUNT];
    const char *text[MSE_SIM_OPT_COUNT];
    int64_t number[MSE_SIM_OPT_COUNT];
    uint8_t bytes[MSE_SIM_OPT_COUNT][64];
    const char *names[MSE_ISSUE_MAX_NAMES]; /* --name, which may be repeated */
    size_t name_count;
    const char *edges[MSE_SIM_MAX_EDGES]; /* --edge, likewise */
    size_t edge_count;
    const char *const *rest; /* what stands behind "--" */
    size_t rest_count;
};

/*
 * Reads what follows the command's name. allowed: the command's options, closed by NONE; those
 * in required must be there. --help is always allowed and makes everything else optional.
 */
MSE_MUST_CHECK bool mse_sim_options_read(int argc, char **argv, const enum mse_sim_option *allowed,
                                         const enum mse_sim_option *required,
                                         struct mse_sim_options *out, struct mse_error *err);
/* One line for each option. */
void mse_sim_options_help(const enum mse_sim_option *allowed, FILE *out);

#endif
