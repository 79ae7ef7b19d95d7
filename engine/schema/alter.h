/* Changes of a schema: pure, from one schema and a list of changes to the next one.
 *
 * No row is ever rewritten. Attributes are found by id, so a new name costs nothing; an attribute
 * that a segment does not know reads as its fill; one that the schema does not know is not read; a
 * wider type is a conversion on the way out, which the width of the stored values alone tells.
 * format-spec/schema.md, ALTER-1 to ALTER-6.
 *
 *   version 1   id 0 a int32    id 1 b utf8
 *   widen a, drop b, add c
 *   version 2   id 0 a int64                   id 2 c float64, fill 0.5
 */
#ifndef TEG_ENGINE_SCHEMA_ALTER_H
#define TEG_ENGINE_SCHEMA_ALTER_H
#include "engine/schema/schema.h"

/* Applies the changes in order. Those of the array as a whole (its name, its end) are none of the
 * schema's and are passed over; where there are no others, *schema_out is `from`. TEG_NOT_FOUND
 * names the attribute, TEG_SCHEMA says what cannot be, TEG_MISUSE what is missing in a change. */
teg_status schema_alter(const struct schema *from, const teg_alter *changes, size_t n,
                        struct arena *arena, const struct schema **schema_out, teg_error *err);

/* The next schema, with those extents. TEG_NOT_FOUND, TEG_SCHEMA. Segments of the array are in an order
 * that goes by extents: they have to be written anew. */
teg_status schema_set_extents(const struct schema *from, const teg_extent *extents, size_t n,
                              struct arena *arena, const struct schema **schema_out,
                              teg_error *err);
bool schema_same_extents(const struct schema *a, const struct schema *b);

/* True where every value of `from` is a value of `to`, the same kind of number with more bits. */
bool type_widens(const teg_data_type *from, const teg_data_type *to);

/* Whether some dimension of a dense array ends earlier in `to` than in `from`. */
bool schema_shrinks(const struct schema *to, const struct schema *from);

/* Whether rows that were checked against `staged` may join an array whose schema is `now`, a later
 * version of it: nothing they hold has been dropped, and nothing is asked that they were not asked. */
bool schema_accepts(const struct schema *now, const struct schema *staged);
#endif
