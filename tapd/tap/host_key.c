#include "tapd/tap/host_key.h"

#include <stdio.h>
#include <string.h>

#include "base/siphash.h"

#define MACHINE_ID_FILE "/etc/machine-id"
#define MACHINE_ID_LEN	32 /* machine-id(5): hexadecimal digits */

static void read_machine_id(char id[MACHINE_ID_LEN + 1])
{
	FILE *f = fopen(MACHINE_ID_FILE, "re");
	size_t len = f ? fread(id, 1, MACHINE_ID_LEN, f) : 0;

	if (f)
		fclose(f);
	id[len] = '\0';
}

struct public_key host_key(const struct conf *c)
{
	char id[MACHINE_ID_LEN + 1];
	char text[sizeof(id) + CONF_NAME_LEN + CONF_IFNAME_LEN];
	struct public_key key;
	int len;

	read_machine_id(id);
	len = snprintf(text, sizeof(text), "%s %s %s", id, c->name,
		       c->interface.name);
	for (size_t i = 0; i < sizeof(key.bytes); i += sizeof(uint64_t)) {
		const uint8_t part[SIPHASH_KEY_LEN] = { (uint8_t)(i + 1) };
		const uint64_t hash = siphash(part, text, (size_t)len);

		memcpy(key.bytes + i, &hash, sizeof(hash));
	}
	return key;
}
