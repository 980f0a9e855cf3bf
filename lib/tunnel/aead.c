/* AES-256-GCM: which backend, and text in pieces. */
#include "tunnel/aead.h"

#include <stdlib.h>
#include <string.h>

#include "tunnel/aead_backend.h"

struct aead {
	const struct aead_backend *backend;
	void *library;
};

struct aead_key {
	const struct aead_backend *backend;
	void *library;
	void *schedule;
};

/* Fastest first. */
static const struct aead_backend *const backends[] = {
#ifdef TAPD_HAVE_IPSEC_MB
	&aead_ipsec_mb,
#endif
	&aead_openssl,
};

struct aead *aead_new(const char *backend)
{
	struct aead *a = malloc(sizeof(*a));

	if (!a)
		return NULL;
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		if (backend && strcmp(backend, backends[i]->name) != 0)
			continue;
		a->backend = backends[i];
		a->library = backends[i]->start();
		if (a->library)
			return a;
	}
	free(a);
	return NULL;
}

void aead_free(struct aead *a)
{
	if (!a)
		return;
	a->backend->stop(a->library);
	free(a);
}

const char *aead_name(const struct aead *a)
{
	return a->backend->name;
}

struct aead_key *aead_key_new(struct aead *a, const uint8_t key[AEAD_KEY_LEN])
{
	struct aead_key *k = malloc(sizeof(*k));

	if (!k)
		return NULL;
	k->backend = a->backend;
	k->library = a->library;
	k->schedule = a->backend->key_new(a->library, key);
	if (k->schedule)
		return k;
	free(k);
	return NULL;
}

void aead_key_free(struct aead_key *k)
{
	if (!k)
		return;
	k->backend->key_free(k->library, k->schedule);
	free(k);
}

/*
 * Pieces are put side by side where they are sealed, and then sealed in place.
 * The libraries take text in pieces too, but each piece costs them more than its
 * copy, which the first-level cache holds.
 */
static const uint8_t *gather(const struct iovec *in, size_t incnt, uint8_t *out,
			     size_t *len)
{
	*len = incnt ? in[0].iov_len : 0;
	if (incnt <= 1)
		return incnt ? in[0].iov_base : NULL;
	*len = 0;
	for (size_t i = 0; i < incnt; i++) {
		if (in[i].iov_len)
			memcpy(out + *len, in[i].iov_base, in[i].iov_len);
		*len += in[i].iov_len;
	}
	return out;
}

bool aead_seal(struct aead_key *k, const uint8_t nonce[AEAD_NONCE_LEN],
	       const void *ad, size_t ad_len, const struct iovec *in,
	       size_t incnt, uint8_t *out)
{
	size_t len;
	const uint8_t *text = gather(in, incnt, out, &len);

	if (k->backend->seal(k->library, k->schedule, nonce, ad, ad_len, text,
			     len, out))
		return true;
	/* Gathered and not sealed, it must not leave. */
	if (out && text == out)
		memset(out, 0, len);
	return false;
}

bool aead_open(struct aead_key *k, const uint8_t nonce[AEAD_NONCE_LEN],
	       const void *ad, size_t ad_len, uint8_t *data, size_t len)
{
	if (len < AEAD_TAG_LEN)
		return false;
	len -= AEAD_TAG_LEN;
	return k->backend->open(k->library, k->schedule, nonce, ad, ad_len,
				data, len, data + len);
}
