/* What tapctl doctor found: a list of findings, worst first. */
#ifndef TAPD_CTL_DOCTOR_DIAGNOSIS_H
#define TAPD_CTL_DOCTOR_DIAGNOSIS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "tapd/ctl/doctor/kinds.h"

struct diagnosis;

/* NULL if memory is short: all that follows then does nothing. */
struct diagnosis *diagnosis_new(void);
void diagnosis_free(struct diagnosis *d);

/* What NAME in the advice of those added from now on stands for: the interface. */
void diagnosis_name(struct diagnosis *d, const char *interface);

/* A finding of ours: the sentence for people says where and how much. */
void diagnosis_add(struct diagnosis *d, enum kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* One of the daemon's: its object as in the JSON below. What has another form is
 * left out. */
void diagnosis_take(struct diagnosis *d, const json_t *finding);
bool diagnosis_has(const struct diagnosis *d, const char *id);

/* Errors first, then warnings, then notes; each in the order in which they came. */
void diagnosis_sort(struct diagnosis *d);

/* What to exit with: 0 nothing or notes, 1 warnings, 2 errors. */
int diagnosis_status(const struct diagnosis *d);
/* [{id, severity, what, advice}]; a reference for the caller. */
json_t *diagnosis_json(const struct diagnosis *d);
/* For people, in 80 columns. */
void diagnosis_print(const struct diagnosis *d, FILE *out);

#endif
