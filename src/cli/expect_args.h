/* SPDX-License-Identifier: Apache-2.0 */
/* Options that say what code is expected: owner and release, context and code, runtime. */
#ifndef MSE_CLI_EXPECT_ARGS_H
#define MSE_CLI_EXPECT_ARGS_H

#include "cli/code.h"
#include "cli/verify_args.h"

struct expect_args {
    struct option_list owners;   /* key files or base64 */
    struct option_list runtimes; /* files or digests */
    const char *release, *context, *code, *loader;
    bool any_origin; /* set by the command: --context of an app with its owner's certificate too */
    /* made of them */
    bool has_fingerprint;              /* computed from the context and the code */
    struct code_fingerprint *computed; /* owned */
};

/* with_context: also --context, --code and --loader. */
void expect_args_add_rows(struct verify_args *v, struct expect_args *e, bool with_context);
/* Of the options alone, before any file is read. */
MSE_MUST_CHECK bool expect_args_check(const struct expect_args *e, const struct verify_args *v,
                                      struct mse_error *err);
/*
 * After verify_args_finish: reads keys, release, context and code into the policy. A release older
 * than one seen before is refused; one that holds for name (may be NULL) is remembered. Without
 * --release the newest remembered one of the owner for name is taken. There is no traffic.
 */
MSE_MUST_CHECK bool expect_args_finish(struct cli *cli, struct expect_args *e,
                                       struct verify_args *v, const char *name,
                                       struct mse_error *err);
void expect_args_cleanup(struct expect_args *e);
/* What the context says besides the code, on stderr; name: what is asked for, or NULL. */
void expect_args_print(struct cli *cli, const struct expect_args *e, const char *name);

#endif
