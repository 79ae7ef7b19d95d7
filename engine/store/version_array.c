/* One array of a version: its record, its segments, its log of times. */
#include "engine/store/keys.h"
#include "engine/store/version.h"

teg_status version_array(struct store_version *version, const char *name, struct arena *arena,
                         struct array_state *state_out, teg_error *err)
{
	struct array_record record;
	size_t len = strlen(name);
	teg_status status = TEG_NOT_FOUND;

	if (len <= NAME_LEN_MAX)
		status = version_find_array(version, span_of_text(name), arena, &record, err);
	if (status == TEG_NOT_FOUND)
		return error_in_array(err, teg_fail(err, status, "there is no array %.255s", name),
		                      name);
	TEG_TRY(status);
	*state_out = (struct array_state){ .id = record.id,
		                           .created_version = record.created_version,
		                           .last_system_time = record.last_system_time,
		                           .horizon = record.horizon,
		                           .next_row_id = record.next_row_id,
		                           .retention = record.retention };
	memcpy(state_out->name, name, len + 1);
	TEG_TRY(schema_parse(record.schema, arena, &state_out->schema, err));
	return version_segments(version, record.id, state_out->schema->n_dims, arena,
	                        &state_out->segments, &state_out->n_segments, err);
}

teg_status version_array_time(struct store_version *version, uint64_t array_id, uint64_t n,
                              int64_t *system_time_out, teg_error *err)
{
	struct key key = key_of_time(array_id, n);
	struct key prefix = key_of_number(KEY_TIME, array_id);
	struct cursor c;
	teg_status status;

	if (!n || n > version->number)
		return teg_fail(err, TEG_NOT_FOUND, "there is no version %llu",
		                (unsigned long long)n);
	*system_time_out = INT64_MIN;
	cursor_init(&c, &version->source, &version->head.root);
	status = cursor_floor(&c, key_span(&key), err);
	if (status == TEG_OK && c.valid && key_is_prefix(&prefix, cursor_entry(&c).key)) {
		struct span value = cursor_entry(&c).value;

		if (value.len == 8)
			*system_time_out = (int64_t)load_u64(value.at);
		else
			status =
				teg_fail(err, TEG_CORRUPT, "catalog: time of %zu bytes", value.len);
	}
	cursor_release(&c);
	return status;
}

teg_status version_array_change(struct store_version *version, uint64_t array_id, uint64_t n,
                                uint64_t *at_out, teg_error *err)
{
	struct key key = key_of_time(array_id, n);
	struct key prefix = key_of_number(KEY_TIME, array_id);
	struct cursor c;
	teg_status status;

	*at_out = 0;
	cursor_init(&c, &version->source, &version->head.root);
	status = cursor_floor(&c, key_span(&key), err);
	if (status == TEG_OK && c.valid && key_is_prefix(&prefix, cursor_entry(&c).key)) {
		struct span found = cursor_entry(&c).key;

		if (found.len == key.len)
			*at_out = key_load(found.at + prefix.len, 8);
		else
			status = teg_fail(err, TEG_CORRUPT, "catalog: a key of %zu bytes",
			                  found.len);
	}
	cursor_release(&c);
	return status;
}

teg_status version_has_array(struct store_version *version, const char *name, bool *yes_out,
                             teg_error *err)
{
	struct key key = key_of_name(KEY_ARRAY, span_of_text(name));
	struct cursor c;
	teg_status status;

	cursor_init(&c, &version->source, &version->head.root);
	status = cursor_find(&c, key_span(&key), err);
	cursor_release(&c);
	*yes_out = status == TEG_OK;
	return status == TEG_NOT_FOUND ? TEG_OK : status;
}
