/* tapctl doctor: what is wrong with this host, and what to do. */
#ifndef TAPD_CTL_DOCTOR_DOCTOR_H
#define TAPD_CTL_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

/* What doctor exits with if it was called wrongly; else diagnosis_status(). */
enum { DOCTOR_USAGE = 64 };

/*
 * Looks at the host and asks the daemon at the socket, whose interface is called as
 * the socket is unless it says otherwise; prints to out, as JSON or as text in 80
 * columns. Takes about a second, and some more where the daemon does not answer.
 * Returns what to exit with.
 */
int doctor_run(const char *socket, bool json, FILE *out);

#endif
