/* A NumPy array as a dense array: one dimension per axis, int64, from 0 unless --domain says
 * otherwise, called d0, d1, ... unless --dims does; an attribute "value", or one per field.
 *
 * Put box by box, each a few MiB and in one piece in the file, which may be in Fortran order.
 */
#ifndef TILECTL_NPY_DENSE_H
#define TILECTL_NPY_DENSE_H
#include "tools/tilectl/npy_read.h"

struct npy_dense {
	struct npy_array array;
	char *dims; /* their names, as --dims takes them */
	char *path;
	struct text error; /* of the last put or comparison, where it failed */
};

/* Opens the file and describes it as a struct of the dimensions and the attributes. An exit code,
 * said on stderr. Close in any case. */
int npy_dense_open(struct npy_dense *dense, const char *path, int fd, const char *dims,
                   struct ArrowSchema *schema_out);
void npy_dense_close(struct npy_dense *dense);
/* Gives the dimensions that have none a domain from 0 on; EXIT_FAILED where one is not as long as
 * its axis. */
int npy_dense_domain(const struct npy_dense *dense, teg_dimension *dimensions, size_t n);
/* Puts every cell. False with `error` where the file is at fault, or *status_out where the store
 * is. */
bool npy_dense_put(struct npy_dense *dense, teg_txn *txn, const char *array,
                   const teg_dimension *dimensions, const teg_put_options *options,
                   teg_status *status_out, teg_error *err);
/* Calls `each` with every slab, its buffers (one per attribute) filled: for put and for verify. */
struct npy_slab {
	teg_range box[TEG_MAX_DIMENSIONS];
	ptrdiff_t strides[TEG_MAX_DIMENSIONS];
	teg_buffer *buffers;
	size_t n_buffers;
	uint64_t cells;
	size_t rank;
	uint64_t n[TEG_MAX_DIMENSIONS]; /* its shape */
};
bool npy_dense_each(struct npy_dense *dense, const teg_dimension *dimensions,
                    bool (*each)(void *ctx, const struct npy_slab *slab), void *ctx);
#endif
