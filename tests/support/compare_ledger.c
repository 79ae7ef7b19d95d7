/* A ledger of every array, replayed into another store, which must answer as the first does. */
#include <string.h>
#include "tests/support/play.h"

static void replay(struct play *w, teg_array *from, teg_txn *into, int array)
{
	teg_scan_options all = { .struct_size = sizeof all,
		                 .mode = TEG_SCAN_ALL_VERSIONS,
		                 .kinds = 7 | TEG_KIND_BOX,
		                 .times = true };
	teg_put_options roles = { .struct_size = sizeof roles,
		                  .system_time_column = "system_from",
		                  .row_kind_column = "row_kind" };
	struct ArrowArrayStream stream;
	teg_scan *scan;
	teg_error err;

	if (array == TABLE)
		roles.row_id_column = "row_id";
	if (w->models[array].valid_time) {
		roles.valid_from_column = "valid_from";
		roles.valid_until_column = "valid_until";
	}
	play_fine(w, teg_scan_open(from, &all, &scan, &err), &err);
	play_fine(w, teg_scan_stream(scan, &stream, &err), &err);
	play_fine(w, teg_txn_put_stream(into, play_names[array], &stream, &roles, NULL, &err),
	          &err);
}

/* A ledger comes in an order that goes by extents: the other store has the same, of arrays that are
 * empty yet. */
static void copy_extents(struct play *w, struct play *other, teg_array *from)
{
	const teg_spec *spec = teg_array_spec(from);
	teg_extent extents[2];
	teg_compact_options compact = { .struct_size = sizeof compact,
		                        .array = teg_array_name(from),
		                        .extents = extents,
		                        .n_extents = spec->n_dimensions };
	teg_error err;

	if (spec->kind == TEG_TABLE)
		return;
	for (size_t d = 0; d < spec->n_dimensions; d++)
		extents[d] = (teg_extent){ spec->dimensions[d].name, spec->dimensions[d].extent };
	play_fine(w, teg_compact(other->store, &compact, NULL, &err), &err);
}

static void replay_all(struct play *w, struct play *other)
{
	teg_array *from[N_ARRAYS];
	teg_snapshot *snapshot;
	teg_txn *txn;
	teg_error err;

	play_fine(w, teg_snapshot_open(w->store, &snapshot, &err), &err);
	for (int array = 0; array < N_ARRAYS; array++) {
		play_fine(w, teg_array_open(snapshot, play_names[array], &from[array], &err), &err);
		copy_extents(w, other, from[array]);
	}
	play_fine(w, teg_txn_begin(other->store, NULL, &txn, &err), &err);
	for (int array = 0; array < N_ARRAYS; array++) {
		replay(w, from[array], txn, array);
		teg_array_close(from[array]);
	}
	play_fine(w, teg_txn_commit(txn, NULL, &err), &err);
	teg_snapshot_close(snapshot);
}

static void compare(struct play *w, struct play *other, int array, bool merged)
{
	teg_snapshot *snapshots[2];
	teg_array *arrays[2];
	teg_error err;

	for (int i = 0; i < 2; i++) {
		play_fine(w, teg_snapshot_open(i ? other->store : w->store, &snapshots[i], &err),
		          &err);
		play_fine(w, teg_array_open(snapshots[i], play_names[array], &arrays[i], &err),
		          &err);
	}
	PLAY_ASSERT(play_ledger_print(w, arrays[0], array) ==
	                    play_ledger_print(w, arrays[1], array),
	            "seed %llu: the replayed store tells another history of %s%s",
	            (unsigned long long)w->seed, play_names[array], merged ? ", merged" : "");
	for (int i = 0; i < 2; i++) {
		teg_array_close(arrays[i]);
		teg_snapshot_close(snapshots[i]);
	}
}

void play_check_ledger(struct play *w)
{
	struct play other = { .seed = w->seed };
	teg_error err;

	other.os = os_memory_new(teg_allocator_default(), w->seed);
	for (int array = 0; array < N_ARRAYS; array++)
		other.models[array].valid_time = w->models[array].valid_time;
	play_open(&other);
	play_create(&other);
	replay_all(w, &other);
	for (int merged = 0; merged < 2; merged++) {
		for (int array = 0; array < N_ARRAYS; array++)
			compare(w, &other, array, merged);
		play_fine(w, teg_compact(other.store, NULL, NULL, &err), &err);
	}
	teg_store_close(other.store);
	os_free(other.os);
}
