/* One name after another, asked of the host's resolver; in a process of its own. */
#ifndef TAPD_HELPER_LOOKUP_H
#define TAPD_HELPER_LOOKUP_H

#include <stddef.h>

/* Before the name of a service, whose SRV records say where it is. */
#define LOOKUP_SERVICE "srv:"

/*
 * texts: "NUMBER NAME", each with its NUL, len bytes in all. Prints for each the
 * number and one address a line, that of a service with its port, then "." if that
 * was all; or "!" and why there is none, whatever came before. Waits as
 * getaddrinfo(3) does.
 */
void lookup_names(const char *texts, size_t len);

#endif
