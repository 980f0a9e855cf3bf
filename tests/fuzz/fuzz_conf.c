/* Any text as a configuration: up to the first NUL byte the file, after it another
 * that it may include, by the name 101. What is read prints as what reads to the
 * same; what is not has one line of error. */
#include <string.h>

#include "fuzz.h"
#include "memory_file.h"
#include "tapd/conf/conf.h"
#include "tapd/conf/syntax.h"

/* libconfig forgets the text that it was reading when a mistake came. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void advice(const char *text)
{
	struct syntax_mistake m;
	unsigned lines = 1;

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	if (!syntax_find_mistake(text, &m)) {
		HOLDS(!m.advice);
		return;
	}
	HOLDS(m.line >= 1 && m.line <= lines && m.opened <= m.line);
	HOLDS(m.advice && *m.advice && !strchr(m.advice, '\n'));
	free(m.advice);
}

static void read_again(const struct conf *c)
{
	char *text = conf_print(c), *error = NULL, *difference;
	struct conf *again;

	HOLDS(text);
	memory_file_set(MEMORY_FILE, text, strlen(text));
	again = conf_read(MEMORY_FILE, &error);
	if (!again)
		fprintf(stderr, "%s\n%s", error, text);
	HOLDS(again && !error);
	difference = conf_diff(c, again);
	if (difference && *difference)
		fprintf(stderr, "%s", difference);
	HOLDS(difference && !*difference);
	free(difference);
	conf_free(again);
	free(text);
}

static void read_file(void)
{
	char *error = NULL;
	struct conf *c = conf_read(MEMORY_FILE, &error);

	if (c) {
		HOLDS(!error);
		read_again(c);
	} else {
		HOLDS(error && *error && !strchr(error, '\n'));
	}
	conf_free(c);
	free(error);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memory_files_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t len = strnlen((const char *)data, size);
	const size_t rest = len < size ? len + 1 : size;
	char *text = strndup((const char *)data, len);

	HOLDS(text);
	advice(text);
	free(text);
	memory_file_set(MEMORY_FILE, data, len);
	memory_file_set(MEMORY_FILE_TWO, data + rest, size - rest);
	read_file();
	return 0;
}
