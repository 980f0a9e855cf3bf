#include "tapd/underlay/routing.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

int routing_set(int fd, const struct routing *r)
{
	if (*r->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, r->device,
				     (socklen_t)strlen(r->device)) != 0)
		return -errno;
	if (r->mark &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &r->mark, sizeof(r->mark)) != 0)
		return -errno;
	return 0;
}

bool routing_has_device(int fd, const struct routing *r)
{
	char name[IF_NAMESIZE] = "";
	socklen_t len = sizeof(name);

	return !*r->device ||
	       (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len) == 0 &&
		strncmp(name, r->device, sizeof(name)) == 0);
}

bool routing_ask(struct nlmsghdr *question, const struct routing *r,
		 uint32_t scope)
{
	const uint32_t index =
		scope || !*r->device ? scope : if_nametoindex(r->device);

	if (*r->device && index == 0)
		return false;
	if (index)
		mnl_attr_put_u32(question, RTA_OIF, index);
	if (r->mark)
		mnl_attr_put_u32(question, RTA_MARK, r->mark);
	return true;
}
