/* One name after another, asked of the host's resolver; in a process of its own. */
#ifndef TAPD_HELPER_LOOKUP_H
#define TAPD_HELPER_LOOKUP_H

#include <stddef.h>

/*
 * texts: "NUMBER NAME", each with its NUL, len bytes in all. Prints for each the
 * number and one address a line, then "." if that was all; or "!" and why there is
 * none. Waits as getaddrinfo(3) does.
 */
void lookup_names(const char *texts, size_t len);

#endif
