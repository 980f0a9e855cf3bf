/* For tests: whether two groups are the same. */
#ifndef TAPD_TESTS_GROUP_EQUAL_H
#define TAPD_TESTS_GROUP_EQUAL_H

#include <string.h>

#include "ether/group.h"

static inline bool group_equal(const struct group *a, const struct group *b)
{
	return memcmp(a, b, GROUP_LEN) == 0;
}

#endif
