#include "node/reason.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A text that ends in a colon is completed with the question about the port. */
static const char *const endpoint_texts[] = {
	[ENDPOINT_DIALLING] = "connecting",
	[ENDPOINT_NO_ANSWER] = "no answer:",
	[ENDPOINT_OTHER_SECRET] =
		"different secret? compare secret_file on both hosts",
	[ENDPOINT_MIRRORED] =
		("our own handshakes come back from there: this host itself, "
		 "seen through a NAT, or a mirror"),
	[ENDPOINT_UNTRUSTED] =
		"key not trusted: add it to trusted_keys, then reload",
	[ENDPOINT_DUPLICATE] =
		"duplicate key: its key is in use by another live host",
	[ENDPOINT_IGNORED] =
		"it ignores us: is this host's key a copy of another's?",
	[ENDPOINT_SELF] = "this host itself",
	[ENDPOINT_RECURSION] =
		"routed into itself: its route leads into the interface",
	[ENDPOINT_VERSION] = "another protocol version: upgrade the older one",
	[ENDPOINT_UNREACHABLE] =
		"unreachable: no route, or refused by a local filter",
	[ENDPOINT_FULL] = "peer table full",
};
static_assert(sizeof(endpoint_texts) / sizeof(char *) == ENDPOINT_REASON_COUNT,
	      "every reason has a text");

static const char *const peer_texts[] = {
	[PEER_REASON_NONE] = "",
	[PEER_REASON_HANDSHAKE] = "handshake not complete",
	[PEER_REASON_SILENT] = "no answer:",
	[PEER_REASON_DEAF] = "it does not hear us:",
	[PEER_REASON_BYE] = "stopped: it said goodbye",
	[PEER_REASON_EXPIRED] = "keys expired before a new handshake succeeded",
	[PEER_REASON_UNTRUSTED] = "key not trusted",
	[PEER_REASON_FULL] =
		"peer table full: a configured peer took its place",
	[PEER_REASON_NO_RELAY] =
		("no direct way, and no relay: set relay = true on a "
		 "host that both reach"),
	[PEER_REASON_UNLISTED] = "no source lists it any more",
};
static_assert(sizeof(peer_texts) / sizeof(char *) == PEER_REASON_COUNT,
	      "every reason has a text");

static const char *print_reason(const char *text, uint16_t port, char *buf,
				size_t len)
{
	size_t text_len = strlen(text);

	if (text_len && text[text_len - 1] == ':')
		snprintf(buf, len, "%s is UDP %u open both ways?", text, port);
	else
		snprintf(buf, len, "%s", text);
	return buf;
}

const char *endpoint_reason_print(enum endpoint_reason reason, uint16_t port,
				  char *buf, size_t len)
{
	return print_reason(endpoint_texts[reason], port, buf, len);
}

const char *peer_reason_print(enum peer_reason reason, uint16_t port, char *buf,
			      size_t len)
{
	return print_reason(peer_texts[reason], port, buf, len);
}
