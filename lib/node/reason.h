/* Why no peer is up: at an endpoint, or why a known peer is not. For people. */
#ifndef TAPD_NODE_REASON_H
#define TAPD_NODE_REASON_H

#include <stddef.h>
#include <stdint.h>

/* Why no peer is up at an endpoint. */
enum endpoint_reason {
	ENDPOINT_DIALLING, /* first tries */
	ENDPOINT_NO_ANSWER,
	ENDPOINT_OTHER_SECRET, /* its handshakes fail our mac1: shown, not kept */
	ENDPOINT_MIRRORED,     /* our own come back from there: the same */
	ENDPOINT_UNTRUSTED,
	ENDPOINT_DUPLICATE,
	ENDPOINT_IGNORED, /* handshake complete, then silence */
	ENDPOINT_SELF,
	ENDPOINT_RECURSION,
	ENDPOINT_VERSION,
	ENDPOINT_UNREACHABLE,
	ENDPOINT_FULL,
	ENDPOINT_REASON_COUNT
};
/* Writes the reason as a sentence. port: the endpoint's, for "is UDP … open".
 * Returns buf. */
const char *endpoint_reason_print(enum endpoint_reason reason, uint16_t port,
				  char *buf, size_t len);

enum peer_reason {
	PEER_REASON_NONE,
	PEER_REASON_HANDSHAKE, /* not yet through */
	PEER_REASON_SILENT,
	PEER_REASON_DEAF,
	PEER_REASON_BYE,
	PEER_REASON_EXPIRED, /* keys ran out before a rekey succeeded */
	PEER_REASON_UNTRUSTED,
	PEER_REASON_FULL,     /* a wanted one took its place */
	PEER_REASON_UNLISTED, /* a plain one, which lives no longer than that */
	PEER_REASON_NO_RELAY, /* met by a leg for a handshake, and not directly */
	PEER_REASON_COUNT
};
const char *peer_reason_print(enum peer_reason reason, uint16_t port, char *buf,
			      size_t len);

#endif
