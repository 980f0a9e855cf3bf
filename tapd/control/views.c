#include "tapd/control/views.h"

#include <unistd.h>

#include "tapd/conf/conf.h"
#include "tapd/control/checks.h"
#include "tapd/control/values.h"

static json_t *flooded(const struct snapshot *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->flooded_count; i++) {
		const struct node_flooded_info *f = &s->flooded[i];

		json_array_append_new(all, json_pack("{s:o, s:o}", "peer",
						     value_text(f->peer), "why",
						     value_text(f->reason)));
	}
	return all;
}

/* In the words of the configuration. */
static json_t *offload(const struct offload_levels *o)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "tap",
			 tap_offload_words[o->tap], "merge",
			 conf_merge_words[o->merge], "send",
			 udp_batching_words[o->send], "receive",
			 udp_batching_words[o->receive]);
}

/* Whether frames are merged for the interface now. */
static json_t *merging(const struct offload_levels *o)
{
	return json_pack("{s:b, s:o}", "on", *o->unmerged == '\0', "why",
			 value_text(o->unmerged));
}

/* Frames that wait to be sealed. */
static json_t *queue(const struct snapshot *s)
{
	const struct fq_info *q = &s->queue;
	const uint64_t drops = q->full + q->delay;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "frames",
			 (json_int_t)q->frames, "backlog", (json_int_t)q->bytes,
			 "sojourn_us", (json_int_t)q->sojourn_us, "drops",
			 (json_int_t)drops, "marks", (json_int_t)q->marks,
			 "socket_limit", (json_int_t)s->send_limit);
}

static json_t *multicast(const struct snapshot *s)
{
	const struct node_multicast_status *m = &s->multicast;

	return json_pack("{s:b, s:b, s:b, s:I, s:o, s:o}", "snooping",
			 (int)m->snooping, "querier", (int)m->querier, "router",
			 (int)m->router, "groups", (json_int_t)m->groups,
			 "wants_all",
			 value_text(m->wants_all ? m->wants_all : ""),
			 "flooded", flooded(s));
}

static void add_warning(void *warnings, const struct check *check,
			const char *what)
{
	if (check->severity != CHECK_FACT)
		json_array_append_new(warnings, json_string(what));
}

static json_t *warnings(const struct snapshot *s)
{
	json_t *all = json_array();

	checks_run(s, add_warning, all);
	return all;
}

static json_t *sources(const struct snapshot *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->sources_count; i++) {
		const struct snapshot_source *from = &s->sources[i];

		json_array_append_new(
			all, json_pack("{s:s, s:I, s:o, s:o}", "source",
				       from->name, "endpoints",
				       (json_int_t)from->endpoints, "age_s",
				       value_seconds_or_null(s->now_us,
							     from->good_us),
				       "error", value_text(from->error)));
	}
	return all;
}

/* What is carried for others. */
static json_t *relay(const struct snapshot *s)
{
	const struct node_relay_info *r = &s->status.relay;

	return json_pack("{s:b, s:I, s:I, s:I}", "on", (int)s->relay, "legs",
			 (json_int_t)r->legs, "datagrams",
			 (json_int_t)r->datagrams, "bytes",
			 (json_int_t)r->bytes);
}

/* At which addresses peers see this host. */
static json_t *nat(const struct snapshot *s)
{
	const struct node_nat_info *n = &s->status.nat;
	json_t *observed = json_array();
	char text[ADDR_STRLEN];

	for (size_t i = 0; i < n->count; i++)
		json_array_append_new(
			observed,
			json_string(addr_print(&n->observed[i], text)));
	return json_pack("{s:o, s:b, s:b}", "observed", observed, "translated",
			 (int)n->translated, "symmetric", (int)n->symmetric);
}

json_t *view_status(const struct snapshot *s)
{
	const struct snapshot_interface *i = &s->interface;
	const struct node_status *status = &s->status;
	const bool sealed = s->encapsulation == NODE_SEALED;
	json_t *o = json_object();

	value_set(o, "version", json_string(TAPD_VERSION));
	value_set(o, "name", value_text(s->node_name));
	value_set(o, "key", sealed ? value_key(&status->key) : json_null());
	value_set(o, "sealed", json_boolean(sealed));
	value_set(o, "encapsulation",
		  json_string(conf_encapsulation_words[s->encapsulation]));
	value_set(o, "network_id",
		  s->network_id_set ? json_integer(s->network_id)
				    : json_null());
	value_set(o, "device", value_text(s->routing.device));
	value_set(o, "mark", value_number(s->routing.mark));
	value_set(o, "interface",
		  json_pack("{s:o, s:o, s:I, s:b}", "name", value_text(i->name),
			    "mac", value_mac(i->mac), "mtu", (json_int_t)i->mtu,
			    "carrier", (int)i->carrier));
	value_set(o, "uptime_s",
		  json_integer(value_seconds(s->now_us, s->started_us)));
	value_set(o, "peers",
		  json_pack("{s:I, s:I}", "total",
			    (json_int_t)status->peers_total, "up",
			    (json_int_t)status->peers_up));
	value_set(o, "tx", value_counters(&status->tx));
	value_set(o, "rx", value_counters(&status->rx));
	value_set(o, "rates", value_rates(&s->rates));
	value_set(o, "aead", sealed ? value_text(status->aead) : json_null());
	value_set(o, "fdb", json_integer((json_int_t)status->fdb_count));
	value_set(o, "multicast", multicast(s));
	value_set(o, "warnings", warnings(s));
	value_set(o, "offload", offload(&s->offloads));
	value_set(o, "merging", merging(&s->offloads));
	value_set(o, "queue", queue(s));
	value_set(o, "sources", sources(s));
	value_set(o, "relayed",
		  json_integer((json_int_t)status->peers_relayed));
	value_set(o, "relay", relay(s));
	value_set(o, "nat", nat(s));
	return o;
}

json_t *view_drops(const struct snapshot *s)
{
	const uint64_t *drops = node_drops(s->node);
	json_t *all = json_object();

	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		value_set(all, drop_name((enum drop_reason)i),
			  json_integer((json_int_t)drops[i]));
	return all;
}

static void add_finding(void *findings, const struct check *check,
			const char *what)
{
	json_array_append_new(
		findings,
		json_pack("{s:s, s:s, s:o, s:s}", "id", check->id, "severity",
			  check_severity_name(check->severity), "what",
			  value_text(what), "advice", check->advice));
}

/* Of the configuration, what is compared with the host. */
static json_t *settings(const struct conf *c)
{
	return json_pack("{s:I, s:b, s:o, s:I, s:f, s:o, s:I}", "pid",
			 (json_int_t)getpid(), "multicast_route",
			 (int)c->interface.multicast_route, "secret_file",
			 value_text(c->secret_file), "underlay_mtu",
			 (json_int_t)c->underlay_mtu, "liveness_interval",
			 c->liveness_interval, "device",
			 value_text(c->routing.device), "mark",
			 (json_int_t)c->routing.mark);
}

json_t *view_doctor(const struct snapshot *s)
{
	json_t *findings = json_array();

	checks_run(s, add_finding, findings);
	return json_pack("{s:o, s:o}", "findings", findings, "settings",
			 settings(s->conf));
}
