#include "tools/tilectl/when.h"
#include <string.h>
#include "tools/tilectl/number.h"
#include "tools/tilectl/word.h"

#define DAY_SECONDS 86400
#define MOST_YEARS 300000000000 /* more than int64 seconds reach, and their days still fit */

static const int64_t per_second[] = { 1, 1000, 1000000, 1000000000 };
static const char *const unit_names[] = { "seconds", "milliseconds", "microseconds",
	                                  "nanoseconds" };

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* What floor_div leaves: 0 to b - 1. */
static int64_t floor_rest(int64_t a, int64_t b)
{
	return (a % b + b) % b;
}

/* Days since 1970-01-01 of a day of the Gregorian calendar, and back: eras of 400 years that start
 * on a first of March, so that the leap day comes last. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = floor_div(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_from_days(int64_t days, int64_t *year_out, int *month_out, int *day_out)
{
	int64_t z = days + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int month = (int)((5 * of_year + 2) / 153);

	*day_out = (int)(of_year - (153 * month + 2) / 5 + 1);
	*month_out = month < 10 ? month + 3 : month - 9;
	*year_out = year + era * 400 + (*month_out <= 2);
}

/* `before`, then exactly n digits. */
static void add_digits(struct text *out, const char *before, int64_t value, size_t n)
{
	char digits[16];

	for (size_t i = n; i-- > 0; value /= 10)
		digits[i] = (char)('0' + value % 10);
	text_adds(out, before);
	text_add(out, digits, n);
}

static void add_civil(struct text *out, int64_t days)
{
	int64_t year;
	int month, day;

	civil_from_days(days, &year, &month, &day);
	if (year > 9999) {
		text_adds(out, "+");
		number_add_int(out, year);
	} else if (year < -9999) {
		number_add_int(out, year);
	} else {
		add_digits(out, year < 0 ? "-" : "", year < 0 ? -year : year, 4);
	}
	add_digits(out, "-", month, 2);
	add_digits(out, "-", day, 2);
}

void when_add_date(struct text *out, int32_t days)
{
	add_civil(out, days);
}

void when_add_time(struct text *out, int64_t units, teg_time_unit unit, bool zoned)
{
	int64_t seconds = floor_div(units, per_second[unit]);
	int64_t fraction = floor_rest(units, per_second[unit]);
	int64_t days = floor_div(seconds, DAY_SECONDS);
	int of_day = (int)floor_rest(seconds, DAY_SECONDS);

	add_civil(out, days);
	add_digits(out, "T", of_day / 3600, 2);
	add_digits(out, ":", of_day / 60 % 60, 2);
	add_digits(out, ":", of_day % 60, 2);
	if (unit != TEG_SECOND)
		add_digits(out, ".", fraction, 3 * (size_t)unit);
	if (zoned)
		text_adds(out, "Z");
}

/* ---- reading ---------------------------------------------------------------------------------- */

struct reader {
	const char *at, *end;
};

static bool take_char(struct reader *in, char c)
{
	if (in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

/* Between `least` and `most` digits. */
static bool take_digits(struct reader *in, int least, int most, int64_t *value_out)
{
	int n = 0;

	*value_out = 0;
	for (; n < most && in->at < in->end && *in->at >= '0' && *in->at <= '9'; n++)
		*value_out = *value_out * 10 + (*in->at++ - '0');
	return n >= least;
}

static bool take_two(struct reader *in, char before, int64_t most, int64_t *value_out)
{
	return (!before || take_char(in, before)) && take_digits(in, 2, 2, value_out) &&
	       *value_out <= most;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
	static const char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return lengths[month - 1] + (month == 2 && leap);
}

static bool take_date(struct reader *in, int64_t *days_out)
{
	bool minus = in->at < in->end && *in->at == '-';
	bool sign = minus || (in->at < in->end && *in->at == '+');
	int64_t year, month, day;

	in->at += sign;
	if (!take_digits(in, 4, sign ? 12 : 4, &year) || year > MOST_YEARS)
		return false;
	if (!take_two(in, '-', 12, &month) || !month || !take_two(in, '-', 31, &day) || !day)
		return false;
	year = minus ? -year : year;
	if (day > days_of_month(year, month))
		return false;
	*days_out = days_from_civil(year, (int)month, (int)day);
	return true;
}

/* The digits after the point in `unit`; false where some do not fit, with whole_out false. */
static bool take_fraction(struct reader *in, teg_time_unit unit, int64_t *units_out,
                          bool *whole_out)
{
	int64_t worth = per_second[unit];
	const char *start = in->at;

	*units_out = 0;
	for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
		worth /= 10;
		*units_out += (*in->at - '0') * worth;
		if (!worth && *in->at != '0')
			*whole_out = false;
	}
	return in->at > start;
}

/* Z or an offset, in seconds east of UTC. */
static bool take_zone(struct reader *in, int64_t *offset_out)
{
	int64_t hours, minutes;
	bool west = in->at < in->end && *in->at == '-';

	*offset_out = 0;
	if (take_char(in, 'Z') || take_char(in, 'z'))
		return true;
	if (!west && (in->at == in->end || *in->at != '+'))
		return false;
	in->at++;
	if (!take_two(in, 0, 23, &hours) || !take_two(in, ':', 59, &minutes))
		return false;
	*offset_out = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return true;
}

struct moment {
	int64_t seconds, fraction; /* before the offset is taken off */
	int64_t offset;
	bool timed, zoned, whole;
};

/* The part of a day is added from the side of zero, so that the first day of the range, which
 * begins outside of it, does not overflow. */
static bool join_seconds(int64_t days, int64_t of_day, int64_t *seconds_out)
{
	if (days < 0) {
		days++;
		of_day -= DAY_SECONDS;
	}
	return !__builtin_mul_overflow(days, DAY_SECONDS, seconds_out) &&
	       !__builtin_add_overflow(*seconds_out, of_day, seconds_out);
}

static bool take_moment(struct reader *in, teg_time_unit unit, struct moment *m)
{
	int64_t days, hours, minutes, seconds;

	*m = (struct moment){ .whole = true };
	if (!take_date(in, &days))
		return false;
	if (in->at == in->end)
		return join_seconds(days, 0, &m->seconds);
	m->timed = true;
	if (!take_char(in, 'T') && !take_char(in, 't') && !take_char(in, ' '))
		return false;
	if (!take_two(in, 0, 23, &hours) || !take_two(in, ':', 59, &minutes) ||
	    !take_two(in, ':', 59, &seconds))
		return false;
	if (!join_seconds(days, hours * 3600 + minutes * 60 + seconds, &m->seconds))
		return false;
	if (take_char(in, '.') && !take_fraction(in, unit, &m->fraction, &m->whole))
		return false;
	if (in->at == in->end)
		return true;
	m->zoned = true;
	return take_zone(in, &m->offset) && in->at == in->end;
}

bool when_read_time(const char *at, size_t len, teg_time_unit unit, enum when_zone zone,
                    int64_t *units_out, struct why *why)
{
	struct reader in = { at, at + len };
	struct moment m;
	int shown = len < 60 ? (int)len : 60;

	if (!take_moment(&in, unit, &m))
		return refuse(why, "'%.*s' is not a time (write 2013-01-01T05:00:00Z)", shown, at);
	if (!m.whole)
		return refuse(why, "'%.*s' is not a whole number of %s", shown, at,
		              unit_names[unit]);
	if (zone == WHEN_ZONED && m.timed && !m.zoned)
		return refuse(why, "'%.*s' lacks its zone: end it with Z or an offset", shown, at);
	if (zone == WHEN_WALL && m.offset)
		return refuse(why, "'%.*s' has an offset, but the column has no zone", shown, at);
	if (__builtin_sub_overflow(m.seconds, m.offset, &m.seconds))
		return refuse(why, "'%.*s' is out of range", shown, at);
	/* Towards zero first, so that the last second of the range does not overflow. */
	if (m.seconds < 0 && m.fraction) {
		m.seconds++;
		m.fraction -= per_second[unit];
	}
	if (__builtin_mul_overflow(m.seconds, per_second[unit], units_out) ||
	    __builtin_add_overflow(*units_out, m.fraction, units_out))
		return refuse(why, "'%.*s' is out of range", shown, at);
	return true;
}

bool when_read_date(const char *at, size_t len, int32_t *days_out, struct why *why)
{
	struct reader in = { at, at + len };
	int shown = len < 60 ? (int)len : 60;
	int64_t days;

	if (!take_date(&in, &days) || in.at != in.end)
		return refuse(why, "'%.*s' is not a date (write 2013-01-31)", shown, at);
	if (days < INT32_MIN || days > INT32_MAX)
		return refuse(why, "'%.*s' is out of range", shown, at);
	*days_out = (int32_t)days;
	return true;
}

bool when_read_option(const char *at, size_t len, int64_t *us_out, struct why *why)
{
	if (number_read_int(at, len, INT64_MIN, INT64_MAX, us_out)) {
		/* The ends of the range and "the commit's time" are marks, not times. */
		if (*us_out < INT64_MIN + 2 || *us_out == INT64_MAX)
			return refuse(why, "'%.*s' stands for an open end: leave it empty",
			              (int)len, at);
		return true;
	}
	return when_read_time(at, len, TEG_MICRO, WHEN_ZONED, us_out, why);
}

static bool read_end(const struct word_range *range, bool hi, int64_t *us_out, struct why *why)
{
	const struct text *end = hi ? &range->hi : &range->lo;

	if (!(hi ? range->has_hi : range->has_lo)) {
		*us_out = hi ? TEG_TIME_OPEN_END : TEG_TIME_OPEN_START;
		return true;
	}
	return when_read_option(text_string(end), end->len, us_out, why);
}

bool when_read_range(const char *text, int64_t *from_out, int64_t *until_out, struct why *why)
{
	struct word_range range;
	bool ok;

	ok = word_read_range(text, strlen(text), true, &range, why) &&
	     (!range.single || refuse(why, "'%.60s' is one time: a range is A:B or A/B", text)) &&
	     read_end(&range, false, from_out, why) && read_end(&range, true, until_out, why);
	word_range_free(&range);
	if (ok && *from_out >= *until_out)
		return refuse(why, "'%.60s' is empty: the end must lie after the start", text);
	return ok;
}

bool when_read_duration(const char *text, int64_t *us_out, struct why *why)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = { { "us", 1 },       { "ms", 1000 },      { "s", 1000000 },
		      { "m", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 } };
	size_t digits = strspn(text, "0123456789");
	int64_t n;

	if (number_read_int(text, digits, 0, INT64_MAX, &n)) {
		*us_out = 0;
		if (!n && !text[digits])
			return true;
		for (size_t i = 0; i < sizeof units / sizeof *units; i++)
			if (!strcmp(text + digits, units[i].name) &&
			    !__builtin_mul_overflow(n, units[i].us, us_out))
				return true;
	}
	return refuse(why, "'%.60s' is not a duration (write 0, 90s, 15m, 24h or 7d)", text);
}
