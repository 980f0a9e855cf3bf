#include "digest.h"

#include <string.h>

uint64_t digest_u64(uint64_t digest, uint64_t v)
{
	digest = (digest ^ v) * UINT64_C(0x100000001b3);
	return digest ^ (digest >> 29);
}

uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	digest = digest_u64(digest, len);
	while (len > 0) {
		uint64_t word = 0;
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(&word, at, n);
		digest = digest_u64(digest, word);
		at += n;
		len -= n;
	}
	return digest;
}
