/* AES-256-GCM by intel-ipsec-mb: three to six times OpenSSL's speed. */
#ifdef TAPD_HAVE_IPSEC_MB

#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tunnel/aead_backend.h"

/*
 * The direct (synchronous) GCM functions are used, not the job queue: each call
 * is done when it returns. The library takes aligned loads from the schedule.
 */
#define SCHEDULE_ALIGN 64

struct ipsec_mb_key {
	struct gcm_key_data schedule;
	/* A message's state; here so that it is wiped with the key. */
	struct gcm_context_data context;
};

/*
 * The library refuses what it thinks a wrong argument by doing nothing, and says
 * so here alone. What it did not do must not pass for done: text would leave in
 * the clear, and a tag that was never computed would be compared.
 */
static bool was_done(IMB_MGR *mgr)
{
	return imb_get_errno(mgr) == 0;
}

static void *start(void)
{
	const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
	IMB_MGR *mgr = alloc_mb_mgr(0);
	IMB_ARCH arch = IMB_ARCH_NONE;

	if (!mgr)
		return NULL;
	/* Without AES instructions the library emulates them with tables, whose
	 * cache lines tell the key: refuse. */
	if ((mgr->features & needed) == needed)
		init_mb_mgr_auto(mgr, &arch);
	if (arch != IMB_ARCH_NONE && arch != IMB_ARCH_NOAESNI && was_done(mgr))
		return mgr;
	free_mb_mgr(mgr);
	return NULL;
}

static void stop(void *library)
{
	free_mb_mgr(library);
}

static void key_free(void *library, void *key)
{
	(void)library;
	bytes_wipe(key, sizeof(struct ipsec_mb_key));
	free(key);
}

static void *key_new(void *library, const uint8_t key[AEAD_KEY_LEN])
{
	size_t size = (sizeof(struct ipsec_mb_key) + SCHEDULE_ALIGN - 1) /
		      SCHEDULE_ALIGN * SCHEDULE_ALIGN;
	struct ipsec_mb_key *k = aligned_alloc(SCHEDULE_ALIGN, size);
	IMB_MGR *mgr = library;

	if (!k)
		return NULL;
	memset(k, 0, sizeof(*k));
	IMB_AES256_GCM_PRE(mgr, key, &k->schedule);
	if (was_done(mgr))
		return k;
	key_free(library, k);
	return NULL;
}

static bool seal(void *library, void *key, const uint8_t nonce[AEAD_NONCE_LEN],
		 const void *ad, size_t ad_len, const uint8_t *in, size_t len,
		 uint8_t *out)
{
	struct ipsec_mb_key *k = key;
	IMB_MGR *mgr = library;

	if (len) {
		IMB_AES256_GCM_ENC(mgr, &k->schedule, &k->context, out, in, len,
				   nonce, ad, ad_len, out + len, AEAD_TAG_LEN);
		return was_done(mgr);
	}
	IMB_AES256_GCM_INIT(mgr, &k->schedule, &k->context, nonce, ad, ad_len);
	if (!was_done(mgr))
		return false;
	IMB_AES256_GCM_ENC_FINALIZE(mgr, &k->schedule, &k->context, out,
				    AEAD_TAG_LEN);
	return was_done(mgr);
}

static bool open_sealed(void *library, void *key,
			const uint8_t nonce[AEAD_NONCE_LEN], const void *ad,
			size_t ad_len, uint8_t *data, size_t len,
			const uint8_t tag[AEAD_TAG_LEN])
{
	struct ipsec_mb_key *k = key;
	uint8_t computed[AEAD_TAG_LEN];
	IMB_MGR *mgr = library;
	bool equal;

	/* Until it is computed it is not the datagram's, whatever that says. */
	for (size_t i = 0; i < sizeof(computed); i++)
		computed[i] = (uint8_t)~tag[i];
	IMB_AES256_GCM_DEC(mgr, &k->schedule, &k->context, data, data, len,
			   nonce, ad, ad_len, computed, AEAD_TAG_LEN);
	equal = was_done(mgr) && bytes_equal(computed, tag, AEAD_TAG_LEN);
	/* The right tag of a forgery must not stay behind. */
	bytes_wipe(computed, sizeof(computed));
	if (!equal)
		memset(data, 0, len);
	return equal;
}

const struct aead_backend aead_ipsec_mb = {
	.name = "ipsec-mb",
	.start = start,
	.stop = stop,
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open = open_sealed,
};

#else
/* ISO C wants a declaration in every file. */
typedef int aead_ipsec_mb_was_not_found;
#endif
