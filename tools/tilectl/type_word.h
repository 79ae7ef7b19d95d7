/* Types as words: what `tilectl schema` prints reads back.
 *
 *   int32    timestamp[us]    timestamp[ns, Europe/Berlin]    decimal128(10,2)    fixed_bytes(16)
 */
#ifndef TILECTL_TYPE_WORD_H
#define TILECTL_TYPE_WORD_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"

/* The whole of `at`; false with the reason. A zone points into `at` and ends at its bracket. */
bool type_read(const char *at, size_t len, teg_data_type *type_out, struct why *why);
#endif
