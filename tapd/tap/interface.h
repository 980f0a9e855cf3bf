/* tap0 as the administrator sees it: descriptor and link as one, over its life. */
#ifndef TAPD_TAP_INTERFACE_H
#define TAPD_TAP_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/key.h"
#include "tapd/conf/conf.h"
#include "tapd/tap/interface_plan.h"
#include "tapd/tap/link.h"
#include "tapd/tap/tap.h"

/*
 * An interface is ours if we made it: then it is stamped (stamp.h), is persistent
 * while we run, and a clean stop removes it. After a crash, or a restart by a service
 * manager that keeps its descriptor, it is still there, and so
 * are the sockets and joins of the programs that use it; by the stamp the next start
 * knows it, whatever it is called by then, takes it over and owns it. If it was moved
 * to another network namespace, the next start says where, and makes none beside it.
 * The alias tells people, and stands for the stamp where there can be none.
 *
 * One that the administrator made is attached, never removed, and keeps its MAC and MTU
 * unless the configuration names others.
 *
 * What we lack the right to set is logged with the ip(8) command that sets it,
 * and is otherwise no error.
 */
struct interface;

/* Opens it and makes it as configured. key: this node's, for a MAC of its own
 * that is always the same. c is borrowed until interface_close. NULL with *error
 * (to be freed). Visits other network namespaces: to be called before
 * privileges_drop. */
struct interface *interface_open(const struct conf *c,
				 const struct public_key *key, char **error);
/* Clean stop: an interface of ours is removed, unless keep; at once, or when a service
 * manager that keeps its descriptor (fdstore.h) closes that. */
void interface_close(struct interface *i, bool keep);

/* A service manager kept it since the last run, and its carrier was not touched if it is
 * to follow peers. */
bool interface_was_kept(const struct interface *i);

/* Both stay valid until interface_open_again. */
struct tap *interface_tap(const struct interface *i);
struct link *interface_link(const struct interface *i);

/* Its configured addresses, address_from applied. */
const struct prefix *interface_addresses(const struct interface *i,
					 size_t *count);

/* A reload, once there is a plan; it cannot fail: applies the configuration (name
 * aside), which is borrowed from then on. What the old one set and the new one does
 * not is taken back, and addresses that are missing are set again. What both say
 * alike is left as ip(8) made it since: up or down, MTU, MAC. */
void interface_apply(struct interface *i, const struct interface_plan *plan,
		     const struct conf *c);

enum interface_change {
	INTERFACE_SAME,
	INTERFACE_CHANGED,
	INTERFACE_GONE, /* deleted: interface_open_again */
	INTERFACE_BACK, /* from another namespace: interface_link_again */
};

/* Takes in what others did to it. What the kernel dropped when it went down is
 * set again when it comes up. Logs what is worth knowing. */
enum interface_change interface_follow(struct interface *i);

/* After INTERFACE_BACK: the link is another. False with *error, and the old one
 * stays. */
bool interface_link_again(struct interface *i, char **error);
/* After INTERFACE_GONE: makes it anew, as configured. False with *error; then
 * only interface_close is left. */
bool interface_open_again(struct interface *i, char **error);

#endif
