/* For tests: how long a frame in pieces is. */
#ifndef TAPD_TESTS_FRAME_LEN_H
#define TAPD_TESTS_FRAME_LEN_H

#include "base/frame.h"

static inline size_t frame_len(const struct frame *f)
{
	size_t len = 0;

	for (size_t i = 0; i < f->iovcnt; i++)
		len += f->iov[i].iov_len;
	return len;
}

#endif
