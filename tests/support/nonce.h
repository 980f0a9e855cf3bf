/* For tests: a GCM nonce that counts, as Noise has it (rev 34, section 12.3). */
#ifndef TAPD_TESTS_NONCE_H
#define TAPD_TESTS_NONCE_H

#include <string.h>

#include "base/bytes.h"
#include "tunnel/aead.h"

struct nonce {
	uint8_t bytes[AEAD_NONCE_LEN];
};

static inline struct nonce nonce_of(uint64_t counter)
{
	struct nonce nonce;

	memset(nonce.bytes, 0, 4);
	store_be64(nonce.bytes + 4, counter);
	return nonce;
}

#endif
