/* The hosts that the owner listed, and which of them no peer stands for yet. */
#ifndef TAPD_NODE_WANTED_H
#define TAPD_NODE_WANTED_H

#include "node/endpoint.h"

/*
 * What is listed is a host; what is dialled are its addresses. A host that is found
 * at one of them is shown as the peer that it is, once; that another address of it
 * leads nowhere says nothing. So an endpoint without a peer is shown only if its
 * host is not found at any, and then one of them for the host.
 *
 * Hosts that share an address are one, whoever lists them. A name may mean many
 * hosts: each counts once it is known, and until then all of them are one. One with
 * an address that is our own is ourselves, unless nothing else is listed: then it
 * may be a name of many, ourselves among them.
 */
struct wanted;

/* NULL if memory is short. */
struct wanted *wanted_new(void);
void wanted_free(struct wanted *w);

/* A source begins to list: what it listed before is forgotten. */
void wanted_begin(struct wanted *w, enum node_source source);
/* Its endpoint belongs to that host, below NODE_ENDPOINTS_MAX. again: it was in the
 * list before. */
void wanted_list(struct wanted *w, enum node_source source, struct endpoint *e,
		 uint16_t host, bool again);

/* Finds out which endpoints stand for hosts. Returns how many. */
uint32_t wanted_review(const struct node *n);
/* The host that a wanted endpoint was found to belong to in the last review: endpoints
 * of one host have one number. */
uint16_t wanted_host(const struct node *n, const struct endpoint *e);
/* True if it was one of them in the last review. */
bool wanted_stands_alone(const struct node *n, const struct endpoint *e);

#endif
