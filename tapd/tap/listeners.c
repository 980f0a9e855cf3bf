#include "tapd/tap/listeners.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAC_LEN 6

/* An index, a name, two counts and the longest of addresses, twice. */
#define LINE_SIZE 256

struct listeners {
	size_t count;
	uint8_t macs[LISTENERS_MAX * MAC_LEN];
};

struct listeners *listeners_new(void)
{
	return calloc(1, sizeof(struct listeners));
}

void listeners_free(struct listeners *l)
{
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

/* "7    tap0            1     0     01005e000001" */
static void take_line(struct listeners *l, char *line, unsigned index)
{
	char *rest = line, *number = strtok_r(line, " \n", &rest), *last = NULL;

	if (!number || strtoul(number, NULL, 10) != index)
		return;
	for (char *word; (word = strtok_r(NULL, " \n", &rest));)
		last = word;
	if (last && l->count < LISTENERS_MAX &&
	    parse_mac(l->macs + l->count * MAC_LEN, last))
		l->count++;
}

int listeners_parse(struct listeners *l, FILE *f, unsigned index)
{
	char line[LINE_SIZE];

	l->count = 0;
	/* One read gives 4 KiB: fgets goes on to the end. */
	while (fgets(line, sizeof(line), f))
		take_line(l, line, index);
	if (!ferror(f))
		return 0;
	l->count = 0;
	return -EIO;
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
