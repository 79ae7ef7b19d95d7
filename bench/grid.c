/* A dense array of float32 in three dimensions: written whole, read by boxes into the caller's
 * memory. */
#include <string.h>

#include "bench/glue.h"
#include "bench/glue_internal.h"

#define RANK 3

static teg_status create(teg_txn *txn, int profile, const int64_t *sides, const uint64_t *extents,
                         teg_error *err)
{
	static const char *const names[RANK] = { "z", "y", "x" };
	teg_dimension dims[RANK];
	teg_attribute value = { .name = "v", .type = { .type = TEG_FLOAT32 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_DENSE,
		          .profile = (teg_profile)profile,
		          .dimensions = dims,
		          .n_dimensions = RANK,
		          .attributes = &value,
		          .n_attributes = 1 };

	for (int d = 0; d < RANK; d++)
		dims[d] = (teg_dimension){ names[d],
			                   { .type = TEG_INT64 },
			                   { TEG_INT64, { .i = 0 } },
			                   { TEG_INT64, { .i = sides[d] - 1 } },
			                   extents[d],
			                   NULL,
			                   0 };
	return teg_txn_create(txn, "grid", &spec, err);
}

static void box_of(const int64_t *lo, const int64_t *sides, teg_range *box_out)
{
	for (int d = 0; d < RANK; d++)
		box_out[d] = (teg_range){ { TEG_INT64, { .i = lo[d] } },
			                  { TEG_INT64, { .i = lo[d] + sides[d] - 1 } } };
}

int glue_grid_write(const char *path, int profile, const int64_t *sides, const uint64_t *extents,
                    float *values, size_t len)
{
	static const int64_t corner[RANK] = { 0 };
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING };
	teg_put_options put = { .struct_size = sizeof put, .borrow = true };
	teg_buffer buffer = { .name = "v", .values = values, .values_len = len };
	teg_range box[RANK];
	teg_store *store = NULL;
	teg_txn *txn = NULL;
	teg_error err = { 0 };
	teg_status s = teg_store_open(path, &options, &store, &err);

	box_of(corner, sides, box);
	if (!s)
		s = teg_txn_begin(store, NULL, &txn, &err);
	if (!s)
		s = create(txn, profile, sides, extents, &err);
	if (!s)
		s = teg_txn_put_box(txn, "grid", box, &buffer, 1, &put, &err);
	if (!s)
		s = teg_txn_commit(txn, NULL, &err);
	if (s)
		teg_txn_abort(txn);
	teg_store_close(store);
	return s ? glue_fail(&err) : 0;
}

int glue_grid_read(struct glue *glue, const int64_t *lo, const int64_t *sides, float *values,
                   size_t len)
{
	teg_buffer buffer = { .name = "v", .values = values, .values_len = len };
	teg_range box[RANK];
	teg_error err = { 0 };

	box_of(lo, sides, box);
	return teg_read_box(glue_array(glue), box, &buffer, 1, NULL, NULL, &err) ? glue_fail(&err)
	                                                                         : 0;
}
