/* NumPy's arrays as rows: .npy files and the members of .npz archives.
 *
 *   shape (n,)           one column "value", or a column per field of a structured dtype
 *   shape (n, ...)       a fixed-size list per row, its shape as metadata; or, of rank 2 with
 *                        --vectors columns, columns value_0, value_1, ...
 *   .npz                 one column per member, all of one length
 *
 * The first axis is the rows. Batches of a few MiB, whatever the size of the file. Bits stay: only
 * the order of bytes is turned. NaT is null; S and U lose the zeros that NumPy pads them with.
 */
#ifndef TILECTL_NPY_READ_H
#define TILECTL_NPY_READ_H
#include "tools/tilectl/bytes.h"
#include "tools/tilectl/npy.h"
#include "tools/tilectl/source.h"

/* One array in a file. */
struct npy_array {
	struct bytes bytes;
	struct npy_header header;
	char *name; /* of the member; NULL: a file of its own */
};

/* Reads the header of what was opened. */
bool npy_read_header_of(struct npy_array *array, struct why *why);
/* Opens a .npy file or pipe and checks that its length is what its shape says, where that can be
 * known. Close in any case. */
bool npy_open(struct npy_array *array, const char *path, int fd, struct why *why);
void npy_close(struct npy_array *array);
/* Items [from, from + n) of the outermost axis in row-major order: n * row_len(array) bytes. */
bool npy_read_rows(struct npy_array *array, uint64_t from, size_t n, uint8_t *out, struct why *why);
/* The bytes of one step along the first axis; false where that is beyond 256 MiB. */
bool npy_row_len(const struct npy_header *header, size_t *len_out, struct why *why);

/* For the table of ways. */
int npy_open_way(const struct part *part, struct ArrowArrayStream *stream_out);
int npz_open_way(const struct part *part, struct ArrowArrayStream *stream_out);
#endif
