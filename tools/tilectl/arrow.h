/* Columns of Arrow C Data batches as text.
 *
 *   ArrowSchema child --arrow_column_init--> how to read it      ArrowArray child, row --> cell
 *
 * Understood are the formats that the library hands out: b c C s S i I l L e f g d: u U z Z w: tdD
 * ts?: tD? +l +L +w: +s. Anything else is refused by name when a column is set up.
 */
#ifndef TILECTL_ARROW_H
#define TILECTL_ARROW_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/value.h"

struct arrow_column {
	teg_data_type type;       /* `zone` points into the schema */
	bool large;               /* 64-bit offsets */
	const char *const *words; /* the library's own columns: kinds and changes are words */
	enum time_style style;
	const char *name;              /* points into the schema */
	struct arrow_column *children; /* of lists and structs */
	size_t n_children;
};

/* Reads the field's format. `kinds`: columns called row_kind and change are the library's. */
bool arrow_column_init(struct arrow_column *column, const struct ArrowSchema *field, bool kinds,
                       enum time_style style, struct why *why);
/* Frees what a list or struct has below it. */
void arrow_column_release(struct arrow_column *column);
/* Appends value `row` of the array, counted after its offset; returns its form: lists and
 * structs are FORM_JSON. */
enum form arrow_add_cell(struct text *out, const struct arrow_column *column,
                         const struct ArrowArray *array, int64_t row);

/* A member function of the struct frees it, where it is there. */
void arrow_schema_release(struct ArrowSchema *schema);
void arrow_array_release(struct ArrowArray *array);
void arrow_stream_release(struct ArrowArrayStream *stream);

/* Calls `each` for the pairs of an Arrow metadata block, NULL being an empty one. */
void arrow_each_metadata(const char *metadata, void (*each)(void *ctx, const teg_metadata *pair),
                         void *ctx);
#endif
