/* Keys: how a value of the key attribute is found again. format-spec/segment.md, FIND-1 to FIND-3.
 *
 * A value has a code of 64 bits: the lane of a number, 40 bits of hash of a text. Equal values have
 * equal codes; whoever finds a row by code compares the value that the row holds. An index is a
 * sparse array of codes and the rows that hold them.
 */
#ifndef TEG_ENGINE_SCHEMA_KEY_H
#define TEG_ENGINE_SCHEMA_KEY_H
#include "engine/schema/schema.h"

uint64_t key_code(const struct field *key, struct span value);
/* The schema of an index: dimension "code", uint64; attribute "row", int64. TEG_NOMEM. */
teg_status key_index_schema(struct arena *arena, const struct schema **schema_out, teg_error *err);
#endif
