/* The codes that several rows may hold, block after block of the new ones. Used by engine/unique only.
 */
#ifndef TEG_ENGINE_UNIQUE_CODES_H
#define TEG_ENGINE_UNIQUE_CODES_H
#include "engine/store/segment.h"
#include "engine/store/store.h"

struct code_row {
	uint64_t code;
	int64_t row; /* id */
};

struct code_rows {
	struct code_row *at;
	size_t n, cap;
};

/* Told of rows that hold a code which at least one other row of them may hold, ascending by code and id,
 * all of one code at once. */
typedef teg_status (*codes_each)(void *ctx, const struct code_rows *rows, teg_error *err);
teg_status codes_find(struct teg_array *array, uint64_t since, codes_each each, void *ctx,
                      teg_error *err);
#endif
