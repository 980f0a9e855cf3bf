#include "tapd/ctl/doctor/admits.h"

#include <string.h>

bool admits_word(const char *text, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = text; at && (at = strstr(at, word)); at += len) {
		bool begins = at == text || strchr(" \t\n\"'_", at[-1]);

		if (begins && strchr(" \t\r\n\"'_", at[len]))
			return true;
	}
	return false;
}

enum admits admits_source(const char *text, const struct prefix *network)
{
	struct prefix source = { .len = 0 };

	if (!prefix_parse(&source, text)) {
		if (!addr_parse(&source.addr, text, 1))
			return ADMITS_NONE;
		source.len = addr_is_v4(&source.addr) ? 32 : 128;
	}
	if (source.len <= network->len &&
	    prefix_contains(&source, &network->addr))
		return ADMITS_ALL;
	return prefix_contains(network, &source.addr) ? ADMITS_SOME
						      : ADMITS_NONE;
}

static bool is_judged(const struct facts *f, const struct hostnet_address *a)
{
	const bool host =
		a->prefix.len == (addr_is_v4(&a->prefix.addr) ? 32 : 128);

	return f->tap && a->index == f->tap->index && !host &&
	       !addr_is_link_local(&a->prefix.addr);
}

enum admits admits_networks(const struct facts *f, admits_judge *judge,
			    const void *rules)
{
	bool none = true, all = true;

	for (size_t i = 0; i < f->net.addresses_count; i++) {
		const struct hostnet_address *a = &f->net.addresses[i];
		enum admits one;

		if (!is_judged(f, a))
			continue;
		one = judge(rules, &a->prefix);
		none = none && one == ADMITS_NONE;
		all = all && one == ADMITS_ALL;
	}
	if (none)
		return ADMITS_NONE;
	return all ? ADMITS_ALL : ADMITS_SOME;
}
