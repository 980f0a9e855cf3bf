/* The configuration: a libconfig file or a command line, checked, immutable. */
#ifndef TAPD_CONF_CONF_H
#define TAPD_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/key.h"
#include "tapd/underlay/routing.h"

#define CONF_LIST_MAX 512
/* Of metrics, if it names none. */
#define CONF_METRICS_PORT 9273
#define CONF_TEXT_MAX	  256
#define CONF_COMMAND_MAX  1024
#define CONF_DNS_MAX	  32
#define CONF_NAME_LEN	  64
#define CONF_IFNAME_LEN	  16

/* A peer as the user wrote it: an address, or a host name to resolve. One with an
 * interface's name, "fe80::1%eth0", is resolved too. */
struct conf_peer {
	char text[CONF_TEXT_MAX]; /* as written */
	char host[CONF_TEXT_MAX]; /* without port and brackets */
	uint16_t port;
	bool is_addr;
	bool is_scoped; /* host is a link-local address and an interface's name */
	bool is_service;  /* host is that of SRV records, which have the port */
	struct addr addr; /* if is_addr */
	unsigned line;	  /* in the file; 0: command line */
};

/* What tapd speaks on the network below; in the order of enum node_encapsulation, NULL at
 * the end. */
extern const char *const conf_encapsulation_words[];

/* What of one flow is merged for the TAP. */
enum conf_merge { CONF_MERGE_NONE, CONF_MERGE_TCP, CONF_MERGE_ALL };
/* Their names, in order; NULL at the end. */
extern const char *const conf_merge_words[];

struct conf {
	char *path;	       /* of the file; NULL: command line only */
	char *address_from_at; /* "FILE:LINE", for errors; may be NULL */
	char *mtu_at;	       /* the same of interface.mtu, if it is set */

	struct {
		char name[CONF_IFNAME_LEN];
		struct prefix address[16]; /* before address_from is applied */
		unsigned address_count;
		char address_from[CONF_IFNAME_LEN]; /* "" : none */
		uint16_t mtu;
		bool mtu_set; /* named by the user: also changes a TAP made before */
		uint8_t mac[6];
		bool mac_set;
		bool persist;
		bool multicast_route;
		bool router_advertisements; /* of peers are let in */
		bool carrier_peers;	    /* carrier = "peers" */
		char up[CONF_TEXT_MAX], down[CONF_TEXT_MAX];
	} interface;

	int encapsulation;   /* enum node_encapsulation */
	unsigned network_id; /* the VNI, or the key of GRE */
	bool network_id_set;

	struct addr listen[8];
	unsigned listen_count;
	bool listen_set; /* false: the default, IPv4 alone if IPv6 is off */
	struct routing
		routing; /* of the sockets that listen, and of all others */

	char secret_file[CONF_TEXT_MAX];
	struct public_key *trusted_keys; /* NULL: every holder of the secret */
	size_t trusted_keys_count;
	bool trusted_keys_set;
	char key_file[CONF_TEXT_MAX];
	char control_socket[CONF_TEXT_MAX];
	char name[CONF_NAME_LEN];
	bool name_is_cut; /* it is the host's, which is longer */
	struct conf_peer *peers;
	size_t peers_count;

	struct {
		char file[CONF_TEXT_MAX];	/* "": none */
		char command[CONF_COMMAND_MAX]; /* "": none */
		struct conf_peer *dns;
		size_t dns_count;
		unsigned interval; /* seconds */
		bool peer_exchange;
	} discover;

	bool multicast_snooping, multicast_querier;

	struct {
		int tap;	    /* enum tap_offload */
		int merge;	    /* enum conf_merge */
		int send, receive;  /* enum udp_batching */
		bool complete_sums; /* checksums = "complete" */
	} offload;

	double liveness_interval; /* seconds */
	unsigned liveness_down_after;
	unsigned liveness_expire;    /* seconds */
	bool relay;		     /* between peers that cannot meet */
	uint16_t underlay_mtu;	     /* 0: find out */
	unsigned busy_poll;	     /* microseconds; 0: never */
	unsigned moderation;	     /* the same */
	int log_level;		     /* enum log_level */
	char metrics[CONF_TEXT_MAX]; /* "": no listener */
	char user[CONF_NAME_LEN];    /* "": run_user.h chooses */
};

/*
 * Both return NULL with *error set to one line, "FILE:LINE: KEY: what is wrong;
 * what to do" ("FILE: …" if it cannot be read at all, "command line: OPTION: …"
 * without one), to be freed; or a configuration that conf_free frees. Nothing
 * outside the file is looked at but the files it includes, the host's name and
 * its users (address_from's interface and the secret are read later).
 */
struct conf *conf_read(const char *path, char **error);

/* The form without a file: what the options said, NULL or empty if not given. */
struct conf_options {
	const char *secret_file, *name, *key_file, *control_socket, *interface;
	const char *encapsulation, *network_id, *device, *mark;
	const char *const *addresses; /* --address, may be given again */
	size_t addresses_count;
	const char *const *listens;
	size_t listens_count;
	const char *const *peers; /* the positional arguments */
	size_t peers_count;
};
struct conf *conf_from_options(const struct conf_options *o, char **error);
void conf_free(struct conf *c);

/* liveness_interval, as the node has it. */
uint64_t conf_interval_us(const struct conf *c);

/* The effective configuration as text that conf_read reads to the same. The
 * caller frees it. */
char *conf_print(const struct conf *c);

/* What differs, "- KEY = OLD;" and "+ KEY = NEW;" on a line each; "" if nothing
 * does. The caller frees it. */
char *conf_diff(const struct conf *from, const struct conf *to);

#endif
