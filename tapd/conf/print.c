/* The configuration as text again, and what differs between two. */
#include <stdlib.h>
#include <string.h>

#include "tapd/conf/encapsulation.h"
#include "tapd/conf/keys.h"

static bool is_set(const struct conf *c, const struct conf_key *key)
{
	if (key->sealed_only && !conf_is_sealed(c))
		return false;
	return !key->set_offset || *((const bool *)c + key->set_offset);
}

/* "mtu = 1500;", without a line's end. */
static void print_key(FILE *out, const struct conf *c,
		      const struct conf_key *key, const char *name)
{
	if (is_set(c, key)) {
		fprintf(out, "%s = ", name);
		key->type->print(out, c, key);
		fputc(';', out);
	} else {
		fprintf(out, "# %s: %s", name,
			!conf_is_sealed(c) && key->unset_plain
				? key->unset_plain
				: key->unset);
	}
}

char *conf_print(const struct conf *c)
{
	const char *group = "";
	size_t group_len = 0, text_len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &text_len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < conf_keys_count; i++) {
		const char *path = conf_keys[i].path, *dot = strchr(path, '.');
		size_t len = dot ? (size_t)(dot - path) : 0;

		if (len != group_len || strncmp(path, group, len) != 0) {
			if (group_len)
				fputs("};\n", out);
			if (len)
				fprintf(out, "%.*s = {\n", (int)len, path);
			group = path;
			group_len = len;
		}
		fputs(len ? "\t" : "", out);
		print_key(out, c, &conf_keys[i], dot ? dot + 1 : path);
		fputc('\n', out);
	}
	if (group_len)
		fputs("};\n", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* One key as conf_print has it, or NULL. */
static char *key_text(const struct conf *c, const struct conf_key *key)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print_key(out, c, key, key->path);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *conf_diff(const struct conf *from, const struct conf *to)
{
	char *text = NULL;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < conf_keys_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		char *then, *now;

		then = key_text(from, key);
		now = key_text(to, key);
		if (then && now && strcmp(then, now) != 0)
			fprintf(out, "- %s\n+ %s\n", then, now);
		free(then);
		free(now);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
