/* What the daemon and its helper process say to each other. */
#ifndef TAPD_HELPER_HELPER_MESSAGE_H
#define TAPD_HELPER_HELPER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One message is one datagram of a SOCK_SEQPACKET pair. A job is told of by a START,
 * any number of TEXTS and a RUN; KILL ends it. The answers are LINES of its output,
 * or OUTPUT and ERRORS as they come, at last one DONE, or a FAILED if it could not be
 * started.
 */
enum helper_message_type {
	HELPER_START = 1,
	HELPER_TEXTS,
	HELPER_RUN,
	HELPER_KILL,
	HELPER_LINE,
	HELPER_DONE,
	HELPER_FAILED,
	HELPER_OUTPUT,
	HELPER_ERRORS,
	HELPER_MESSAGE_TYPES
};

enum helper_job_kind {
	HELPER_HOOK = 1, /* texts: a command, then its environment */
	HELPER_LOOK_UP,	 /* texts: lookup.h's */
	HELPER_COMMAND,	 /* texts: a command, which gets no rights */
	HELPER_JOB_KINDS
};

/* What of a job's output is wanted. */
enum helper_wants {
	HELPER_WANTS_NOTHING,
	HELPER_WANTS_LINES,
	HELPER_WANTS_BYTES,
	HELPER_WANTS
};

#define HELPER_MESSAGE_MAX 8192
/* What is left of one for texts. */
#define HELPER_TEXTS_MAX (HELPER_MESSAGE_MAX - 5)

struct helper_message {
	enum helper_message_type type;
	uint32_t job;
	enum helper_job_kind kind; /* START */
	enum helper_wants wants;   /* START */
	uint16_t limit_s;	   /* START */
	uint32_t status;	   /* DONE: wait(2)'s; FAILED: an errno */
	bool timed_out;		   /* DONE */
	/* Borrowed. TEXTS and LINE: the last NUL included; a LINE is one. OUTPUT and
	 * ERRORS: any bytes. */
	const char *texts;
	size_t texts_len;
};

/* The length; 0 if it does not fit. */
size_t helper_message_pack(const struct helper_message *m,
			   uint8_t out[HELPER_MESSAGE_MAX]);
/* False, and *m zeroed, if the bytes are no message. */
bool helper_message_unpack(struct helper_message *m, const void *bytes,
			   size_t len);

enum helper_received {
	HELPER_RECEIVED_NOTHING, /* yet */
	HELPER_RECEIVED_ONE,
	HELPER_RECEIVED_RUBBISH, /* too long, or no message */
	HELPER_RECEIVED_END,	 /* the other end is gone */
};
/* Receives into bytes, which *m borrows from. */
enum helper_received helper_message_receive(int fd,
					    uint8_t bytes[HELPER_MESSAGE_MAX],
					    struct helper_message *m);

#endif
