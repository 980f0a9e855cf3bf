#include "tapd/tap/offload_level.h"

#include <stdio.h>

#include "tapd/log/log.h"

/* A kernel that gives GSO frames of a kind takes them too, as far as is known
 * before one was refused. */
static enum conf_merge may_merge(const struct offload_levels *o,
				 const struct conf *c, const struct tap *tap)
{
	if (o->tap < TAP_OFFLOAD_TSO || tap_refuses_tcp(tap) ||
	    c->offload.complete_sums)
		return CONF_MERGE_NONE;
	if (c->offload.merge == CONF_MERGE_ALL &&
	    (o->tap < TAP_OFFLOAD_ALL || tap_refuses_udp(tap)))
		return CONF_MERGE_TCP;
	return (enum conf_merge)c->offload.merge;
}

/* The capture, or what of the configuration or the kernel it is. */
static void say_why(struct offload_levels *o, const struct conf *c,
		    const struct tap *tap)
{
	const char *why = "";

	if (o->capture.protocol) {
		snprintf(o->unmerged, sizeof(o->unmerged),
			 "a packet socket captures %s (protocol %04x)",
			 o->capture.index ? "on it" : "on every interface",
			 o->capture.protocol);
		return;
	}
	if (o->merge != CONF_MERGE_NONE)
		why = "";
	else if (c->offload.complete_sums)
		why = "offload.checksums is \"complete\"";
	else if (c->offload.merge == CONF_MERGE_NONE)
		why = "offload.merge is \"none\"";
	else if (tap_refuses_tcp(tap))
		why = "the kernel refused GSO frames";
	else
		why = "offload.tap is below \"tso\"";
	snprintf(o->unmerged, sizeof(o->unmerged), "%s", why);
}

static void tell_node(struct offload_levels *o, const struct conf *c,
		      const struct tap *tap, struct node *node)
{
	struct node_tap_takes takes;

	o->merge = may_merge(o, c, tap);
	say_why(o, c, tap);
	if (o->capture.protocol) {
		takes = (struct node_tap_takes){ .partial = false };
		node_set_tap_takes(node, &takes);
		return;
	}
	takes = (struct node_tap_takes){
		.partial = o->tap >= TAP_OFFLOAD_CHECKSUM &&
			   !c->offload.complete_sums,
		.tcp = o->merge >= CONF_MERGE_TCP,
		.udp = o->merge >= CONF_MERGE_ALL,
	};
	node_set_tap_takes(node, &takes);
}

void offload_level_apply(struct offload_levels *o, const struct conf *c,
			 struct tap *tap, struct udp *udp, struct node *node)
{
	const struct offload_levels was = *o;

	o->tap = tap_set_offload(tap, (enum tap_offload)c->offload.tap);
	tell_node(o, c, tap, node);
	udp_set_batching(udp, (enum udp_batching)c->offload.send,
			 (enum udp_batching)c->offload.receive);
	o->send = udp_send_batching(udp);
	o->receive = udp_receive_batching(udp);
	if (o->tap == was.tap && o->merge == was.merge && o->send == was.send &&
	    o->receive == was.receive)
		return;
	log_info("offloads: tap %s, merge %s, send %s, receive %s",
		 tap_offload_words[o->tap], conf_merge_words[o->merge],
		 udp_batching_words[o->send], udp_batching_words[o->receive]);
}

void offload_level_refused(struct offload_levels *o, const struct conf *c,
			   const struct tap *tap, struct node *node)
{
	if (may_merge(o, c, tap) == o->merge)
		return;
	tell_node(o, c, tap, node);
	log_warning("the kernel refuses GSO frames that it should take: no"
		    " more are made; with offload.merge = \"%s\" the next"
		    " start makes none",
		    conf_merge_words[o->merge]);
}

void offload_level_capture(struct offload_levels *o, const struct conf *c,
			   const struct tap *tap, struct node *node,
			   const struct capture *capture)
{
	const bool was = o->capture.protocol != 0;

	if (capture->protocol == o->capture.protocol &&
	    capture->index == o->capture.index)
		return;
	o->capture = *capture;
	tell_node(o, c, tap, node);
	if (!was)
		log_info("%s: frames are written complete and as they were"
			 " sent while it does",
			 o->unmerged);
	else if (!capture->protocol)
		log_info("nobody captures any more: %s",
			 *o->unmerged ? o->unmerged
				      : "frames are merged again");
}
