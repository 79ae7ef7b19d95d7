/* How many rows a tile can take before one of its columns is full: text, and the nodes of nested
 * attributes, whose rows differ in size. Private to engine/write. */
#ifndef TEG_ENGINE_WRITE_FIT_H
#define TEG_ENGINE_WRITE_FIT_H
#include "engine/write/encode.h"

/* Whether any `rows_max` of the column's rows could fill a tile: where not, looking at each row in
 * position order would be in vain. */
bool fit_may_fill(const struct column_buf *column, uint32_t rows_max);
/* How many of the slice's first n rows, at least one, fit as far as this column goes. */
uint32_t fit_column(const struct column_buf *column, const struct slice *slice, uint32_t n);
#endif
