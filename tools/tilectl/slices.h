/* NumPy's basic slices of the command line: '[0:2, ..., -1, ::-3]'.
 *
 * Positions, from 0 at the lower end of the domain, negative ones from its end; the stop does not
 * belong to the slice. What a box says with coordinates and both ends: see box.h.
 */
#ifndef TILECTL_SLICES_H
#define TILECTL_SLICES_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"

#define SLICES_MAX (TEG_MAX_DIMENSIONS + 1)

struct slices {
	teg_slice at[SLICES_MAX];
	size_t n;
};

/* Whether the text is meant to be slices. */
bool slices_look(const char *text);
bool slices_read(const char *text, struct slices *slices_out, struct why *why);
#endif
