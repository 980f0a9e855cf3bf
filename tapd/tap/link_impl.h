/* What the files of link share, and nobody else. */
#ifndef TAPD_TAP_LINK_IMPL_H
#define TAPD_TAP_LINK_IMPL_H

#include <libmnl/libmnl.h>

#include "tapd/tap/link.h"

/* Enough for any message about one interface, and for a full dump's pieces. */
#define LINK_MESSAGE_SIZE 32768

struct link {
	struct mnl_socket *requests;
	struct mnl_socket *monitor;
	uint32_t sequence;
	bool changed; /* since link_read began */
	bool others_changed;
	bool was_down; /* since link_was_down was last asked, or may have been */
	unsigned generation;
	struct link_state state;
	uint8_t message[LINK_MESSAGE_SIZE];
};

/* A request in l->message. flags: NLM_F_DUMP, or NLM_F_ACK and others. */
struct nlmsghdr *link_request_new(struct link *l, uint16_t type,
				  uint16_t flags);
/* Sends the request in l->message and takes in the answers, up to the
 * acknowledgement or a dump's end. 0 or -errno. */
int link_request_run(struct link *l, struct nlmsghdr *nlh);
/* An address is there, or no longer. */
void link_note_address(struct link *l, const struct link_address *address,
		       bool there);

#endif
