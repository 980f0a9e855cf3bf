/* Bytes as a file with a name, for parsers that read one: nothing touches the disk. */
#ifndef TAPD_TESTS_FUZZ_MEMORY_FILE_H
#define TAPD_TESTS_FUZZ_MEMORY_FILE_H

#include <stddef.h>

/* By these names they are found; the second beside the first. */
#define MEMORY_FILE	"/proc/self/fd/100"
#define MEMORY_FILE_TWO "/proc/self/fd/101"

/* Makes both files, which are empty, and standard input too. Once. */
void memory_files_init(void);
/* Replaces what one of them holds. Its descriptor, at its beginning. */
int memory_file_set(const char *name, const void *bytes, size_t len);

#endif
