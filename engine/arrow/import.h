/* Arrow in: schemas become declarations, batches become plain columns.
 *
 * A batch is a view: its columns, and those of lists and structs, point into the Arrow buffers, slices
 * and offsets worked out. Only what has no plain form is decoded into memory of our own: bools (bitmaps), dictionaries, views.
 * A dictionary is its values' type; what a struct array's own validity hides is refused.
 */
#ifndef TEG_ENGINE_ARROW_IMPORT_H
#define TEG_ENGINE_ARROW_IMPORT_H
#include "engine/schema/schema.h"

struct imported {
	teg_column *columns; /* one per child, in order; types are set */
	size_t n_columns, n_rows;
	struct column_buf *decoded; /* one per node; empty where the column points into the batch */
	size_t n_decoded, n_used;
	struct arena arena; /* children, and offsets that had to be counted anew */
	const teg_allocator *alloc;
};

/* `schema` and `batch` must live until import_release. TEG_UNSUPPORTED names a column and its type;
 * TEG_SCHEMA: a child shorter than the batch, a dictionary index or view outside its values;
 * TEG_MISUSE: not a struct array, missing buffers; TEG_NOMEM. Nothing is held after an error. */
teg_status import_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                        const teg_allocator *alloc, struct imported *out, teg_error *err);
void import_release(struct imported *in);

/* See teg_txn_create_from_arrow. Attributes that `spec` has itself give the fill value of the field of
 * that name. Dimensions that all come without a type take their order from the schema, else they keep
 * their own. What *spec_out points to lives in `arena`, or in what was given. */
teg_status spec_from_arrow(const teg_spec *spec, const struct ArrowSchema *schema,
                           const teg_put_options *roles, struct arena *arena, teg_spec *spec_out,
                           teg_error *err);

/* teg_attribute_from_arrow for any type; what is nested, metadata of children included, lives in the
 * arena. TEG_MISUSE: a list or struct without its children. */
teg_status attribute_from_arrow(const struct ArrowSchema *field, struct arena *arena,
                                teg_attribute *out, teg_error *err);

/* The pairs of Arrow's encoded metadata (NULL: none), in the arena. TEG_SCHEMA: a negative length. */
teg_status import_metadata(const char *encoded, struct arena *arena,
                           const teg_metadata **metadata_out, size_t *n_out, teg_error *err);
#endif
