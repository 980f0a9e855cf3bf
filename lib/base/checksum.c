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

bool checksum_complete(uint8_t *bytes, size_t len, size_t start, size_t offset)
{
	uint16_t sum;

	if (start > len || offset > len - start || len - start - offset < 2)
		return false;
	sum = checksum_fold(checksum_add(0, bytes + start, len - start));
	store_be16(bytes + start + offset, sum ? sum : 0xffff);
	return true;
}
