#include "tapd/helper/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/underlay/sockname.h"

static void ask(unsigned long number, const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	int err = getaddrinfo(name, NULL, &hints, &found);
	struct addr a;
	char text[ADDR_STRLEN];

	if (err != 0) {
		printf("%lu !%s\n", number,
		       err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
		return;
	}
	for (const struct addrinfo *i = found; i; i = i->ai_next)
		/* Some name servers answer 0.0.0.0 for what they block. */
		if (sockname_to_addr(&a, i->ai_addr) && addr_is_unicast(&a))
			printf("%lu %s\n", number, addr_print_host(&a, text));
	printf("%lu .\n", number);
	freeaddrinfo(found);
}

void lookup_names(const char *texts, size_t len)
{
	const char *end = texts + len;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; texts < end; texts += strlen(texts) + 1) {
		char *name;
		unsigned long number = strtoul(texts, &name, 10);

		if (*name == ' ')
			ask(number, name + 1);
	}
}
