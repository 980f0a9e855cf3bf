#include "tapd/tap/offload_level.h"

#include "tapd/log.h"

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

static void tell_node(struct offload_levels *o, const struct conf *c,
		      const struct tap *tap, struct node *node)
{
	struct node_tap_takes takes;

	o->merge = may_merge(o, c, tap);
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
