/* One attribute as a NumPy array: of a dense array its box with every cell, the fill value where one
 * is not live; of others the rows of a scan.
 *
 * Numbers, bools and times. NumPy has no null but NaT: a null of another type is refused, with its
 * row, and so is the lowest int64 as a time, which is NaT.
 */
#ifndef TILECTL_NPY_WRITE_H
#define TILECTL_NPY_WRITE_H
#include "tools/tilectl/ways.h"

int npy_write_way(const struct way_out *out);
#endif
