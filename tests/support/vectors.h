/* Published values for tests: hex, and the complete vector files. */
#ifndef TAPD_TESTS_VECTORS_H
#define TAPD_TESTS_VECTORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes hex (spaces are skipped) into out; returns the length. Anything else
 * in the text, or more than size bytes, fails the test. */
size_t hex_decode(uint8_t *out, size_t size, const char *text);
/* Into exactly len bytes, or the test fails. */
void hex_exact(uint8_t *out, size_t len, const char *text);

/* A file of the shared vectors; NULL, after a line on stdout, if this machine
 * has none. A file that is there but broken fails the test. The caller calls
 * json_decref. */
json_t *vectors_load(const char *file);
/* The string at key of an object; the test fails if it has none. */
const char *vectors_string(const json_t *object, const char *key);
/* The hex string at key, decoded; returns the length. */
size_t vectors_hex(const json_t *object, const char *key, uint8_t *out,
		   size_t size);

/* The value called name in the appendix of docs/PROTOCOL; returns its length.
 * The test fails if it is not there. */
size_t protocol_vector(const char *name, uint8_t *out, size_t size);
/* Of exactly len bytes, or the test fails. */
void protocol_exact(const char *name, uint8_t *out, size_t len);

#endif
