/* Columns of text turned into columns of a type, as batches go by: the inverse of what cat prints.
 *
 *   x: utf8 "7", null, "x1"  --int64-->  7, null, refused: row 2, column x
 *
 * libarrow splits CSV and NDJSON; the text of a column whose type is known is read here, so that it
 * means the same as in --box and --fill: base64 for bytes, RFC 3339 or integers for times.
 */
#ifndef TILECTL_TYPED_H
#define TILECTL_TYPED_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/text.h"

struct typed_column {
	const char *name;
	teg_data_type type;
	bool asked; /* by --types: it must be there */
};
struct typed_columns {
	struct typed_column *at;
	size_t n;
	void **owned; /* names, and all that types point to */
	size_t n_owned;
};

/* Zeroed memory that goes with the columns. */
void *typed_own(void *columns, size_t size);

/* Adds a column; false where it is there already. What the type points to is copied. */
bool typed_add(struct typed_columns *columns, const char *name, const teg_data_type *type,
               bool asked);
const struct typed_column *typed_find(const struct typed_columns *columns, const char *name);
void typed_free(struct typed_columns *columns);

/* The schema after conversion, text in lists and structs included; the format strings are those of
 * `columns`. False where a column that was asked for is missing or is neither text nor of its type. */
bool typed_schema(struct typed_columns *columns, struct ArrowSchema *schema, struct why *why);
/* Converts the children of a batch that have the schema `from` in place. `row`: of the source. */
bool typed_convert(const struct typed_columns *columns, const struct ArrowSchema *from,
                   struct ArrowArray *batch, int64_t row, struct why *why);
#endif
