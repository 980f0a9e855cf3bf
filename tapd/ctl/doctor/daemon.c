#include "tapd/ctl/doctor/daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tapd/ctl/client.h"

#define PATIENCE_S 2

/* Why it does not answer decides what to do. */
static void no_answer(struct daemon_answers *a, const char *socket,
		      const char *interface, const char *error,
		      struct diagnosis *d)
{
	if (access(socket, W_OK) != 0 && errno == EACCES) {
		a->denied = true;
		diagnosis_add(d, KIND_SOCKET_DENIED,
			      "%s may not be asked by this user: what the"
			      " daemon knows is not here",
			      socket);
	} else if (client_is_answered(socket)) {
		diagnosis_add(d, KIND_DAEMON_SILENT, "%s", error);
	} else {
		a->down = true;
		diagnosis_add(d, KIND_DAEMON_DOWN, "no tapd runs for %s: %s",
			      interface, error);
	}
}

static json_t *ask(struct daemon_answers *a, const char *socket,
		   const char *command, const char *interface,
		   struct diagnosis *d)
{
	json_t *answer = NULL;
	char *error = NULL;

	switch (client_ask_within(socket, command, NULL, PATIENCE_S, &answer,
				  &error)) {
	case CLIENT_OK:
		return answer;
	case CLIENT_REFUSED:
		diagnosis_add(d, KIND_DAEMON_OTHER, "%s: the daemon says: %s",
			      command, error ? error : "");
		break;
	case CLIENT_USAGE:
	case CLIENT_NO_DAEMON:
		no_answer(a, socket, interface, error ? error : "", d);
		break;
	}
	free(error);
	return NULL;
}

void daemon_ask(struct daemon_answers *a, const char *socket,
		const char *interface, struct diagnosis *d)
{
	json_t *findings;

	*a = (struct daemon_answers){ .doctor = NULL };
	a->status = ask(a, socket, "status", interface, d);
	if (!a->status)
		return;
	a->peers = ask(a, socket, "peers", interface, d);
	a->doctor = ask(a, socket, "doctor", interface, d);
	findings = json_object_get(a->doctor, "findings");
	for (size_t i = 0; i < json_array_size(findings); i++)
		diagnosis_take(d, json_array_get(findings, i));
}

void daemon_answers_free(struct daemon_answers *a)
{
	json_decref(a->doctor);
	json_decref(a->status);
	json_decref(a->peers);
	*a = (struct daemon_answers){ .doctor = NULL };
}
