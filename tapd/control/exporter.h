/* Where Prometheus scrapes: metrics over HTTP, for this host alone. */
#ifndef TAPD_CONTROL_EXPORTER_H
#define TAPD_CONTROL_EXPORTER_H

#include "tapd/control/scrape.h"

struct event_base;
struct exporter;

/*
 * Listens at where, a value of the key metrics that is not empty: a loopback address, or the path of
 * a Unix socket, which is made with mode 0660 and treated as control_new does its own.
 * NULL with *error (to be freed). SIGPIPE is to be ignored.
 *
 * Anybody on the host may be a client. libevent's own server (2.1.12) lets in all who
 * come, 500 of 500; its timeout begins again with each byte, so that one of a byte a
 * second stays; and it does not tell who goes without having asked, so that a wrapper
 * could not count them. Here there are eight at most, for ten seconds; the next
 * wait in the kernel's queue, and come in one a turn of the loop, in the place of one
 * that has asked nothing for a second, if there is such a one. control/scrape serves
 * them.
 */
struct exporter *exporter_new(struct event_base *base, const char *where,
			      scrape_ask *ask, void *user, char **error);
/* Closes every client and removes the socket. NULL is fine. */
void exporter_free(struct exporter *e);

#endif
