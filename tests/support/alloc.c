/* Allocation that never fails: a test without memory has nothing to say. */
#include "support/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("test: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

void *test_alloc(size_t len)
{
	return checked(malloc(len ? len : 1));
}

void *test_zalloc(size_t n, size_t each)
{
	return checked(calloc(n, each));
}

void *test_realloc(void *p, size_t len)
{
	return checked(realloc(p, len));
}

void *test_copy(const void *bytes, size_t len)
{
	void *copy = test_alloc(len);

	if (len)
		memcpy(copy, bytes, len);
	return copy;
}
