/* Boxes, points and per-column settings of the command line: 'x=1:5,t=2013-01-01/2013-02-01'.
 *
 * Both ends belong to the box; an empty end is open; x=5 is x=5:5; a dimension that is not named
 * is open at both ends.
 */
#ifndef TILECTL_BOX_H
#define TILECTL_BOX_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/value.h"

struct box {
	teg_range range[TEG_MAX_DIMENSIONS]; /* in the order of the dimensions */
	bool named[TEG_MAX_DIMENSIONS];
	size_t n;
};

/* Each returns an exit code and fills `why` where it is not EXIT_OK: EXIT_FAILED for a dimension
 * that does not exist, EXIT_USAGE for text that makes no sense. Free with box_release either way. */
int box_read(const char *text, const teg_dimension *dimensions, size_t n, struct box *box_out,
             struct why *why);
/* One value for every dimension. `key_out`, of n values, borrows from the box. */
int box_read_point(const char *text, const teg_dimension *dimensions, size_t n, struct box *box_out,
                   teg_value *key_out, struct why *why);
void box_release(struct box *box);

/* Calls `each` for every NAME=VALUE item: the value still quoted. */
bool box_each_item(const char *text,
                   int (*each)(void *ctx, const char *name, const char *at, size_t len,
                               struct why *why),
                   void *ctx, int *code_out, struct why *why);

/* Appends a box in the form that box_read takes. */
void box_add(struct text *out, const teg_dimension *dimensions, const teg_range *range, size_t n);
/* Appends a value, in single quotes where it needs them. */
void box_add_value(struct text *out, const teg_data_type *type, const teg_value *value);
#endif
