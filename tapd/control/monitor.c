#include "tapd/control/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "tapd/common/error.h"
#include "tapd/control/values.h"

struct subscriber {
	struct control_list list;
	struct monitor *monitor;
	json_t *queue[MONITOR_QUEUE];
	size_t first, count;
	uint64_t lost;	  /* since there was no room; 0: there is */
	uint64_t lost_us; /* when the last was */
	/* The second that it is, and what was told in it. */
	uint64_t second, told;
};

struct monitor {
	void (*watched)(void *user, bool on);
	void *user;
	struct subscriber *subscribers[MONITOR_SUBSCRIBERS];
	size_t count;
};

const char *monitor_time(uint64_t wall_us, char buf[MONITOR_TIME_LEN])
{
	const time_t seconds = (time_t)(wall_us / CLOCK_S);
	struct tm t;
	size_t len;

	gmtime_r(&seconds, &t);
	len = strftime(buf, MONITOR_TIME_LEN, "%Y-%m-%dT%H:%M:%S", &t);
	snprintf(buf + len, MONITOR_TIME_LEN - len, ".%03uZ",
		 (unsigned int)(wall_us % CLOCK_S / CLOCK_MS));
	return buf;
}

struct monitor *monitor_new(void (*watched)(void *user, bool on), void *user)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->watched = watched;
	m->user = user;
	return m;
}

void monitor_free(struct monitor *m)
{
	free(m);
}

/* ---- room ---- */

/* In a second that is another all that it has may be told. */
static void begin_second(struct subscriber *s, uint64_t wall_us)
{
	if (s->second == wall_us / CLOCK_S)
		return;
	s->second = wall_us / CLOCK_S;
	s->told = 0;
	if (s->lost > 0)
		control_wake(&s->list);
}

static bool has_room(struct subscriber *s, uint64_t wall_us)
{
	begin_second(s, wall_us);
	return s->lost == 0 && s->count < MONITOR_QUEUE &&
	       s->told < MONITOR_RATE;
}

static void lose(struct subscriber *s, uint64_t wall_us)
{
	s->lost++;
	s->lost_us = wall_us;
}

bool monitor_wants(struct monitor *m, uint64_t wall_us)
{
	if (!m || m->count == 0)
		return false;
	for (size_t i = 0; i < MONITOR_SUBSCRIBERS; i++)
		if (m->subscribers[i] && has_room(m->subscribers[i], wall_us))
			return true;
	for (size_t i = 0; i < MONITOR_SUBSCRIBERS; i++)
		if (m->subscribers[i])
			lose(m->subscribers[i], wall_us);
	return false;
}

void monitor_tick(struct monitor *m, uint64_t wall_us)
{
	for (size_t i = 0; i < MONITOR_SUBSCRIBERS; i++)
		if (m->subscribers[i])
			begin_second(m->subscribers[i], wall_us);
}

/* ---- an event ---- */

/* The time and the type come first. Takes the reference. */
static json_t *make(const char *event, uint64_t wall_us, json_t *what)
{
	char time[MONITOR_TIME_LEN];
	json_t *o = json_object();

	value_set(o, "time", json_string(monitor_time(wall_us, time)));
	value_set(o, "event", json_string(event));
	json_object_update(o, what);
	json_decref(what);
	return o;
}

static void put(struct subscriber *s, json_t *event, uint64_t wall_us)
{
	if (!has_room(s, wall_us)) {
		lose(s, wall_us);
		return;
	}
	s->told++;
	s->queue[(s->first + s->count++) % MONITOR_QUEUE] = json_incref(event);
	control_wake(&s->list);
}

void monitor_tell(struct monitor *m, const char *event, uint64_t wall_us,
		  json_t *what)
{
	json_t *o = make(event, wall_us, what);

	for (size_t i = 0; o && i < MONITOR_SUBSCRIBERS; i++)
		if (m->subscribers[i])
			put(m->subscribers[i], o, wall_us);
	json_decref(o);
}

/* ---- a subscriber ---- */

static json_t *take(struct subscriber *s)
{
	json_t *event = s->queue[s->first];

	s->queue[s->first] = NULL;
	s->first = (s->first + 1) % MONITOR_QUEUE;
	s->count--;
	return event;
}

static json_t *tell_gap(struct subscriber *s)
{
	json_t *gap = json_pack("{s:I}", "count", (json_int_t)s->lost);

	s->lost = 0;
	return make("lost", s->lost_us, gap);
}

static enum control_step step(struct control_list *list, json_t **row)
{
	struct subscriber *s = (struct subscriber *)list;

	/* A gap goes on for the rest of its second. */
	if (s->count == 0 && (s->lost == 0 || s->told >= MONITOR_RATE))
		return CONTROL_WAIT;
	*row = s->count > 0 ? take(s) : tell_gap(s);
	return *row ? CONTROL_ROW : CONTROL_FAILED;
}

static void unsubscribe(struct control_list *list)
{
	struct subscriber *s = (struct subscriber *)list;
	struct monitor *m = s->monitor;

	for (size_t i = 0; i < MONITOR_SUBSCRIBERS; i++)
		if (m->subscribers[i] == s)
			m->subscribers[i] = NULL;
	while (s->count > 0)
		json_decref(take(s));
	free(s);
	if (--m->count == 0)
		m->watched(m->user, false);
}

static struct subscriber **free_place(struct monitor *m)
{
	for (size_t i = 0; i < MONITOR_SUBSCRIBERS; i++)
		if (!m->subscribers[i])
			return &m->subscribers[i];
	return NULL;
}

struct control_list *monitor_subscribe(struct monitor *m, char **error)
{
	struct subscriber **place = free_place(m);
	struct subscriber *s = place ? calloc(1, sizeof(*s)) : NULL;

	if (!place)
		error_set(error, "%d monitors are running: end one of them",
			  MONITOR_SUBSCRIBERS);
	else if (!s)
		error_set(error, "out of memory");
	if (!s)
		return NULL;
	s->list = (struct control_list){ .step = step,
					 .free = unsubscribe,
					 .form = CONTROL_LINES };
	s->monitor = m;
	*place = s;
	if (m->count++ == 0)
		m->watched(m->user, true);
	return &s->list;
}
