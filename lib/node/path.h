/* The ways that a peer's datagrams take. */
#ifndef TAPD_NODE_PATH_H
#define TAPD_NODE_PATH_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/datagram.h"
#include "node/pmtu.h"

/* By a relay, to an address of the peer's, or to one in our own network: the greater
 * is preferred once it is proven. */
enum path_rank { PATH_RELAYED, PATH_DIRECT, PATH_LOCAL };

/*
 * A path is a local and a remote address, the size that its datagrams may have,
 * its round-trip time and its rank. A peer has one in use, and a few to spare.
 */
struct path {
	struct way way; /* where its datagrams go, and leave from */
	struct pmtu pmtu;
	uint32_t rtt_us; /* smoothed, RFC 6298; 0: unknown */
	enum path_rank rank;
};
static_assert(offsetof(struct path, pmtu.size) <= sizeof(struct way),
	      "which way and how large, which each datagram needs, come first");

#define PATH_SPARES 6
/* Probes of one token whose times are known; each has a bit in `answered`. */
#define PATH_PROBES 8

/* One that is not in use: tried, or proven and kept warm (paths.c). */
struct path_spare {
	struct path path;
	bool taken;	    /* false: a free place */
	bool resting;	    /* given up; asked now and then */
	uint8_t unanswered; /* probes in a row that were due by the clock */
	uint8_t answered;   /* bits: of the last probes of the token */
	uint32_t probes;    /* with that token, so far */
	uint64_t token;	    /* its last bits number the probes */
	uint64_t sent_us[PATH_PROBES];
	uint64_t begun_us;  /* when its tries began */
	uint64_t probed_us; /* when the last probe was sent */
	uint64_t next_us;   /* when the next one is due */
	uint64_t proven_us; /* when an echo last came that way; 0: never */
};

/* What arrives by the leg in use, counted (path_loss.c). */
struct path_loss {
	uint32_t leg;
	bool known;		   /* the four counts, as at the last answer */
	uint64_t sent, received;   /* what we sent, what of it came */
	uint64_t peer_sent, heard; /* what the peer sent, what came here */
	uint64_t asked_us;	   /* the time in the question; 0: none */
	uint64_t asked_sent;	   /* what had been sent before it */
	uint64_t next_us;
};

/* What a peer has besides the path in use. */
struct path_spares {
	struct path_spare spares[PATH_SPARES];
	/* Where it seems to have moved to. */
	struct {
		struct way to;
		uint64_t token;	   /* in the probes sent there; 0: none */
		uint64_t begun_us; /* the first of them */
		uint64_t probe_us; /* the last */
	} moving;
	struct path_loss loss;
	uint64_t sized;	  /* probes sent that may be too large to arrive */
	uint64_t held_us; /* when what would overtake was last held; 0: never */
};

/* Its datagrams go that way from now on, and the search for a size begins again.
 * underlay_mtu: as the administrator fixed it, or 0. */
void path_set_way(struct path *p, const struct way *way, uint16_t underlay_mtu,
		  uint64_t now_us);

/* True if that is its way, as far as the way is known. */
bool path_goes(const struct path *p, const struct way *way);
/* True if what came that way came by this path, as far as the path is known. */
bool path_brings(const struct path *p, const struct way *from);
/* It leads over a relay. */
bool path_is_relayed(const struct path *p);

/* An echo came to the probe that was sent at probe_us, which is the peer's word:
 * one that cannot be is no measurement. */
void path_echoed(struct path *p, uint64_t probe_us, uint64_t now_us);

#endif
