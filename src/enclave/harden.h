/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime's own process gives up: dumps, core files, privileges. */
#ifndef MSE_ENCLAVE_HARDEN_H
#define MSE_ENCLAVE_HARDEN_H

#include "base/bytes.h"

/* First of all: no core file, no ptrace by the same user, files for nobody else. */
MSE_MUST_CHECK bool mse_harden_memory(struct mse_error *err);
/*
 * After the keeper was forked and before there is a second thread: keys go to a heap that is locked
 * and not dumped; no capability is left but the one for ports below 1024; nothing that is executed
 * can get more. As many descriptors as the machine allows are there afterwards.
 */
MSE_MUST_CHECK bool mse_harden_privileges(struct mse_error *err);

#endif
