#include "bridge/forward.h"

/* What both directions begin with: check the frame, learn its source. */
static enum drop_reason admit(struct fdb *fdb, uint16_t port,
			      const uint8_t *frame, size_t len, size_t max,
			      uint64_t now_us, struct eth_view *view,
			      bool *full)
{
	enum drop_reason reason = eth_parse(view, frame, len);

	*full = false;
	if (reason != DROP_NONE)
		return reason;
	if (max != 0 && len > max)
		return DROP_frame_long;
	if (!eth_is_membership(view, frame, len))
		*full = !fdb_learn(fdb, view->vlan, view->src, port, now_us);
	return DROP_NONE;
}

struct verdict forward_from_tap(struct fdb *fdb, const uint8_t *frame,
				size_t len, size_t max, uint64_t now_us,
				struct eth_view *view, bool *full)
{
	enum drop_reason reason =
		admit(fdb, FDB_PORT_LOCAL, frame, len, max, now_us, view, full);
	int port;

	if (reason != DROP_NONE)
		return (struct verdict){ VERDICT_DROP, reason, 0 };
	if (eth_is_group(view->dst))
		return (struct verdict){ VERDICT_FLOOD, DROP_NONE, 0 };
	port = fdb_find(fdb, view->vlan, view->dst, now_us);
	if (port < 0)
		return (struct verdict){ VERDICT_FLOOD, DROP_NONE, 0 };
	if (port == FDB_PORT_LOCAL)
		return (struct verdict){ VERDICT_DROP, DROP_frame_local, 0 };
	return (struct verdict){ VERDICT_PORT, DROP_NONE, (uint16_t)port };
}

enum drop_reason forward_from_port(struct fdb *fdb, uint16_t port,
				   const uint8_t *frame, size_t len, size_t max,
				   uint64_t now_us, struct eth_view *view,
				   bool *full)
{
	/* Learning decides nothing here: what a peer sent goes into the TAP,
	 * even to a MAC we think elsewhere, as its sender may know better. */
	return admit(fdb, port, frame, len, max, now_us, view, full);
}
