/* Types as words: what `tilectl schema` prints reads back.
 *
 *   int32    timestamp[ns, Europe/Berlin]    decimal128(10,2)    fixed_bytes(16)    list<int64 not null>
 *   fixed_size_list<float32, 3>    struct<at: list<float64>, tag: utf8>
 *
 * The name of a struct's child ends at its first colon.
 */
#ifndef TILECTL_TYPE_WORD_H
#define TILECTL_TYPE_WORD_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"

/* Where names, zones and children of a type that is read go: zeroed memory of the caller's. */
struct type_room {
	void *(*own)(void *ctx, size_t size);
	void *ctx;
};

/* The whole of `at`; false with the reason. */
bool type_read(const char *at, size_t len, const struct type_room *room, teg_data_type *type_out,
               struct why *why);
#endif
