/* For tests: a GSO frame as transmit meets it, parsed and then taken. */
#ifndef TAPD_TESTS_GSO_FRAME_H
#define TAPD_TESTS_GSO_FRAME_H

#include "ether/gso.h"

/* gso_begin after eth_parse_gso; *g is zeroed if either refuses the frame. */
static inline enum drop_reason gso_begin_frame(struct gso *g,
					       const uint8_t *frame, size_t len,
					       const struct offload *offload)
{
	struct eth_view view;
	enum drop_reason reason = eth_parse_gso(&view, frame, len);

	if (reason == DROP_NONE)
		return gso_begin(g, &view, frame, len, offload);
	*g = (struct gso){ 0 };
	return reason;
}

#endif
