/* What the files of the members share: kernels, and what is known of them. */
#ifndef TAPD_SIM_LISTENERS_IMPL_H
#define TAPD_SIM_LISTENERS_IMPL_H

#include "base/clock.h"

#include "listeners.h"
#include "support/reports.h"

#define INTERFACES_MAX	 3
#define VLANS		 3 /* none, and two others */
#define QUEUE_MAX	 64
#define QUEUE_PAUSED_MAX 16
#define TRIALS_MAX	 64
/* A sender that lost what told it of a join knows from the member's next probe
 * that it lacks something: one comes every interval and a bit. */
#define RECOVERED_US (1300 * SIM_MS)

extern const uint16_t listeners_vlans[VLANS];

struct interface {
	uint8_t mac[6];
	bool old;	 /* IGMPv2, MLDv1 */
	bool firewalled; /* hears no query */
};

/* An interface's part in a group. */
struct joined {
	bool joined;
	bool heard;    /* by the node, in its present life */
	bool silenced; /* an old host that last heard another report it */
	bool lingers;  /* the leave was not heard, and it may never be asked */
	uint8_t left;  /* reports of the last change still to be sent */
	uint64_t change_us, answer_us;
};

struct kept_report {
	unsigned interface;
	enum report_type says;
	size_t count;
	uint16_t groups[REPORT_GROUPS_MAX];
};

/* A frame to be sent as soon as a member must get it. */
struct trial {
	uint64_t at_us;
	unsigned group;
};

struct kernel {
	struct host *host;
	struct interface interfaces[INTERFACES_MAX];
	unsigned interface_count;
	struct joined *joined; /* by interface and group */
	/* When all of a VLAN and family are reported, by interface. */
	uint64_t general_us[INTERFACES_MAX][VLANS][2];
	uint64_t changes_us; /* when what is about to be said will be */
	uint64_t wake_us;

	bool tap_down;
	double loses; /* this share of reports, in the TAP */
	bool lost;    /* one was, and the node was not told yet */
	bool listens; /* the node is told what the interface listens to */
	uint64_t look_us;
	struct kept_report queue[QUEUE_MAX]; /* the TAP's */
	size_t queue_count;
	struct trial trials[TRIALS_MAX];
	size_t trial_count;

	/* Since when the node has to want the group, or all; CLOCK_NEVER: it
	 * does not. By group. */
	uint64_t *known_us;
	uint64_t *first_us; /* … and has been, leaves not yet noticed apart */
	uint64_t *left_us;  /* the last leave */
	bool untidy;	    /* a leave may have been lost */
	bool asked; /* by the node's querier, when that was last considered */
	uint64_t all_us;
	uint64_t router_us, routed_us; /* first and last query of a router */
};

struct listeners {
	struct sim *sim;
	/* Those that are joined and left, then some that are for all, which
	 * every interface has joined: one a VLAN and family. */
	struct group *groups;
	unsigned group_count, count;
	struct kernel *kernels; /* by host */
	uint32_t serial;	/* of reports and queries */
	bool quiet;		/* nobody but members may get a frame */
};

static inline struct listeners *listeners_of(const struct kernel *k)
{
	return k->host->sim->listeners;
}

/* ---- kernel.c: what is joined, and said of it ---- */

struct joined *kernel_joined(const struct kernel *k, unsigned interface,
			     unsigned group);
/* Any interface has joined it. */
bool kernel_is_member(const struct kernel *k, unsigned group);
/* … that was not heard, and answers nothing. */
bool kernel_has_unheard(const struct kernel *k, unsigned group);
/* The node's querier asks. */
bool kernel_is_asked(const struct kernel *k);
void kernel_wake(struct kernel *k, uint64_t at_us);

/* ---- wants.c: since when a host must get what ---- */

/* Since when it wants something; and since when its peers were told so, if that
 * was before: a join right after a leave tells them nothing new. */
struct want {
	uint64_t since_us, told_us;
};

static inline struct want want_since(uint64_t us)
{
	return (struct want){ us, us };
}

/* The node knows now that a group is joined; that all are that are. */
void want_now(struct kernel *k, unsigned group);
void want_all_now(struct kernel *k);
/* Brings asked and all_us up to date; after each change of what it depends on. */
void want_consider(struct kernel *k);
struct want want_of(struct kernel *k, unsigned group);
/* True if `to`, which wants it, must get what `from` sends now. */
bool want_must(struct sim *s, unsigned from, unsigned to, struct want want);
/* True if a router is behind k and must get the report that `from` sends now. */
bool want_reports(struct kernel *k, unsigned from);
/* Somebody listens to what the node has not heard of: it wants everything. */
bool want_is_unsure(const struct kernel *k);

#endif
