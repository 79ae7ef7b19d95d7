/* The valid interval of each staged row: none, one for all from the options, or from columns. */
#ifndef TEG_ENGINE_WRITE_INTERVAL_H
#define TEG_ENGINE_WRITE_INTERVAL_H
#include "engine/write/rows.h"

/* Options that contradict each other or the schema: TEG_MISUSE. */
teg_status interval_check_options(const struct schema *schema, const teg_put_options *put,
                                  teg_error *err);

/* Appends n rows' intervals to rows->valid_from and valid_until, which hold rows->n values or none;
 * they stay empty while all is default. `from` and `until` are role columns, NULL: none. TEG_SCHEMA
 * with the row: an empty interval, no whole microseconds, a column of another type. */
teg_status interval_append(struct rows *rows, const teg_column *from, const teg_column *until,
                           const teg_put_options *put, size_t n, teg_error *err);

/* Appends one value n times to an optional column that holds `before` rows' values, or none where
 * all of them were `fallback`. TEG_NOMEM. */
teg_status optional_append(struct column_buf *column, uint32_t before, const void *fallback,
                           const void *value, size_t n, teg_error *err);
#endif
