/* A configuration while it is read: its keys, their kinds, and its errors. */
#ifndef TAPD_CONF_READER_H
#define TAPD_CONF_READER_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tapd/conf/conf.h"

struct conf_source;
struct conf_key;

struct conf_reader {
	struct conf *conf;
	const struct conf_source *source; /* NULL: the command line */
	config_t *config;
	char **error;
};

/* A kind of value. */
struct conf_type {
	/* Checks the setting and stores it; false after conf_fail. */
	bool (*read)(struct conf_reader *r, const struct conf_key *key,
		     config_setting_t *at);
	/* Writes the value as it is read. NULL: the key has no value to show. */
	void (*print)(FILE *out, const struct conf *c,
		      const struct conf_key *key);
};

struct conf_key {
	const char *path;   /* "interface.mtu" */
	const char *option; /* "--name", where the command line has it */
	const struct conf_type *type;
	size_t offset, size; /* of the field in struct conf */
	/* Where it is remembered that the user gave the key; the first byte of
	 * struct conf, which is no such field: nowhere. */
	size_t set_offset;
	/* What it is if it is not given: a number, a choice's place among its
	 * words, true or false; or a text. */
	double preset;
	const char *preset_text;
	bool fixed;		  /* takes effect at the next start only */
	double min, max;	  /* numbers; bytes of a text */
	bool or_zero;		  /* 0 besides */
	const char *const *words; /* a choice: NULL at the end */
	/* What is wrong with a text, with what to do; NULL: nothing. */
	const char *(*check)(const char *text);
	const char *unset; /* printed in place of a value not given */
	/* The same where nothing is sealed; NULL: as there. */
	const char *unset_plain;
	bool sealed_only; /* it means nothing there: has no value then */
};

/* Sets the error "FILE:LINE: PATH: …", or "command line: OPTION: …". at says
 * where; NULL: where the key is, if it is there. Returns false. */
bool conf_fail(struct conf_reader *r, const struct conf_key *key,
	       const config_setting_t *at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Where the key is set, "FILE:LINE" or "command line"; to be freed, NULL if
 * memory is short. */
char *conf_where(const struct conf_reader *r, const struct conf_key *key);

#endif
