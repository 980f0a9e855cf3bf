/* Any bytes as a plain datagram: it is refused for what is wrong with it, or the frame
 * in it lies behind its header, and its checksum can be made partial and back. */
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "ether/csum.h"
#include "fuzz.h"
#include "plain/gre.h"
#include "plain/spread.h"
#include "plain/vxlan.h"

/* What the RFCs' pictures say, bit by bit. */
static enum drop_reason vxlan_should(const uint8_t *d, size_t len, uint32_t vni)
{
	if (len < 8 || (d[0] >> 3 & 1) == 0 || (d[0] >> 2 & 1) != 0 ||
	    (d[0] & 1) != 0)
		return DROP_vxlan_bad;
	return (uint32_t)(d[4] << 16 | d[5] << 8 | d[6]) == vni
		       ? DROP_NONE
		       : DROP_vxlan_vni;
}

static enum drop_reason gre_should(const uint8_t *d, size_t len, bool keyed,
				   uint32_t key, size_t *header_len)
{
	size_t at = 4;

	if (len < 4)
		return DROP_gre_bad;
	at += d[0] & 0x80 ? 4 : 0;
	at += d[0] & 0x20 ? 4 : 0;
	at += d[0] & 0x10 ? 4 : 0;
	*header_len = at;
	if (len < at || (d[0] & 0x4c) || (d[1] & 7) || d[2] != 0x65 ||
	    d[3] != 0x58)
		return DROP_gre_bad;
	if ((d[0] & 0x80) && checksum_fold(checksum_add(0, d, len)) != 0)
		return DROP_gre_checksum;
	at -= d[0] & 0x10 ? 4 : 0;
	if (((d[0] & 0x20) != 0) != keyed)
		return DROP_gre_key;
	return !keyed || load_be32(d + at - 4) == key ? DROP_NONE
						      : DROP_gre_key;
}

/* Made partial, completed: the same bytes, but for a sum that was wrong and looked like
 * a partial one. */
static void checksum_holds(const struct eth_view *v, const uint8_t *frame,
			   size_t len, bool wanted)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct offload o;

	HOLDS(copy);
	memcpy(copy, frame, len);
	if (!csum_make_partial(v, copy, len, wanted, &o)) {
		HOLDS(memcmp(copy, frame, len) == 0 && !o.csum_partial);
	} else {
		const size_t at = (size_t)o.csum_start + o.csum_offset;
		const uint8_t bare[2] = { copy[at], copy[at + 1] };

		HOLDS(eth_csum_valid(v, len, o.csum_start, o.csum_offset));
		eth_csum_complete(v, copy, o.csum_offset);
		/* 0 and 0xffff are one in a sum. */
		HOLDS(memcmp(copy + at, frame + at, 2) == 0 ||
		      memcmp(bare, frame + at, 2) == 0 ||
		      (load_be16(copy + at) + load_be16(frame + at) == 0xffff &&
		       load_be16(copy + at) % 0xffff == 0));
		memcpy(copy + at, frame + at, 2);
		HOLDS(memcmp(copy, frame, len) == 0);
	}
	free(copy);
}

static void frame_holds(const uint8_t *frame, size_t len)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = { 1 };
	struct eth_view v;

	touch(frame, len);
	if (eth_parse(&v, frame, len) != DROP_NONE)
		return;
	HOLDS(spread_of(key, &v, frame) != 0);
	checksum_holds(&v, frame, len, true);
	checksum_holds(&v, frame, len, false);
}

static void vxlan(const uint8_t *d, size_t len, uint32_t vni)
{
	const uint8_t *frame = NULL;
	size_t frame_len = 0;
	enum drop_reason reason = vxlan_take(d, len, vni, &frame, &frame_len);

	HOLDS(reason == vxlan_should(d, len, vni));
	HOLDS((reason == DROP_NONE) == (frame != NULL));
	if (!frame)
		return;
	HOLDS(frame == d + 8 && frame_len == len - 8);
	frame_holds(frame, frame_len);
}

static void gre(const uint8_t *d, size_t len, bool keyed, uint32_t key)
{
	const uint8_t *frame = NULL;
	size_t frame_len = 0, header_len = 0;
	enum drop_reason reason =
		gre_take(d, len, keyed, key, &frame, &frame_len);

	HOLDS(reason == gre_should(d, len, keyed, key, &header_len));
	HOLDS((reason == DROP_NONE) == (frame != NULL));
	if (!frame)
		return;
	HOLDS(frame == d + header_len && frame_len == len - header_len);
	frame_holds(frame, frame_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool keyed;
	uint32_t id;

	/* keyed(1), network_id(4), the datagram */
	if (size < 5)
		return 0;
	keyed = data[0] & 1;
	id = load_be32(data + 1);
	vxlan(data + 5, size - 5, id & 0xffffff);
	gre(data + 5, size - 5, keyed, id);
	return 0;
}
