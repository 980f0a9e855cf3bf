#include "base/key.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz"
			       "0123456789+/";

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->bytes, b->bytes, KEY_LEN) == 0;
}

int public_key_compare(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->bytes, b->bytes, KEY_LEN);
}

/*
 * 32 bytes are ten groups of three and a last one of two: 43 characters whose
 * last carries four bits and two zero bits, then one '='.
 */
const char *key_print(const uint8_t key[KEY_LEN], char buf[KEY_STRLEN])
{
	char *out = buf;

	for (size_t i = 0; i < KEY_LEN; i += 3) {
		uint32_t group = (uint32_t)key[i] << 16 | (uint32_t)key[i + 1]
								  << 8;

		if (i + 2 < KEY_LEN)
			group |= key[i + 2];
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = alphabet[group >> 6 & 63];
		*out++ = alphabet[group & 63];
	}
	out[-1] = '=';
	*out = '\0';
	return buf;
}

/* The six bits of a character, or -1. */
static int sextet(char c)
{
	const char *found = c ? strchr(alphabet, c) : NULL;

	return found ? (int)(found - alphabet) : -1;
}

static bool key_decode(uint8_t key[KEY_LEN], const char *text)
{
	uint32_t bits = 0;
	size_t len = 0;

	if (strnlen(text, KEY_STRLEN) != KEY_STRLEN - 1 ||
	    text[KEY_STRLEN - 2] != '=')
		return false;
	for (size_t i = 0; i < KEY_STRLEN - 2; i++) {
		int v = sextet(text[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		/* Characters 1, 2 and 3 of a group each complete a byte. */
		if (i % 4 != 0)
			key[len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	/* Two bits are left over. They must be zero, lest two texts name one key. */
	return (bits & 3) == 0;
}

bool key_parse(uint8_t key[KEY_LEN], const char *text)
{
	bool ok = key_decode(key, text);

	if (!ok)
		memset(key, 0, KEY_LEN);
	return ok;
}
