/* How large the datagrams to each peer are, beside what the interface on the way
 * would carry. */
#include <string.h>

#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/way.h"

/* Sizes are tried for some seconds after a peer came up. */
#define SETTLED_S 10
/* Of UDP payload: what is tried first, and what a 9216-byte packet has. */
#define BASE	 1200
#define LARGEST	 9188
#define ETHERNET 1400
/* Those that are tried are some round numbers: a little less than all is well. */
#define CLOSE_TO(x) ((x) - (x) / 32)

static uint32_t headers(const struct addr *to)
{
	return addr_is_v4(to) ? 28 : 48;
}

/* What could be sent there; 0 if it is not known. */
static uint32_t expected(const struct facts *f, const struct addr *to)
{
	const char *device =
		json_string_value(json_object_get(f->settings, "device"));
	const json_int_t mark =
		json_integer_value(json_object_get(f->settings, "mark"));
	const struct hostnet_link *bound =
		device ? hostnet_link_named(&f->net, device) : NULL;
	const struct way_out way =
		way_out_to(to, bound ? bound->index : 0, (uint32_t)mark);
	const struct hostnet_link *link = hostnet_link_of(&f->net, way.index);
	uint32_t mtu = way.mtu ? way.mtu : link ? link->mtu : 0;

	if (mtu <= headers(to))
		return 0;
	mtu -= headers(to);
	return mtu < LARGEST ? mtu : LARGEST;
}

static void judge(const struct facts *f, const json_t *peer,
		  struct diagnosis *d)
{
	const char *name = json_string_value(json_object_get(peer, "name"));
	const char *at = json_string_value(json_object_get(peer, "endpoint"));
	json_int_t size =
		json_integer_value(json_object_get(peer, "datagram_size"));
	json_int_t up_s = json_integer_value(json_object_get(peer, "up_s"));
	struct addr to;
	json_int_t could;

	if (size <= 0 || up_s < SETTLED_S || !at || !addr_parse(&to, at, 0))
		return;
	could = expected(f, &to);
	if (size >= CLOSE_TO(could))
		return;
	diagnosis_add(d,
		      size <= BASE && could >= ETHERNET
			      ? KIND_DATAGRAM_SMALL
			      : KIND_DATAGRAM_BELOW_MTU,
		      "the path to %s carries datagrams of %d of %d bytes",
		      name ? name : at, (int)size, (int)could);
}

/* The administrator may have fixed it. */
void check_datagrams(const struct facts *f, struct diagnosis *d)
{
	const json_t *fixed = json_object_get(f->settings, "underlay_mtu");

	/* What is not sealed is of one size: the daemon says whether it fits. */
	if (!f->net_known || json_integer_value(fixed) != 0 ||
	    json_is_false(json_object_get(f->status, "sealed")))
		return;
	for (size_t i = 0; i < json_array_size(f->peers); i++)
		judge(f, json_array_get(f->peers, i), d);
}
