/* A node's identity, for those who hold its private key and no node. */
#ifndef TAPD_NODE_IDENTITY_H
#define TAPD_NODE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/key.h"

/* The public key of a private one (X25519, RFC 7748). False, and key zeroed,
 * if the crypto library fails. */
bool node_public_key(struct public_key *key,
		     const uint8_t private_key[KEY_LEN]);

#endif
