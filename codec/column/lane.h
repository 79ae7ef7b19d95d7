/* Lanes: every value as an unsigned 64-bit number whose order is the order of its type.
 *
 * Boxes, statistics, curves, sorting and pruning compare lanes and nothing else, so each type is
 * decided here once. format-spec/statistics.md, LANE-1 to LANE-6.
 *
 *   UNSIGNED   the value
 *   SIGNED     the value with its sign bit flipped
 *   FLOAT      total order: negative numbers, 0.0 (-0.0 is the same lane), positive numbers,
 *              infinity, NaN (all of them one lane, the largest)
 *   BYTES      the first eight bytes, first byte most significant, short values padded with zeros
 *              (equal lanes do not mean equal values)
 *   WIDE       16-byte little-endian two's complement (decimal128): its upper half as SIGNED
 *   OPAQUE     no order: no lane, no bounds (fixed-size bytes use BYTES)
 *   OFFSETS    no lane either: the ends of lists in their child column
 */
#ifndef TEG_CODEC_COLUMN_LANE_H
#define TEG_CODEC_COLUMN_LANE_H
#include "codec/column/column.h"

enum value_class {
	VALUE_UNSIGNED, /* width 1, 2, 4, 8 */
	VALUE_SIGNED,   /* width 1, 2, 4, 8 */
	VALUE_FLOAT,    /* width 2, 4, 8 */
	VALUE_BYTES,    /* COLUMN_BYTES, or FIXED of any width compared as bytes */
	VALUE_WIDE,     /* width 16 */
	VALUE_OPAQUE,
	VALUE_OFFSETS /* width 4: where lists end; null slots mean something too */
};

static inline uint64_t lane_of_i64(int64_t v)
{
	return (uint64_t)v ^ 0x8000000000000000u;
}

static inline int64_t lane_to_i64(uint64_t lane)
{
	return (int64_t)(lane ^ 0x8000000000000000u);
}

#define LANE_NAN UINT64_MAX

uint64_t lane_of_f64(double v);
/* The number, or a NaN for LANE_NAN. Lanes between two floats of a narrower type round down. */
double lane_to_f64(uint64_t lane);
/* A float of that width, exactly: the sign of zero too, which its lane does not tell. */
double float_value(const uint8_t *at, uint32_t width);
uint64_t lane_of_bytes(struct span bytes);
uint64_t lane_of_value(enum value_class class, struct span value);

/* Lanes of values [from, from + n) of `c`. Null slots give whatever their bytes say. */
void lanes_of_column(const struct column *c, enum value_class class, size_t from, size_t n,
                     uint64_t *lanes_out);

/* Clears mask[i], one byte per value of `c`, 0 or 1, where its lane is not in lo .. hi. */
void lanes_mask(const struct column *c, enum value_class class, uint64_t lo, uint64_t hi,
                uint8_t *mask);

/* The inverse for UNSIGNED, SIGNED and FLOAT of that width, bytes in the machine's order. */
void lane_to_value(enum value_class class, uint32_t width, uint64_t lane, void *value_out);

/* Statistics of one column: bounds over the valid values. Absent is not zero and not empty. */
struct column_stats {
	uint64_t min, max; /* lanes, only where has_bounds */
	uint64_t n_nulls, n_nan;
	bool has_bounds; /* false: no valid value that has a lane */
	bool exact;      /* the bounds are lanes of values and a lane names one value (not BYTES
	                      longer than eight bytes, not WIDE) */
};

/* NaN counts in n_nan and takes part in the bounds as the largest value. */
void column_stats_of(const struct column *c, enum value_class class, struct column_stats *out);
#endif
