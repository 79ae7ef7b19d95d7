/* How long an array keeps superseded rows: one typed policy, no number that means "never".
 *
 *   newest system time - duration = horizon      rows whose superseded_at is not above it may go
 */
#ifndef TEG_ENGINE_STORE_RETENTION_H
#define TEG_ENGINE_STORE_RETENTION_H
#include <stdbool.h>
#include <stdint.h>

struct retention {
	bool drops;          /* false: everything is kept */
	int64_t duration_us; /* drops; not negative */
	int64_t floor_us;    /* no shorter duration may be set; 0: none */
};

static inline bool retention_equal(const struct retention *a, const struct retention *b)
{
	return a->drops == b->drops && a->duration_us == b->duration_us;
}
#endif
