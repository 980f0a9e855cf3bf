/* Any bytes as what a file or a command says of hosts: a list, or one line of why it is
 * none. And as an answer of a name server that was asked for a service. */
#include <string.h>

#include "fuzz.h"
#include "tapd/conf/peer.h"
#include "tapd/discover/answer.h"
#include "tapd/helper/srv.h"

static bool is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

static void list(const uint8_t *data, size_t size, uint16_t port)
{
	struct answer a;

	answer_parse(&a, (const char *)data, size, port);
	HOLDS(a.count <= ANSWER_PEERS_MAX && (a.count == 0 || !*a.error));
	HOLDS((a.left_out_count > 0) == (*a.left_out != '\0'));
	HOLDS(is_line(a.error) && is_line(a.left_out));
	for (size_t i = 0; i < a.count; i++) {
		struct conf_peer again;

		HOLDS(conf_peer_parse(&again, a.peers[i].text, port));
		HOLDS(conf_peer_same(&again, &a.peers[i]));
		HOLDS(i == 0 || !conf_peer_same(&a.peers[i], &a.peers[0]));
	}
	answer_free(&a);
}

static void services(const uint8_t *data, size_t size)
{
	static struct srv_target targets[SRV_TARGETS_MAX];
	size_t count = srv_parse(data, size, targets);

	HOLDS(count <= SRV_TARGETS_MAX);
	for (size_t i = 0; i < count; i++) {
		HOLDS(memchr(targets[i].host, '\0', sizeof(targets[i].host)));
		HOLDS(*targets[i].host && targets[i].port != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	list(data, size, NODE_PORT);
	list(data, size, 0);
	services(data, size);
	return 0;
}
