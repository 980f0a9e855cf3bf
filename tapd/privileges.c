#include "tapd/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/common/private_memory.h"

/* The capability lowered, raised, and given to a child. Made once: lowering must
 * not fail for want of memory. NULL: there is none, or nothing was dropped. */
static cap_t lowered, raised, passed_on;

/* CAP_NET_ADMIN alone, permitted, and effective and inheritable as asked; or
 * NULL. */
static cap_t make_set(cap_flag_value_t effective, cap_flag_value_t inheritable)
{
	const cap_value_t net_admin[] = { CAP_NET_ADMIN };
	cap_t caps = cap_init();

	if (caps &&
	    cap_set_flag(caps, CAP_PERMITTED, 1, net_admin, CAP_SET) == 0 &&
	    cap_set_flag(caps, CAP_EFFECTIVE, 1, net_admin, effective) == 0 &&
	    cap_set_flag(caps, CAP_INHERITABLE, 1, net_admin, inheritable) == 0)
		return caps;
	cap_free(caps);
	return NULL;
}

static void forget_sets(void)
{
	cap_free(lowered);
	cap_free(raised);
	cap_free(passed_on);
	lowered = raised = passed_on = NULL;
}

/* False, and no sets, if the process does not have the capability. */
static bool keep_net_admin(void)
{
	lowered = make_set(CAP_CLEAR, CAP_CLEAR);
	raised = make_set(CAP_SET, CAP_CLEAR);
	passed_on = make_set(CAP_SET, CAP_SET);
	if (lowered && raised && passed_on && cap_set_proc(lowered) == 0)
		return true;
	forget_sets();
	return false;
}

static bool clear_capabilities(void)
{
	cap_t none = cap_init();
	bool ok = none && cap_set_proc(none) == 0;

	cap_free(none);
	return ok;
}

static const struct passwd *find_user(const char *user, char **error)
{
	const struct passwd *p;

	errno = 0;
	p = getpwnam(user);
	if (!p)
		error_set(error, "user: there is no user \"%s\" here%s%s", user,
			  errno ? ": " : "", errno ? strerror(errno) : "");
	return p;
}

bool privileges_drop(const char *user, char **error)
{
	const struct passwd *p = find_user(user, error);

	if (!p)
		return false;
	if (p->pw_uid != geteuid() &&
	    (prctl(PR_SET_KEEPCAPS, 1L) < 0 ||
	     initgroups(user, p->pw_gid) < 0 ||
	     setresgid(p->pw_gid, p->pw_gid, p->pw_gid) < 0 ||
	     setresuid(p->pw_uid, p->pw_uid, p->pw_uid) < 0)) {
		error_set(error, "user: cannot become \"%s\": %s%s", user,
			  strerror(errno),
			  errno == EPERM ? " (start tapd as root, or as that"
					   " user)"
					 : "");
		return false;
	}
	private_memory_hide();
	/* Started without the capability, there is none to keep: an interface
	 * made ready by the administrator needs none. */
	if (!keep_net_admin() && !clear_capabilities()) {
		error_set(error, "user: cannot give up capabilities: %s",
			  strerror(errno));
		return false;
	}
	return true;
}

void privileges_raise(void)
{
	/* Without it the change that is asked for fails, and says so. */
	if (raised)
		(void)cap_set_proc(raised);
}

void privileges_lower(void)
{
	if (lowered && cap_set_proc(lowered) != 0)
		abort(); /* with a right that it promised to give up */
}

void privileges_give_up(void)
{
	if (!clear_capabilities())
		_exit(1);
}

void privileges_pass_on(void)
{
	if (passed_on && cap_set_proc(passed_on) == 0)
		(void)cap_set_ambient(CAP_NET_ADMIN, CAP_SET);
}
