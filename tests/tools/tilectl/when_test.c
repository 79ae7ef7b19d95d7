#include "tools/tilectl/when.h"
#include <criterion/criterion.h>
#include <string.h>

#define DAY INT64_C(86400)

static const struct {
	const char *text; /* in UTC */
	teg_time_unit unit;
	int64_t units;
} moments[] = {
	{ "1970-01-01T00:00:00Z", TEG_SECOND, 0 },
	{ "1970-01-01T00:00:00.000Z", TEG_MILLI, 0 },
	{ "1969-12-31T23:59:59.999999Z", TEG_MICRO, -1 },
	{ "2013-01-01T05:00:00.000000Z", TEG_MICRO, 1357016400000000 },
	{ "2000-02-29T12:34:56.123456789Z", TEG_NANO, 951827696123456789 },
	{ "0000-01-01T00:00:00Z", TEG_SECOND, -719528 * DAY },
	{ "-0001-12-31T23:59:59Z", TEG_SECOND, -719528 * DAY - 1 },
	{ "9999-12-31T23:59:59Z", TEG_SECOND, 253402300799 },
	{ "+10000-01-01T00:00:00Z", TEG_SECOND, 253402300800 },
	{ "1677-09-21T00:12:43.145224192Z", TEG_NANO, INT64_MIN },
	{ "2262-04-11T23:47:16.854775807Z", TEG_NANO, INT64_MAX },
	{ "-290308-12-21T19:59:05.224192Z", TEG_MICRO, INT64_MIN },
	{ "+294247-01-10T04:00:54.775807Z", TEG_MICRO, INT64_MAX },
	{ "+292277026596-12-04T15:30:07Z", TEG_SECOND, INT64_MAX },
	{ "-292277022657-01-27T08:29:52Z", TEG_SECOND, INT64_MIN },
};

Test(when, times_both_ways)
{
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		struct text out = { NULL, 0, 0 };
		struct why why = { "" };
		int64_t units = 0;

		when_add_time(&out, moments[i].units, moments[i].unit, true);
		cr_expect_str_eq(out.at, moments[i].text);
		cr_expect(when_read_time(moments[i].text, strlen(moments[i].text), moments[i].unit,
		                         WHEN_ZONED, &units, &why),
		          "%s: %s", moments[i].text, why.text);
		cr_expect_eq(units, moments[i].units, "%s", moments[i].text);
		text_free(&out);
	}
}

Test(when, a_column_without_zone_prints_no_z)
{
	struct text out = { NULL, 0, 0 };

	when_add_time(&out, 0, TEG_SECOND, false);
	cr_expect_str_eq(out.at, "1970-01-01T00:00:00");
	text_free(&out);
}

Test(when, every_day_of_eight_centuries_comes_back)
{
	struct text out = { NULL, 0, 0 };
	struct why why;

	for (int32_t day = -150000; day < 150000; day += 7) {
		int32_t back = 0;

		text_clear(&out);
		when_add_date(&out, day);
		cr_assert(when_read_date(out.at, out.len, &back, &why), "%s", out.at);
		cr_assert_eq(back, day, "%s", out.at);
	}
	text_free(&out);
}

static const struct {
	const char *text;
	teg_time_unit unit;
	enum when_zone zone;
	int64_t units;
} accepted[] = {
	{ "2013-01-01", TEG_SECOND, WHEN_ZONED, 1356998400 },
	{ "2013-01-01 05:00:00z", TEG_SECOND, WHEN_ZONED, 1357016400 },
	{ "2013-01-01T05:00:00+05:00", TEG_SECOND, WHEN_ZONED, 1356998400 },
	{ "2013-01-01T05:00:00-00:30", TEG_SECOND, WHEN_ZONED, 1357018200 },
	{ "2013-01-01T05:00:00.5000Z", TEG_MILLI, WHEN_ZONED, 1357016400500 },
	{ "1970-01-01T00:00:00.000000000000Z", TEG_MICRO, WHEN_ZONED, 0 },
	{ "2013-01-01T05:00:00", TEG_SECOND, WHEN_WALL, 1357016400 },
	{ "2013-01-01T05:00:00Z", TEG_SECOND, WHEN_WALL, 1357016400 },
};

Test(when, takes_what_rfc_3339_allows)
{
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
		struct why why = { "" };
		int64_t units = 0;

		cr_expect(when_read_time(accepted[i].text, strlen(accepted[i].text),
		                         accepted[i].unit, accepted[i].zone, &units, &why),
		          "%s: %s", accepted[i].text, why.text);
		cr_expect_eq(units, accepted[i].units, "%s", accepted[i].text);
	}
}

static const struct {
	const char *text;
	teg_time_unit unit;
	enum when_zone zone;
} refused[] = {
	{ "", TEG_MICRO, WHEN_ZONED },
	{ "now", TEG_MICRO, WHEN_ZONED },
	{ "2013-1-1", TEG_MICRO, WHEN_ZONED },
	{ "2013-13-01", TEG_MICRO, WHEN_ZONED },
	{ "2013-00-01", TEG_MICRO, WHEN_ZONED },
	{ "2013-02-29", TEG_MICRO, WHEN_ZONED },
	{ "1900-02-29", TEG_MICRO, WHEN_ZONED },
	{ "12345-01-01", TEG_MICRO, WHEN_ZONED },
	{ "2013-01-01T", TEG_MICRO, WHEN_ZONED },
	{ "2013-01-01T05:00Z", TEG_MICRO, WHEN_ZONED },
	{ "2013-01-01T24:00:00Z", TEG_MICRO, WHEN_ZONED },
	{ "2013-01-01T23:59:60Z", TEG_MICRO, WHEN_ZONED },
	{ "2013-01-01T05:00:00", TEG_MICRO, WHEN_ZONED }, /* no zone */
	{ "2013-01-01T05:00:00.Z", TEG_MICRO, WHEN_ZONED },
	{ "2013-01-01T05:00:00+5:00", TEG_MICRO, WHEN_ZONED },
	{ "2013-01-01T05:00:00Zx", TEG_MICRO, WHEN_ZONED },
	{ "2013-01-01T05:00:00+01:00", TEG_MICRO, WHEN_WALL },     /* an offset from nothing */
	{ "2013-01-01T05:00:00.0000001Z", TEG_MICRO, WHEN_ZONED }, /* not a whole microsecond */
	{ "2013-01-01T05:00:00.5Z", TEG_SECOND, WHEN_ZONED },
	{ "2262-04-11T23:47:16.854775808Z", TEG_NANO, WHEN_ZONED }, /* out of range */
	{ "1677-09-21T00:12:43.145224191Z", TEG_NANO, WHEN_ZONED },
	{ "+999999999999-01-01", TEG_SECOND, WHEN_ZONED },
};

Test(when, refuses_what_is_no_time_or_not_exact)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct why why = { "" };
		int64_t units;

		cr_expect_not(when_read_time(refused[i].text, strlen(refused[i].text),
		                             refused[i].unit, refused[i].zone, &units, &why),
		              "%s", refused[i].text);
		cr_expect(why.text[0], "%s: no reason", refused[i].text);
	}
}

static const struct {
	const char *text;
	bool ok;
	int64_t from, until;
} ranges[] = {
	{ "1:5", true, 1, 5 },
	{ "-5:", true, -5, INT64_MAX },
	{ ":5", true, INT64_MIN, 5 },
	{ ":", true, INT64_MIN, INT64_MAX },
	{ "1/5", true, 1, 5 },
	{ "1970-01-01/1970-01-02", true, 0, 86400000000 },
	{ "1970-01-01T00:00:00Z/1970-01-01T00:00:01Z", true, 0, 1000000 },
	{ "'1970-01-01T00:00:00Z':'1970-01-01T00:00:01Z'", true, 0, 1000000 },
	{ "1970-01-01T00:00:00Z:5", false, 0, 0 },
	{ "5:5", false, 0, 0 },
	{ "6:5", false, 0, 0 },
	{ "5", false, 0, 0 },
	{ "", false, 0, 0 },
	{ "a:b", false, 0, 0 },
	{ "'1", false, 0, 0 },
	{ ":9223372036854775807", false, 0, 0 },
};

Test(when, ranges_are_half_open_and_not_empty)
{
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		struct why why = { "" };
		int64_t from = 0, until = 0;
		bool ok = when_read_range(ranges[i].text, &from, &until, &why);

		cr_expect_eq(ok, ranges[i].ok, "%s: %s", ranges[i].text, why.text);
		if (ok) {
			cr_expect_eq(from, ranges[i].from, "%s", ranges[i].text);
			cr_expect_eq(until, ranges[i].until, "%s", ranges[i].text);
		}
	}
}

static const struct {
	const char *text;
	bool ok;
	int64_t us;
} durations[] = {
	{ "0", true, 0 },
	{ "90s", true, 90000000 },
	{ "15m", true, 900000000 },
	{ "24h", true, 86400000000 },
	{ "7d", true, 604800000000 },
	{ "5ms", true, 5000 },
	{ "1", false, 0 },
	{ "", false, 0 },
	{ "s", false, 0 },
	{ "-1s", false, 0 },
	{ "1w", false, 0 },
	{ "1.5h", false, 0 },
	{ "200000000d", false, 0 },
};

Test(when, durations_need_a_unit)
{
	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
		struct why why = { "" };
		int64_t us = 0;

		cr_expect_eq(when_read_duration(durations[i].text, &us, &why), durations[i].ok,
		             "%s", durations[i].text);
		if (durations[i].ok)
			cr_expect_eq(us, durations[i].us, "%s", durations[i].text);
	}
}
