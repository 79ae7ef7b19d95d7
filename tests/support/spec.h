/* What arrays of tests are declared of, a line each.
 *
 *   teg_dimension x = axis_within("x", 0, 99);
 *   teg_attribute v = attribute_of("v", TEG_INT64);
 *   teg_spec spec = spec_make(TEG_DENSE, &x, 1, &v, 1);     spec.valid_time = true; ..
 */
#ifndef TEG_TESTS_SUPPORT_SPEC_H
#define TEG_TESTS_SUPPORT_SPEC_H
#include "engine/tegula.h"

static inline teg_value int_value(int64_t i)
{
	return (teg_value){ .type = TEG_INT64, .as.i = i };
}

static inline teg_range int_range(int64_t lo, int64_t hi)
{
	return (teg_range){ int_value(lo), int_value(hi) };
}

/* Without bounds. */
static inline teg_dimension axis_of(const char *name, teg_type type)
{
	return (teg_dimension){ .name = name, .type = { .type = type } };
}

/* Of int64 coordinates from lo to hi. */
static inline teg_dimension axis_within(const char *name, int64_t lo, int64_t hi)
{
	return (teg_dimension){ .name = name,
		                .type = { .type = TEG_INT64 },
		                .lo = int_value(lo),
		                .hi = int_value(hi) };
}

static inline teg_attribute attribute_of(const char *name, teg_type type)
{
	return (teg_attribute){ .name = name, .type = { .type = type } };
}

/* A vector of `size` values of `item`. */
static inline teg_attribute vector_of(const char *name, const teg_attribute *item, uint32_t size)
{
	return (teg_attribute){ .name = name,
		                .type = { .type = TEG_FIXED_LIST,
		                          .list_size = size,
		                          .children = item,
		                          .n_children = 1 } };
}

static inline teg_spec spec_make(teg_kind kind, const teg_dimension *dimensions,
                                 size_t n_dimensions, const teg_attribute *attributes,
                                 size_t n_attributes)
{
	return (teg_spec){ .struct_size = sizeof(teg_spec),
		           .kind = kind,
		           .dimensions = dimensions,
		           .n_dimensions = n_dimensions,
		           .attributes = attributes,
		           .n_attributes = n_attributes };
}
#endif
