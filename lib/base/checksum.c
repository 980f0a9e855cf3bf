#include "base/checksum.h"

#include <string.h>

#include "base/bytes.h"

/* Headers are shorter, and summed as they are. */
#define WIDE_FROM 64

/* The words' order in memory is a matter of the sum's alone (RFC 1071, 2): it is made
 * of eight bytes at a time as they lie there, and put in order at the end. */
static uint64_t add_wide(const uint8_t *p, size_t len)
{
	uint64_t sums[4] = { 0 }, carries = 0, sum = 0;
	uint8_t order[2];
	uint16_t folded;

	for (; len >= 32; len -= 32, p += 32) {
		uint64_t words[4];

		memcpy(words, p, sizeof(words));
		for (int i = 0; i < 4; i++) {
			sums[i] += words[i];
			carries += sums[i] < words[i];
		}
	}
	for (int i = 0; i < 4; i++)
		sum += (sums[i] >> 32) + (uint32_t)sums[i];
	folded = (uint16_t)~checksum_fold(sum + carries);
	memcpy(order, &folded, sizeof(order));
	return load_be16(order);
}

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (len >= WIDE_FROM) {
		sum += add_wide(p, len);
		p += len & ~(size_t)31;
		len &= 31;
	}
	for (; len >= 2; len -= 2, p += 2)
		sum += load_be16(p);
	if (len > 0)
		sum += (uint64_t)p[0] << 8;
	return sum;
}

uint16_t checksum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

bool checksum_complete(uint8_t *bytes, size_t len, size_t start, size_t offset)
{
	uint16_t sum;

	if (start > len || offset > len - start || len - start - offset < 2)
		return false;
	sum = checksum_fold(checksum_add(0, bytes + start, len - start));
	store_be16(bytes + start + offset, sum ? sum : 0xffff);
	return true;
}
