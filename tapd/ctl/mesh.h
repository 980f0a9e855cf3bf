/* How the links between all hosts are: as a table, a picture, and a graph. */
#ifndef TAPD_CTL_MESH_H
#define TAPD_CTL_MESH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* What one host measures of its link to another. NaN: not known. */
struct mesh_link {
	double rtt_us, loss;
};

struct mesh {
	size_t count;
	char (*names)[64]; /* nothing in them is markup */
	bool *answered;
	struct mesh_link
		*links;	     /* count rows of count; a row is who measured */
	double usual_rtt_us; /* the median of all that is known, or NaN */
};

/* What the daemon said; to be freed. NULL if that is no mesh, or memory is short. */
struct mesh *mesh_read(const json_t *rows);
void mesh_free(struct mesh *m);

const struct mesh_link *mesh_link(const struct mesh *m, size_t from, size_t to);

/* How bad a link is: 0, as the others; 1, as bad as can be shown. It is its loss, and
 * how much longer its round trip is than the usual one. NaN: nothing is known. */
double mesh_badness(const struct mesh *m, size_t from, size_t to);
/* From here on it is worth a look. */
#define MESH_DOUBTFUL 0.2
#define MESH_BAD      0.5

struct mesh_place {
	size_t from, to;
};
/* The worst, worst first, of those worth a look. Returns how many. */
size_t mesh_worst(const struct mesh *m, struct mesh_place *out, size_t max);

/* {names, rtt_us, loss, answered}; a new value. */
json_t *mesh_json(const struct mesh *m);
/* For people, in 80 columns. */
void mesh_table(const struct mesh *m, FILE *out);
/* A heat map. */
void mesh_svg(const struct mesh *m, FILE *out);
/* For Graphviz. */
void mesh_dot(const struct mesh *m, FILE *out);

#endif
