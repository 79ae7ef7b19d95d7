/* Groups of rows by the values of some columns: a hash table over keys that lie in columns of their
 * own, one per group. Null is a value; all NaNs are one, and so are both zeros. */
#ifndef TEG_ENGINE_COMPUTE_GROUPS_H
#define TEG_ENGINE_COMPUTE_GROUPS_H
#include "engine/schema/schema.h"

#define GROUP_COLUMNS_MAX 16

struct groups {
	const struct field *fields[GROUP_COLUMNS_MAX];
	uint32_t n_columns;
	struct column_buf keys[GROUP_COLUMNS_MAX]; /* row g: the key of group g */
	size_t n;
	uint64_t *hashes; /* of the groups */
	size_t hashes_cap;
	uint32_t *slots; /* group + 1; 0: free */
	size_t n_slots;
	uint64_t *row_hashes;
	uint32_t *of_row; /* what groups_find gives */
	size_t rows_cap;
	const teg_allocator *alloc;
};

void groups_init(struct groups *groups, const struct field *const *fields, uint32_t n,
                 const teg_allocator *alloc);
void groups_release(struct groups *groups);
size_t groups_size(const struct groups *groups);

/* The group of each of n rows into groups->of_row; new ones are made. Float columns
 * are tidied in place. */
teg_status groups_find(struct groups *groups, struct column *columns, uint32_t n, teg_error *err);
/* The groups by ascending key, nulls after all values, into order_out (groups->n). */
teg_status groups_sort(const struct groups *groups, uint32_t *order_out, teg_error *err);
#endif
