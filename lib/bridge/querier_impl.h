/* What the files of the querier share: when it asks, and what it makes of it. */
#ifndef TAPD_BRIDGE_QUERIER_IMPL_H
#define TAPD_BRIDGE_QUERIER_IMPL_H

#include "base/timer.h"
#include "bridge/members.h"
#include "bridge/querier.h"

/* A new host is asked this soon whether it answers at all. */
#define QUERIER_NEW_HOST_US (2 * CLOCK_S)

#define QUERIER_VLAN_IDS  4096
#define QUERIER_VLAN_NONE UINT8_MAX

/*
 * In each VLAN: startup queries (a *run* of two, a second apart), then a general
 * query (a *round*) every 125 s, with quiet between. Run and round both open a
 * window in which answers are heard, and after which the VLAN is concluded.
 */
enum vlan_phase { VLAN_IDLE, VLAN_QUIET, VLAN_RUN, VLAN_ROUND };

struct vlan {
	struct timer timer;
	uint16_t id;
	enum vlan_phase phase;
	uint8_t asked;	  /* queries of this run */
	bool complete;	  /* concluded since the start or the last drop */
	bool concluded;	  /* … ever */
	bool dropped;	  /* frames, since the run's first query */
	bool new_host;	  /* to be asked soon */
	bool answered[2]; /* in this window, by family */
	bool silent[2];	  /* nobody was in the last one, but groups are known */
	uint64_t opened_us; /* this window */
	uint64_t last_us;   /* the last concluded one, when it opened */
};

enum querier_timer { QUERIER_TIMER_VLAN, QUERIER_TIMER_LEAVE };

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
	bool crowded_vlans;		   /* more were seen than fit */
	bool full;			   /* reports were refused */
	uint64_t refused_us;		   /* the last of them */
	uint64_t
		explained_us; /* when all listeners last were; 0: see at once */
	bool unheard;	      /* someone listens to what nobody reported */
};

/* NULL if it is one too many. */
struct vlan *querier_vlan(struct querier *q, uint16_t id, uint64_t now_us);

/* ---- querier_reports.c ---- */

/* The VLAN's window is over: removes who answered without a group. */
void querier_judge_vlan(struct querier *q, struct vlan *v);
/* The queries about a group that someone left are over: removes who left, and
 * who would have answered. */
void querier_judge_leave(struct querier *q, struct member *member,
			 const struct vlan *v);

#endif
