/* Numbers for people: short, with their unit, at most UNITS_STRLEN - 1 bytes. */
#ifndef TAPD_CTL_UNITS_H
#define TAPD_CTL_UNITS_H

#define UNITS_STRLEN 32

/*
 * Each returns buf. What is negative or no number is "-". The widest are 7
 * columns; a duration's days may take more.
 */
/* "0B", "999B", "1.2KiB", "12KiB", … "16EiB". */
const char *units_bytes(double bytes, char buf[UNITS_STRLEN]);
/* "0", "9999", "12k", "1.2M", … */
const char *units_count(double count, char buf[UNITS_STRLEN]);
/* "312µs", "1.2ms", "12ms", "1.2s", … */
const char *units_time(double us, char buf[UNITS_STRLEN]);
/* "45s", "3m20s", "2h05m", "12d04h". */
const char *units_duration(double s, char buf[UNITS_STRLEN]);
/* Of a part of 1: "0%", "0.5%", "12%", "100%". */
const char *units_percent(double part, char buf[UNITS_STRLEN]);

#endif
