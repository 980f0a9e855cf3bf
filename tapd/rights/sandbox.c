#include "tapd/rights/sandbox.h"

#ifdef TAPD_SECCOMP

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/log/log.h"

#ifndef PR_SET_VMA /* 5.17; newer C libraries name their memory */
#define PR_SET_VMA 0x53564d41
#endif

/* What the loop, a reload, the interface made again and the end come to, in glibc and
 * in the libraries; with the older calls that x86-64 has besides. */
static const char allowed[] =
	/* frames, datagrams, the loop */
	"read readv pread64 write writev pwrite64 recvfrom recvmsg recvmmsg "
	"sendto sendmsg sendmmsg epoll_wait epoll_pwait epoll_pwait2 "
	"epoll_ctl epoll_create epoll_create1 poll ppoll select pselect6 "
	"sched_yield futex restart_syscall ioctl timerfd_create "
	"timerfd_settime timerfd_gettime eventfd2 pipe2 "
	/* time and randomness */
	"clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday "
	"time setitimer getrandom "
	/* memory, signals, the end */
	"brk munmap mremap madvise rt_sigaction "
	"rt_sigprocmask rt_sigreturn sigaltstack exit exit_group wait4 "
	"waitid "
	/* who it is, and its rights */
	"getpid gettid getuid geteuid getgid getegid getresuid getresgid "
	"getgroups capget capset uname sysinfo getrlimit prlimit64 rseq "
	"set_robust_list sched_getaffinity getcpu "
	/* files: the configuration, the secret, /proc */
	"open openat close close_range stat fstat lstat newfstatat statx "
	"statfs fstatfs access faccessat faccessat2 readlink readlinkat "
	"getcwd getdents64 lseek fcntl unlink unlinkat umask dup "
	"inotify_init1 inotify_add_watch inotify_rm_watch "
	/* sockets that are opened while it runs */
	"bind connect listen accept accept4 shutdown getsockname "
	"getpeername setsockopt getsockopt ";

/* Of the helper's. */
static const char denied[] =
	/* other processes */
	"ptrace process_vm_readv process_vm_writev process_madvise "
	"pidfd_getfd kcmp userfaultfd perf_event_open "
	/* the kernel */
	"kexec_load kexec_file_load init_module finit_module delete_module "
	"bpf reboot iopl ioperm acct quotactl quotactl_fd syslog add_key "
	"request_key keyctl io_uring_setup io_uring_enter io_uring_register "
	"clock_settime settimeofday adjtimex clock_adjtime sethostname "
	"setdomainname swapon swapoff "
	/* mounts and namespaces */
	"mount umount umount2 pivot_root chroot move_mount open_tree fsopen "
	"fsmount fspick fsconfig mount_setattr open_by_handle_at unshare "
	"setns ";

/* ---- what was refused ---- */

#define REFUSED_MAX 32

static struct {
	volatile sig_atomic_t count; /* different ones */
	volatile sig_atomic_t said;
	int numbers[REFUSED_MAX];
} refused;

static void note(int number)
{
	int count = refused.count;

	for (int i = 0; i < count; i++)
		if (refused.numbers[i] == number)
			return;
	if (count == REFUSED_MAX)
		return;
	refused.numbers[count] = number;
	refused.count = count + 1;
}

/* The kernel skipped the call and left its number where the result goes. */
static void on_refused(int number, siginfo_t *info, void *context)
{
	ucontext_t *at = context;

	(void)number;
	note(info->si_syscall);
#if defined(__x86_64__)
	at->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
	at->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
	(void)at;
	_exit(128 + SIGSYS);
#endif
}

void sandbox_report(void)
{
	while (refused.said < refused.count) {
		int number = refused.numbers[refused.said++];
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
							      number);

		log_warning("the system call %s (%d) was refused: tapd does"
			    " not make it; this is a fault of tapd or an"
			    " attack on it",
			    name ? name : "of this number", number);
		free(name);
	}
}

/* ---- filters ---- */

/* Adds a rule for each name of a list. Older libraries do not know the newest. */
static int add_all(scmp_filter_ctx filter, uint32_t action, const char *names)
{
	char name[32];
	int err = 0, len;

	for (; !err && sscanf(names, "%31s%n", name, &len) == 1; names += len) {
		int number = seccomp_syscall_resolve_name(name);

		if (number != __NR_SCMP_ERROR)
			err = seccomp_rule_add(filter, action, number, 0);
	}
	return err;
}

static int add_if(scmp_filter_ctx filter, uint32_t action, int number,
		  struct scmp_arg_cmp argument)
{
	return seccomp_rule_add_array(filter, action, number, 1, &argument);
}

/* The number of an argument, and what it is. */
static struct scmp_arg_cmp is(unsigned number, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){
		.arg = number, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0
	};
}

/* ... or which of its bits are what. */
static struct scmp_arg_cmp has(unsigned number, scmp_datum_t mask,
			       scmp_datum_t bits)
{
	return (struct scmp_arg_cmp){ .arg = number,
				      .op = SCMP_CMP_MASKED_EQ,
				      .datum_a = mask,
				      .datum_b = bits };
}

/* No code is mapped; the one process to be signalled is this, by abort(3). */
static int allow_some(scmp_filter_ctx filter)
{
	const struct {
		int number;
		struct scmp_arg_cmp argument;
	} some[] = {
		{ SCMP_SYS(socket), is(0, AF_UNIX) },
		{ SCMP_SYS(socket), is(0, AF_INET) },
		{ SCMP_SYS(socket), is(0, AF_INET6) },
		{ SCMP_SYS(socket), is(0, AF_NETLINK) },
		{ SCMP_SYS(mmap), has(2, PROT_EXEC, 0) },
		{ SCMP_SYS(mprotect), has(2, PROT_EXEC, 0) },
		{ SCMP_SYS(prctl), is(0, PR_SET_VMA) },
		{ SCMP_SYS(tgkill), is(0, (scmp_datum_t)getpid()) },
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(some) / sizeof(some[0]); i++)
		err = add_if(filter, SCMP_ACT_ALLOW, some[i].number,
			     some[i].argument);
	return err;
}

/* Speculative store bypass is for those who run others' code: mended, it would slow
 * all this down. */
static int set_attributes(scmp_filter_ctx filter)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);

	return err ? err
		   : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

static int load_allowed(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int err = filter ? set_attributes(filter) : -ENOMEM;

	err = err ? err : add_all(filter, SCMP_ACT_ALLOW, allowed);
	err = err ? err : allow_some(filter);
	err = err ? err : seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

bool sandbox_is_built(void)
{
	return true;
}

bool sandbox_enter(char **error)
{
	struct sigaction action = { .sa_sigaction = on_refused,
				    .sa_flags = SA_SIGINFO };
	int err =
		sigaction(SIGSYS, &action, NULL) < 0 ? -errno : load_allowed();

	if (err)
		error_set(error, "no filter for system calls: %s",
			  strerror(-err));
	return !err;
}

/* Programs of the machine's other, older kind may be hooks as well. */
static void add_architectures(scmp_filter_ctx filter)
{
#if defined(__x86_64__)
	(void)seccomp_arch_add(filter, SCMP_ARCH_X86);
	(void)seccomp_arch_add(filter, SCMP_ARCH_X32);
#elif defined(__aarch64__)
	(void)seccomp_arch_add(filter, SCMP_ARCH_ARM);
#else
	(void)filter;
#endif
}

void sandbox_enter_helper(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter)
		return;
	add_architectures(filter);
	(void)set_attributes(filter);
	(void)add_all(filter, SCMP_ACT_ERRNO(EPERM), denied);
	/* In a user namespace of its own a program has every capability. What a
	 * filter cannot look into is not there: C libraries then use clone. */
	(void)add_if(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone),
		     has(0, CLONE_NEWUSER, CLONE_NEWUSER));
	(void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
			       0);
	(void)seccomp_load(filter);
	seccomp_release(filter);
}

#else

bool sandbox_is_built(void)
{
	return false;
}

bool sandbox_enter(char **error)
{
	(void)error;
	return true;
}

void sandbox_report(void)
{
}

void sandbox_enter_helper(void)
{
}

#endif
