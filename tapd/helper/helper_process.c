#include "tapd/helper/helper_process.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tapd/helper/child.h"
#include "tapd/helper/helper_message.h"
#include "tapd/helper/lookup.h"
#include "tapd/rights/privileges.h"

/* More than the daemon ever has at once, and than it ever says of one. */
#define JOBS_MAX      32
#define JOB_TEXTS_MAX ((size_t)1 << 20)
#define ENV_MAX	      16

struct job {
	struct process *process;
	struct job *next;
	uint32_t number;
	enum helper_job_kind kind;
	enum helper_wants wants;
	unsigned limit_s;
	char *texts;
	size_t texts_len;
	struct child *child; /* NULL: not started */
};

struct process {
	int fd;
	struct event_base *base;
	struct children *children;
	struct job *jobs;
	unsigned count;
};

static void job_free(struct job *job)
{
	struct job **at = &job->process->jobs;

	while (*at && *at != job)
		at = &(*at)->next;
	if (*at)
		*at = job->next;
	job->process->count--;
	free(job->texts);
	free(job);
}

static struct job *job_find(const struct process *p, uint32_t number)
{
	struct job *job = p->jobs;

	while (job && job->number != number)
		job = job->next;
	return job;
}

/* Waits for room, as a program waits that writes into a pipe. Without a daemon there
 * is nothing left to do; the loop sees to the end. */
static void answer(struct process *p, const struct helper_message *m)
{
	uint8_t bytes[HELPER_MESSAGE_MAX];
	size_t len = helper_message_pack(m, bytes);
	ssize_t sent;

	do {
		sent = send(p->fd, bytes, len, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		event_base_loopbreak(p->base);
}

static void on_line(void *user, const char *line)
{
	const struct job *job = user;

	answer(job->process,
	       &(struct helper_message){ .type = HELPER_LINE,
					 .job = job->number,
					 .texts = line,
					 .texts_len = strlen(line) + 1 });
}

static void on_bytes(void *user, enum child_stream stream, const char *bytes,
		     size_t len)
{
	const struct job *job = user;

	answer(job->process,
	       &(struct helper_message){ .type = stream == CHILD_OUTPUT
							 ? HELPER_OUTPUT
							 : HELPER_ERRORS,
					 .job = job->number,
					 .texts = bytes,
					 .texts_len = len });
}

static void on_done(void *user, int status, bool timed_out)
{
	struct job *job = user;

	answer(job->process,
	       &(struct helper_message){ .type = HELPER_DONE,
					 .job = job->number,
					 .status = (uint32_t)status,
					 .timed_out = timed_out });
	job_free(job);
}

static void fail(struct job *job, int err)
{
	answer(job->process,
	       &(struct helper_message){ .type = HELPER_FAILED,
					 .job = job->number,
					 .status = (uint32_t)err });
	job_free(job);
}

/* ---- what it is asked for ---- */

/* The body of a child. */
static void look_up(void *argument)
{
	const struct job *job = argument;

	privileges_give_up();
	lookup_names(job->texts, job->texts_len);
}

static struct child *run_hook(struct job *job, const struct child_ops *ops)
{
	const char *env[ENV_MAX + 1] = { NULL };
	const char *end = job->texts + job->texts_len;
	size_t count = 0;

	for (const char *at = job->texts + strlen(job->texts) + 1;
	     at < end && count < ENV_MAX; at += strlen(at) + 1)
		env[count++] = at;
	return child_run_command(job->process->children, job->texts, env,
				 job->limit_s, ops, job);
}

static void run(struct job *job)
{
	static const struct child_ops ops[HELPER_WANTS] = {
		[HELPER_WANTS_NOTHING] = { .done = on_done },
		[HELPER_WANTS_LINES] = { .line = on_line, .done = on_done },
		[HELPER_WANTS_BYTES] = { .bytes = on_bytes, .done = on_done },
	};
	struct children *children = job->process->children;
	const struct child_ops *its = &ops[job->wants];

	if (job->child || !job->texts)
		return;
	if (job->kind == HELPER_HOOK)
		job->child = run_hook(job, its);
	else if (job->kind == HELPER_COMMAND)
		job->child = child_run_plain_command(children, job->texts,
						     job->limit_s, its, job);
	else
		job->child = child_run_function(children, look_up, job,
						job->limit_s, its, job);
	if (!job->child)
		fail(job, errno);
}

static void start(struct process *p, const struct helper_message *m)
{
	struct job *job = p->count < JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;

	if (!job || job_find(p, m->job)) {
		free(job);
		return; /* RUN says that it failed */
	}
	*job = (struct job){ .process = p,
			     .next = p->jobs,
			     .number = m->job,
			     .kind = m->kind,
			     .wants = m->wants,
			     .limit_s = m->limit_s };
	p->jobs = job;
	p->count++;
}

static void take_texts(struct job *job, const struct helper_message *m)
{
	char *more = NULL;

	if (job->child)
		return;
	if (job->texts_len + m->texts_len <= JOB_TEXTS_MAX)
		more = realloc(job->texts, job->texts_len + m->texts_len);
	if (!more) {
		fail(job, ENOMEM);
		return;
	}
	memcpy(more + job->texts_len, m->texts, m->texts_len);
	job->texts = more;
	job->texts_len += m->texts_len;
}

static void obey(struct process *p, const struct helper_message *m)
{
	struct job *job = job_find(p, m->job);

	if (m->type == HELPER_START) {
		start(p, m);
	} else if (!job && m->type == HELPER_RUN) {
		answer(p, &(struct helper_message){ .type = HELPER_FAILED,
						    .job = m->job,
						    .status = ENOMEM });
	} else if (job && m->type == HELPER_TEXTS) {
		take_texts(job, m);
	} else if (job && m->type == HELPER_RUN) {
		run(job);
	} else if (job && m->type == HELPER_KILL) {
		if (job->child)
			child_cancel(job->child);
		job_free(job);
	}
}

/* ---- its loop ---- */

static void on_message(evutil_socket_t fd, short what, void *user)
{
	struct process *p = user;
	uint8_t bytes[HELPER_MESSAGE_MAX];
	struct helper_message m;

	(void)what;
	switch (helper_message_receive(fd, bytes, &m)) {
	case HELPER_RECEIVED_ONE:
		obey(p, &m);
		break;
	case HELPER_RECEIVED_END:
		event_base_loopbreak(p->base);
		break;
	case HELPER_RECEIVED_RUBBISH:
	case HELPER_RECEIVED_NOTHING:
		break;
	}
}

_Noreturn void helper_process(int fd)
{
	struct process p = { .fd = fd, .base = event_base_new() };
	struct event *event = NULL;

	if (p.base)
		p.children = children_new(p.base);
	if (p.children)
		event = event_new(p.base, fd, EV_READ | EV_PERSIST, on_message,
				  &p);
	if (event && event_add(event, NULL) == 0)
		event_base_dispatch(p.base);
	children_free(p.children);
	_exit(0);
}
