/* The inside of a transaction: rows staged per array, in call order, until commit builds segments.
 *
 *   put, delete ──stage──> rows ──┐
 *   delete_where ──scan──> rows ──┼─build──> segments ──store_commit──> version N+1
 *   delete_box ──> boxes ─────────┘
 *
 * Rows of one key are made disjoint in valid time when segments are built: a later call trims an
 * earlier one. What a predicate found is kept apart from the rest, because it is found again in
 * whatever version the commit then follows.
 */
#ifndef TEG_ENGINE_TXN_TXN_H
#define TEG_ENGINE_TXN_TXN_H
#include "engine/order/order.h"
#include "engine/store/store.h"
#include "engine/write/build.h"
#include "engine/write/stage.h"

/* A delete by predicate, and what it found in the version it was last asked of. */
struct predicate_delete {
	struct predicate_delete *next;
	teg_predicate *predicate; /* NULL: the box alone */
	teg_range *box;           /* one per dimension, own copies; NULL: everything */
	size_t box_len;           /* bytes, texts included */
	int64_t valid_from, valid_until;
	uint32_t at; /* named rows that were staged before this call */
	struct rows found;
};

/* One segment under construction or finished. */
struct part {
	struct segment_sink sink;
	struct box box;
	bool made;
};

#define PARTS_MAX 2 /* appended rows of a table; everything else */

struct txn_array {
	struct txn_array *next;
	char name[256];
	const struct schema *schema; /* in the transaction's arena */
	struct order order;
	uint64_t id;
	bool creating;
	struct rows appended; /* TABLE: rows without ids yet */
	struct rows named;    /* rows with keys, in call order */
	struct predicate_delete *predicates, *last_predicate;
	struct row_box *boxes;
	size_t n_boxes, boxes_cap;
	struct part parts[PARTS_MAX];
	struct new_segment add[PARTS_MAX];
	uint32_t n_add;
	bool built;
};

struct teg_txn {
	struct teg_store *store;
	const teg_allocator *alloc;
	struct arena arena;
	struct store_version *base; /* the version that predicates see */
	struct txn_array *arrays, *last_array;
	uint32_t n_arrays;
	int64_t system_time;
	char *key_writer;
	uint64_t key_sequence, expect_version;
	teg_metadata *metadata;
	size_t n_metadata;
	uint8_t commit_id[16];
	struct array_change *changes; /* while it commits */
};

/* The array of that name as the transaction knows it, from the base version where it is the first
 * time. TEG_NOT_FOUND. */
teg_status txn_array(struct teg_txn *txn, const char *name, struct txn_array **array_out,
                     teg_error *err);
/* One that the transaction declares. TEG_EXISTS within it. */
teg_status txn_add_array(struct teg_txn *txn, const char *name, const struct schema *schema,
                         struct txn_array **array_out, teg_error *err);

/* The valid interval of a call. TEG_MISUSE where the array has none to take; TEG_SCHEMA where it is
 * empty. */
teg_status txn_interval(const struct txn_array *array, const teg_put_options *options,
                        int64_t *from_out, int64_t *until_out, teg_error *err);

/* Runs a delete's predicate against a version and stages what it finds as tombstones. */
teg_status txn_find(struct teg_txn *txn, struct txn_array *array, struct predicate_delete *p,
                    struct store_version *base, teg_error *err);

/* Builds what is staged into finished segments in array->add; what was built before is dropped. */
teg_status txn_build(struct teg_txn *txn, struct txn_array *array, teg_error *err);
void txn_drop_parts(struct txn_array *array);
#endif
