#include "tunnel/session.h"

#include <string.h>

#include "base/bytes.h"

bool session_init(struct session *s, struct aead *aead,
		  const struct noise *noise, bool initiator, uint32_t local,
		  uint32_t remote, uint64_t now_us)
{
	uint8_t send[NOISE_KEY_LEN], receive[NOISE_KEY_LEN];

	memset(s, 0, sizeof(*s));
	noise_split(noise, send, receive);
	s->send_key = aead_key_new(aead, send);
	s->receive_key = aead_key_new(aead, receive);
	bytes_wipe(send, sizeof(send));
	bytes_wipe(receive, sizeof(receive));
	if (!s->send_key || !s->receive_key) {
		session_wipe(s);
		return false;
	}
	s->stage = initiator ? SESSION_CONFIRMED : SESSION_HALF_OPEN;
	s->initiator = initiator;
	s->local = local;
	s->remote = remote;
	memcpy(s->psk, noise->psk, sizeof(s->psk));
	memcpy(s->hash, noise->h, sizeof(s->hash));
	s->born_us = now_us;
	s->confirmed_us = now_us;
	s->retire_us = CLOCK_NEVER;
	return true;
}

void session_wipe(struct session *s)
{
	aead_key_free(s->send_key);
	aead_key_free(s->receive_key);
	bytes_wipe(s, sizeof(*s));
}

bool session_reserve(struct session *s, const uint8_t salt[WIRE_SALT_LEN],
		     uint8_t *out, uint64_t now_us, struct session_job *job)
{
	struct wire_data header = { .receiver = s->remote,
				    .counter = s->counter };

	if (s->counter >= SESSION_LAST_COUNTER || session_expired(s, now_us))
		return false;
	*job = (struct session_job){ s->send_key, out };
	memcpy(header.salt, salt, sizeof(header.salt));
	s->counter++;
	wire_pack_data(&header, out);
	return true;
}

size_t session_job_seal(const struct session_job *job,
			const struct iovec *pieces, size_t count)
{
	uint8_t nonce[WIRE_NONCE_LEN];
	size_t len = WIRE_DATA_OVERHEAD;

	wire_data_nonce(job->out, nonce);
	for (size_t i = 0; i < count; i++)
		len += pieces[i].iov_len;
	return aead_seal(job->key, nonce, job->out, WIRE_DATA_HEADER_LEN,
			 pieces, count, job->out + WIRE_DATA_HEADER_LEN)
		       ? len
		       : 0;
}

size_t session_seal(struct session *s, const uint8_t salt[WIRE_SALT_LEN],
		    const struct iovec *pieces, size_t count, uint8_t *out,
		    uint64_t now_us)
{
	struct session_job job;

	return session_reserve(s, salt, out, now_us, &job)
		       ? session_job_seal(&job, pieces, count)
		       : 0;
}

bool session_authentic(const struct session *s, uint8_t *datagram, size_t len)
{
	uint8_t nonce[WIRE_NONCE_LEN];

	wire_data_nonce(datagram, nonce);
	return aead_open(s->receive_key, nonce, datagram, WIRE_DATA_HEADER_LEN,
			 datagram + WIRE_DATA_HEADER_LEN,
			 len - WIRE_DATA_HEADER_LEN);
}

bool session_may_prove_copy(const struct session *s, const uint8_t *datagram)
{
	struct wire_data header;

	wire_unpack_data(&header, datagram);
	return s->burnt ||
	       (replay_seen(&s->replay, header.counter) &&
		salts_differ(&s->salts, header.counter, header.salt));
}

enum drop_reason session_unseal(struct session *s, uint8_t *datagram,
				size_t len, uint64_t now_us,
				const uint8_t **records, size_t *records_len,
				uint64_t *advance)
{
	struct wire_data header;
	uint64_t before = s->replay.next;

	if (session_expired(s, now_us))
		return DROP_key_exhausted;
	wire_unpack_data(&header, datagram);
	if (s->burnt || !replay_fresh(&s->replay, header.counter))
		return DROP_replay;
	if (!session_authentic(s, datagram, len))
		return DROP_data_auth;
	if (!replay_accept(&s->replay, header.counter))
		return DROP_replay;
	salts_note(&s->salts, header.counter, header.salt);
	*records = datagram + WIRE_DATA_HEADER_LEN;
	*records_len = len - WIRE_DATA_OVERHEAD;
	*advance = s->replay.next - before;
	return DROP_NONE;
}

static uint64_t rekey_age_us(const struct session *s)
{
	/* Our index is random. */
	uint64_t jitter = (s->local & 1023) * (SESSION_REKEY_JITTER_US / 1024);

	return s->initiator ? SESSION_REKEY_INITIATOR_US - jitter
			    : SESSION_REKEY_RESPONDER_US;
}

bool session_wants_rekey(const struct session *s, uint64_t now_us)
{
	return s->counter >= SESSION_REKEY_COUNTER ||
	       now_us - s->born_us >= rekey_age_us(s);
}

bool session_expired(const struct session *s, uint64_t now_us)
{
	return now_us - s->born_us >= SESSION_LIFE_US || now_us >= s->retire_us;
}

uint64_t session_deadline(const struct session *s, uint64_t now_us)
{
	uint64_t due = s->born_us + SESSION_LIFE_US;

	if (!session_wants_rekey(s, now_us))
		due = s->born_us + rekey_age_us(s);
	return due < s->retire_us ? due : s->retire_us;
}

bool session_better(const struct session *a, const struct session *b,
		    bool we_are_smaller)
{
	uint64_t apart = a->confirmed_us > b->confirmed_us
				 ? a->confirmed_us - b->confirmed_us
				 : b->confirmed_us - a->confirmed_us;

	if (a->initiator != b->initiator && apart < SESSION_COLLISION_US &&
	    bytes_equal(a->psk, b->psk, sizeof(a->psk)))
		return a->initiator == we_are_smaller;
	return a->confirmed_us > b->confirmed_us;
}
