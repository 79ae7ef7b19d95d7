/* Arrow C Data structs of our own making, for data that no library hands us as such.
 *
 *   making_add(...) per value  ->  making_export  ->  ArrowArray      arrow_make_field -> ArrowSchema
 */
#ifndef TILECTL_ARROW_MAKE_H
#define TILECTL_ARROW_MAKE_H
#include "engine/tegula.h"
#include "tools/tilectl/text.h"

/* A column while it is made: values of one width, or offsets (int32) into the heap. */
struct making {
	bool runs;
	struct text values, heap;
	uint8_t *validity; /* NULL: no nulls */
	int64_t n, n_nulls;
};

void making_init(struct making *m, bool runs, int64_t n, bool nullable);
/* Ends value m->n: of runs after its bytes were added to the heap, of others after its values were
 * added; a null has zeroed bytes. */
void making_end_value(struct making *m, bool valid);
/* `width` bytes of zeros as a value. */
void making_add_zeros(struct making *m, size_t width);
/* One byte a value to one bit a value; of a column whose values are `width` bytes, of the first. */
void making_pack_bools(struct making *m, size_t width);
/* The array takes the memory over. */
void making_export(struct making *m, struct ArrowArray *array_out);
void making_free(struct making *m);

/* A field with `n_children` fields in it, to be filled. Copies the texts. */
void arrow_make_field(struct ArrowSchema *field_out, const char *name, const char *format,
                      bool nullable, size_t n_children);
/* Gives a field that arrow_make_field made one pair of metadata. */
void arrow_set_metadata(struct ArrowSchema *field, const char *key, const char *value);
/* An array of `n` structs, or of fixed-size lists, without nulls; the children are to be filled. */
void arrow_make_group(struct ArrowArray *array_out, int64_t n, size_t n_children);
#endif
