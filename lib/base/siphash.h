/* SipHash-2-4: a hash whose collisions nobody can choose. */
#ifndef TAPD_BASE_SIPHASH_H
#define TAPD_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_LEN 16

/* Of any bytes, under a secret key (Aumasson, Bernstein 2012). */
uint64_t siphash(const uint8_t key[SIPHASH_KEY_LEN], const void *bytes,
		 size_t len);

#endif
