#include "tapd/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tapd/common/error.h"

static bool dropped;

/* Leaves CAP_NET_ADMIN alone in the permitted set, and in the effective and
 * inheritable ones as asked. False if the process does not have it. */
static bool set_capabilities(cap_flag_value_t effective,
			     cap_flag_value_t inheritable)
{
	const cap_value_t net_admin[] = { CAP_NET_ADMIN };
	cap_t caps = cap_init();
	bool ok =
		caps &&
		cap_set_flag(caps, CAP_PERMITTED, 1, net_admin, CAP_SET) == 0 &&
		cap_set_flag(caps, CAP_EFFECTIVE, 1, net_admin, effective) ==
			0 &&
		cap_set_flag(caps, CAP_INHERITABLE, 1, net_admin,
			     inheritable) == 0 &&
		cap_set_proc(caps) == 0;

	cap_free(caps);
	return ok;
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
	/* Started without the capability, there is none to keep: an interface
	 * made ready by the administrator needs none. */
	dropped = set_capabilities(CAP_CLEAR, CAP_CLEAR);
	if (!dropped && !clear_capabilities()) {
		error_set(error, "user: cannot give up capabilities: %s",
			  strerror(errno));
		return false;
	}
	return true;
}

void privileges_raise(void)
{
	if (dropped)
		set_capabilities(CAP_SET, CAP_CLEAR);
}

void privileges_lower(void)
{
	if (dropped)
		set_capabilities(CAP_CLEAR, CAP_CLEAR);
}

void privileges_pass_on(void)
{
	if (dropped && set_capabilities(CAP_SET, CAP_SET))
		(void)cap_set_ambient(CAP_NET_ADMIN, CAP_SET);
}
