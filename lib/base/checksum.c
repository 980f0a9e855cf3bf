#include "base/checksum.h"

#include "base/bytes.h"

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

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
