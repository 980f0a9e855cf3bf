/* Why peers are not up: the daemon knows, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/doctor/checks.h"

/* How many peers a line names before it only counts. */
#define NAMED_MAX 3

/* How each reason begins (node/reason.c, underlay/neighbours.c). */
static const struct {
	const char *begins;
	enum kind kind;
} reasons[] = {
	{ "no answer", KIND_PEER_NO_ANSWER },
	{ "no direct way", KIND_PEER_NO_RELAY },
	{ "no relay is left", KIND_PEER_NO_RELAY },
	{ "it does not hear us", KIND_PEER_DEAF },
	{ "keys expired", KIND_PEER_NO_ANSWER },
	{ "unreachable", KIND_PEER_UNREACHABLE },
	{ "neighbour table full", KIND_NEIGHBOURS_FULL },
	{ "neighbour ", KIND_PEER_NOT_ON_LINK },
	{ "routed into itself", KIND_PEER_ROUTED_INSIDE },
	{ "key not trusted", KIND_PEER_UNTRUSTED },
	{ "another protocol version", KIND_PEER_VERSION },
	{ "peer table full", KIND_PEER_TABLE_FULL },
	{ "stopped", KIND_PEER_STOPPED },
	{ "our own handshakes", KIND_PEER_MIRRORED },
	{ "different secret", KIND_SECRET_DIFFERS },
	{ "duplicate key", KIND_DUPLICATE_KEY },
	{ "it ignores us", KIND_DUPLICATE_KEY },
};
#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

/* The row of why a peer is not up; REASONS if it is, or may be in a moment. */
static size_t reason_of(const json_t *peer)
{
	const char *why = json_string_value(json_object_get(peer, "why"));
	size_t i = 0;

	while (why && i < REASONS &&
	       strncmp(why, reasons[i].begins, strlen(reasons[i].begins)) != 0)
		i++;
	return why ? i : REASONS;
}

/* "web2 (10.9.0.2:8273, listed by command)" */
static void label(const json_t *peer, FILE *out)
{
	const char *name = json_string_value(json_object_get(peer, "name"));
	const char *at = json_string_value(json_object_get(peer, "endpoint"));
	const char *via = json_string_value(json_object_get(peer, "via"));
	const json_t *sources = json_object_get(peer, "sources");
	const char *source = json_string_value(json_array_get(sources, 0));

	if (via)
		at = "by a relay";
	at = at ? at : "no address";
	fputs(name ? name : at, out);
	if (name || source)
		fprintf(out, " (%s%s%s%s)", name ? at : "",
			name && source ? ", " : "", source ? "listed by " : "",
			source ? source : "");
}

/* All peers with one reason, as one finding. */
static void add(const struct facts *f, size_t reason, struct diagnosis *d)
{
	const char *why = NULL;
	char *text = NULL;
	size_t len, count = 0;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; out && i < json_array_size(f->peers); i++) {
		const json_t *peer = json_array_get(f->peers, i);

		if (reason_of(peer) != reason || count++ >= NAMED_MAX)
			continue;
		if (count > 1)
			fputs(", ", out);
		label(peer, out);
		if (!why)
			why = json_string_value(json_object_get(peer, "why"));
	}
	if (out && count > NAMED_MAX)
		fprintf(out, " and %zu more", count - NAMED_MAX);
	if (out && fclose(out) == 0 && count > 0)
		diagnosis_add(d, reasons[reason].kind, "%s: %s", text, why);
	free(text);
}

static void elsewhere(const json_t *peer, struct diagnosis *d)
{
	const char *name = json_string_value(json_object_get(peer, "name"));
	const char *at = json_string_value(json_object_get(peer, "endpoint"));
	const char *listed = json_string_value(json_object_get(peer, "listed"));

	if (listed && at)
		diagnosis_add(d, KIND_PEER_ELSEWHERE,
			      "%s is listed at %s and answers from %s",
			      name ? name : "a peer", listed, at);
}

/* What tracks UDP forgets it after 30 s: EC2's security groups, NAT, nftables. */
#define TRACKED_S 20

static void liveness(const struct facts *f, struct diagnosis *d)
{
	double interval = json_number_value(
		json_object_get(f->settings, "liveness_interval"));

	/* Where nothing is sealed nobody is probed. */
	if (interval > TRACKED_S &&
	    !json_is_false(json_object_get(f->status, "sealed")))
		diagnosis_add(d, KIND_LIVENESS_LONG,
			      "peers with nothing to say are heard every %.0f s"
			      " only",
			      interval);
}

void check_peers(const struct facts *f, struct diagnosis *d)
{
	for (size_t i = 0; i < REASONS; i++)
		add(f, i, d);
	for (size_t i = 0; i < json_array_size(f->peers); i++)
		elsewhere(json_array_get(f->peers, i), d);
	liveness(f, d);
}
