/* The daemon's side of its helper process, which resolves names and runs hooks. */
#ifndef TAPD_HELPER_HELPER_H
#define TAPD_HELPER_HELPER_H

#include <stdbool.h>
#include <stddef.h>

#include "tapd/helper/child.h"
#include "tapd/helper/helper_message.h"

struct event_base;

/*
 * A forked process has all of its parent's memory. So what runs beside the loop is
 * forked off another process, which was itself forked before any key was read: the
 * daemon forks no more after that. If the helper ends, that is logged once, all its
 * jobs are done at once as if killed, and no other can be started; the daemon goes on.
 */
struct helper;
struct helper_job;

/* Forks it; prepare(argument) runs in it first, before anything is asked of it, and
 * ends it if that fails. NULL, with errno. */
struct helper *helper_fork(void (*prepare)(void *argument), void *argument);
/* Answers come to this loop. False if memory is short. */
bool helper_watch(struct helper *h, struct event_base *base);
/* Kills whatever runs; its `done` is not called. */
void helper_free(struct helper *h);

/*
 * A job, with its texts one by one. ops: those of child.h, and the same limits. NULL,
 * or false, if it cannot be started, and helper_why says why; then the job is freed
 * and `done` is not called.
 */
struct helper_job *helper_job_new(struct helper *h, enum helper_job_kind kind,
				  unsigned limit_s, const struct child_ops *ops,
				  void *user);
void helper_job_add(struct helper_job *job, const char *text);
bool helper_job_run(struct helper_job *job);
/* Kills it; `done` is not called. */
void helper_job_cancel(struct helper_job *job);
/* Valid until the next call of any of them. */
const char *helper_why(const struct helper *h);

#endif
