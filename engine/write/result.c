#include "engine/store/segment.h"
#include "engine/write/tiler.h"
#include <string.h>

void segment_ref_of_result(const struct segment_result *result, uint32_t n_dims, struct box *box,
                           struct segment_ref *ref)
{
	const struct index_entry *root = &result->root;

	memset(box, 0, sizeof *box);
	memcpy(box->lo, root->lo, n_dims * sizeof *box->lo);
	memcpy(box->hi, root->hi, n_dims * sizeof *box->hi);
	*ref = (struct segment_ref){ .inlined = result->inlined,
		                     .len = result->len,
		                     .checksum = result->checksum,
		                     .fresh = result->fresh,
		                     .implicit_ids = result->implicit_ids,
		                     .n_tiles = root->n_tiles,
		                     .n_rows = root->n_rows,
		                     .n_live = root->n_live,
		                     .n_tombstones = root->n_tombstones,
		                     .n_erased = root->n_erased,
		                     .n_inexact = root->n_inexact,
		                     .n_open = root->n_open,
		                     .system_from_min = root->system_from_min,
		                     .system_from_max = root->system_from_max,
		                     .superseded_max = root->superseded_max,
		                     .valid_from_min = root->valid_from_min,
		                     .valid_until_max = root->valid_until_max,
		                     .box = box };
}
