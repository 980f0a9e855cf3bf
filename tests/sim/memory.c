/* Allocation that never fails: a test without memory has nothing to say. */
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

static void *checked(void *p)
{
	if (!p) {
		fputs("sim: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

void *sim_alloc(size_t len)
{
	return checked(malloc(len));
}

void *sim_zalloc(size_t n, size_t each)
{
	return checked(calloc(n, each));
}

void *sim_realloc(void *p, size_t len)
{
	return checked(realloc(p, len));
}
