#include "tapd/generation.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/main.h"

#define DEVICE "change@/devices/LNXSYSTM:00/VMGENCTR:00"

static const struct {
	const char *text;
	size_t len;
	bool new;
} uevents[] = {
	{ DEVICE "\0ACTION=change\0NEW_VMGENID=1\0SEQNUM=7",
	  sizeof(DEVICE "\0ACTION=change\0NEW_VMGENID=1\0SEQNUM=7"), true },
	{ DEVICE "\0NEW_VMGENID=1", sizeof(DEVICE "\0NEW_VMGENID=1"), true },
	/* cut before its last 0 */
	{ DEVICE "\0NEW_VMGENID=1", sizeof(DEVICE "\0NEW_VMGENID=1") - 1,
	  true },
	{ DEVICE "\0NEW_VMGENID=10", sizeof(DEVICE "\0NEW_VMGENID=10"), false },
	{ DEVICE "\0NEW_VMGENID=1", sizeof(DEVICE "\0NEW_VMGENID=1") - 2,
	  false },
	{ DEVICE "\0A_NEW_VMGENID=1", sizeof(DEVICE "\0A_NEW_VMGENID=1"),
	  false },
	{ "add@/devices/virtual/net/veth0\0ACTION=add",
	  sizeof("add@/devices/virtual/net/veth0\0ACTION=add"), false },
	{ "", 0, false },
	{ "\0\0\0", 4, false },
};

START_TEST(only_a_new_generation_is_one)
{
	ck_assert_int_eq(generation_is_new(uevents[_i].text, uevents[_i].len),
			 uevents[_i].new);
}
END_TEST

START_TEST(nothing_waits_at_the_start)
{
	int fd = generation_open();

	if (fd < 0) { /* a sandbox without netlink */
		printf("skipped: %s\n", strerror(-fd));
		return;
	}
	ck_assert(!generation_changed(fd));
	close(fd);
}
END_TEST

/* A process that is not the kernel has a port, which is seen. */
START_TEST(other_processes_are_not_believed)
{
	static const char text[] = DEVICE "\0NEW_VMGENID=1";
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(to);
	int fd = generation_open();
	int from = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			  NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || from < 0) {
		puts("skipped: no netlink here");
		return;
	}
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&to, &len), 0);
	to.nl_groups = 0;
	if (sendto(from, text, sizeof(text), 0, (struct sockaddr *)&to,
		   sizeof(to)) < 0)
		ck_assert_int_eq(errno, EPERM);
	ck_assert(!generation_changed(fd));
	close(fd);
	close(from);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("generation", NULL),
	UNIT_EACH(only_a_new_generation_is_one, uevents),
	UNIT_TEST(nothing_waits_at_the_start),
	UNIT_TEST(other_processes_are_not_believed),
};

UNIT_MAIN("generation", tests)
