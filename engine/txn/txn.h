/* The inside of a transaction: what has been staged per array, in the caller's order, until it is
 * built into segments and committed. Shared by engine/txn only.
 *
 *   put, delete ──stage──> cells, appends ─┐
 *   delete_where ──scan──> cells           ├─build─> segments ──store_commit──> version N+1
 *   delete_box ──────────> boxes           │            ^                 │
 *   put_box ─────────────> put boxes ──────┘            └── predicates ── rebase
 *
 * A table keeps appended rows apart from named ones. Appended rows, and cells of repeated arrays, go
 * to segments of their own as soon as the transaction is over its budget; cells that may meet
 * another of the same key stay until the commit, for they have to be made disjoint.
 */
#ifndef TEG_ENGINE_TXN_TXN_H
#define TEG_ENGINE_TXN_TXN_H
#include "engine/merge/merge.h"
#include "engine/store/store.h"
#include "engine/write/build.h"
#include "engine/write/stage.h"

/* A dense box as it was put: its cells in row-major order. */
struct put_box {
	struct box box;
	uint64_t n_cells;
	int64_t valid_from, valid_until;
	struct column_buf *attrs; /* one per attribute of the schema */
};

/* A delete by predicate, or an erasure (then of the keys of every version that ever matched): what it
 * found are rows [first, first + n) of `cells`. */
struct where {
	enum row_kind erases;     /* ROW_LIVE: a delete */
	teg_predicate *predicate; /* NULL: all */
	teg_range *box;           /* in the transaction's arena; NULL: everywhere */
	int64_t valid_from, valid_until;
	uint32_t first, n;
	size_t n_boxes; /* boxes of earlier calls */
};

/* A segment built ahead of the commit. */
struct built {
	struct segment_sink sink;
	struct new_segment added;
	struct box box;
	uint8_t object[16];
	bool rebuilt; /* from what stays staged: made again where more is, or a predicate is run again */
};

struct txn_array {
	const char *name, *base_name; /* in this transaction, and at its base; in its arena */
	const struct schema *schema;
	const struct schema *base_schema; /* altered: what it was; NULL: it was not */
	uint64_t id;
	bool created, dropped;
	struct rows *cells, *appends; /* NULL: none yet */
	struct row_box *boxes;
	struct put_box *puts;
	struct where *wheres;
	struct built **built;
	size_t n_ledger_boxes; /* of `boxes`: they bring their own system time */
	size_t n_boxes, boxes_cap, n_puts, puts_cap, n_wheres, wheres_cap, n_built, built_cap;
	/* Sorted runs of cells that may meet later ones of the same key: merged when it commits. */
	struct built **runs;
	size_t n_runs, runs_cap;
	bool cells_spilled;  /* some cells are in segments ahead of the commit */
	bool is_built;       /* nothing staged is missing in `built` */
	uint32_t n_segments; /* at the base */
	int64_t first_row_id;
	bool retains; /* `retention` is to be set */
	struct retention retention;
};

struct teg_txn {
	struct teg_store *store;
	const teg_allocator *alloc;
	struct store_version *base;
	struct arena arena;
	struct txn_array **arrays; /* in the order they were touched */
	size_t n_arrays, arrays_cap;
	uint32_t
		*slots; /* hash table of both names: index + 1; a power of two, at most half full */
	size_t n_slots, n_names;
	int64_t system_time;
	const char *key_writer;
	uint64_t key_sequence, expect_version;
	const teg_metadata *metadata;
	size_t n_metadata;
	uint8_t commit_id[16];         /* random: of the manifest */
	uint8_t segment_id[16];        /* in segment footers: the same for the same key or time */
	uint64_t digest;               /* of everything staged, while there is a key */
	uint64_t evaluated;            /* the version that predicates were run on */
	struct codec_scratch *scratch; /* of all segments; NULL: none built yet */
	struct merge_rides rides;      /* in the manifest that is being tried */
	bool rode;                     /* tried once: after a lost race the commit goes alone */
	bool erases;                   /* the version's record says so */
	bool replays;                  /* rows of a ledger: the last of their system times */
	int64_t replay_max;
	bool broken;  /* a call failed half way: it can only be aborted */
	bool unknown; /* a commit that may have happened: its files must stay */
};

/* A base that vacuum has removed meanwhile is exchanged for the newest version. */
teg_status txn_renew_base(struct teg_txn *txn, teg_error *err);
/* The array of that name, found at the base or made in this transaction. TEG_NOT_FOUND. */
teg_status txn_array(struct teg_txn *txn, const char *name, struct txn_array **array_out,
                     teg_error *err);
teg_status txn_add_array(struct teg_txn *txn, const char *name, const struct schema *schema,
                         uint64_t id, bool created, struct txn_array **array_out, teg_error *err);

/* Whether an array has that name, as things stand in the transaction. */
teg_status txn_name_is_taken(struct teg_txn *txn, const char *name, bool *taken_out,
                             teg_error *err);
/* `name`: in the transaction's arena, free. */
teg_status txn_rename_array(struct teg_txn *txn, struct txn_array *array, const char *name,
                            teg_error *err);

/* The rows that such a put goes to, made when first asked for. */
teg_status txn_rows(struct teg_txn *txn, struct rows **rows, const struct schema *schema,
                    teg_error *err);
void txn_free_rows(struct teg_txn *txn, struct rows *rows); /* NULL is fine */
/* Counts into the digest what rows [first, rows->n) hold. */
void txn_digest_rows(struct teg_txn *txn, const struct txn_array *array, const struct rows *rows,
                     uint32_t first);
void txn_digest(struct teg_txn *txn, const void *bytes, size_t len);
/* After every call that stages: builds segments where the budget is used up, or TEG_LIMIT. */
teg_status txn_keep_budget(struct teg_txn *txn, struct txn_array *array, teg_error *err);

/* A delete would have to trim what was staged before it: TEG_LIMIT where that is out of reach. */
/* `by_key`: sorted runs can follow, since a later run hides an earlier one. */
teg_status txn_may_delete(const struct teg_txn *txn, const struct txn_array *array, bool by_key,
                          teg_error *err);

/* Takes the box out of everything: a box tile, and rows for the cells staged before. */
teg_status txn_remove_box(struct teg_txn *txn, struct txn_array *array, struct row_box *box,
                          teg_error *err);
/* What a box deletes or erases of rows [first, end), by tombstones behind the others. TEG_NOMEM. */
teg_status txn_delete_staged(struct rows *rows, uint32_t first, uint32_t end,
                             const struct row_box *box, teg_error *err);
/* The box to those staged. TEG_NOMEM. */
teg_status txn_add_box(struct teg_txn *txn, struct txn_array *array, const struct row_box *box,
                       teg_error *err);
/* As stage_columns, of rows that bring their system times, of which some may be boxes. */
teg_status txn_stage_ledger(struct teg_txn *txn, struct txn_array *array, struct rows *rows,
                            const teg_column *columns, size_t n_columns, size_t n,
                            const struct stage_options *options, teg_error *err);
/* Its boxes as they are to be written; room for all. TEG_NOMEM. */
teg_status txn_sort_ledger_boxes(const struct txn_array *array, const teg_allocator *alloc,
                                 struct row_box *boxes_out, teg_error *err);
/* Stages rows of keys that are deleted or erased. */
teg_status txn_stage(struct teg_txn *txn, struct txn_array *array, const teg_column *columns,
                     size_t n_columns, size_t n_rows, const struct stage_options *options,
                     teg_error *err);
/* Runs `where`, whose predicate it takes over if it succeeds, on the base and keeps it for rebases. */
teg_status txn_remove_where(struct teg_txn *txn, struct txn_array *array, struct where *where,
                            teg_error *err);
/* A copy in the transaction's arena; NULL stays NULL. */
teg_status txn_copy_box(struct teg_txn *txn, const struct schema *schema, const teg_range *box,
                        teg_range **copy_out, teg_error *err);
bool txn_has_text(const struct schema *schema);

/* Everything staged becomes segments: array->built. */
teg_status txn_build(struct teg_txn *txn, struct txn_array *array, teg_error *err);
/* Appended rows and cells of repeated arrays to segments, other cells to sorted runs, now. */
teg_status txn_spill(struct teg_txn *txn, struct txn_array *array, teg_error *err);
void txn_drop_built(struct teg_txn *txn, struct txn_array *array, bool rebuilt_only);
void txn_free_built(struct teg_txn *txn, struct built *built, bool keep_file);
void txn_drop_runs(struct teg_txn *txn, struct txn_array *array);

/* Cells of a box along one dimension, and in all: false where that overflows. */
uint64_t txn_box_side(const struct box *box, uint32_t d);
bool txn_box_cells(const struct box *box, uint32_t n_dims, uint64_t *n_out);

/* Put boxes become cells, so that other calls can follow them in order. */
teg_status txn_expand_boxes(struct teg_txn *txn, struct txn_array *array, teg_error *err);
/* Writes the put boxes, one grid tile after the other. */
teg_status txn_write_boxes(struct teg_txn *txn, struct txn_array *array,
                           const struct tiler_options *options, struct segment_sink *sink,
                           struct segment_result *result_out, teg_error *err);
void txn_free_put(struct teg_txn *txn, const struct schema *schema, struct put_box *put);

/* A commit's check (struct commit_request): TEG_EXISTS where two rows would have one unique key. */
teg_status txn_check_keys(void *ctx, struct store_version *base,
                          const struct commit_request *request, int64_t system_time,
                          teg_error *err);

/* Runs the predicates again on `base`, and replaces what they had found. */
teg_status txn_evaluate(struct teg_txn *txn, struct store_version *base, teg_error *err);
#endif
