/* Bytes of one file descriptor to another. */
#ifndef TAPD_CTL_COPY_H
#define TAPD_CTL_COPY_H

#include <stdbool.h>

/* Until the end of what there is to read. False, with errno, if it cannot be read or
 * written; also as soon as nobody reads the other end of `to`. */
bool copy_all(int from, int to);

#endif
