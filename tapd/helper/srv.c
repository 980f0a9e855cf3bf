#include "tapd/helper/srv.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The largest there is, over TCP. */
#define ANSWER_MAX 65535
/* Priority, weight and port, before the target's name. */
#define TARGET_AT 6

static bool is_listed(const struct srv_target *list, size_t count,
		      const struct srv_target *t)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].port == t->port &&
		    strcasecmp(list[i].host, t->host) == 0)
			return true;
	return false;
}

/* False if it is no such record, or says that there is no such service. */
static bool read_record(const ns_msg *message, const ns_rr *record,
			struct srv_target *out)
{
	const unsigned char *data = ns_rr_rdata(*record);

	memset(out, 0, sizeof(*out));
	if (ns_rr_type(*record) != ns_t_srv ||
	    ns_rr_class(*record) != ns_c_in ||
	    ns_rr_rdlen(*record) <= TARGET_AT)
		return false;
	out->port = (uint16_t)(data[4] << 8 | data[5]);
	return dn_expand(ns_msg_base(*message), ns_msg_end(*message),
			 data + TARGET_AT, out->host,
			 (int)sizeof(out->host)) > 0 &&
	       out->port != 0 && *out->host && strcmp(out->host, ".") != 0;
}

size_t srv_parse(const uint8_t *answer, size_t len,
		 struct srv_target out[SRV_TARGETS_MAX])
{
	size_t count = 0;
	ns_msg message;
	ns_rr record;

	if (len > ANSWER_MAX || ns_initparse(answer, (int)len, &message) < 0)
		return 0;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record) < 0)
			break;
		if (count < SRV_TARGETS_MAX &&
		    read_record(&message, &record, &out[count]) &&
		    !is_listed(out, count, &out[count]))
			count++;
	}
	return count;
}

static const char *why_not(int error)
{
	switch (error) {
	case HOST_NOT_FOUND:
		return "there is no such name";
	case NO_DATA:
		return "it has no SRV records";
	case TRY_AGAIN:
		return "the name server is silent, or fails";
	default:
		return "the name server refuses to say";
	}
}

size_t srv_ask(const char *name, struct srv_target out[SRV_TARGETS_MAX],
	       const char **why)
{
	uint8_t *answer = malloc(ANSWER_MAX);
	struct __res_state state;
	size_t count = 0;
	int len = -1;

	memset(&state, 0, sizeof(state));
	*why = "out of memory";
	if (answer && res_ninit(&state) == 0) {
		len = res_nquery(&state, name, ns_c_in, ns_t_srv, answer,
				 ANSWER_MAX);
		*why = why_not(len < 0 ? state.res_h_errno : NO_DATA);
		res_nclose(&state);
	}
	if (len > 0)
		count = srv_parse(answer,
				  len < ANSWER_MAX ? (size_t)len : ANSWER_MAX,
				  out);
	free(answer);
	return count;
}
