#include "tapd/rights/cpu_share.h"

#include <errno.h>
#include <linux/sched.h>
#include <linux/sched/types.h> /* has what <sched.h> has: either, not both */
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tapd/log/log.h"

#define NICE	 (-10)
#define SLICE_NS 100000 /* the shortest that there is */
#define SLACK_NS 1000

/* 0: the usual one. Older kernels ignore it. */
static void set_slice(uint64_t ns)
{
	struct sched_attr now = { .size = sizeof(now) };

	if (syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0) != 0 ||
	    now.sched_policy != SCHED_NORMAL)
		return;
	(void)syscall(SYS_sched_setattr, 0,
		      &(struct sched_attr){
			      .size = SCHED_ATTR_SIZE_VER0,
			      .sched_policy = SCHED_NORMAL,
			      .sched_flags = now.sched_flags &
					     SCHED_FLAG_RESET_ON_FORK,
			      .sched_nice = now.sched_nice,
			      .sched_runtime = ns,
		      },
		      0);
}

/* PRIO_MAX, which is no nice value, if it cannot be read. */
static int own_nice(void)
{
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	return errno ? PRIO_MAX : nice;
}

void cpu_share_raise(void)
{
	if (own_nice() == 0 && setpriority(PRIO_PROCESS, 0, NICE) < 0)
		log_info("the nice value stays 0, for want of the right to"
			 " lower it: frames may wait for other programs");
	set_slice(SLICE_NS);
	(void)prctl(PR_SET_TIMERSLACK, SLACK_NS);
}

void cpu_share_restore(void)
{
	if (own_nice() < 0)
		(void)setpriority(PRIO_PROCESS, 0, 0);
	set_slice(0);
}
