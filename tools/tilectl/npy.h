/* The header of NumPy's .npy files: a literal of Python that says what the bytes after it are.
 *
 *   \x93NUMPY 1 0 | length | {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } ... \n
 *                            {'descr': [('id', '<i8'), ('v', '<f4', (3,))], ...
 *
 * Versions 1 to 3. Parsed strictly: no more than the keys that numpy writes, no more than 1 MiB,
 * nothing that needs more than the bytes that are there. Python objects, complex numbers, long
 * doubles and nested records are refused by name. numpy.lib.format describes the layout.
 */
#ifndef TILECTL_NPY_H
#define TILECTL_NPY_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/text.h"

#define NPY_PREFIX 12 /* enough bytes to know how long the header is */
#define NPY_MAX_HEADER (1u << 20)
#define NPY_MAX_RANK 32
#define NPY_MAX_FIELDS 4096

/* How an item becomes a value. */
enum npy_how {
	NPY_PLAIN, /* the bytes, in the other order where `swap` */
	NPY_BOOL,  /* 0 or 1 */
	NPY_TIME,  /* times `factor`; the lowest int64 is null (NaT) */
	NPY_DATE,  /* the same, in days, as int32 */
	NPY_UCS4,  /* characters of four bytes, zeros at the end left off */
	NPY_BYTES  /* zeros at the end left off */
};

struct npy_field {
	char *name; /* NULL: the dtype has no fields */
	teg_data_type type;
	enum npy_how how;
	bool swap;
	int64_t factor;
	size_t offset, size; /* of one value in an item */
	size_t rank;         /* of a field that is an array; its values follow each other */
	uint64_t shape[NPY_MAX_RANK];
	size_t n; /* their number */
};

struct npy_header {
	size_t len; /* of all that precedes the items */
	bool fortran;
	size_t rank;
	uint64_t shape[NPY_MAX_RANK];
	uint64_t n_items;  /* the product */
	uint64_t data_len; /* n_items * item_size, which does not overflow */
	size_t item_size;
	struct npy_field *fields; /* without the padding */
	size_t n_fields;
};

/* The whole length of the header, from its first NPY_PREFIX bytes. */
bool npy_header_len(const uint8_t *bytes, size_t len, size_t *len_out, struct why *why);
/* Reads a header of exactly `len` bytes. Free in any case. */
bool npy_read_header(const uint8_t *bytes, size_t len, struct npy_header *header_out,
                     struct why *why);
void npy_header_free(struct npy_header *header);
/* Appends a character, below 0x110000, as UTF-8. */
void npy_add_character(struct text *out, uint32_t u);
/* Bytes of a plain value of ours. */
size_t npy_width(teg_type type);
/* The dtype of a plain type ("<f8", "<M8[us]"), false where numpy has none. */
bool npy_type_name(const teg_data_type *type, char name_out[16]);
#endif
