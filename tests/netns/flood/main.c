/*
 * A member of a network that floods one host, over real sockets:
 *
 *	flood SECRET TARGET RATE SECONDS initiations [KEY]
 *	flood SECRET TARGET RATE SECONDS rekeys KEY
 *
 * SECRET as in secret_file; TARGET an address with a port; RATE in kbit/s of UDP
 * payload. Initiations are each a new one, with the cookie that was given for it, and
 * show KEY, which need not be the member's own; without it a key of its own. Rekeys
 * come ten to a datagram, on the session of a peer: the member joins first, as a node
 * would, and stays; KEY is the target's. Prints how many it sent.
 */
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "node/debug.h"
#include "node/node.h"
#include "tunnel/aead.h"
#include "tunnel/cookie.h"
#include "tunnel/noise.h"
#include "tunnel/wire.h"

#define STEP_US		   (5 * CLOCK_MS)
#define REKEYS_OF_DATAGRAM 10
/* A cookie is good for so many initiations here. */
#define COOKIE_USES 1000
/* A cookie may answer any of the last so many initiations. */
#define ASKED 4096

struct flood {
	struct addr target;
	int fd;
	struct secret secret;
	uint8_t private_key[KEY_LEN];
	struct public_key key; /* as shown */
	struct public_key victim;
	struct aead *aead;
	struct node *node; /* NULL: it never joins */
	uint64_t sent;

	uint8_t cookie[COOKIE_LEN];
	unsigned cookie_uses;
	/* Initiations without a cookie, by their index modulo ASKED. */
	struct {
		uint32_t index;
		uint8_t mac1[WIRE_MAC_LEN];
	} asked[ASKED];
	uint64_t timestamp_us;
};

static struct clock now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_BOOTTIME, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct clock){
		.mono_us = (uint64_t)mono.tv_sec * CLOCK_S +
			   (uint64_t)mono.tv_nsec / 1000,
		.wall_us = (uint64_t)wall.tv_sec * CLOCK_S +
			   (uint64_t)wall.tv_nsec / 1000,
	};
}

static void draw(void *user, void *buf, size_t len)
{
	(void)user;
	if (getrandom(buf, len, 0) != (ssize_t)len)
		err(1, "getrandom");
}

static void put(struct flood *f, const uint8_t *bytes, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(f->target.port) };

	memcpy(&to.sin_addr, f->target.ip + 12, sizeof(to.sin_addr));
	(void)sendto(f->fd, bytes, len, 0, (struct sockaddr *)&to, sizeof(to));
}

/* ---- the node that it is, where it has joined ---- */

static void node_sends(void *user, const struct datagram_run *runs, size_t n)
{
	struct flood *f = user;

	for (size_t i = 0; i < n; i++) {
		size_t segment =
			runs[i].segment_len ? runs[i].segment_len : runs[i].len;

		for (size_t at = 0; at < runs[i].len; at += segment)
			put(f, runs[i].data + at,
			    runs[i].len - at < segment ? runs[i].len - at
						       : segment);
	}
}

static void node_writes(void *user, const struct frame *frames, size_t n)
{
	(void)user;
	(void)frames;
	(void)n;
}

static void node_tells(void *user, const struct node_event *event)
{
	(void)user;
	(void)event;
}

static void join(struct flood *f)
{
	static const struct node_ops ops = { .random = draw,
					     .udp_send = node_sends,
					     .tap_write = node_writes,
					     .event = node_tells };
	struct node_config config = { .secrets_count = 1,
				      .name = "member",
				      .tap_mtu = 1500,
				      .interval_us = CLOCK_S,
				      .down_after = 3,
				      .expire_us = 60 * CLOCK_S };
	const char *error;

	memcpy(config.secrets[0], f->secret.psk, KEY_LEN);
	memcpy(config.private_key, f->private_key, KEY_LEN);
	f->node = node_new(&config, &ops, f, now(), &error);
	if (!f->node)
		errx(1, "%s", error);
	node_want(f->node, NODE_SOURCE_PEERS, &f->target, 1, now());
}

/* ---- floods ---- */

static size_t flood_rekeys(struct flood *f)
{
	uint8_t records[REKEYS_OF_DATAGRAM * WIRE_REKEY_1_LEN];
	uint8_t out[sizeof(records) + WIRE_DATA_OVERHEAD];
	uint8_t prologue[10 + NOISE_HASH_LEN], ephemeral[KEY_LEN];
	struct node_debug_peer peer;
	size_t len;

	if (!node_debug_peer(f->node, &f->victim, &peer) || !peer.has_current)
		return 0;
	memcpy(prologue, WIRE_REKEY_PROLOGUE, 10);
	memcpy(prologue + 10, peer.current.hash, NOISE_HASH_LEN);
	for (size_t i = 0; i < REKEYS_OF_DATAGRAM; i++) {
		uint8_t *record = records + i * WIRE_REKEY_1_LEN;
		struct wire_rekey_1 m = { 0 };
		struct noise noise;

		draw(NULL, ephemeral, sizeof(ephemeral));
		draw(NULL, &m.sender, sizeof(m.sender));
		/* Curves are dear for it, too: one in each is new. */
		if (i == 0 &&
		    (!noise_init(&noise, true, prologue, sizeof(prologue),
				 f->secret.psk, f->private_key, f->key.bytes) ||
		     !noise_write1(&noise, ephemeral, NULL, 0, m.noise)))
			errx(1, "noise");
		wire_pack_rekey_1(&m, record);
		cookie_mac1(&f->secret, record + WIRE_RECORD_LEN,
			    WIRE_REKEY_MAC1_COVERS,
			    record + WIRE_REKEY_1_LEN - WIRE_MAC_LEN);
	}
	len = node_debug_seal(f->node, &f->victim, records, sizeof(records),
			      now().mono_us, out);
	put(f, out, len);
	return len;
}

static size_t flood_initiation(struct flood *f)
{
	uint8_t ephemeral[KEY_LEN], stamp[WIRE_TIMESTAMP_LEN];
	uint8_t bytes[WIRE_INITIATION_LEN];
	struct wire_initiation m = { 0 };
	struct noise noise;

	draw(NULL, ephemeral, sizeof(ephemeral));
	draw(NULL, &m.sender, sizeof(m.sender));
	store_be64(stamp, ++f->timestamp_us);
	if (!noise_init(&noise, true, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE),
			f->secret.psk, f->private_key, f->key.bytes) ||
	    !noise_write1(&noise, ephemeral, stamp, sizeof(stamp), m.noise))
		errx(1, "noise");
	wire_pack_initiation(&m, bytes);
	cookie_set_mac1(&f->secret, bytes, sizeof(bytes));
	if (f->cookie_uses) {
		f->cookie_uses--;
		cookie_set_mac2(f->cookie, bytes, sizeof(bytes));
	} else {
		f->asked[m.sender % ASKED].index = m.sender;
		memcpy(f->asked[m.sender % ASKED].mac1,
		       bytes + sizeof(bytes) - WIRE_MAC1_FROM_END,
		       WIRE_MAC_LEN);
	}
	put(f, bytes, sizeof(bytes));
	return sizeof(bytes);
}

/* ---- what comes back ---- */

static void cookie_in(struct flood *f, const uint8_t *bytes)
{
	struct wire_cookie m;

	wire_unpack_cookie(&m, bytes);
	if (f->asked[m.receiver % ASKED].index == m.receiver &&
	    cookie_open(f->aead, &f->secret, &m,
			f->asked[m.receiver % ASKED].mac1, f->cookie))
		f->cookie_uses = COOKIE_USES;
}

static void receive(struct flood *f)
{
	uint8_t bytes[2048];
	ssize_t len;

	while ((len = recv(f->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 0) {
		struct datagram_run run = { .remote = f->target,
					    .data = bytes,
					    .len = (size_t)len };

		if (f->node)
			node_from_udp(f->node, &run, 1, now());
		else if (len == WIRE_COOKIE_LEN && bytes[0] == WIRE_COOKIE)
			cookie_in(f, bytes);
	}
}

static void run(struct flood *f, uint64_t kbits, uint64_t seconds)
{
	uint64_t began = now().mono_us, bytes = 0, at;

	while ((at = now().mono_us) < began + seconds * CLOCK_S) {
		struct pollfd wait = { .fd = f->fd, .events = POLLIN };

		(void)poll(&wait, 1, STEP_US / CLOCK_MS);
		receive(f);
		if (f->node)
			node_tick(f->node, now());
		while (bytes * 8 < (at - began) * kbits / 1000) {
			size_t len =
				f->node ? flood_rekeys(f) : flood_initiation(f);

			/* Not joined yet: what was not sent is not made up. */
			bytes = len ? bytes + len
				    : (at - began) * kbits / 8000 + 1;
			f->sent += len > 0;
		}
	}
}

int main(int argc, char **argv)
{
	static struct flood f;
	struct sockaddr_in here = { .sin_family = AF_INET };
	bool rekeys = argc == 7 && !strcmp(argv[5], "rekeys");
	uint8_t psk[KEY_LEN];

	if (argc < 6 || !key_parse(psk, argv[1]) ||
	    !addr_parse(&f.target, argv[2], 0))
		errx(64, "SECRET TARGET RATE SECONDS initiations|rekeys [KEY]");
	f.fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (f.fd < 0 || bind(f.fd, (struct sockaddr *)&here, sizeof(here)))
		err(71, "socket");
	secret_init(&f.secret, psk);
	draw(NULL, f.private_key, sizeof(f.private_key));
	if (!noise_public(f.key.bytes, f.private_key))
		errx(1, "noise");
	if (argc == 7 &&
	    !key_parse(rekeys ? f.victim.bytes : f.key.bytes, argv[6]))
		errx(64, "%s is no key", argv[6]);
	f.aead = aead_new(NULL);
	f.timestamp_us = now().wall_us;
	if (rekeys)
		join(&f);
	run(&f, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	node_free(f.node);
	aead_free(f.aead);
	printf("%llu\n", (unsigned long long)f.sent);
	return 0;
}
