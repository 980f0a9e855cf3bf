/* One source: when it is asked, what it answers, and how good that is. */
#ifndef TAPD_DISCOVER_LISTER_H
#define TAPD_DISCOVER_LISTER_H

#include "tapd/discover/answer.h"
#include "tapd/discover/command.h"
#include "tapd/discover/discover_ops.h"
#include "tapd/discover/list_file.h"
#include "tapd/discover/resolve.h"
#include "tapd/discover/source.h"

/* What the three have in common. */
struct listing {
	const struct discover_ops *ops;
	void *user;
	struct list_file *file;
	struct command *command;
	char path[sizeof(((struct conf *)0)->discover.file)];
	char text[sizeof(((struct conf *)0)->discover.command)];
	unsigned interval_s;
	uint16_t port; /* of hosts that are listed without one */
	/* For one judgement. */
	struct addr addrs[NODE_ENDPOINTS_MAX];
	uint16_t hosts[NODE_ENDPOINTS_MAX];
};

/* Begins zeroed, but for the first three. */
struct lister {
	struct listing *all;
	enum node_source which;
	const char *key; /* "discover.file" */
	bool on;	 /* it is configured */
	struct source source;
	struct event *timer;	 /* until it is asked */
	uint64_t due_us;	 /* when that is, while it waits */
	struct conf_peer *peers; /* a file's or a command's last good answer */
	size_t count;
	struct resolve *resolve; /* the names in it; or those of discover.dns */
	bool waits_for_names;	 /* before it is known how good an answer is */
	char left_out[ANSWER_TEXT_MAX]; /* the last that was said */
};

/* Makes its timer and its names. False if memory is short. */
bool lister_init(struct lister *l, struct event_base *base,
		 struct helper *helper);
void lister_free(struct lister *l);
/* It is configured from now on; it has not been asked yet. */
void lister_begin(struct lister *l);
/* What it listed is listed no more. Names of discover.dns stay. */
void lister_forget(struct lister *l);
/* Asks it now. */
void lister_ask(struct lister *l);
/* It waits anew; with sooner, only if that is not longer. */
void lister_wait_anew(struct lister *l, bool sooner);
/* As hosts_addresses. */
size_t lister_addresses(const struct lister *l, struct addr *out,
			uint16_t *hosts, size_t max);
/* For command_new: user is the lister. */
void lister_command_done(void *user, const char *text, size_t len,
			 const char *error);

#endif
