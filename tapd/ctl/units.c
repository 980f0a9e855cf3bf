#include "tapd/ctl/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *none(char buf[UNITS_STRLEN])
{
	snprintf(buf, UNITS_STRLEN, "-");
	return buf;
}

static bool is_number(double v)
{
	return isfinite(v) && v >= 0;
}

/* A value below 1000 in two or three digits: "1.2", "12", "999". */
static void print_scaled(char buf[UNITS_STRLEN], double v, const char *unit)
{
	snprintf(buf, UNITS_STRLEN, "%.*f%s", v < 9.95 ? 1 : 0, v, unit);
}

/* Goes up the units until the value is below 1000. */
static const char *scale(char buf[UNITS_STRLEN], double v, double step,
			 const char *const *unit)
{
	while (v >= 999.5 && unit[1]) {
		v /= step;
		unit++;
	}
	if (v >= 999.5)
		snprintf(buf, UNITS_STRLEN, ">999%s", *unit);
	else
		print_scaled(buf, v, *unit);
	return buf;
}

const char *units_bytes(double bytes, char buf[UNITS_STRLEN])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB",
					     "PiB", "EiB", NULL };

	if (!is_number(bytes))
		return none(buf);
	if (bytes >= 999.5)
		return scale(buf, bytes / 1024, 1024, units);
	snprintf(buf, UNITS_STRLEN, "%.0fB", bytes);
	return buf;
}

const char *units_count(double count, char buf[UNITS_STRLEN])
{
	static const char *const units[] = {
		"k", "M", "G", "T", "P", "E", NULL
	};

	if (!is_number(count))
		return none(buf);
	if (count >= 9999.5)
		return scale(buf, count / 1000, 1000, units);
	snprintf(buf, UNITS_STRLEN, "%.0f", count);
	return buf;
}

const char *units_time(double us, char buf[UNITS_STRLEN])
{
	static const char *const units[] = { "ms", "s", NULL };

	if (!is_number(us))
		return none(buf);
	if (us >= 999.5)
		return scale(buf, us / 1000, 1000, units);
	snprintf(buf, UNITS_STRLEN, "%.0fµs", us);
	return buf;
}

const char *units_duration(double s, char buf[UNITS_STRLEN])
{
	double minutes = floor(s / 60), hours = floor(s / 3600),
	       days = floor(s / 86400);

	if (!is_number(s) || days > 1e9)
		return none(buf);
	if (s < 60)
		snprintf(buf, UNITS_STRLEN, "%.0fs", floor(s));
	else if (hours < 1)
		snprintf(buf, UNITS_STRLEN, "%.0fm%02.0fs", minutes,
			 floor(s - 60 * minutes));
	else if (days < 1)
		snprintf(buf, UNITS_STRLEN, "%.0fh%02.0fm", hours,
			 minutes - 60 * hours);
	else
		snprintf(buf, UNITS_STRLEN, "%.0fd%02.0fh", days,
			 hours - 24 * days);
	return buf;
}

const char *units_percent(double part, char buf[UNITS_STRLEN])
{
	double percent = 100 * part;

	if (!is_number(part) || part > 1)
		return none(buf);
	if (percent > 0 && percent < 0.1)
		snprintf(buf, UNITS_STRLEN, "<0.1%%");
	else
		snprintf(buf, UNITS_STRLEN, "%.*f%%",
			 percent > 0 && percent < 9.95 ? 1 : 0, percent);
	return buf;
}
