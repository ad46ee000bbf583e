/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that an app cannot make (seccomp(2)). All but these pass: an app may be any program.
 * Most need a capability that no app has; they are refused once more, because a fault in one of
 * them would be a way out, and none is of use to a service. 32-bit and x32 calls end the process.
 */
#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <seccomp.h>

#include "enclave/app_launch.h"

/* Newest call known to be harmless (mseal); what later kernels add does not exist for an app. */
#define LAST_KNOWN 462
#define LAST_DENIED 600

#define ALL_NAMESPACES                                                                             \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)
#define NEW_TIME 0x80 /* of unshare; among clone's flags these bits are the exit signal */

/* clang-format off */
static const struct { int number; int error; } refused[] = {
    /* other processes */
    { SCMP_SYS(ptrace), EPERM }, { SCMP_SYS(process_vm_readv), EPERM },
    { SCMP_SYS(process_vm_writev), EPERM }, { SCMP_SYS(process_madvise), EPERM },
    { SCMP_SYS(kcmp), EPERM }, { SCMP_SYS(pidfd_getfd), EPERM },
    { SCMP_SYS(perf_event_open), EPERM }, { SCMP_SYS(move_pages), EPERM },
    { SCMP_SYS(migrate_pages), EPERM },
    /* files and mounts */
    { SCMP_SYS(mount), EPERM }, { SCMP_SYS(umount2), EPERM }, { SCMP_SYS(pivot_root), EPERM },
    { SCMP_SYS(chroot), EPERM }, { SCMP_SYS(fsopen), EPERM }, { SCMP_SYS(fsconfig), EPERM },
    { SCMP_SYS(fsmount), EPERM }, { SCMP_SYS(fspick), EPERM }, { SCMP_SYS(move_mount), EPERM },
    { SCMP_SYS(open_tree), EPERM }, { SCMP_SYS(mount_setattr), EPERM },
    { SCMP_SYS(open_by_handle_at), EPERM }, { SCMP_SYS(name_to_handle_at), EPERM },
    { SCMP_SYS(quotactl), EPERM }, { SCMP_SYS(quotactl_fd), EPERM }, { SCMP_SYS(acct), EPERM },
    { SCMP_SYS(swapon), EPERM }, { SCMP_SYS(swapoff), EPERM },
    { SCMP_SYS(fanotify_init), EPERM }, { SCMP_SYS(lookup_dcookie), EPERM },
    /* namespaces: see clone and unshare below */
    { SCMP_SYS(setns), EPERM },
    { SCMP_SYS(clone3), ENOSYS }, /* its flags are in memory, where no filter sees them */
    /* the kernel itself */
    { SCMP_SYS(bpf), EPERM }, { SCMP_SYS(userfaultfd), EPERM },
    { SCMP_SYS(kexec_load), EPERM }, { SCMP_SYS(kexec_file_load), EPERM },
    { SCMP_SYS(init_module), EPERM }, { SCMP_SYS(finit_module), EPERM },
    { SCMP_SYS(delete_module), EPERM }, { SCMP_SYS(create_module), EPERM },
    { SCMP_SYS(get_kernel_syms), EPERM }, { SCMP_SYS(query_module), EPERM },
    { SCMP_SYS(reboot), EPERM }, { SCMP_SYS(syslog), EPERM }, { SCMP_SYS(vhangup), EPERM },
    { SCMP_SYS(iopl), EPERM }, { SCMP_SYS(ioperm), EPERM }, { SCMP_SYS(modify_ldt), EPERM },
    { SCMP_SYS(uselib), EPERM }, { SCMP_SYS(nfsservctl), EPERM }, { SCMP_SYS(_sysctl), EPERM },
    { SCMP_SYS(sysfs), EPERM }, { SCMP_SYS(ustat), EPERM },
    { SCMP_SYS(sethostname), EPERM }, { SCMP_SYS(setdomainname), EPERM },
    /* programs that try these go on without */
    { SCMP_SYS(io_uring_setup), ENOSYS }, { SCMP_SYS(io_uring_enter), ENOSYS },
    { SCMP_SYS(io_uring_register), ENOSYS },
    /* keys of the kernel */
    { SCMP_SYS(add_key), EPERM }, { SCMP_SYS(request_key), EPERM }, { SCMP_SYS(keyctl), EPERM },
    /* clock */
    { SCMP_SYS(settimeofday), EPERM }, { SCMP_SYS(clock_settime), EPERM },
    { SCMP_SYS(clock_adjtime), EPERM }, { SCMP_SYS(adjtimex), EPERM },
};
/* clang-format on */

static bool refuse(scmp_filter_ctx filter, int number, int error)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)error), number, 0) == 0;
}

static bool refuse_if(scmp_filter_ctx filter, int number, int error, struct scmp_arg_cmp argument)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint16_t)error), number, 1, &argument) ==
           0;
}

static struct scmp_arg_cmp has_bit(unsigned argument, uint64_t bit)
{
    return (struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ, bit, bit };
}

static struct scmp_arg_cmp is_u32(unsigned argument, uint32_t value)
{
    return (struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value };
}

/* A new namespace would bring capabilities in it, and with them code of the kernel that only root
 * reaches otherwise. */
static bool refuse_namespaces(scmp_filter_ctx filter)
{
    bool ok = refuse_if(filter, SCMP_SYS(unshare), EPERM, has_bit(0, NEW_TIME));

    for (uint64_t bit = 1; ok && bit <= ALL_NAMESPACES; bit <<= 1) {
        if ((bit & ALL_NAMESPACES) != 0)
            ok = refuse_if(filter, SCMP_SYS(unshare), EPERM, has_bit(0, bit)) &&
                 refuse_if(filter, SCMP_SYS(clone), EPERM, has_bit(0, bit));
    }
    return ok;
}

static bool is_family(int family)
{
    return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
}

/* Local, IP, and of netlink only what tells a program its own interfaces: no vsock, no packets, no
 * protocols that nobody looked at. The kernel takes 32 bits: longer values are refused as too
 * large. */
static bool refuse_families(scmp_filter_ctx filter, int number)
{
    const struct scmp_arg_cmp netlink[] = {
        { 0, SCMP_CMP_EQ, AF_NETLINK, 0 },
        { 2, SCMP_CMP_NE, 0 /* NETLINK_ROUTE */, 0 },
    };
    const struct scmp_arg_cmp above = { 0, SCMP_CMP_GT, AF_NETLINK, 0 };
    bool ok = refuse_if(filter, number, EAFNOSUPPORT, above) &&
              seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), number, 2, netlink) ==
                  0;

    for (int family = 0; ok && family < AF_NETLINK; family++) {
        const struct scmp_arg_cmp same = { 0, SCMP_CMP_EQ, (scmp_datum_t)family, 0 };

        ok = is_family(family) || refuse_if(filter, number, EAFNOSUPPORT, same);
    }
    return ok;
}

/* Typing for whoever looks at a terminal; no app has one, this makes sure. */
static bool refuse_terminals(scmp_filter_ctx filter)
{
    return refuse_if(filter, SCMP_SYS(ioctl), EPERM, is_u32(1, TIOCSTI)) &&
           refuse_if(filter, SCMP_SYS(ioctl), EPERM, is_u32(1, TIOCLINUX));
}

/* Every bit of personality(2) weakens something; asking for it (all ones) and Linux itself (0)
 * pass. */
static bool refuse_personas(scmp_filter_ctx filter)
{
    bool ok = true;

    /* All ones have bit 31; no persona has. */
    for (uint64_t bit = 1; ok && bit < (UINT64_C(1) << 31); bit <<= 1)
        ok = refuse_if(
            filter, SCMP_SYS(personality), EPERM,
            (struct scmp_arg_cmp){ 0, SCMP_CMP_MASKED_EQ, (UINT64_C(1) << 31) | bit, bit });
    return ok;
}

static bool refuse_unknown(scmp_filter_ctx filter)
{
    bool ok = true;

    for (int number = LAST_KNOWN + 1; ok && number <= LAST_DENIED; number++)
        ok = refuse(filter, number, ENOSYS);
    return ok;
}

static bool add_rules(scmp_filter_ctx filter)
{
    bool ok = true;

    for (size_t i = 0; ok && i < sizeof(refused) / sizeof(refused[0]); i++)
        ok = refuse(filter, refused[i].number, refused[i].error);
    return ok && refuse_namespaces(filter) && refuse_families(filter, SCMP_SYS(socket)) &&
           refuse_families(filter, SCMP_SYS(socketpair)) && refuse_terminals(filter) &&
           refuse_personas(filter) && refuse_unknown(filter);
}

bool mse_app_filter_load(struct mse_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result;

    if (filter == NULL)
        return mse_fail_memory(err);
    /* No-new-privileges is on already; and a tree of comparisons instead of a list. */
    if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) != 0 ||
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0 || !add_rules(filter)) {
        seccomp_release(filter);
        return mse_fail_text(err, MSE_ERR_IO, "seccomp", "libseccomp does not take the rules");
    }
    result = seccomp_load(filter);
    seccomp_release(filter);
    return result == 0 || mse_fail_errno(err, "seccomp", "cannot load the filter", -result);
}
