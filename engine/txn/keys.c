/* Unique keys at commit: looked at on the very version that the commit would follow, so that of two
 * writers of one key one is told. */
#include "engine/txn/txn.h"
#include "engine/unique/unique.h"
#include <stdio.h>

/* Where `row` is one that the change appends, its place among them. */
static bool is_appended(const struct array_change *change, int64_t row, int64_t *place_out)
{
	int64_t before = 0;

	for (uint32_t i = 0; i < change->n_add; i++) {
		const struct segment_ref *ref = &change->add[i].ref;

		if (!ref->implicit_ids)
			continue;
		if (row >= ref->first_row_id && row - ref->first_row_id < (int64_t)ref->n_rows) {
			*place_out = before + row - ref->first_row_id;
			return true;
		}
		before += (int64_t)ref->n_rows;
	}
	return false;
}

/* Ids of appended rows are not given out where the commit fails. */
static int64_t name_row(const struct array_change *change, int64_t row, char text[48])
{
	int64_t place;

	if (!is_appended(change, row, &place)) {
		snprintf(text, 48, "row %lld", (long long)row);
		return row;
	}
	snprintf(text, 48, "appended row %lld", (long long)place);
	return place;
}

static teg_status refuse(const struct teg_array *array, const struct array_change *change,
                         const struct clash *clash, teg_error *err)
{
	const char *key = array->state.schema->key->name;
	char first[48], second[48];
	int64_t row;

	name_row(change, clash->rows[0], first);
	row = name_row(change, clash->rows[1], second);
	teg_fail(err, TEG_EXISTS, "column %s: key %s would be that of %s and of %s", key,
	         clash->key, first, second);
	error_in_column(err, TEG_EXISTS, key);
	return error_at_row(err, TEG_EXISTS, row);
}

static teg_status check_array(const struct txn_array *a, struct store_version *base,
                              const struct array_change *change, int64_t system_time,
                              teg_error *err)
{
	bool declared = a->base_schema && a->schema->key_unique && !a->base_schema->key_unique;
	struct teg_array *array;
	struct clash clash;
	teg_status status = TEG_OK;

	TEG_TRY(array_of_change(base, change, system_time, &array, err));
	/* Another writer may have declared it: the array's schema is that of the base. */
	if (array->state.schema->key_unique)
		status = unique_check(array, declared ? 0 : version_number(base) + 1, &clash, err);
	if (status == TEG_OK && array->state.schema->key_unique && clash.found)
		status = refuse(array, change, &clash, err);
	array_unref(array);
	return status == TEG_OK ? TEG_OK : error_in_array(err, status, a->name);
}

teg_status txn_check_keys(void *ctx, struct store_version *base,
                          const struct commit_request *request, int64_t system_time, teg_error *err)
{
	struct teg_txn *txn = ctx;

	for (size_t i = 0, n = 0; n < request->n_changes; i++) {
		const struct txn_array *a = txn->arrays[i];
		const struct array_change *change = &request->changes[n];

		if (a->base_name != change->name)
			continue;
		n++;
		if (!a->dropped && a->schema->key && (change->n_add || change->alter))
			TEG_TRY(check_array(a, base, change, system_time, err));
	}
	return TEG_OK;
}
