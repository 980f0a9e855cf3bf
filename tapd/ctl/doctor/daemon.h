/* What the daemon says of itself to doctor. */
#ifndef TAPD_CTL_DOCTOR_DAEMON_H
#define TAPD_CTL_DOCTOR_DAEMON_H

#include <jansson.h>
#include <stdbool.h>

#include "tapd/ctl/doctor/diagnosis.h"

struct daemon_answers {
	json_t *doctor; /* {findings, settings}; NULL: none */
	json_t *status, *peers;
	bool down, denied; /* why there is none */
};

/*
 * Asks the daemon at the socket, which waits 2 s for each answer; what it finds itself
 * is taken into the diagnosis, and so is that it does not answer. interface: what to
 * call it in a sentence. To be freed with daemon_answers_free.
 */
void daemon_ask(struct daemon_answers *a, const char *socket,
		const char *interface, struct diagnosis *d);
void daemon_answers_free(struct daemon_answers *a);

#endif
