/* Decoded columns out through the Arrow C Data Interface.
 *
 * A batch owns its column buffers and hands them to the consumer as they are; when the consumer has
 * released the last of it, the buffers go back to a pool and are used again, because first touch of
 * fresh memory costs more than decoding. The pool lives as long as any batch of it does, so batches
 * outlive the scan, and may be released on any thread.
 *
 *   scan ──> batch (columns) ──export──> ArrowArray ──release──> pool ──> next batch
 */
#ifndef TEG_ENGINE_ARROW_EXPORT_H
#define TEG_ENGINE_ARROW_EXPORT_H
#include "codec/column/column.h"
#include "engine/schema/schema.h"

/* One column of an output: a field of the schema, or one of the engine's own columns. */
struct output {
	uint32_t id; /* column id */
	const char *name;
	teg_data_type type;
	bool nullable;
	struct column_layout layout;
	const teg_metadata *metadata;
	size_t n_metadata;
};

/* The output that shows a field, or the engine's own column `id` (TEG_NOT_FOUND: none such). */
struct output output_of_field(const struct field *field);
bool output_of_time(uint32_t id, struct output *out);
/* Rows that are not live have no values. */
void output_may_lack(struct output *output);

/* A struct schema with these children; owns copies of all it shows. TEG_NOMEM. */
teg_status export_schema(const struct output *outputs, uint32_t n, const teg_metadata *metadata,
                         size_t n_metadata, const teg_allocator *alloc,
                         struct ArrowSchema *schema_out, teg_error *err);

struct batch_pool;
struct batch {
	struct batch_pool *pool;
	struct batch *next;
	uint32_t n_rows, n_columns;
	struct column_buf *columns; /* one per output, with its layout */
	uint8_t **bitmaps;          /* of bools, one per node of the outputs, made at export */
	size_t *bitmap_len;
};

/* The allocator is copied by pointer and must outlive every batch: the store's own. NULL: no memory. */
struct batch_pool *batch_pool_new(const struct output *outputs, uint32_t n,
                                  const teg_allocator *alloc);
/* Gives up the caller's share. */
void batch_pool_release(struct batch_pool *pool);
/* Room for n more rows, so that columns need not grow on the way. TEG_NOMEM. */
teg_status batch_reserve(struct batch *batch, size_t n);
/* An empty batch, used before where there is one; NULL: no memory. */
struct batch *batch_take(struct batch_pool *pool);
/* Bytes of the values in it. */
size_t batch_len(const struct batch *batch);
/* Back to the pool: a batch that was not exported. */
void batch_give(struct batch *batch);
/* Turns the batch into a struct array of batch->n_rows rows, which owns it. TEG_NOMEM: the batch is
 * still the caller's. */
teg_status batch_export(struct batch *batch, struct ArrowArray *array_out, teg_error *err);
/* An only batch with the schema of its outputs (see export_schema): both, or neither. */
teg_status batch_export_alone(struct batch *batch, const struct output *outputs,
                              const teg_metadata *metadata, size_t n_metadata,
                              struct ArrowSchema *schema_out, struct ArrowArray *array_out,
                              teg_error *err);
#endif
