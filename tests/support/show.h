/* What a scan returns, as short text that a test can compare: columns by a space, rows by a bar, null
 * as "-", a sign of life for every type of a few bytes.
 *
 *   show(store, "t", &options)     "1 a 2.5|2 - nan"
 *
 * Fails the test where the scan does. The text is good until the 16th call after.
 */
#ifndef TEG_TESTS_SUPPORT_SHOW_H
#define TEG_TESTS_SUPPORT_SHOW_H
#include "engine/tegula.h"

/* The newest version; `options` may be NULL. */
const char *show(teg_store *store, const char *array, const teg_scan_options *options);
/* As a snapshot sees it. */
const char *show_at(teg_snapshot *snapshot, const char *array, const teg_scan_options *options);
/* The rows that a predicate finds. */
const char *show_where(teg_store *store, const char *array, const char *predicate);
/* "name type nullable" of every attribute, by commas: "a int64?, b utf8". */
const char *show_schema(teg_store *store, const char *array);
/* One batch, as scans and takes give it; neither is released. */
const char *show_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch);
#endif
