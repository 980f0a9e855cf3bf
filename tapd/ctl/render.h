/* The daemon's answers as text for people: at most 80 columns. */
#ifndef TAPD_CTL_RENDER_H
#define TAPD_CTL_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Each takes what tapd(8) answered to the command of its name. Another version
 * may have answered: what is missing or of another type is shown as "-".
 */
void render_status(FILE *out, const json_t *status);
void render_peers(FILE *out, const json_t *peers);
/* peers NAME. */
void render_peer_details(FILE *out, const json_t *peers);
void render_fdb(FILE *out, const json_t *fdb);
/* status: as well, for whether there are groups at all, and who gets all. */
void render_groups(FILE *out, const json_t *groups, const json_t *status);
/* The reasons that happened, with what they mean; all: the others too.
 * (jansson walks no const object.) */
void render_drops(FILE *out, json_t *drops, bool all);
/* Strings, a line each. */
void render_lines(FILE *out, json_t *lines);
/* One event of monitor: its time, without the date, and what happened. */
void render_event(FILE *out, json_t *event);
/* An echo of ping, or that none came; and what they come to. */
void render_ping(FILE *out, const json_t *answer, long sequence);
void render_pings(FILE *out, const json_t *all);
/* A line for each host. */
void render_test(FILE *out, const json_t *test);
void render_reload(FILE *out, const json_t *result);
void render_rekey(FILE *out, const json_t *result);

#endif
