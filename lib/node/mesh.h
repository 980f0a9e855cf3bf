/* How the links between all hosts are, as each of them measures its own. */
#ifndef TAPD_NODE_MESH_H
#define TAPD_NODE_MESH_H

#include "node/ask.h"
#include "node/peer.h"
#include "tunnel/wire_ask.h"

struct mesh_host {
	struct public_key key;
	char name[NODE_NAME_MAX + 1];
	uint16_t port; /* 0: this node */
	bool asked;    /* it is to be */
	bool answered;
	unsigned tries;	 /* for the part that comes next */
	uint16_t first;	 /* where that begins */
	uint64_t ask_us; /* again */
};

/* Where the host is whose key begins so. */
struct mesh_place {
	uint8_t key[WIRE_LINK_KEY_LEN];
	uint16_t at;
};

struct mesh {
	struct timer timer;
	bool done;
	uint64_t end_us; /* whoever has not answered by then does not */
	uint64_t token;
	size_t count;
	struct mesh_host *hosts;      /* NULL: nobody asks */
	struct mesh_place *places;    /* of all but us, sorted */
	struct node_mesh_link *links; /* count for each host */
	uint16_t *host_of;	      /* by port; 0: none, for that is us */
};

/* False if memory is short. */
bool mesh_init(struct node *n);
void mesh_free(struct node *n);
void mesh_timer(struct node *n, uint64_t now_us);
/* The peer's answer to a question for its row. */
void mesh_answered(struct node *n, const struct peer *peer,
		   struct wire_answer *a, uint64_t now_us);
void mesh_peer_gone(struct node *n, const struct peer *peer);

#endif
