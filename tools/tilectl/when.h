/* Points in time and lengths of time as text.
 *
 *   1970-01-01T00:00:00.000001Z    RFC 3339; as many digits as the unit has; Z only with a zone
 *   +12345-06-07T00:00:00Z         years outside 0 to 9999 carry a sign (ISO 8601)
 *   90s  24h  7d  0                durations
 *
 * Nothing is rounded: text that is not a whole number of units is refused.
 */
#ifndef TILECTL_WHEN_H
#define TILECTL_WHEN_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/text.h"

/* Whether a text must, may or must not say where its midnight lies. */
enum when_zone {
	WHEN_ZONED, /* Z or an offset */
	WHEN_WALL   /* nothing, or Z */
};

/* `units` since 1970-01-01. */
void when_add_time(struct text *out, int64_t units, teg_time_unit unit, bool zoned);
/* `days` since 1970-01-01, as YYYY-MM-DD. */
void when_add_date(struct text *out, int32_t days);

/* RFC 3339, or a date alone (its midnight), in `unit`. */
bool when_read_time(const char *at, size_t len, teg_time_unit unit, enum when_zone zone,
                    int64_t *units_out, struct why *why);
bool when_read_date(const char *at, size_t len, int32_t *days_out, struct why *why);

/* A TIME of the command line: RFC 3339 or an integer of microseconds. Not an open end. */
bool when_read_option(const char *at, size_t len, int64_t *us_out, struct why *why);
/* A range of them, A:B or A/B, half-open; either end may be empty. */
bool when_read_range(const char *text, int64_t *from_out, int64_t *until_out, struct why *why);
/* A DURATION of the command line, in microseconds. */
bool when_read_duration(const char *text, int64_t *us_out, struct why *why);
#endif
