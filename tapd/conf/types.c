#include "tapd/conf/types.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *field(struct conf *c, const struct conf_key *key)
{
	return (char *)c + key->offset;
}

static const void *const_field(const struct conf *c, const struct conf_key *key)
{
	return (const char *)c + key->offset;
}

static const char *type_name(const config_setting_t *at)
{
	switch (config_setting_type(at)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		return "a list";
	case CONFIG_TYPE_STRING:
		return "text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	default:
		return "a number";
	}
}

static bool wrong_type(struct conf_reader *r, const struct conf_key *key,
		       const config_setting_t *at, const char *wanted,
		       const char *example)
{
	return conf_fail(r, key, at, "is %s and must be %s; write it as %s",
			 type_name(at), wanted, example);
}

/* ---- true or false ---- */

static bool read_bool(struct conf_reader *r, const struct conf_key *key,
		      config_setting_t *at)
{
	if (config_setting_type(at) != CONFIG_TYPE_BOOL)
		return wrong_type(r, key, at, "true or false", "true");
	*(bool *)field(r->conf, key) = config_setting_get_bool(at);
	return true;
}

static void print_bool(FILE *out, const struct conf *c,
		       const struct conf_key *key)
{
	fputs(*(const bool *)const_field(c, key) ? "true" : "false", out);
}

const struct conf_type conf_type_bool = { read_bool, print_bool };

/* ---- numbers ---- */

static bool get_number(struct conf_reader *r, const struct conf_key *key,
		       config_setting_t *at, double *value)
{
	switch (config_setting_type(at)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		*value = (double)config_setting_get_int64(at);
		/* libconfig reads 0x80000000 as an int. */
		if (*value < 0 &&
		    config_setting_get_format(at) == CONFIG_FORMAT_HEX)
			*value += 4294967296.0;
		return true;
	case CONFIG_TYPE_FLOAT:
		*value = config_setting_get_float(at);
		return true;
	default:
		*value = 0;
		return wrong_type(r, key, at, "a number", "30");
	}
}

static bool in_range(struct conf_reader *r, const struct conf_key *key,
		     const config_setting_t *at, double value)
{
	if (value >= key->min && value <= key->max)
		return true;
	if (key->or_zero && value >= 0 && value <= 0)
		return true;
	return conf_fail(r, key, at,
			 "%.15g is out of range; use %s%.15g to %.15g", value,
			 key->or_zero ? "0 or " : "", key->min, key->max);
}

static bool read_number(struct conf_reader *r, const struct conf_key *key,
			config_setting_t *at)
{
	double value;

	if (!get_number(r, key, at, &value) || !in_range(r, key, at, value))
		return false;
	*(double *)field(r->conf, key) = value;
	return true;
}

/* The shortest digits that read back to the same value. */
static void print_number(FILE *out, const struct conf *c,
			 const struct conf_key *key)
{
	double value = *(const double *)const_field(c, key);
	char text[40];

	for (int digits = 6; digits <= 17; digits++) {
		double back;

		snprintf(text, sizeof(text), "%.*g", digits, value);
		back = strtod(text, NULL);
		if (back >= value && back <= value)
			break;
	}
	fprintf(out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

const struct conf_type conf_type_number = { read_number, print_number };

static bool read_whole(struct conf_reader *r, const struct conf_key *key,
		       config_setting_t *at)
{
	double value;

	if (!get_number(r, key, at, &value) || !in_range(r, key, at, value))
		return false;
	if (value > floor(value))
		return conf_fail(r, key, at,
				 "%.15g is no whole number; use %.15g", value,
				 floor(value));
	if (key->size == sizeof(uint16_t))
		*(uint16_t *)field(r->conf, key) = (uint16_t)value;
	else
		*(unsigned *)field(r->conf, key) = (unsigned)value;
	return true;
}

static void print_whole(FILE *out, const struct conf *c,
			const struct conf_key *key)
{
	const void *value = const_field(c, key);

	const unsigned number = key->size == sizeof(uint16_t)
					? *(const uint16_t *)value
					: *(const unsigned *)value;

	/* libconfig takes no more for an int. */
	fprintf(out, number > INT32_MAX ? "%uL" : "%u", number);
}

const struct conf_type conf_type_whole = { read_whole, print_whole };

/* ---- text ---- */

/* The setting's text, or NULL after conf_fail. */
static const char *get_text(struct conf_reader *r, const struct conf_key *key,
			    config_setting_t *at)
{
	const char *text;

	if (config_setting_type(at) != CONFIG_TYPE_STRING) {
		wrong_type(r, key, at, "text", "\"…\"");
		return NULL;
	}
	text = config_setting_get_string(at);
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			conf_fail(r, key, at,
				  "contains a control character; remove it");
			return NULL;
		}
	}
	return text;
}

static bool read_text(struct conf_reader *r, const struct conf_key *key,
		      config_setting_t *at)
{
	const char *text = get_text(r, key, at), *wrong;
	size_t max = key->max > 0 ? (size_t)key->max : key->size - 1;

	if (!text)
		return false;
	wrong = key->check ? key->check(text) : NULL;
	if (wrong)
		return conf_fail(r, key, at, "\"%s\" %s", text, wrong);
	if (strlen(text) < (size_t)key->min)
		return conf_fail(r, key, at,
				 "is empty; name a file, or remove the key");
	if (strlen(text) > max)
		return conf_fail(r, key, at,
				 "is %zu bytes long; use at most %zu",
				 strlen(text), max);
	snprintf(field(r->conf, key), key->size, "%s", text);
	return true;
}

static void print_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_text(FILE *out, const struct conf *c,
		       const struct conf_key *key)
{
	print_quoted(out, const_field(c, key));
}

const struct conf_type conf_type_text = { read_text, print_text };

/* ---- one of a few words ---- */

static bool read_word(struct conf_reader *r, const struct conf_key *key,
		      config_setting_t *at)
{
	const char *text = get_text(r, key, at);
	char all[128];
	size_t len = 0;

	if (!text)
		return false;
	for (int i = 0; key->words[i]; i++) {
		if (strcmp(text, key->words[i]) == 0) {
			if (key->size == sizeof(bool))
				*(bool *)field(r->conf, key) = i != 0;
			else
				*(int *)field(r->conf, key) = i;
			return true;
		}
		len += (size_t)snprintf(all + len, sizeof(all) - len,
					"%s\"%s\"", i ? ", " : "",
					key->words[i]);
	}
	return conf_fail(r, key, at, "\"%s\" is not known; use one of %s", text,
			 all);
}

static void print_word(FILE *out, const struct conf *c,
		       const struct conf_key *key)
{
	const void *value = const_field(c, key);

	print_quoted(
		out,
		key->words[key->size == sizeof(bool) ? *(const bool *)value
						     : *(const int *)value]);
}

const struct conf_type conf_type_word = { read_word, print_word };

/* ---- MAC address ---- */

static bool parse_mac(uint8_t mac[6], const char *text)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	if (strlen(text) != 17)
		return false;
	for (int i = 0; i < 6; i++, text += 3) {
		char pair[3] = { text[0], text[1], '\0' };

		if (strspn(pair, hex) != 2 || (i < 5 && text[2] != ':'))
			return false;
		mac[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

static bool read_mac(struct conf_reader *r, const struct conf_key *key,
		     config_setting_t *at)
{
	static const uint8_t zero[6];
	const char *text = get_text(r, key, at);
	uint8_t mac[6];

	if (!text)
		return false;
	if (!parse_mac(mac, text))
		return conf_fail(r, key, at,
				 "\"%s\" is no MAC address; write it as "
				 "\"52:54:00:00:00:01\"",
				 text);
	if ((mac[0] & 1) || memcmp(mac, zero, sizeof(mac)) == 0)
		return conf_fail(r, key, at,
				 "\"%s\" is no unicast address; use one whose "
				 "first byte is even, as \"52:54:00:00:00:01\"",
				 text);
	memcpy(field(r->conf, key), mac, sizeof(mac));
	return true;
}

static void print_mac(FILE *out, const struct conf *c,
		      const struct conf_key *key)
{
	const uint8_t *m = const_field(c, key);

	fprintf(out, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", m[0], m[1], m[2],
		m[3], m[4], m[5]);
}

const struct conf_type conf_type_mac = { read_mac, print_mac };

/* ---- without the key ---- */

void conf_preset(struct conf *c, const struct conf_key *key)
{
	char *at = (char *)c + key->offset;

	if (key->preset_text)
		snprintf(at, key->size, "%s", key->preset_text);
	else if (key->type == &conf_type_number)
		*(double *)(void *)at = key->preset;
	else if (key->preset == 0)
		return; /* as calloc left it */
	else if (key->size == sizeof(bool))
		*(bool *)(void *)at = true;
	else if (key->size == sizeof(uint16_t))
		*(uint16_t *)(void *)at = (uint16_t)key->preset;
	else
		*(unsigned *)(void *)at = (unsigned)key->preset;
}
