#include "tapd/control/metric_families.h"

#include <assert.h>
#include <math.h>

static double seconds(uint64_t us)
{
	return (double)us / (double)CLOCK_S;
}

/* ---- what there is a sample for ---- */

static size_t one(const struct metric_source *from)
{
	(void)from;
	return 1;
}

static struct metric_labels no_labels(const struct metric_source *from,
				      size_t at)
{
	(void)from;
	(void)at;
	return (struct metric_labels){ .peer = NULL };
}

static const struct metric_row once = { one, no_labels };

static struct metric_labels build_labels(const struct metric_source *from,
					 size_t at)
{
	(void)at;
	return (struct metric_labels){
		.names = { "version", "aead" },
		.values = { TAPD_VERSION,
			    from->sealed ? from->status.aead : "none" }
	};
}

static const struct metric_row build = { one, build_labels };

static const char *const state_names[] = {
	[NODE_PEER_STATE_UP] = "up",
	[NODE_PEER_STATE_CONNECTING] = "connecting",
	[NODE_PEER_STATE_DOWN] = "down",
};
#define STATES (sizeof(state_names) / sizeof(state_names[0]))
static_assert(STATES == NODE_PEER_STATE_DOWN + 1, "every state has a name");

static size_t count_states(const struct metric_source *from)
{
	(void)from;
	return STATES;
}

static struct metric_labels state_labels(const struct metric_source *from,
					 size_t at)
{
	(void)from;
	return (struct metric_labels){ .names = { "state" },
				       .values = { state_names[at] } };
}

static const struct metric_row by_state = { count_states, state_labels };

static size_t count_peers(const struct metric_source *from)
{
	return from->peers_count;
}

static struct metric_labels peer_labels(const struct metric_source *from,
					size_t at)
{
	return (struct metric_labels){ .peer = &from->peers[at] };
}

static const struct metric_row by_peer = { count_peers, peer_labels };

static const char *const result_names[] = { "opened", "incomplete" };
#define RESULTS (sizeof(result_names) / sizeof(result_names[0]))

static size_t count_results(const struct metric_source *from)
{
	return from->peers_count * RESULTS;
}

static struct metric_labels result_labels(const struct metric_source *from,
					  size_t at)
{
	return (struct metric_labels){ .peer = &from->peers[at / RESULTS],
				       .names = { "result" },
				       .values = {
					       result_names[at % RESULTS] } };
}

static const struct metric_row by_result = { count_results, result_labels };

static const char *const down_names[] = {
	[NODE_DOWN_SILENT] = "silent",
	[NODE_DOWN_DEAF] = "deaf",
	[NODE_DOWN_BYE] = "bye",
	[NODE_DOWN_EXPIRED] = "expired",
};
#define DOWNS (sizeof(down_names) / sizeof(down_names[0]))
static_assert(DOWNS == NODE_DOWN_COUNT, "every reason has a name");

static size_t count_downs(const struct metric_source *from)
{
	return from->peers_count * DOWNS;
}

static struct metric_labels down_labels(const struct metric_source *from,
					size_t at)
{
	return (struct metric_labels){ .peer = &from->peers[at / DOWNS],
				       .names = { "reason" },
				       .values = { down_names[at % DOWNS] } };
}

static const struct metric_row by_down = { count_downs, down_labels };

static size_t count_sources(const struct metric_source *from)
{
	return from->sources_count;
}

static struct metric_labels source_labels(const struct metric_source *from,
					  size_t at)
{
	return (struct metric_labels){ .names = { "source" },
				       .values = { from->sources[at].name } };
}

static const struct metric_row by_source = { count_sources, source_labels };

/* DROP_NONE is no reason. */
static size_t count_drops(const struct metric_source *from)
{
	(void)from;
	return DROP_REASON_COUNT - 1;
}

static struct metric_labels drop_labels(const struct metric_source *from,
					size_t at)
{
	(void)from;
	return (struct metric_labels){ .names = { "reason" },
				       .values = { drop_name(
					       (enum drop_reason)(at + 1)) } };
}

static const struct metric_row by_drop = { count_drops, drop_labels };

static size_t count_checks(const struct metric_source *from)
{
	(void)from;
	return checks_count;
}

static struct metric_labels check_labels(const struct metric_source *from,
					 size_t at)
{
	(void)from;
	return (struct metric_labels){
		.names = { "check", "severity" },
		.values = { checks[at].id,
			    check_severity_name(checks[at].severity) }
	};
}

static const struct metric_row by_check = { count_checks, check_labels };

/* ---- values ---- */

static double build_value(const struct metric_source *from, size_t at)
{
	(void)from;
	(void)at;
	return 1;
}

/* The value of the one sample of a family. */
#define ONE(name, expression)                                           \
	static double name(const struct metric_source *from, size_t at) \
	{                                                               \
		(void)at;                                               \
		return (double)(expression);                            \
	}

ONE(start_value, seconds(from->started_wall_us))
ONE(reload_value, !from->reload_failed)
ONE(reloaded_value, seconds(from->reload_wall_us))
ONE(carrier_value, from->carrier)
ONE(transmit_value, from->status.tx.frames)
ONE(receive_value, from->status.rx.frames)
ONE(fdb_value, from->status.fdb_count)
ONE(moves_value, from->status.fdb_moves)
ONE(rekeys_value, from->status.rekeys)
ONE(relayed_value, from->status.peers_relayed)
ONE(legs_value, from->status.relay.legs)
ONE(carried_datagrams_value, from->status.relay.datagrams)
ONE(carried_bytes_value, from->status.relay.bytes)
ONE(groups_value, from->multicast.groups)
ONE(flooded_value, from->flooded)

/* … of a peer: of one that is not up its measures are not known. */
#define PEER(name, expression)                                          \
	static double name(const struct metric_source *from, size_t at) \
	{                                                               \
		const struct node_peer_info *p = &from->peers[at].info; \
                                                                        \
		return (double)(expression);                            \
	}

PEER(up_value, p->state == NODE_PEER_STATE_UP)
PEER(rtt_value, up_value(from, at) > 0 && p->rtt_us ? seconds(p->rtt_us) : NAN)
PEER(loss_value, up_value(from, at) > 0 && p->has_key ? p->loss : NAN)
PEER(size_value, p->datagram_size ? p->datagram_size : NAN)
PEER(tx_bytes_value, p->tx.bytes)
PEER(tx_datagrams_value, p->tx.datagrams)
PEER(tx_frames_value, p->tx.frames)
PEER(rx_bytes_value, p->rx.bytes)
PEER(rx_datagrams_value, p->rx.datagrams)
PEER(rx_frames_value, p->rx.frames)

static double sessions_value(const struct metric_source *from, size_t at)
{
	const struct node_peer_info *p = &from->peers[at / RESULTS].info;

	return (double)(at % RESULTS ? p->sessions_incomplete : p->sessions);
}

static double down_value(const struct metric_source *from, size_t at)
{
	const struct node_peer_info *p = &from->peers[at / DOWNS].info;

	return (double)p->downs[at % DOWNS];
}

static double state_value(const struct metric_source *from, size_t at)
{
	return (double)from->states[at];
}

static double drop_value(const struct metric_source *from, size_t at)
{
	return (double)from->drops[at + 1];
}

static double check_value(const struct metric_source *from, size_t at)
{
	return from->found[at];
}

static double endpoints_value(const struct metric_source *from, size_t at)
{
	return (double)from->sources[at].endpoints;
}

/* Never is 0, and so very long ago. */
static double success_value(const struct metric_source *from, size_t at)
{
	const struct snapshot_source *s = &from->sources[at];

	if (!s->asked)
		return NAN;
	return s->good_us ? floor(seconds(from->wall_us -
					  (from->now_us - s->good_us)))
			  : 0;
}

static double failures_value(const struct metric_source *from, size_t at)
{
	const struct snapshot_source *s = &from->sources[at];

	return s->asked ? (double)s->failures : NAN;
}

/* ---- the table ---- */

#define GAUGE(name, row, value, help)              \
	{                                          \
		name, "gauge", help, &(row), value \
	}
#define COUNTER(name, row, value, help)              \
	{                                            \
		name, "counter", help, &(row), value \
	}

const struct family families[] = {
	GAUGE("tapd_build_info", build, build_value,
	      "The version, and what ciphers are done with."),
	GAUGE("tapd_start_time_seconds", once, start_value,
	      "When the daemon started, since the epoch."),
	GAUGE("tapd_config_last_reload_successful", once, reload_value,
	      "Whether the last reload was applied; 1 before the first."),
	GAUGE("tapd_config_last_reload_timestamp_seconds", once, reloaded_value,
	      "When the last reload was tried, or the daemon started."),
	GAUGE("tapd_warnings", by_check, check_value,
	      "What tapctl status warns of, by the id of the check."),
	GAUGE("tapd_interface_carrier", once, carrier_value,
	      "Whether the interface has a carrier."),
	COUNTER("tapd_interface_transmit_frames_total", once, transmit_value,
		"Frames that the host sent through the interface."),
	COUNTER("tapd_interface_receive_frames_total", once, receive_value,
		"Frames that the host received from the interface."),
	GAUGE("tapd_fdb_entries", once, fdb_value, "MACs that are known."),
	COUNTER("tapd_fdb_moves_total", once, moves_value,
		"MACs seen behind another host: each failover is one."),
	GAUGE("tapd_groups", once, groups_value,
	      "Multicast groups that are joined on this host."),
	GAUGE("tapd_groups_flooded", once, flooded_value,
	      "Peers that are sent every group."),
	COUNTER("tapd_drops_total", by_drop, drop_value,
		"Frames and datagrams that went no further; tapctl drops "
		"explains the reasons."),
	GAUGE("tapd_discovery_endpoints", by_source, endpoints_value,
	      "Hosts that a source lists."),
	GAUGE("tapd_discovery_last_success_timestamp_seconds", by_source,
	      success_value, "When its last good answer came; 0: never."),
	COUNTER("tapd_discovery_failures_total", by_source, failures_value,
		"Answers that were none, empty or wrong."),
	COUNTER("tapd_rekeys_total", once, rekeys_value,
		"Sessions that were made to follow another."),
	GAUGE("tapd_relay_legs", once, legs_value,
	      "Pairs of peers whose datagrams this host carries."),
	COUNTER("tapd_relayed_datagrams_total", once, carried_datagrams_value,
		"Datagrams that this host carried between peers."),
	COUNTER("tapd_relayed_bytes_total", once, carried_bytes_value,
		"Their bytes of UDP payload."),
	GAUGE("tapd_peers_relayed", once, relayed_value,
	      "Peers that are up and reached through a relay."),
	GAUGE("tapd_peers", by_state, state_value,
	      "Peers, and hosts that are listed, by their state."),
	GAUGE("tapd_peer_up", by_peer, up_value, "Whether the peer is up."),
	GAUGE("tapd_peer_rtt_seconds", by_peer, rtt_value,
	      "Round-trip time to the peer."),
	GAUGE("tapd_peer_loss_ratio", by_peer, loss_value,
	      "Part of the datagrams, lately, that were lost."),
	GAUGE("tapd_peer_datagram_max_bytes", by_peer, size_value,
	      "The largest datagram that reaches the peer."),
	COUNTER("tapd_peer_transmit_bytes_total", by_peer, tx_bytes_value,
		"UDP payload sent to the peer."),
	COUNTER("tapd_peer_transmit_datagrams_total", by_peer,
		tx_datagrams_value, "Datagrams sent to the peer."),
	COUNTER("tapd_peer_transmit_frames_total", by_peer, tx_frames_value,
		"Frames sent to the peer."),
	COUNTER("tapd_peer_receive_bytes_total", by_peer, rx_bytes_value,
		"UDP payload received from the peer."),
	COUNTER("tapd_peer_receive_datagrams_total", by_peer,
		rx_datagrams_value, "Datagrams received from the peer."),
	COUNTER("tapd_peer_receive_frames_total", by_peer, rx_frames_value,
		"Frames received from the peer."),
	COUNTER("tapd_peer_sessions_total", by_result, sessions_value,
		"Sessions with the peer that opened, and that did not."),
	COUNTER("tapd_peer_down_total", by_down, down_value,
		"How often the peer went down, by the reason."),
};
const size_t families_count = sizeof(families) / sizeof(families[0]);
