/* Allocation that never fails: a test without memory has nothing to say. */
#ifndef TAPD_TESTS_ALLOC_H
#define TAPD_TESTS_ALLOC_H

#include <stddef.h>

/* Never NULL; to be freed with free. */
void *test_alloc(size_t len);
void *test_zalloc(size_t n, size_t each);
void *test_realloc(void *p, size_t len);
/* A copy of exactly that length: AddressSanitizer sees what is read past it. */
void *test_copy(const void *bytes, size_t len);

#endif
