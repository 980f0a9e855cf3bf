/* Why a frame or a datagram went no further: the index of every counter. */
#ifndef TAPD_BASE_DROP_H
#define TAPD_BASE_DROP_H

#include <stdint.h>

/*
 * X(name, what it means to an operator). The names are the keys of
 * `tapctl -j drops` and of the metrics; append, never rename.
 */
#define DROP_REASONS(X)                                                      \
	/* frames read from the TAP */                                       \
	X(frame_short, "frame shorter than its Ethernet header")             \
	X(frame_long, "frame longer than the MTU allows")                    \
	X(frame_bad_source, "multicast or all-zero source MAC")              \
	X(frame_local, "destination is on this host's side of the TAP")      \
	X(recursion, "our own datagram to a peer routed into the TAP")       \
	X(no_peer, "no peer is up to send it to")                            \
	X(offload_bad, "offload metadata that does not fit its frame")       \
	/* datagrams and frames that could not be sent */                    \
	X(send_again, "socket buffer full")                                  \
	X(send_nobufs, "kernel out of buffers (ENOBUFS)")                    \
	X(send_too_big, "datagram larger than the interface's MTU")          \
	X(send_unreachable, "no route, host unreachable, or filtered")       \
	X(send_failed, "any other send error")                               \
	X(key_exhausted, "session's keys ran out before a rekey succeeded")  \
	/* datagrams: before authentication */                               \
	X(datagram_short, "shorter than its type's header")                  \
	X(datagram_length, "length does not fit its type")                   \
	X(datagram_type, "unknown type, or reserved bits set")               \
	X(datagram_lane, "lane this build does not have")                    \
	X(datagram_misdirected, "sent to a broadcast or multicast address, " \
				"or to none of this host's")                 \
	X(mac1, "handshake without the network secret: stranger, or "        \
		"another secret")                                            \
	X(mac2, "cookie in a handshake is missing or stale")                 \
	X(handshake_rate, "handshakes arrive faster than they are answered") \
	X(handshake_again, "initiation that was answered already")           \
	X(handshake_index, "response or cookie to no pending handshake")     \
	X(handshake_auth, "handshake does not decrypt")                      \
	X(handshake_half_open, "too many half-open handshakes")              \
	X(cookie_auth, "cookie message does not decrypt")                    \
	X(stale_timestamp, "initiation not newer than the last: replay, or " \
			   "a clock set back")                               \
	X(own_key, "handshake with our own key: ourselves, or a clone")      \
	X(untrusted_key, "public key is not in trusted_keys")                \
	X(duplicate_key, "second live host with a peer's key")               \
	X(peers_full, "peer table full")                                     \
	X(data_index, "data for no session of ours")                         \
	X(data_auth, "data does not authenticate")                           \
	X(replay, "datagram already seen, or too old to tell")               \
	X(copied_sender, "sender's memory was copied or put back")           \
	/* records: after authentication */                                  \
	X(record_bad, "malformed record")                                    \
	X(record_flag, "record with an unknown flag")                        \
	X(record_again, "more than one hello, probe or rekey in a datagram") \
	X(record_early, "frame before the session is open")                  \
	X(hello_epoch, "hello of another process than the peer's: session "  \
		       "dropped")                                            \
	X(rekey_refused, "rekey on a session not in use, or crossing ours")  \
	X(rekey_rate, "rekeys of one peer come too fast")                    \
	X(version, "peer speaks another protocol version")                   \
	X(csum_bad, "partial checksum that does not fit its frame")          \
	X(fragment_bad, "fragment outside its frame, or overlapping")        \
	X(fragment_full, "too many frames in reassembly")                    \
	X(fragment_timeout, "frame whose other fragments never came")        \
	/* towards the TAP */                                                \
	X(tap_write, "TAP refused the frame (down, or its queue is full)")   \
	X(udp_overflow, "UDP receive buffer overflowed")                     \
	/* tables */                                                         \
	X(fdb_full, "MAC forgotten for a newer one: table full")             \
	/* multicast */                                                      \
	X(no_member, "multicast to a group that no peer joined")             \
	X(report_kept, "IGMP or MLD report: stays on this host")             \
	X(report_foreign, "IGMP or MLD report from a peer: would silence "   \
			  "this host's own")                                 \
	X(query_foreign, "IGMP query without a source from a peer")          \
	X(querier_own, "frame from the MAC of our own querier")              \
	X(membership_bad, "malformed IGMP or MLD message: flooded")          \
	X(groups_full, "group not noted: table full; all groups are sent")   \
	X(groups_epoch, "groups record from before the peer restarted")      \
	/* routers */                                                        \
	X(ra_guard, "router advertisement or redirect from a peer: would "   \
		    "change this host's routes")                             \
	/* hosts that are gone */                                            \
	X(unknown_unicast, "to a MAC whose host went down: only a few are "  \
			   "flooded, to find it elsewhere")                  \
	/* waiting to be sent */                                             \
	X(queue_full, "no room in the queue: the flow with the most in it "  \
		      "loses a frame")                                       \
	X(queue_delay, "frames waited too long: a sender is told to slow "   \
		       "down")                                               \
	/* what peers tell each other of others */                           \
	X(exchange_rate, "peer asks for our list of peers too often, or "    \
			 "sends its own unasked")                            \
	X(hint_refused, "host that a peer told of is not tried: its "        \
			"address may not be, or there are too many")         \
	/* what they ask of each other */                                    \
	X(ask_rate, "peers ask what we see faster than they are answered")   \
	/* plain encapsulations: VXLAN and GRE */                            \
	X(plain_stranger, "plain datagram from an address that no source "   \
			  "lists")                                           \
	X(vxlan_bad, "VXLAN header cut short, or with flags that mean "      \
		     "another format")                                       \
	X(vxlan_vni, "VXLAN of another network_id")                          \
	X(gre_bad, "GRE header cut short, or of a kind that carries no "     \
		   "Ethernet")                                               \
	X(gre_key, "GRE key is not network_id, or there is one too many "    \
		   "or none")                                                \
	X(gre_checksum, "GRE checksum does not match")                       \
	/* loops */                                                          \
	X(loop, "flooded frame to or from a peer that sends this host's "    \
		"own frames back")                                           \
	/* relays: what they carry for others */                             \
	X(relayed_bad, "relayed message with no whole message in it")        \
	X(leg_unknown, "relayed message for, or by, a leg that is not "      \
		       "there any more")                                     \
	X(leg_source, "relayed message from where its sender is not")        \
	X(leg_spent, "leg has carried what it may for now")                  \
	X(leg_room, "carried for others: the socket was full")               \
	X(leg_rate, "peer says more of legs than is read")                   \
	X(leg_key, "at the end of a leg is another key than it leads to")    \
	/* paths */                                                          \
	X(hold_full, "no room to hold back what would overtake what left "   \
		     "by the path before")

enum drop_reason {
	DROP_NONE, /* not dropped */
#define X(name, text) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_REASON_COUNT
};

/* "frame_short"; "none" for DROP_NONE. */
const char *drop_name(enum drop_reason reason);
const char *drop_text(enum drop_reason reason);

#endif
