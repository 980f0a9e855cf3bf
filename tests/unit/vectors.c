/* Published values for tests: hex, and the complete vector files. */
#include "vectors.h"

#include <check.h>
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
