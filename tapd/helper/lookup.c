#include "tapd/helper/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/helper/srv.h"
#include "tapd/underlay/sockname.h"

/* More than are taken of one service: what its servers say may be anything. */
#define LISTED_MAX 2048

/* getaddrinfo(3)'s error, or 0. */
static int look_up(const char *name, struct addrinfo **found)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };

	*found = NULL;
	return getaddrinfo(name, NULL, &hints, found);
}

static const char *reason(int err)
{
	return err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err);
}

/* Some name servers answer 0.0.0.0 for what they block. */
static bool is_host(struct addr *a, const struct addrinfo *found)
{
	return sockname_to_addr(a, found->ai_addr) && addr_is_unicast(a);
}

static void ask(unsigned long number, const char *name)
{
	struct addrinfo *found;
	int err = look_up(name, &found);
	char text[ADDR_STRLEN];
	struct addr a;

	if (err != 0) {
		printf("%lu !%s\n", number, reason(err));
		return;
	}
	for (const struct addrinfo *i = found; i; i = i->ai_next)
		if (is_host(&a, i))
			printf("%lu %s\n", number, addr_print_host(&a, text));
	printf("%lu .\n", number);
	freeaddrinfo(found);
}

/* ---- services ---- */

/* A target that is not there any more says nothing of the others; one that cannot be
 * asked for now, or that all of them are not there, is the name's failure. */
static bool is_failure(int err, size_t listed, bool last)
{
	return err != 0 && ((err != EAI_NONAME && err != EAI_NODATA) ||
			    (last && listed == 0));
}

static size_t list_target(unsigned long number, const struct addrinfo *found,
			  uint16_t port)
{
	char text[ADDR_STRLEN];
	size_t listed = 0;
	struct addr a;

	for (const struct addrinfo *i = found; i; i = i->ai_next)
		if (is_host(&a, i)) {
			a.port = port;
			printf("%lu %s\n", number, addr_print(&a, text));
			listed++;
		}
	return listed;
}

static void ask_service(unsigned long number, const char *name)
{
	static struct srv_target targets[SRV_TARGETS_MAX];
	const char *why;
	size_t count = srv_ask(name, targets, &why), listed = 0;

	if (count == 0) {
		printf("%lu !%s\n", number, why);
		return;
	}
	for (size_t i = 0; i < count && listed < LISTED_MAX; i++) {
		struct addrinfo *found;
		int err = look_up(targets[i].host, &found);

		if (is_failure(err, listed, i + 1 == count)) {
			printf("%lu !%s: %s\n", number, targets[i].host,
			       reason(err));
			return;
		}
		listed += list_target(number, found, targets[i].port);
		if (err == 0)
			freeaddrinfo(found);
	}
	printf("%lu .\n", number);
}

void lookup_names(const char *texts, size_t len)
{
	const size_t service = strlen(LOOKUP_SERVICE);
	const char *end = texts + len;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; texts < end; texts += strlen(texts) + 1) {
		char *name;
		unsigned long number = strtoul(texts, &name, 10);

		if (*name++ != ' ')
			continue;
		if (strncmp(name, LOOKUP_SERVICE, service) == 0)
			ask_service(number, name + service);
		else
			ask(number, name);
	}
}
