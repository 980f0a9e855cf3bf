#include "memory_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define FIRST 100

static void make(int at)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	/* As private as a file of keys has to be. */
	HOLDS(fd >= 0 && fchmod(fd, 0600) == 0 && dup2(fd, at) == at);
	close(fd);
}

void memory_files_init(void)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* A configuration may include it, and nobody answers there. */
	HOLDS(nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO);
	close(nothing);
	make(FIRST);
	make(FIRST + 1);
}

int memory_file_set(const char *name, const void *bytes, size_t len)
{
	int fd = strcmp(name, MEMORY_FILE) == 0 ? FIRST : FIRST + 1;

	HOLDS(ftruncate(fd, 0) == 0);
	HOLDS(pwrite(fd, bytes, len, 0) == (ssize_t)len);
	HOLDS(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}
