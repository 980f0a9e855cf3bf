/* What every fuzz target needs. */
#ifndef TAPD_TESTS_FUZZ_H
#define TAPD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What must hold for any input. */
#include "support/holds.h"

/* libFuzzer calls these; the input is a heap copy of exactly its size, so that
 * AddressSanitizer sees the first byte read past its end. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte, for the sanitizer to look at. That it reached the next one is
 * nothing for the fuzzer to learn from. */
static inline void __attribute__((no_sanitize("coverage")))
touch(const uint8_t *bytes, size_t len)
{
	static volatile uint8_t sink;

	for (size_t i = 0; i < len; i++)
		sink = bytes[i];
	(void)sink;
}

#endif
