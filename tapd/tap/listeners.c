#include "tapd/tap/listeners.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAC_LEN 6

/* An index, a name, two counts and the longest of addresses, twice. */
#define LINE_SIZE 256

struct listeners {
	size_t count, size;
	uint8_t *macs;
};

struct listeners *listeners_new(void)
{
	return calloc(1, sizeof(struct listeners));
}

void listeners_free(struct listeners *l)
{
	if (l)
		free(l->macs);
	free(l);
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool parse_mac(uint8_t mac[MAC_LEN], const char *text)
{
	for (int i = 0; i < MAC_LEN; i++, text += 2) {
		int high = digit(text[0]);
		int low = high < 0 ? -1 : digit(text[1]);

		if (low < 0)
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return *text == '\0';
}

/* False if memory is short. */
static bool make_room(struct listeners *l)
{
	size_t size = l->size ? 2 * l->size : 64;
	uint8_t *more;

	if (l->count < l->size)
		return true;
	more = reallocarray(l->macs, size, MAC_LEN);
	if (!more)
		return false;
	l->macs = more;
	l->size = size;
	return true;
}

/* "7    tap0            1     0     01005e000001". False if memory is short. */
static bool take_line(struct listeners *l, char *line, unsigned index)
{
	char *rest = line, *number = strtok_r(line, " \n", &rest), *last = NULL;

	if (!number || strtoul(number, NULL, 10) != index)
		return true;
	for (char *word; (word = strtok_r(NULL, " \n", &rest));)
		last = word;
	if (!make_room(l))
		return false;
	if (last && parse_mac(l->macs + l->count * MAC_LEN, last))
		l->count++;
	return true;
}

int listeners_parse(struct listeners *l, FILE *f, unsigned index)
{
	char line[LINE_SIZE];
	bool room = true;

	l->count = 0;
	/* One read gives 4 KiB: fgets goes on to the end. */
	while (room && fgets(line, sizeof(line), f))
		room = take_line(l, line, index);
	if (room && !ferror(f))
		return 0;
	l->count = 0;
	return room ? -EIO : -ENOMEM;
}

int listeners_read(struct listeners *l, unsigned index)
{
	FILE *f = fopen("/proc/net/dev_mcast", "re");
	int err;

	l->count = 0;
	if (!f)
		return -errno;
	err = listeners_parse(l, f, index);
	fclose(f);
	return err;
}

const uint8_t *listeners_macs(const struct listeners *l, size_t *count)
{
	*count = l->count;
	return l->macs;
}
