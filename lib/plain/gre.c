#include "plain/gre.h"

#include "base/bytes.h"
#include "base/checksum.h"

#define FLAG_CHECKSUM 0x8000
#define FLAG_KEY      0x2000
#define FLAG_SEQUENCE 0x1000
/* Bits 1, 4 and 5, of RFC 1701, with which a packet is to be discarded (RFC 2784,
 * 2.1), and the version. What stands between them is ignored. */
#define FLAGS_REFUSED 0x4c07

#define PROTOCOL_ETHERNET 0x6558

size_t gre_put(uint8_t header[GRE_LEN_MAX], bool keyed, uint32_t key)
{
	store_be16(header, keyed ? FLAG_KEY : 0);
	store_be16(header + 2, PROTOCOL_ETHERNET);
	if (!keyed)
		return 4;
	store_be32(header + 4, key);
	return 8;
}

enum drop_reason gre_take(const uint8_t *datagram, size_t len, bool keyed,
			  uint32_t key, const uint8_t **frame,
			  size_t *frame_len)
{
	struct cursor c = cursor_init(datagram, len);
	const uint16_t flags = cursor_u16(&c);
	const uint16_t protocol = cursor_u16(&c);
	const bool has_key = flags & FLAG_KEY;
	uint32_t its_key = 0;

	if (flags & FLAG_CHECKSUM)
		cursor_u32(&c);
	if (has_key)
		its_key = cursor_u32(&c);
	if (flags & FLAG_SEQUENCE)
		cursor_u32(&c);
	if (!cursor_ok(&c) || (flags & FLAGS_REFUSED) ||
	    protocol != PROTOCOL_ETHERNET)
		return DROP_gre_bad;
	if ((flags & FLAG_CHECKSUM) &&
	    checksum_fold(checksum_add(0, datagram, len)))
		return DROP_gre_checksum;
	if (has_key != keyed || (keyed && its_key != key))
		return DROP_gre_key;
	*frame = c.at;
	*frame_len = c.left;
	return DROP_NONE;
}
