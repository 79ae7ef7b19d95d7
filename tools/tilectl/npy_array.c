/* An array of a .npy file or of a member of an archive: its header, its bytes in row-major order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/npy_read.h"
#include "tools/tilectl/text.h"

#define MAX_ROW ((size_t)256 << 20)

bool npy_read_header_of(struct npy_array *array, struct why *why)
{
	uint8_t prefix[NPY_PREFIX], *whole;
	uint64_t all = array->bytes.len;
	size_t len;
	bool ok;

	if (all < NPY_PREFIX)
		return refuse(why, "it is not a .npy file");
	if (!bytes_read(&array->bytes, 0, prefix, sizeof prefix, why) ||
	    !npy_header_len(prefix, sizeof prefix, &len, why))
		return false;
	whole = need_memory(len, 1);
	memcpy(whole, prefix, sizeof prefix);
	ok = bytes_read(&array->bytes, sizeof prefix, whole + sizeof prefix, len - sizeof prefix,
	                why) &&
	     npy_read_header(whole, len, &array->header, why);
	free(whole);
	if (!ok || all == UINT64_MAX)
		return ok;
	if (array->header.data_len > all - len)
		return refuse(why,
		              "it is cut off: %" PRIu64 " bytes are there, its shape says %" PRIu64,
		              all - len, array->header.data_len);
	return array->header.data_len == all - len ||
	       refuse(why, "there are more bytes than its shape says");
}

bool npy_open(struct npy_array *array, const char *path, int fd, struct why *why)
{
	*array = (struct npy_array){ .name = NULL };
	return bytes_open(&array->bytes, path, fd, why) && npy_read_header_of(array, why);
}

void npy_close(struct npy_array *array)
{
	bytes_close(&array->bytes);
	npy_header_free(&array->header);
	free(array->name);
}

/* The header's numbers were held to 63 bits when it was read. */
bool npy_row_len(const struct npy_header *h, size_t *len_out, struct why *why)
{
	uint64_t n = h->rank ? 1 : h->n_items;

	for (size_t i = 1; i < h->rank; i++)
		if (__builtin_mul_overflow(n, h->shape[i], &n))
			n = UINT64_MAX;
	if (n > MAX_ROW / (h->item_size ? h->item_size : 1))
		return refuse(why, "a row is larger than 256 MiB");
	*len_out = (size_t)n * h->item_size;
	return true;
}

/* Where item j of a row, counted in row-major order, lies among the columns of a file in Fortran
 * order, in which the first axis runs fastest. */
static uint64_t column_of(const struct npy_header *h, uint64_t j)
{
	uint64_t column = 0, stride = 1, index[NPY_MAX_RANK];

	for (size_t d = h->rank; d-- > 1;) {
		index[d] = j % h->shape[d];
		j /= h->shape[d];
	}
	for (size_t d = 1; d < h->rank; d++) {
		column += index[d] * stride;
		stride *= h->shape[d];
	}
	return column;
}

static bool gather(struct npy_array *array, uint64_t from, size_t n, size_t row_len, uint8_t *out,
                   struct why *why)
{
	const struct npy_header *h = &array->header;
	uint8_t *column = need_memory(n, h->item_size);
	bool ok = true;

	for (size_t j = 0; ok && j * h->item_size < row_len; j++) {
		uint64_t item = column_of(h, j) * h->shape[0] + from;

		ok = bytes_read(&array->bytes, h->len + item * h->item_size, column,
		                n * h->item_size, why);
		for (size_t r = 0; ok && r < n; r++)
			memcpy(out + r * row_len + j * h->item_size, column + r * h->item_size,
			       h->item_size);
	}
	free(column);
	return ok;
}

bool npy_read_rows(struct npy_array *array, uint64_t from, size_t n, uint8_t *out, struct why *why)
{
	const struct npy_header *h = &array->header;
	size_t row_len = 0;

	if (!npy_row_len(h, &row_len, why))
		return false;
	if (h->fortran && h->rank > 1)
		return gather(array, from, n, row_len, out, why);
	return bytes_read(&array->bytes, h->len + from * row_len, out, n * row_len, why);
}
