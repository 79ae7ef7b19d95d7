/* Arrays that change as a whole: another schema, another name, the end. format-spec/manifest.md,
 * KEY-7 and KEY-8. */
#include "engine/store/compose_target.h"
#include "engine/store/keys.h"
#include "engine/schema/alter.h"
#include "engine/store/version.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to alter an array");
}

bool compose_frees_name(const struct compose *c, const char *name)
{
	for (uint32_t i = 0; i < c->request->n_changes; i++) {
		const struct array_change *change = &c->request->changes[i];

		if ((change->drop || change->rename) && !strcmp(change->name, name))
			return true;
	}
	return false;
}

static teg_status check_new_name(struct compose *c, const char *name, teg_error *err)
{
	bool there = false;

	if (c->base)
		TEG_TRY(version_has_array(c->base, name, &there, err));
	if (there && !compose_frees_name(c, name))
		return teg_fail(err, TEG_EXISTS, "there is an array %s already", name);
	return TEG_OK;
}

static teg_status pack_schema(struct compose *c, const struct schema *schema, struct span *out,
                              teg_error *err)
{
	struct buf packed;

	buf_init(&packed, c->store->alloc, BUF_NO_LIMIT);
	schema_pack(schema, &packed);
	*out = buf_status(&packed) == TEG_OK ? arena_copy(&c->arena, buf_span(&packed))
	                                     : (struct span){ NULL, 0 };
	buf_release(&packed);
	return out->at ? TEG_OK : no_memory(err);
}

static bool beyond(const struct schema *schema, const struct segment_ref *ref)
{
	for (uint32_t d = 0; d < schema->n_dims; d++)
		if (ref->n_tiles && ref->box->hi[d] > schema->dims[d].hi)
			return true;
	return false;
}

/* A dimension shrinks where nothing was ever written beyond its new end: history stays readable. */
static teg_status check_shrink(struct compose *c, const struct target *target, teg_error *err)
{
	const struct schema *to = target->change->alter;
	struct teg_array *array;
	bool none = true;

	if (to->kind != TEG_DENSE || !schema_shrinks(to, target->schema))
		return TEG_OK;
	TEG_TRY(array_of_version(c->base, target->change->name, &array, err));
	for (uint32_t i = 0; i < array->state.n_segments; i++)
		none = none && !beyond(to, &array->state.segments[i]);
	array_unref(array);
	return none ? TEG_OK
	            : teg_fail(err, TEG_DOMAIN, "cells were written beyond the array's new end");
}

teg_status compose_alter(struct compose *c, struct target *target, teg_error *err)
{
	const struct array_change *change = target->change;

	if (change->rename)
		TEG_TRY(check_new_name(c, change->rename, err));
	if (!change->alter)
		return TEG_OK;
	if (target->schema->version != change->alters)
		return teg_fail(err, TEG_CONFLICT, "the array's schema was changed meanwhile");
	TEG_TRY(check_shrink(c, target, err));
	target->schema = change->alter;
	return pack_schema(c, change->alter, &target->record.schema, err);
}

static teg_status remove_key(struct compose *c, const struct key *key, teg_error *err)
{
	return compose_edit(c, key_span(key), (struct span){ NULL, 0 }, err);
}

teg_status compose_rename(struct compose *c, const struct target *target, teg_error *err)
{
	struct key old = key_of_name(KEY_ARRAY, span_of_text(target->change->name));
	struct key id = key_of_number(KEY_ID, target->record.id);

	TEG_TRY(remove_key(c, &old, err));
	return compose_edit(c, key_span(&id), span_of_text(target->change->rename), err);
}

/* ---- the end ---- */

/* Every entry whose key begins with `prefix`. */
static teg_status remove_all(struct compose *c, const struct key *prefix, teg_error *err)
{
	struct cursor cursor;
	teg_status status;

	cursor_init(&cursor, &c->base->source, &c->base->head.root);
	TEG_DO(cursor_seek(&cursor, key_span(prefix), err));
	while (cursor.valid && key_is_prefix(prefix, cursor_entry(&cursor).key)) {
		TEG_DO(compose_edit(c, cursor_entry(&cursor).key, (struct span){ NULL, 0 }, err));
		TEG_DO(cursor_next(&cursor, err));
	}
done:
	cursor_release(&cursor);
	return status;
}

/* Bytes of inline segments that nothing reaches any more. */
static teg_status unlive_segments(struct compose *c, const struct target *target, teg_error *err)
{
	struct segment_ref *refs;
	uint32_t n;

	TEG_TRY(version_segments(c->base, target->record.id, target->schema->n_dims, &c->arena,
	                         &refs, &n, err));
	for (uint32_t i = 0; i < n; i++)
		if (refs[i].inlined)
			TEG_TRY(compose_unlive(c, refs[i].manifest, refs[i].len, err));
	return TEG_OK;
}

teg_status compose_drop(struct compose *c, const struct target *target, teg_error *err)
{
	static const uint8_t nothing[1] = { 0 };
	struct key name = key_of_name(KEY_ARRAY, span_of_text(target->change->name));
	struct key id = key_of_number(KEY_ID, target->record.id);
	struct key segments = key_of_number(KEY_SEGMENT, target->record.id);
	struct key times = key_of_number(KEY_TIME, target->record.id);

	TEG_TRY(unlive_segments(c, target, err));
	TEG_TRY(remove_all(c, &segments, err));
	TEG_TRY(remove_all(c, &times, err));
	TEG_TRY(remove_key(c, &name, err));
	c->n_arrays--;
	return compose_edit(c, key_span(&id), span_of(nothing, 0), err);
}
