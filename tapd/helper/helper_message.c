#include "tapd/helper/helper_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"

static bool has_texts(enum helper_message_type type)
{
	return type == HELPER_TEXTS || type == HELPER_LINE ||
	       type == HELPER_OUTPUT || type == HELPER_ERRORS;
}

size_t helper_message_pack(const struct helper_message *m,
			   uint8_t out[HELPER_MESSAGE_MAX])
{
	struct writer w = writer_init(out, HELPER_MESSAGE_MAX);

	writer_u8(&w, (uint8_t)m->type);
	writer_u32(&w, m->job);
	if (m->type == HELPER_START) {
		writer_u8(&w, (uint8_t)m->kind);
		writer_u8(&w, (uint8_t)m->wants);
		writer_u16(&w, m->limit_s);
	} else if (m->type == HELPER_DONE || m->type == HELPER_FAILED) {
		writer_u32(&w, m->status);
		writer_u8(&w, m->timed_out);
	} else if (has_texts(m->type)) {
		writer_bytes(&w, m->texts, m->texts_len);
	}
	return writer_ok(&w) ? w.len : 0;
}

/* Texts end with a NUL each; a line is one of them. */
static bool take_texts(struct helper_message *m, struct cursor *c)
{
	m->texts_len = c->left;
	m->texts = (const char *)cursor_take(c, c->left);
	if (!m->texts || m->texts_len == 0 ||
	    m->texts[m->texts_len - 1] != '\0')
		return false;
	return m->type != HELPER_LINE || strlen(m->texts) == m->texts_len - 1;
}

static bool take_start(struct helper_message *m, struct cursor *c)
{
	uint8_t kind = cursor_u8(c), wants = cursor_u8(c);

	m->limit_s = cursor_u16(c);
	if (kind == 0 || kind >= HELPER_JOB_KINDS || wants >= HELPER_WANTS)
		return false;
	m->kind = (enum helper_job_kind)kind;
	m->wants = (enum helper_wants)wants;
	return true;
}

static bool take_bytes(struct helper_message *m, struct cursor *c)
{
	m->texts_len = c->left;
	m->texts = (const char *)cursor_take(c, c->left);
	return m->texts && m->texts_len > 0;
}

static bool take_rest(struct helper_message *m, struct cursor *c)
{
	switch (m->type) {
	case HELPER_START:
		return take_start(m, c);
	case HELPER_TEXTS:
	case HELPER_LINE:
		return take_texts(m, c);
	case HELPER_OUTPUT:
	case HELPER_ERRORS:
		return take_bytes(m, c);
	case HELPER_DONE:
	case HELPER_FAILED:
		m->status = cursor_u32(c);
		m->timed_out = cursor_u8(c) != 0;
		return true;
	case HELPER_RUN:
	case HELPER_KILL:
		return true;
	case HELPER_MESSAGE_TYPES:
		break;
	}
	return false;
}

bool helper_message_unpack(struct helper_message *m, const void *bytes,
			   size_t len)
{
	struct cursor c = cursor_init(bytes, len);
	uint8_t type = cursor_u8(&c);

	memset(m, 0, sizeof(*m));
	m->job = cursor_u32(&c);
	if (type > 0 && type < HELPER_MESSAGE_TYPES) {
		m->type = (enum helper_message_type)type;
		if (take_rest(m, &c) && cursor_done(&c))
			return true;
	}
	memset(m, 0, sizeof(*m));
	return false;
}

enum helper_received helper_message_receive(int fd,
					    uint8_t bytes[HELPER_MESSAGE_MAX],
					    struct helper_message *m)
{
	/* MSG_TRUNC: the length as it was sent. */
	ssize_t n =
		recv(fd, bytes, HELPER_MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return HELPER_RECEIVED_NOTHING;
	if (n <= 0)
		return HELPER_RECEIVED_END;
	if ((size_t)n <= HELPER_MESSAGE_MAX &&
	    helper_message_unpack(m, bytes, (size_t)n))
		return HELPER_RECEIVED_ONE;
	return HELPER_RECEIVED_RUBBISH;
}
