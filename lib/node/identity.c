#include "node/identity.h"

#include <assert.h>
#include <string.h>

#include "tunnel/noise.h"

static_assert(KEY_LEN == NOISE_KEY_LEN, "one kind of key");

bool node_public_key(struct public_key *key, const uint8_t private_key[KEY_LEN])
{
	if (noise_public(key->bytes, private_key))
		return true;
	memset(key, 0, sizeof(*key));
	return false;
}
