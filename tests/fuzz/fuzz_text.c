/* Any bytes as the text of an address, a prefix, a key: lists of endpoints and
 * keys come from other programs. What is taken prints as what is taken. */
#include <string.h>

#include "base/addr.h"
#include "base/key.h"
#include "fuzz.h"

static void address(const char *text)
{
	char printed[ADDR_STRLEN];
	struct addr a, again;

	if (!addr_parse(&a, text, 8273))
		return;
	HOLDS(a.port != 0);
	HOLDS(strlen(addr_print(&a, printed)) < sizeof(printed));
	HOLDS(addr_parse(&again, printed, 1));
	HOLDS(addr_equal(&a, &again));
}

static void prefix(const char *text)
{
	char printed[PREFIX_STRLEN];
	struct prefix p, again;

	if (!prefix_parse(&p, text))
		return;
	HOLDS(p.len <= (addr_is_v4(&p.addr) ? 32 : 128));
	HOLDS(prefix_contains(&p, &p.addr));
	HOLDS(strlen(prefix_print(&p, printed)) < sizeof(printed));
	HOLDS(prefix_parse(&again, printed));
	HOLDS(prefix_equal(&p, &again));
}

static void key(const char *text)
{
	char printed[KEY_STRLEN];
	uint8_t bytes[KEY_LEN];

	if (key_parse(bytes, text))
		HOLDS(strcmp(key_print(bytes, printed), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	address(text);
	prefix(text);
	key(text);
	free(text);
	return 0;
}
