#include "support/main.h"
#include "tapd/ctl/units.h"

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

struct sample {
	double value;
	const char *text;
};

typedef const char *(*units_fn)(double value, char buf[UNITS_STRLEN]);

static void check(units_fn print, const struct sample *samples, size_t n)
{
	char buf[UNITS_STRLEN];

	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(print(samples[i].value, buf), samples[i].text);
	ck_assert_str_eq(print((double)NAN, buf), "-");
	ck_assert_str_eq(print((double)INFINITY, buf), "-");
	ck_assert_str_eq(print(-1, buf), "-");
}

#define CHECK(print, samples) \
	check(print, samples, sizeof(samples) / sizeof((samples)[0]))

START_TEST(bytes_have_binary_units)
{
	static const struct sample samples[] = {
		{ 0, "0B" },	       { 999, "999B" },
		{ 999.6, "1.0KiB" },   { 1000, "1.0KiB" },
		{ 1024, "1.0KiB" },    { 10240, "10KiB" },
		{ 1023488, "1.0MiB" }, { 1048576, "1.0MiB" },
		{ 1.5e9, "1.4GiB" },   { 18446744073709551615.0, "16EiB" },
		{ 1e300, ">999EiB" },
	};

	CHECK(units_bytes, samples);
}
END_TEST

START_TEST(counts_have_decimal_units)
{
	static const struct sample samples[] = {
		{ 0, "0" },	    { 9999, "9999" },	{ 9999.6, "10k" },
		{ 10000, "10k" },   { 999499, "999k" }, { 999500, "1.0M" },
		{ 1.25e9, "1.2G" }, { 1.8e19, "18E" },	{ 1e300, ">999E" },
	};

	CHECK(units_count, samples);
}
END_TEST

START_TEST(times_go_from_microseconds_to_seconds)
{
	static const struct sample samples[] = {
		{ 1, "1µs" },	    { 312, "312µs" },	{ 999.6, "1.0ms" },
		{ 1234, "1.2ms" },  { 99949, "100ms" }, { 999499, "999ms" },
		{ 999500, "1.0s" }, { 12e6, "12s" },	{ 4294967295, ">999s" },
	};

	CHECK(units_time, samples);
}
END_TEST

START_TEST(durations_have_their_two_largest_units)
{
	static const struct sample samples[] = {
		{ 0, "0s" },	     { 59.9, "59s" },	 { 60, "1m00s" },
		{ 200, "3m20s" },    { 3599, "59m59s" }, { 3600, "1h00m" },
		{ 86399, "23h59m" }, { 86400, "1d00h" }, { 1e6, "11d13h" },
		{ 1e300, "-" },
	};

	CHECK(units_duration, samples);
}
END_TEST

START_TEST(percents_keep_what_is_small_in_sight)
{
	static const struct sample samples[] = {
		{ 0, "0%" },	  { 0.00001, "<0.1%" }, { 0.005, "0.5%" },
		{ 0.05, "5.0%" }, { 0.126, "13%" },	{ 1, "100%" },
		{ 1.1, "-" },
	};

	CHECK(units_percent, samples);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(bytes_have_binary_units),
	UNIT_TEST(counts_have_decimal_units),
	UNIT_TEST(times_go_from_microseconds_to_seconds),
	UNIT_TEST(durations_have_their_two_largest_units),
	UNIT_TEST(percents_keep_what_is_small_in_sight),
};

UNIT_MAIN("units", tests)
