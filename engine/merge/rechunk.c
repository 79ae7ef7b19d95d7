/* Other tile settings of an array: first its schema takes them over, in a version of its own, so that
 * what is written from then on has them; then everything older is merged anew. Whoever stops between
 * the two loses nothing: the next call finds what is left to do. */
#include "engine/merge/merge.h"
#include "engine/schema/alter.h"
#include "engine/store/version.h"

/* Cells of dense tiles follow from extents. */
static bool changes_it(const struct schema *schema, const struct retile *to)
{
	return (schema->kind != TEG_DENSE && to->tile_cells &&
	        to->tile_cells != schema->tile_cells) ||
	       (to->has_profile && to->profile != schema->profile);
}

static teg_status publish(struct teg_store *store, const struct array_state *state,
                          const struct schema *to, teg_error *err)
{
	struct array_change change = { .name = state->name,
		                       .array_id = state->id,
		                       .alter = to,
		                       .alters = state->schema->version };
	struct commit_request request = { .changes = &change, .n_changes = 1, .action = "alter" };
	teg_commit_result result = { .struct_size = sizeof result };

	TEG_TRY(store_new_id(store, request.commit_id, err));
	return store_commit(store, &request, &result, NULL, err);
}

static teg_status try_once(struct teg_store *store, const char *name, const struct retile *to,
                           uint64_t *base_out, teg_error *err)
{
	teg_alter change = { .kind = TEG_ALTER_TILES,
		             .tile_cells = to->tile_cells,
		             .has_profile = to->has_profile,
		             .profile = to->profile };
	struct store_version *version;
	struct teg_array *array;
	const struct schema *schema;
	struct arena arena;
	teg_status status;

	TEG_TRY(version_open_newest(store, &version, err));
	*base_out = version_number(version);
	status = array_of_version(version, name, &array, err);
	version_unref(version);
	TEG_TRY(status);
	if (array->state.schema->kind == TEG_DENSE && to->tile_cells) {
		change.tile_cells = 0;
		if (to->named)
			status = teg_fail(
				err, TEG_MISUSE,
				"array '%s' is dense: its tiles have extents, no tile_cells", name);
	}
	arena_init(&arena, store->alloc, SIZE_MAX);
	if (status == TEG_OK && changes_it(array->state.schema, to))
		status = schema_alter(array->state.schema, &change, 1, &arena, &schema, err);
	if (status == TEG_OK && changes_it(array->state.schema, to))
		status = publish(store, &array->state, schema, err);
	arena_release(&arena);
	array_unref(array);
	return status;
}

teg_status merge_retile(struct teg_store *store, const char *name, const struct retile *to,
                        teg_error *err)
{
	for (;;) { /* each time another commit changed the schema first */
		uint64_t base = 0, newest;
		teg_error own;
		teg_status status;

		store_flight_begin(store);
		status = try_once(store, name, to, &base, &own);
		store_flight_end(store);
		if ((status != TEG_CONFLICT && status != TEG_SNAPSHOT_EXPIRED) ||
		    version_newest_number(store, &newest, NULL) != TEG_OK || newest == base)
			return error_give(err, status, &own);
	}
}
