#include "codec/base/checked.h"
#include "engine/predicate/tree.h"

struct digits {
	const uint8_t *at, *end;
};

static bool take_digits(struct digits *d, int n, int64_t *out)
{
	*out = 0;
	for (int i = 0; i < n; i++, d->at++) {
		if (d->at == d->end || *d->at < '0' || *d->at > '9')
			return false;
		*out = *out * 10 + (*d->at - '0');
	}
	return true;
}

static bool take_byte(struct digits *d, uint8_t byte)
{
	if (d->at == d->end || *d->at != byte)
		return false;
	d->at++;
	return true;
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible
 * low-level date algorithms"). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool take_date(struct digits *d, int64_t *days_out)
{
	static const int64_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t year, month, day;
	bool leap;

	if (!take_digits(d, 4, &year) || !take_byte(d, '-') || !take_digits(d, 2, &month) ||
	    !take_byte(d, '-') || !take_digits(d, 2, &day) || month < 1 || month > 12 || day < 1)
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (day > lengths[month - 1] + (leap && month == 2))
		return false;
	*days_out = days_of(year, month, day);
	return true;
}

static bool take_fraction(struct digits *d, int64_t *ns_out)
{
	int64_t unit = 100000000;

	*ns_out = 0;
	if (!take_byte(d, '.'))
		return true;
	if (d->at == d->end || *d->at < '0' || *d->at > '9')
		return false;
	for (; d->at < d->end && *d->at >= '0' && *d->at <= '9'; d->at++, unit /= 10) {
		if (!unit && *d->at != '0')
			return false; /* finer than a nanosecond */
		*ns_out += (*d->at - '0') * unit;
	}
	return true;
}

static bool take_zone(struct digits *d, int64_t *seconds_out)
{
	int64_t hours, minutes = 0;
	bool west;

	*seconds_out = 0;
	if (d->at == d->end || take_byte(d, 'Z') || take_byte(d, 'z'))
		return true;
	west = *d->at == '-';
	if (!take_byte(d, '-') && !take_byte(d, '+'))
		return false;
	if (!take_digits(d, 2, &hours))
		return false;
	if ((take_byte(d, ':') || d->at != d->end) && !take_digits(d, 2, &minutes))
		return false;
	if (hours > 23 || minutes > 59)
		return false;
	*seconds_out = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

bool time_of_text(struct span text, int64_t *us_out, int *ns_out)
{
	struct digits d = { text.at, text.at + text.len };
	int64_t days, hours = 0, minutes = 0, seconds = 0, ns = 0, zone = 0, total;

	if (!take_date(&d, &days))
		return false;
	if (d.at != d.end) {
		if (!take_byte(&d, 'T') && !take_byte(&d, 't') && !take_byte(&d, ' '))
			return false;
		if (!take_digits(&d, 2, &hours) || !take_byte(&d, ':') ||
		    !take_digits(&d, 2, &minutes) || hours > 23 || minutes > 59)
			return false;
		if (take_byte(&d, ':') &&
		    (!take_digits(&d, 2, &seconds) || seconds > 59 || !take_fraction(&d, &ns)))
			return false;
		if (!take_zone(&d, &zone) || d.at != d.end)
			return false;
	}
	total = days * 86400 + hours * 3600 + minutes * 60 + seconds - zone;
	*us_out = total * 1000000 + ns / 1000;
	*ns_out = (int)(ns % 1000);
	return true;
}
