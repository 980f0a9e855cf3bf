#include "support/sessions.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"

struct noise sessions_noise(bool initiator)
{
	struct noise n = { .initiator = initiator };

	memset(n.keys[0], 0x11, sizeof(n.keys[0]));
	memset(n.keys[1], 0x22, sizeof(n.keys[1]));
	memset(n.psk, 0x33, sizeof(n.psk));
	return n;
}

void sessions_init(struct sessions *s, const char *backend, uint64_t now_us)
{
	const struct noise a = sessions_noise(true), b = sessions_noise(false);

	s->aead = aead_new(backend);
	ck_assert_ptr_nonnull(s->aead);
	ck_assert(session_init(&s->a, s->aead, &a, true, SESSIONS_A_INDEX,
			       SESSIONS_B_INDEX, now_us));
	ck_assert(session_init(&s->b, s->aead, &b, false, SESSIONS_B_INDEX,
			       SESSIONS_A_INDEX, now_us));
}

void sessions_free(struct sessions *s)
{
	session_wipe(&s->a);
	session_wipe(&s->b);
	aead_free(s->aead);
}

const uint8_t sessions_salt[WIRE_SALT_LEN] = { 1, 2, 3, 4, 5, 6 };

size_t sessions_seal(struct session *s, const void *bytes, size_t len,
		     uint8_t *out, uint64_t now_us)
{
	uint8_t *copy = test_copy(bytes, len);
	const struct iovec piece = { copy, len };
	size_t sealed;

	sealed = session_seal(s, sessions_salt, &piece, 1, out, now_us);
	free(copy);
	return sealed;
}

enum drop_reason sessions_unseal(struct session *s, const uint8_t *datagram,
				 size_t len, uint64_t now_us)
{
	uint8_t *copy = test_alloc(len);
	const uint8_t *records;
	size_t records_len;
	uint64_t advance;
	enum drop_reason reason;

	memcpy(copy, datagram, len);
	reason = session_unseal(s, copy, len, now_us, &records, &records_len,
				&advance);
	free(copy);
	return reason;
}
