/* Whether two Arrow values are the same bits, whatever forms their columns have.
 *
 *   dictionary "a" = utf8 "a" = large utf8 "a" = view "a"      int32 7 = int64 7
 *   [1, 2] as list = [1, 2] as fixed-size list                 NaN with its payload, null, [] apart
 *
 * A `same_column` is set up once per column of a schema and then reads values of its arrays.
 */
#ifndef TILECTL_SAME_H
#define TILECTL_SAME_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"

enum same_form {
	SAME_BOOL,
	SAME_INT,
	SAME_UINT,
	SAME_FLOAT,
	SAME_BITS, /* of one width: decimals, fixed bytes */
	SAME_TIME, /* int64 in `unit` */
	SAME_RUNS, /* text or bytes */
	SAME_LIST,
	SAME_STRUCT
};

struct same_column {
	enum same_form form;
	size_t width;    /* bytes of a value; of an offset for runs and lists; 0: views */
	int64_t fixed;   /* lists: of so many values; 0: by offsets */
	int64_t unit;    /* times: how many make a second */
	bool dictionary; /* `children[0]` is of the values, `width` and `form` of the indexes */
	bool key;        /* a coordinate: -0.0 is 0.0 */
	struct same_column *children;
	size_t n_children;
};

bool same_init(struct same_column *cells, const struct ArrowSchema *field, struct why *why);
void same_free(struct same_column *cells);

/* Value i and value j, counted after the arrays' offsets. */
bool same_values(const struct same_column *a, const struct ArrowArray *in_a, int64_t i,
                 const struct same_column *b, const struct ArrowArray *in_b, int64_t j);
/* Mixes a value into a hash: the same for the same bits, in every form. Floats and what is nested
 * leave it as it is. */
uint64_t same_hash(const struct same_column *cells, const struct ArrowArray *array, int64_t i,
                   uint64_t hash);
/* About the bytes that n values hold. */
uint64_t same_len(const struct same_column *cells, const struct ArrowArray *array, int64_t n);
#endif
