/* Erasures: by key, by box, by predicate. Rows of kind 2, or box tiles, in an ordinary segment; every
 * reader masks what is older from this commit on, and a rewrite takes the bytes away. */
#include "engine/predicate/predicate.h"
#include "engine/scan/scan.h"
#include "engine/store/options.h"
#include "engine/txn/txn.h"

static teg_status erase_keys(struct teg_txn *txn, struct txn_array *a, const teg_erase *what,
                             enum row_kind kind, teg_error *err)
{
	teg_put_options put = { .struct_size = sizeof put };
	struct stage_options options = { .put = &put,
		                         .tombstones = true,
		                         .erases = kind,
		                         .max_value_len = txn->store->max_value_len };

	return txn_stage(txn, a, what->columns, what->n_columns, what->n_rows, &options, err);
}

static teg_status erase_box(struct teg_txn *txn, struct txn_array *a, const teg_range *ranges,
                            enum row_kind kind, teg_error *err)
{
	struct row_box box = { .kind = kind, .valid_from = INT64_MIN, .valid_until = INT64_MAX };
	bool exact;

	TEG_TRY(read_box_lanes(a->schema, ranges, &box.box, &exact, err));
	return txn_remove_box(txn, a, &box, err);
}

static teg_status erase_where(struct teg_txn *txn, struct txn_array *a, const teg_erase *what,
                              enum row_kind kind, teg_error *err)
{
	struct where where = { .erases = kind, .valid_from = INT64_MIN, .valid_until = INT64_MAX };
	size_t n_wheres = a->n_wheres;
	teg_status status;

	TEG_TRY(txn_copy_box(txn, a->schema, what->box, &where.box, err));
	if (what->predicate)
		TEG_TRY(predicate_copy(what->predicate, txn->alloc, &where.predicate, err));
	status = txn_remove_where(txn, a, &where, err);
	if (a->n_wheres == n_wheres)
		teg_predicate_free(where.predicate);
	return status;
}

static teg_status check_what(const teg_erase *what, teg_error *err)
{
	if (what->columns ? what->box || what->predicate : !what->box && !what->predicate)
		return teg_fail(err, TEG_MISUSE,
		                "an erasure takes keys, or a box, a predicate or both");
	return TEG_OK;
}

teg_status teg_txn_erase(teg_txn *txn, const char *array, const teg_erase *what, teg_error *err)
{
	enum row_kind kind;
	struct txn_array *a;
	teg_erase known;
	teg_status status;

	TEG_TRY(txn_array(txn, array, &a, err));
	TEG_TRY(options_take(what, &known, sizeof known, "teg_erase", err));
	TEG_TRY(check_what(&known, err));
	kind = known.forget ? ROW_FORGET : ROW_ERASED;
	/* Lanes of text are prefixes: such a box would take more than it says. */
	if (known.columns)
		status = erase_keys(txn, a, &known, kind, err);
	else if (!known.predicate && !txn_has_text(a->schema))
		status = erase_box(txn, a, known.box, kind, err);
	else
		status = erase_where(txn, a, &known, kind, err);
	if (status != TEG_OK)
		return error_in_array(err, status, a->name);
	txn->erases = true;
	return TEG_OK;
}
