#include "engine/scan/scan.h"
#include "codec/base/error.h"

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

teg_status read_system_time(struct teg_array *array, teg_scan_mode mode, int64_t system_time,
                            uint64_t version, int64_t *s_out, teg_error *err)
{
	const struct array_state *state = &array->state;
	int64_t s = state->last_system_time;

	if (mode == TEG_SCAN_AS_OF)
		s = smaller(s, system_time);
	if (mode == TEG_SCAN_AS_OF_VERSION)
		TEG_TRY(version_array_time(array->snapshot->version, state->id, version, &s, err));
	if (mode < TEG_SCAN_ALL_VERSIONS && state->horizon != INT64_MIN && s < state->horizon) {
		teg_fail(err, TEG_BEYOND_HORIZON, "system time %lld lies before the horizon %lld",
		         (long long)s, (long long)state->horizon);
		return error_in_array(err, TEG_BEYOND_HORIZON, state->name);
	}
	*s_out = s;
	return TEG_OK;
}

teg_status read_range(struct teg_array *array, const teg_scan_options *options, struct view *view,
                      teg_error *err)
{
	const struct array_state *state = &array->state;
	int64_t last = options->system_end, ignored;

	view->range = options->mode == TEG_SCAN_SYSTEM_RANGE;
	view->changes = options->mode == TEG_SCAN_CHANGES;
	view->s_from = options->system_time;
	if ((unsigned)options->mode > TEG_SCAN_CHANGES)
		return teg_fail(err, TEG_MISUSE, "%d is no mode of a scan", options->mode);
	if (!view->range && !view->changes)
		return TEG_OK;
	if (view->s_from >= options->system_end)
		return teg_fail(err, TEG_MISUSE,
		                "the system range is empty: it ends where it starts or before");
	if (view->changes && options->kinds)
		return teg_fail(err, TEG_MISUSE, "a scan of changes takes no kinds");
	if (view->s_from == INT64_MIN)
		view->s_from = state->horizon;
	TEG_TRY(read_system_time(array, TEG_SCAN_AS_OF, view->s_from, 0, &ignored, err));
	last -= view->range; /* a range does not include its end */
	view->s = last < state->last_system_time ? last : state->last_system_time;
	view->until |= view->range; /* it is what cuts the rectangles */
	return TEG_OK;
}

teg_status read_view(struct teg_array *array, const teg_read_options *options,
                     struct view *view_out, teg_error *err)
{
	static const teg_read_options defaults = { .struct_size = sizeof defaults };

	if (!options)
		options = &defaults;
	*view_out = (struct view){ .a = INT64_MIN, .b = INT64_MAX, .kinds = TEG_KIND_LIVE };
	if (options->mode > TEG_SCAN_AS_OF_VERSION)
		return teg_fail(
			err, TEG_MISUSE,
			"a read of single cells is current, as of a time or as of a version");
	if (array->state.schema->valid_time && !options->has_valid_at)
		return teg_fail(err, TEG_MISUSE,
		                "array '%s' has valid time: the read needs a valid_at",
		                array->state.name);
	if (options->has_valid_at) {
		if (options->valid_at == INT64_MIN || options->valid_at == INT64_MAX)
			return teg_fail(err, TEG_MISUSE, "an open end is no time to read at");
		view_out->a = options->valid_at;
		view_out->b = options->valid_at + 1;
	}
	return read_system_time(array, options->mode, options->system_time, options->version,
	                        &view_out->s, err);
}

static teg_status bound_lane(const struct field *field, const teg_value *value, uint64_t open,
                             uint64_t *lane_out, teg_error *err)
{
	*lane_out = open;
	if (!value->type)
		return TEG_OK;
	if (value_lane(field, value, lane_out))
		return TEG_OK;
	teg_fail(err, TEG_MISUSE, "a bound of the box does not fit dimension '%s'", field->name);
	return error_in_column(err, TEG_MISUSE, field->name);
}

teg_status read_box_lanes(const struct schema *schema, const teg_range *ranges, struct box *box_out,
                          bool *exact_out, teg_error *err)
{
	*exact_out = true;
	memset(box_out, 0, sizeof *box_out);
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		const struct field *field = &schema->dims[d];

		TEG_TRY(bound_lane(field, &ranges[d].lo, 0, &box_out->lo[d], err));
		TEG_TRY(bound_lane(field, &ranges[d].hi, UINT64_MAX, &box_out->hi[d], err));
		if (field->class == VALUE_BYTES && (ranges[d].lo.type || ranges[d].hi.type))
			*exact_out = false;
	}
	return TEG_OK;
}
