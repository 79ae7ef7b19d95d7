/* Rows of a ledger: each brings its own system time, and says itself whether it is live, deleted or
 * erased. What reads back an export of all versions.
 *
 *   x  value  system_from  row_kind
 *   1  7      100          0            said at 100
 *   1  null   200          1            deleted at 200
 */
#ifndef TEG_ENGINE_WRITE_REPLAY_H
#define TEG_ENGINE_WRITE_REPLAY_H
#include "engine/write/rows.h"

/* Roles that contradict each other or the schema: TEG_MISUSE. `tombstones`: a call that deletes. */
teg_status replay_check_options(const struct schema *schema, const teg_put_options *put,
                                bool tombstones, teg_error *err);

/* Appends n rows' system times and kinds to `rows`, whose attributes have them already. `kinds` may be
 * NULL: all are live. TEG_SCHEMA with the row: a null, no point in time, no kind, a row that is not
 * live but has a value, a live one without a value that it needs. */
teg_status replay_append(struct rows *rows, const teg_column *times, const teg_column *kinds,
                         size_t n, teg_error *err);
#endif
