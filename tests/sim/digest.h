/* A running digest of bytes, to tell whether two runs were the same. */
#ifndef TAPD_SIM_DIGEST_H
#define TAPD_SIM_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* Folds bytes into a running digest (FNV-1a, a word at a time). */
uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t len);
uint64_t digest_u64(uint64_t digest, uint64_t v);

#endif
