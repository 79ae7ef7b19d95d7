#include <string.h>
#include "engine/arrow/import.h"
#include "engine/txn/txn.h"

/* An array that the base version has already is refused here; one that another writer makes first is
 * refused at commit. */
static teg_status check_new(struct teg_txn *txn, const char *name, teg_error *err)
{
	struct array_state state;
	struct arena arena;
	teg_status status;

	TEG_TRY(name_check(name, "array", err));
	arena_init(&arena, txn->alloc, SIZE_MAX);
	status = version_array(txn->base, name, &arena, &state, err);
	arena_release(&arena);
	if (status == TEG_NOT_FOUND)
		return TEG_OK;
	if (status != TEG_OK)
		return status;
	teg_fail(err, TEG_EXISTS, "array '%s' exists", name);
	return error_in_array(err, TEG_EXISTS, name);
}

teg_status teg_txn_create(teg_txn *txn, const char *array, const teg_spec *spec, teg_error *err)
{
	const struct schema *schema;
	struct txn_array *made;
	teg_status status;

	if (!txn || !array || !spec)
		return teg_fail(err, TEG_MISUSE,
		                "teg_txn_create needs a transaction, a name and a declaration");
	TEG_TRY(check_new(txn, array, err));
	status = schema_from_spec(spec, &txn->arena, &schema, err);
	if (status != TEG_OK)
		return error_in_array(err, status, array);
	return txn_add_array(txn, array, schema, &made, err);
}

teg_status teg_txn_create_from_arrow(teg_txn *txn, const char *array, const teg_spec *spec,
                                     const struct ArrowSchema *schema, const teg_put_options *roles,
                                     teg_error *err)
{
	teg_spec whole;
	struct arena arena;
	teg_status status;

	if (!txn || !array || !spec || !schema)
		return teg_fail(
			err, TEG_MISUSE,
			"teg_txn_create_from_arrow needs a transaction, a name, a declaration and a schema");
	arena_init(&arena, txn->alloc, SIZE_MAX);
	status = spec_from_arrow(spec, schema, roles, &arena, &whole, err);
	if (status == TEG_OK)
		status = teg_txn_create(txn, array, &whole, err);
	else
		error_in_array(err, status, array);
	arena_release(&arena);
	return status;
}
