/* Frames of the shared captures, for tests. */
#include "support/pcap.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/alloc.h"

#define FILE_HEADER_LEN	 24
#define FRAME_HEADER_LEN 16
#define MAGIC		 0xa1b2c3d4

static uint32_t load_le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[1] << 8 | p[0];
}

static void read_whole(struct pcap *p, FILE *file, const char *path)
{
	long len;

	ck_assert_msg(fseek(file, 0, SEEK_END) == 0, "%s", path);
	len = ftell(file);
	ck_assert_msg(len >= FILE_HEADER_LEN, "%s: too short", path);
	rewind(file);
	p->len = (size_t)len;
	p->bytes = test_alloc(p->len);
	ck_assert_msg(fread(p->bytes, 1, p->len, file) == p->len, "%s", path);
}

bool pcap_open(struct pcap *p, const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/captures/%s", TEST_SHARED_DIR, name);
	*p = (struct pcap){ .at = FILE_HEADER_LEN };
	file = fopen(path, "rb");
	if (!file && errno == ENOENT) {
		printf("%s is not here: skipped\n", path);
		return false;
	}
	ck_assert_msg(file != NULL, "%s: cannot be opened", path);
	read_whole(p, file, path);
	fclose(file);
	ck_assert_msg(load_le32(p->bytes) == MAGIC, "%s: no pcap", path);
	return true;
}

bool pcap_next(struct pcap *p, struct pcap_frame *frame)
{
	const uint8_t *header = p->bytes + p->at;

	if (p->at == p->len)
		return false;
	ck_assert_uint_ge(p->len - p->at, FRAME_HEADER_LEN);
	p->at += FRAME_HEADER_LEN;
	frame->bytes = p->bytes + p->at;
	frame->len = load_le32(header + 8);
	frame->wire_len = load_le32(header + 12);
	ck_assert_uint_le(frame->len, p->len - p->at);
	p->at += frame->len;
	return true;
}

void pcap_close(struct pcap *p)
{
	free(p->bytes);
}
