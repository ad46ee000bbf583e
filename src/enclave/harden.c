/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what the runtime does not need, by prctl(2) and capset(2). */
#include "enclave/harden.h"

#include <errno.h>
#include <linux/capability.h>
#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECURE_HEAP (1U << 18)
#define SECURE_MINIMUM 16

bool mse_harden_memory(struct mse_error *err)
{
    struct rlimit none = { 0, 0 };

    (void)umask(077);
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return mse_fail_errno(err, "RLIMIT_CORE", "cannot be set", errno);
    /* Where there is no such thing (Gramine) there are no dumps either. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 && errno != ENOSYS && errno != EINVAL)
        return mse_fail_errno(err, "PR_SET_DUMPABLE", "cannot be cleared", errno);
    return true;
}

/* Keeps CAP_NET_BIND_SERVICE if it is there. Ports are the only thing asked for later on. */
static bool drop_capabilities(struct mse_error *err)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
    const uint32_t bind = 1U << CAP_NET_BIND_SERVICE;
    uint32_t held;

    if (syscall(SYS_capget, &head, data) != 0)
        return errno == ENOSYS || mse_fail_errno(err, "capabilities", "cannot be read", errno);
    held = data[0].permitted & bind;
    memset(data, 0, sizeof(data));
    data[0].permitted = data[0].effective = held;
    if (syscall(SYS_capset, &head, data) != 0)
        return mse_fail_errno(err, "capabilities", "cannot be dropped", errno);
    return true;
}

/* A connection takes two descriptors; whoever cannot have more has fewer connections (runtime.c).
 */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

bool mse_harden_privileges(struct mse_error *err)
{
    raise_descriptors();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 && errno != ENOSYS && errno != EINVAL)
        return mse_fail_errno(err, "PR_SET_NO_NEW_PRIVS", "cannot be set", errno);
    if (!drop_capabilities(err))
        return false;
    /* 2: the heap is there, but could not be locked (RLIMIT_MEMLOCK); it still is not dumped. */
    if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MINIMUM) == 0)
        return mse_fail_text(err, MSE_ERR_MEMORY, "secure heap", "cannot be had");
    return true;
}
