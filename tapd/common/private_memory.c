#include "tapd/common/private_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "tapd/common/error.h"

void private_memory_hide(void)
{
	const struct rlimit none = { 0, 0 };

	/* Neither can fail: 0 is a value, and no limit is below it. */
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	(void)setrlimit(RLIMIT_CORE, &none);
}

static bool may_lock_all(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		return true;
	return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	       limit.rlim_cur == RLIM_INFINITY;
}

/* The limit outlives the right to exceed it, which root gives up. */
bool private_memory_lock(char **why)
{
	if (!may_lock_all()) {
		error_set(why,
			  "keys may get into swap space: only some memory may"
			  " be locked; set LimitMEMLOCK=infinity in the unit,"
			  " `ulimit -l unlimited` before the start, or"
			  " --ulimit memlock=-1 for a container");
		return false;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
		return true;
	error_set(why, "keys may get into swap space: cannot lock memory: %s",
		  strerror(errno));
	return false;
}
