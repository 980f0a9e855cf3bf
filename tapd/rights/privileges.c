#include "tapd/rights/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
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

/* ---- becoming the user ---- */

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

static bool become(const char *user, char **error)
{
	const struct passwd *p = find_user(user, error);

	if (!p)
		return false;
	if (p->pw_uid == geteuid())
		return true;
	if (prctl(PR_SET_KEEPCAPS, 1L) == 0 &&
	    initgroups(user, p->pw_gid) == 0 &&
	    setresgid(p->pw_gid, p->pw_gid, p->pw_gid) == 0 &&
	    setresuid(p->pw_uid, p->pw_uid, p->pw_uid) == 0)
		return true;
	error_set(error, "user: cannot become \"%s\": %s%s", user,
		  strerror(errno),
		  errno == EPERM ? " (start tapd as root, or as that user)"
				 : "");
	return false;
}

/* ---- giving up the rest ---- */

static bool raise_setpcap(void)
{
	const cap_value_t setpcap[] = { CAP_SETPCAP };
	cap_t caps = cap_get_proc();
	bool ok = caps &&
		  cap_set_flag(caps, CAP_EFFECTIVE, 1, setpcap, CAP_SET) == 0 &&
		  cap_set_proc(caps) == 0;

	cap_free(caps);
	return ok;
}

static bool bound(void)
{
	for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
		if (cap != CAP_NET_ADMIN && cap_get_bound(cap) > 0 &&
		    cap_drop_bound(cap) < 0)
			return false;
	return true;
}

/* Root is a user like any other from here on. */
static bool lock_securebits(void)
{
	const int kept = prctl(PR_GET_SECUREBITS);
	const unsigned long bits =
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;

	return kept >= 0 && prctl(PR_SET_SECUREBITS,
				  bits | ((unsigned)kept &
					  ~(unsigned)SECBIT_KEEP_CAPS)) == 0;
}

/* Started without the capability, there is none to keep: an interface made ready by
 * the administrator needs none. */
static bool reduce(void)
{
	if (raise_setpcap() && (!bound() || !lock_securebits()))
		return false;
	return (keep_net_admin() || clear_capabilities()) &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0;
}

bool privileges_drop(const char *user, char **error)
{
	bool ok = !*user || become(user, error);

	private_memory_hide();
	if (!ok || reduce())
		return ok;
	error_set(error, "user: cannot give up capabilities: %s",
		  strerror(errno));
	return false;
}

/* ---- the one that is kept ---- */

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
