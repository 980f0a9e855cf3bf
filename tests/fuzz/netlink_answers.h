/* Bytes as the kernel's answers by netlink: libmnl's sockets, stood in for. */
#ifndef TAPD_TESTS_FUZZ_NETLINK_ANSWERS_H
#define TAPD_TESTS_FUZZ_NETLINK_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

/* Once. */
void netlink_answers_init(void);
/* What is received next, by whichever socket: answers, each with its length(2) before
 * it; then silence. Their framing is made good, for that is the kernel's, and libmnl
 * takes its word. Borrowed. */
void netlink_answers_set(const uint8_t *data, size_t size);

#endif
