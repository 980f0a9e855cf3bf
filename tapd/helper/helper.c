#include "tapd/helper/helper.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tapd/helper/helper_process.h"
#include "tapd/log/log.h"

/* Room for the names of 512 peers: each message takes twice its size. */
#define SEND_BUFFER (1 << 20)

#define GONE "tapd's helper process has ended; restart tapd"

struct helper_job {
	struct helper *helper;
	struct helper_job *next;
	uint32_t number;
	const struct child_ops *ops;
	void *user;
	bool failed; /* to be told of; errno is in the helper */
	/* Texts that were not sent yet. */
	char texts[HELPER_TEXTS_MAX];
	size_t texts_len;
};

struct helper {
	int fd; /* -1: it has ended */
	pid_t pid;
	struct event *event;
	struct helper_job *jobs;
	uint32_t last_number;
	int error; /* of the job that failed last */
};

/* ---- the fork ---- */

/* It ends with the daemon, by its socket, and not by signals that are meant for all
 * processes of a service or a terminal. */
static _Noreturn void become_helper(int fd, void (*prepare)(void *),
				    void *argument)
{
	static const char *const not_ours[] = {
		"LISTEN_PID",	 "LISTEN_FDS",	 "LISTEN_FDNAMES",
		"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
	};

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Descriptors that a service manager kept are the daemon's, and so is what is
	 * to be told to it. */
	dup2(fd, STDERR_FILENO + 1);
	closefrom(STDERR_FILENO + 2);
	log_open_again();
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		unsetenv(not_ours[i]);
	prctl(PR_SET_NAME, "tapd-helper");
	prepare(argument);
	helper_process(STDERR_FILENO + 1);
}

struct helper *helper_fork(void (*prepare)(void *), void *argument)
{
	struct helper *h = calloc(1, sizeof(*h));
	const int room = SEND_BUFFER; /* or as much as there may be */
	int fds[2];

	if (!h)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		free(h);
		return NULL;
	}
	h->pid = fork();
	if (h->pid == 0)
		become_helper(fds[1], prepare, argument);
	close(fds[1]);
	h->fd = fds[0];
	(void)setsockopt(h->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (h->pid > 0)
		return h;
	helper_free(h);
	return NULL;
}

/* ---- jobs ---- */

static struct helper_job *job_find(const struct helper *h, uint32_t number)
{
	struct helper_job *job = h->jobs;

	while (job && job->number != number)
		job = job->next;
	return job;
}

static void job_free(struct helper_job *job)
{
	struct helper_job **at = &job->helper->jobs;

	while (*at && *at != job)
		at = &(*at)->next;
	if (*at)
		*at = job->next;
	free(job);
}

static void job_done(struct helper_job *job, int status, bool timed_out)
{
	const struct child_ops *ops = job->ops;
	void *user = job->user;

	job_free(job);
	ops->done(user, status, timed_out);
}

/* The socket holds more than a few jobs; a helper that does not read is as good as
 * none, and nobody waits for it. */
static bool tell(struct helper *h, const struct helper_message *m)
{
	uint8_t bytes[HELPER_MESSAGE_MAX];
	size_t len = helper_message_pack(m, bytes);

	if (len == 0)
		h->error = E2BIG;
	else if (h->fd < 0)
		h->error = EPIPE;
	else if (send(h->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	else
		h->error = errno;
	return false;
}

static void job_flush(struct helper_job *job)
{
	const struct helper_message m = { .type = HELPER_TEXTS,
					  .job = job->number,
					  .texts = job->texts,
					  .texts_len = job->texts_len };

	if (job->texts_len > 0 && !job->failed)
		job->failed = !tell(job->helper, &m);
	job->texts_len = 0;
}

static enum helper_wants wants_of(const struct child_ops *ops)
{
	if (ops->bytes)
		return HELPER_WANTS_BYTES;
	return ops->line ? HELPER_WANTS_LINES : HELPER_WANTS_NOTHING;
}

struct helper_job *helper_job_new(struct helper *h, enum helper_job_kind kind,
				  unsigned limit_s, const struct child_ops *ops,
				  void *user)
{
	const struct helper_message m = { .type = HELPER_START,
					  .job = h->last_number + 1,
					  .kind = kind,
					  .wants = wants_of(ops),
					  .limit_s = (uint16_t)limit_s };
	struct helper_job *job = calloc(1, sizeof(*job));

	if (!job || !tell(h, &m)) {
		h->error = job ? h->error : ENOMEM;
		free(job);
		return NULL;
	}
	job->helper = h;
	job->number = ++h->last_number;
	job->ops = ops;
	job->user = user;
	job->next = h->jobs;
	h->jobs = job;
	return job;
}

void helper_job_add(struct helper_job *job, const char *text)
{
	size_t len = strlen(text) + 1;

	if (len > sizeof(job->texts) - job->texts_len)
		job_flush(job);
	if (len > sizeof(job->texts)) {
		job->helper->error = E2BIG;
		job->failed = true;
	}
	if (job->failed)
		return;
	memcpy(job->texts + job->texts_len, text, len);
	job->texts_len += len;
}

bool helper_job_run(struct helper_job *job)
{
	struct helper *h = job->helper;
	int error;

	job_flush(job);
	if (!job->failed &&
	    tell(h, &(struct helper_message){ .type = HELPER_RUN,
					      .job = job->number }))
		return true;
	error = h->error;
	helper_job_cancel(job);
	h->error = error;
	return false;
}

void helper_job_cancel(struct helper_job *job)
{
	(void)tell(job->helper, &(struct helper_message){ .type = HELPER_KILL,
							  .job = job->number });
	job_free(job);
}

const char *helper_why(const struct helper *h)
{
	return h->fd < 0 ? GONE : strerror(h->error);
}

/* ---- what it says ---- */

/* `done` may start others, which fail. */
static void end(struct helper *h)
{
	struct helper_job *job;

	if (h->event)
		event_free(h->event);
	h->event = NULL;
	close(h->fd);
	h->fd = -1;
	(void)waitpid(h->pid, NULL, WNOHANG);
	log_error("%s: until then no name is looked up and no program runs",
		  GONE);
	while ((job = h->jobs) != NULL) {
		const struct child_ops *ops = job->ops;
		void *user = job->user;

		h->jobs = job->next;
		free(job);
		ops->done(user, SIGKILL, false);
	}
}

/* Its word on a job counts, and on nothing else. */
static void hear(struct helper *h, const struct helper_message *m)
{
	struct helper_job *job = job_find(h, m->job);

	if (!job)
		return; /* cancelled */
	if (m->type == HELPER_LINE && job->ops->line) {
		job->ops->line(job->user, m->texts);
	} else if (m->type == HELPER_OUTPUT && job->ops->bytes) {
		job->ops->bytes(job->user, CHILD_OUTPUT, m->texts,
				m->texts_len);
	} else if (m->type == HELPER_ERRORS && job->ops->bytes) {
		job->ops->bytes(job->user, CHILD_ERRORS, m->texts,
				m->texts_len);
	} else if (m->type == HELPER_DONE) {
		job_done(job, (int)m->status, m->timed_out);
	} else if (m->type == HELPER_FAILED) {
		log_warning("the helper process cannot start a program: %s",
			    strerror((int)m->status));
		job_done(job, SIGKILL, false);
	}
}

static void on_message(evutil_socket_t fd, short what, void *user)
{
	struct helper *h = user;
	uint8_t bytes[HELPER_MESSAGE_MAX];
	struct helper_message m;

	(void)what;
	switch (helper_message_receive(fd, bytes, &m)) {
	case HELPER_RECEIVED_ONE:
		hear(h, &m);
		break;
	case HELPER_RECEIVED_RUBBISH:
	case HELPER_RECEIVED_END:
		end(h);
		break;
	case HELPER_RECEIVED_NOTHING:
		break;
	}
}

bool helper_watch(struct helper *h, struct event_base *base)
{
	h->event = event_new(base, h->fd, EV_READ | EV_PERSIST, on_message, h);
	return h->event && event_add(h->event, NULL) == 0;
}

void helper_free(struct helper *h)
{
	if (!h)
		return;
	while (h->jobs)
		job_free(h->jobs);
	if (h->event)
		event_free(h->event);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
}
