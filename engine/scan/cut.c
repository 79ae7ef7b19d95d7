#include "engine/scan/cut.h"

static teg_status bad_slice(teg_error *err, teg_status status, const struct field *dim,
                            const char *why)
{
	teg_fail(err, status, "%s dimension '%s'", why, dim->name);
	return error_in_column(err, status, dim->name);
}

/* A bound that counts from the end where it is negative, cut to [least, most]. */
static int64_t bound_of(int64_t given, int64_t side, int64_t least, int64_t most)
{
	if (given < 0)
		given = given < -side ? least : given + side;
	return given < least ? least : given > most ? most : given;
}

static void cut_range(const teg_slice *slice, const struct field *dim, int64_t side, uint32_t d,
                      struct cut *cut)
{
	struct lattice *l = &cut->lattice;
	bool back = slice->step < 0;
	uint64_t step = slice->step ? (uint64_t)slice->step : 1;
	int64_t start = back ? side - 1 : 0, stop = back ? -1 : side;
	int64_t least = back ? -1 : 0, most = back ? side - 1 : side;

	step = back ? 0 - step : step;
	if (slice->has_start)
		start = bound_of(slice->start, side, least, most);
	if (slice->has_stop)
		stop = bound_of(slice->stop, side, least, most);
	l->count[d] = 0;
	if (back ? start > stop : start < stop)
		l->count[d] = ((uint64_t)(back ? start - stop : stop - start) - 1) / step + 1;
	cut->reversed[d] = back;
	l->step[d] = step;
	if (back && l->count[d])
		start -= (int64_t)((l->count[d] - 1) * step);
	l->lo[d] = dim->lo + (l->count[d] ? (uint64_t)start : 0);
}

static teg_status cut_dimension(const teg_slice *slice, const struct field *dim, uint32_t d,
                                struct cut *cut, teg_error *err)
{
	uint64_t span = dim->hi - dim->lo + 1;
	int64_t side = (int64_t)span, at = slice->start;

	if (span > INT64_MAX || (!span && dim->hi >= dim->lo))
		return bad_slice(err, TEG_LIMIT, dim, "slices do not count beyond 2^63 - 1 in");
	if (slice->kind == TEG_SLICE_RANGE) {
		cut_range(slice, dim, side, d, cut);
		return TEG_OK;
	}
	if (slice->kind != TEG_SLICE_INDEX)
		return bad_slice(err, TEG_MISUSE, dim, "an unknown kind of slice in");
	if (at < -side || at >= side)
		return bad_slice(err, TEG_DOMAIN, dim, "an index lies outside");
	cut->dropped[d] = true;
	cut->lattice.lo[d] = dim->lo + (uint64_t)(at < 0 ? at + side : at);
	cut->lattice.step[d] = 1;
	cut->lattice.count[d] = 1;
	return TEG_OK;
}

/* Finds the ellipsis: it stands for as many whole dimensions as are not spoken for. */
static teg_status find_ellipsis(const struct schema *schema, const teg_slice *slices, size_t n,
                                size_t *at_out, teg_error *err)
{
	size_t n_given = n;

	*at_out = n;
	for (size_t i = 0; i < n; i++) {
		if (slices[i].kind != TEG_SLICE_ELLIPSIS)
			continue;
		if (*at_out < n)
			return teg_fail(err, TEG_MISUSE, "a slice has one ellipsis at most");
		*at_out = i;
		n_given--;
	}
	if (n_given > schema->n_dims)
		return teg_fail(err, TEG_MISUSE, "%zu slices for an array of rank %u", n_given,
		                (unsigned)schema->n_dims);
	return TEG_OK;
}

static teg_status cut_array(const struct schema *schema, const teg_slice *slices, size_t n,
                            struct cut *cut, teg_error *err)
{
	static const teg_slice whole = { .kind = TEG_SLICE_RANGE };
	size_t ellipsis, at = 0;
	uint32_t left;

	memset(cut, 0, sizeof *cut);
	cut->lattice.n_dims = schema->n_dims;
	TEG_TRY(find_ellipsis(schema, slices, n, &ellipsis, err));
	left = schema->n_dims - (uint32_t)(ellipsis < n ? n - 1 : n);
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		const teg_slice *slice = &whole;

		if (at == ellipsis && !left)
			at++;
		if (at == ellipsis)
			left--;
		else if (at < n)
			slice = &slices[at++];
		TEG_TRY(cut_dimension(slice, &schema->dims[d], d, cut, err));
	}
	(void)lattice_finish(&cut->lattice);
	return TEG_OK;
}

/* ---- the calls ---- */

teg_status must_be_dense(const struct teg_array *array, teg_error *err)
{
	if (array->state.schema->kind == TEG_DENSE)
		return TEG_OK;
	return teg_fail(err, TEG_MISUSE,
	                "boxes and slices are read from dense arrays only: '%s' is none",
	                array->state.name);
}

teg_status cut_of_slices(const struct teg_array *array, const teg_slice *slices, size_t n,
                         struct cut *cut, teg_error *err)
{
	TEG_TRY(must_be_dense(array, err));
	return cut_array(array->state.schema, slices, n, cut, err);
}

static teg_status mask_dimension(const struct cut *cut, struct sweep *sweep, uint32_t d,
                                 struct column_buf *stored, uint8_t *mask, teg_error *err)
{
	const struct field *dim = &sweep->plan.array->state.schema->dims[d];
	uint64_t lanes[256];
	struct column view;

	column_buf_init(stored, COLUMN_FIXED, dim->width, sweep->alloc);
	TEG_TRY(sweep_column(sweep, dim->id, stored, err));
	view = column_buf_view(stored);
	for (size_t from = 0; from < view.n; from += 256) {
		uint32_t n = (uint32_t)(view.n - from < 256 ? view.n - from : 256);

		lanes_of_column(&view, dim->class, from, n, lanes);
		lattice_mask(&cut->lattice, d, lanes, n, mask + from);
	}
	return TEG_OK;
}

teg_status cut_mask(const struct cut *cut, struct sweep *sweep, uint8_t *mask, teg_error *err)
{
	for (uint32_t d = 0; d < cut->lattice.n_dims; d++) {
		struct column_buf stored;
		teg_status status = mask_dimension(cut, sweep, d, &stored, mask, err);

		column_buf_release(&stored);
		TEG_TRY(status);
	}
	return TEG_OK;
}
