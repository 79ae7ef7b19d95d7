/* Predicates: a small tree, from calls or text, bound to a schema, then run over columns and over
 * index entries. SQL's three-valued logic; floats in one total order (NaN equal to itself and above
 * every number, -0.0 = 0.0). Grammar: format-spec/predicates.md, PRED-1 and on.
 *
 * Time columns can be named too: system_from, system_until, valid_from, valid_until, row_kind
 * (0, 1, 2 or 'live', 'tombstone', 'erased'), and row_id in tables, unless the schema has a column
 * of that name.
 */
#ifndef TEG_ENGINE_PREDICATE_PREDICATE_H
#define TEG_ENGINE_PREDICATE_PREDICATE_H
#include "codec/tile/index.h"
#include "engine/schema/schema.h"

/* A predicate with columns resolved and literals converted; lives in an arena. */
struct bound_predicate;

/* A copy with the allocator given, for building a larger one around it. TEG_NOMEM. */
teg_status predicate_copy(const teg_predicate *predicate, const teg_allocator *alloc,
                          teg_predicate **copy_out, teg_error *err);

/* TEG_NOT_FOUND names an unknown column; TEG_MISUSE a literal that cannot be compared with its
 * column's type. A literal outside the type's range is fine: the comparison is decided. */
teg_status predicate_bind(const teg_predicate *predicate, const struct schema *schema,
                          struct arena *arena, const struct bound_predicate **bound_out,
                          teg_error *err);
/* The columns it reads: *n_out column ids. */
const uint32_t *predicate_columns(const struct bound_predicate *bound, uint32_t *n_out);

/* Runs over n rows: columns[i] is the column predicate_columns()[i], n values each. Clears the bytes
 * of mask (one per row, 1 = still in) of rows for which it is not true. TEG_NOMEM. */
teg_status predicate_run(const struct bound_predicate *bound, const struct column *columns,
                         size_t n, const teg_allocator *alloc, uint8_t *mask, teg_error *err);

/* False only where no row of the tile (or of the tiles below the page) can make it true: `entry`'s
 * box, times and statistics, whose order is `attr_ids`. Statistics of attributes cover live rows
 * only, and lanes of text are prefixes. */
bool predicate_may_match(const struct bound_predicate *bound, const struct index_entry *entry,
                         const uint32_t *attr_ids, uint32_t n_attrs);
#endif
