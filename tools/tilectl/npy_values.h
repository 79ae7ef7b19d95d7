/* Values of a NumPy field, taken out of items that lie in row-major order, as an Arrow column. */
#ifndef TILECTL_NPY_VALUES_H
#define TILECTL_NPY_VALUES_H
#include "tools/tilectl/npy.h"

struct npy_values {
	const struct npy_header *header;
	const struct npy_field *field;
	size_t first, n; /* of the values that a row has of the field */
};

/* All of them. */
void npy_values_init(struct npy_values *values, const struct npy_header *header,
                     const struct npy_field *field);
size_t npy_values_in_row(const struct npy_header *header, const struct npy_field *field);
bool npy_values_nullable(const struct npy_values *values);
/* The values of n_rows rows of row_len bytes each, one after another. *row_out: where one is none
 * of its type. */
bool npy_values_read(const struct npy_values *values, const uint8_t *rows, size_t row_len,
                     size_t n_rows, struct ArrowArray *array_out, uint64_t *row_out,
                     struct why *why);
#endif
