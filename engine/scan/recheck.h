/* The planner's claims held against the tiles, in debug builds: one tile that a plan passed over now and
 * then is read all the same, and must not have an answer. format-spec/statistics.md, STAT-11.
 */
#ifndef TEG_ENGINE_SCAN_RECHECK_H
#define TEG_ENGINE_SCAN_RECHECK_H
#include "engine/scan/scan.h"

/* When a scan has given its last row: TEG_END, or TEG_INTERNAL where a row that it should have given
 * lies in the tile that its plan keeps in mind. Only small arrays are looked at, since all of the array
 * is read again. */
teg_status recheck_skipped(struct teg_scan *scan, teg_error *err);
#endif
