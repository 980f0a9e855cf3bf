#include "tapd/control/values.h"

#include <math.h>
#include <stdio.h>

const char *const value_source_names[VALUE_SOURCES] = {
	[NODE_SOURCE_PEERS] = "peers",	   [NODE_SOURCE_FILE] = "file",
	[NODE_SOURCE_COMMAND] = "command", [NODE_SOURCE_DNS] = "dns",
	[NODE_SOURCE_COUNT] = "exchange",
};

/* Text that is empty is not known; neither is what is no UTF-8, for which
 * json_string gives NULL. */
json_t *value_text(const char *text)
{
	json_t *value = *text ? json_string(text) : NULL;

	return value ? value : json_null();
}

json_t *value_number(uint64_t n)
{
	return n ? json_integer((json_int_t)n) : json_null();
}

json_t *value_mac(const uint8_t m[6])
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0],
		 m[1], m[2], m[3], m[4], m[5]);
	return json_string(text);
}

json_t *value_key(const struct public_key *key)
{
	char text[KEY_STRLEN];

	return json_string(key_print(key->bytes, text));
}

json_t *value_counters(const struct counters *c)
{
	return json_pack("{s:I, s:I, s:I}", "frames", (json_int_t)c->frames,
			 "datagrams", (json_int_t)c->datagrams, "bytes",
			 (json_int_t)c->bytes);
}

/* Whole seconds between two readings of the clock. */
json_int_t value_seconds(uint64_t now_us, uint64_t then_us)
{
	return now_us > then_us ? (json_int_t)((now_us - then_us) / CLOCK_S)
				: 0;
}

/* Null if then_us is 0: never. */
json_t *value_seconds_or_null(uint64_t now_us, uint64_t then_us)
{
	return then_us ? json_integer(value_seconds(now_us, then_us))
		       : json_null();
}

json_t *value_rates(const struct traffic_rates *r)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "tx_frames",
			 (json_int_t)llround(r->tx_frames), "tx_bytes",
			 (json_int_t)llround(r->tx_bytes), "rx_frames",
			 (json_int_t)llround(r->rx_frames), "rx_bytes",
			 (json_int_t)llround(r->rx_bytes));
}

/* Takes the value; without memory for it the key is missing. */
void value_set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}
