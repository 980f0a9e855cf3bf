/* Published values for tests: hex, and the complete vector files. */
#include "support/vectors.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

size_t hex_decode(uint8_t *out, size_t size, const char *text)
{
	size_t len = 0;

	while (*text) {
		int high, low;

		if (*text == ' ') {
			text++;
			continue;
		}
		high = digit(text[0]);
		low = high < 0 ? -1 : digit(text[1]);
		ck_assert_msg(low >= 0, "not hex: %s", text);
		ck_assert_msg(len < size, "hex longer than %zu bytes", size);
		out[len++] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return len;
}

void hex_exact(uint8_t *out, size_t len, const char *text)
{
	ck_assert_uint_eq(hex_decode(out, len, text), len);
}

json_t *vectors_load(const char *file)
{
	char path[4096];
	json_error_t error;
	json_t *root;

	snprintf(path, sizeof(path), "%s/vectors/%s", TEST_SHARED_DIR, file);
	if (access(path, R_OK) != 0) {
		printf("skipped: no %s\n", path);
		return NULL;
	}
	root = json_load_file(path, 0, &error);
	ck_assert_msg(root != NULL, "%s:%d: %s", path, error.line, error.text);
	return root;
}

const char *vectors_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	ck_assert_msg(text != NULL, "vector without \"%s\"", key);
	return text;
}

size_t vectors_hex(const json_t *object, const char *key, uint8_t *out,
		   size_t size)
{
	return hex_decode(out, size, vectors_string(object, key));
}

/* The text after "name =" at the start of a line, or NULL. */
static const char *value_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	line += strspn(line, " ");
	if (strncmp(line, name, len) != 0 || strncmp(line + len, " =", 2) != 0)
		return NULL;
	return line + len + 2;
}

/* Appends what of a line is hex; false if the line is something else. */
static bool append_hex(char *text, size_t size, const char *line)
{
	size_t len = strlen(text);
	size_t n;

	line += strspn(line, " ");
	n = strspn(line, "0123456789abcdef");
	if (line[n] != '\n')
		return false;
	ck_assert_uint_lt(len + n, size);
	memcpy(text + len, line, n);
	text[len + n] = '\0';
	return n > 0;
}

size_t protocol_vector(const char *name, uint8_t *out, size_t size)
{
	static const char path[] = TEST_SOURCE_DIR "/docs/PROTOCOL";
	FILE *file = fopen(path, "r");
	char line[256], text[4096] = "";
	bool found = false;

	ck_assert_msg(file != NULL, "cannot read %s", path);
	while (!found && fgets(line, sizeof(line), file)) {
		const char *value = value_of(line, name);

		if (!value)
			continue;
		found = true;
		append_hex(text, sizeof(text), value);
		while (fgets(line, sizeof(line), file) &&
		       append_hex(text, sizeof(text), line))
			;
	}
	fclose(file);
	ck_assert_msg(found, "%s has no \"%s =\"", path, name);
	return hex_decode(out, size, text);
}

void protocol_exact(const char *name, uint8_t *out, size_t len)
{
	ck_assert_uint_eq(protocol_vector(name, out, len), len);
}
