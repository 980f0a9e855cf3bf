/* What the files of the querier share: when it asks, and what it makes of it. */
#ifndef TAPD_BRIDGE_QUERIER_IMPL_H
#define TAPD_BRIDGE_QUERIER_IMPL_H

#include "base/timer.h"
#include "bridge/members.h"
#include "bridge/querier.h"

/* Who may be new is asked this soon whether it answers at all. */
#define QUERIER_SOON_US (2 * CLOCK_S)

#define QUERIER_VLAN_IDS  4096
#define QUERIER_VLAN_NONE UINT8_MAX

/*
 * In each VLAN: two startup queries, a second apart, then a general query every
 * 125 s, with quiet between. Both open a window in which answers are heard. When
 * it ends, members that answered without their group are removed.
 */
enum vlan_phase {
	VLAN_IDLE,
	VLAN_QUIET,
	VLAN_STARTUP_QUERIES,
	VLAN_GENERAL_QUERY
};

struct vlan {
	struct timer timer;
	uint16_t id;
	enum vlan_phase phase;
	uint8_t queries_sent; /* startup queries */
	bool complete; /* a window ended since the start or the last drop */
	bool ever_complete; /* … or at any time */
	bool lost_frames;   /* since the first startup query */
	bool ask_soon;	    /* it is to be asked soon */
	bool heard[2];	    /* a report in this window, by family */
	uint8_t missed[2];  /* windows without one, though members are known */
	uint64_t seen_us;   /* the last frame from our side */
	uint64_t window_us; /* when this window began */
	uint64_t last_window_us; /* when the last window that ended began */
};

enum querier_timer { QUERIER_TIMER_VLAN, QUERIER_TIMER_LAST_MEMBER };

struct querier {
	struct querier_ops ops;
	void *user;
	struct members *members;
	struct timers timers;
	bool running;
	struct vlan vlans[1 + QUERIER_VLANS_MAX]; /* the first is untagged */
	uint32_t vlans_count;
	uint8_t vlan_at[QUERIER_VLAN_IDS]; /* in vlans, or QUERIER_VLAN_NONE */
	uint32_t wanted;		   /* groups that are not for all */
	bool answered;			   /* a general query was, ever */
	bool crowded_vlans;		   /* more were seen than fit */
	uint64_t crowded_us;		   /* the last of them */
	bool full;			   /* reports were refused */
	uint64_t refused_us;		   /* the last of them */
	uint64_t explained_us; /* when all listening MACs last were; 0: never */
	bool unheard; /* a MAC is listened to whose group nobody reported */
};

/* querier_leaves.c is below querier.c, which is below querier_reports.c. */

/* ---- querier_leaves.c ---- */

/* Whether a group is wanted has changed. */
void querier_changed(struct querier *q, const struct group *group, bool wanted);
/* Windows without an answer before a VLAN counts as silent: RFC 3376's robustness (8.1).
 * An answer may be lost, or late: a host under load takes longer than it was given, and
 * Linux chooses its time to answer in MLD anew at each query, whoever sent it. */
#define QUERIER_SILENT_AFTER 2

static inline bool querier_vlan_silent(const struct vlan *v, bool v6)
{
	return v->missed[v6] >= QUERIER_SILENT_AFTER;
}

/* The VLAN's window ends: removes members that answered without their group. True if
 * nobody answered who was to, and is to be asked again before it counts as silent. */
bool querier_prune_vlan(struct querier *q, struct vlan *v);
/* The VLAN is forgotten: removes all its groups. */
void querier_forget_groups(struct querier *q, const struct vlan *v);
/* The last-member queries about a group are over: removes members that left, and
 * those that would have answered. */
void querier_end_leave(struct querier *q, struct group_entry *entry,
		       const struct vlan *v);
/* The TAP goes down: no query can be sent, so a leave under way is taken back. */
void querier_cut_leave(struct querier *q, struct group_entry *entry,
		       const struct vlan *v);

/* The same at once of a group that goes to all, whoever else wants it: what is left of
 * it says only that somebody is there to answer. */
void querier_end_for_all(struct querier *q, struct group_entry *entry);

/* ---- querier.c ---- */

/* NULL if it is not known, or one too many. */
struct vlan *querier_vlan(struct querier *q, uint16_t id);

#endif
