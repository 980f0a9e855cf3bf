/* What happened last, for the report of a failed run. */
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

#define TRACE_LINES 160
#define TRACE_WIDTH 160

struct trace {
	uint64_t count;
	char line[TRACE_LINES][TRACE_WIDTH];
};

struct trace *trace_new(void)
{
	struct trace *t = test_zalloc(1, sizeof(*t));

	return t;
}

void trace_free(struct trace *t)
{
	free(t);
}

static void __attribute__((format(printf, 2, 0)))
trace_line(struct sim *s, const char *format, va_list args)
{
	char *line = s->trace->line[s->trace->count++ % TRACE_LINES];
	int n = snprintf(line, TRACE_WIDTH, "%11.6f  ",
			 (double)s->net.now_us / 1e6);

	vsnprintf(line + n, TRACE_WIDTH - (size_t)n, format, args);
	if (s->verbose)
		puts(line);
}

void sim_note(struct sim *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	trace_line(s, format, args);
	va_end(args);
}

void sim_fail(struct sim *s, const char *format, ...)
{
	va_list args;

	if (s->failed)
		return;
	s->failed = true;
	va_start(args, format);
	vsnprintf(s->failure, sizeof(s->failure), format, args);
	va_end(args);
	sim_note(s, "FAILED: %s", s->failure);
}

void sim_measured(const struct sim *s, const char *format, ...)
{
	va_list args;

	if (s->failed)
		return;
	printf("measured, seed %" PRIu64 ": ", s->seed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void trace_datagram(struct sim *s, const char *what, unsigned from,
		    const struct flight *f)
{
	static const char *const types[] = {
		"?", "initiation", "response", "cookie", "data", "relayed"
	};
	char a[ADDR_STRLEN], b[ADDR_STRLEN];
	unsigned type = f->len > 0 && f->bytes[0] <= 5 ? f->bytes[0] : 0;

	/* Data is most of the traffic and says little: with --verbose only. */
	if (!s->verbose && type >= 4)
		return;
	if (type == 5 && f->len > 12)
		sim_note(s,
			 "h%u %s %s → %s: leg %08" PRIx32
			 " with type %u, %zu bytes",
			 from, what, addr_print(&f->from, a),
			 addr_print(&f->to, b), load_be32(f->bytes + 4),
			 f->bytes[8], f->len);
	else if (type == 4 && f->len >= 16)
		sim_note(s,
			 "h%u %s %s → %s: data %08" PRIx32 " #%" PRIu32
			 ", %zu bytes",
			 from, what, addr_print(&f->from, a),
			 addr_print(&f->to, b), load_be32(f->bytes + 4),
			 load_be32(f->bytes + 12), f->len);
	else
		sim_note(s, "h%u %s %s → %s: %s, %zu bytes", from, what,
			 addr_print(&f->from, a), addr_print(&f->to, b),
			 types[type], f->len);
}

void sim_print_trace(const struct sim *s)
{
	uint64_t end = s->trace->count;
	uint64_t at = end > TRACE_LINES ? end - TRACE_LINES : 0;

	for (; at < end; at++)
		printf("    %s\n", s->trace->line[at % TRACE_LINES]);
}
