#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "engine/schema/alter.h"
#include "engine/store/compose_target.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a commit");
}

static teg_status named(teg_error *err, teg_status status, const struct target *t)
{
	return status == TEG_OK ? TEG_OK : error_in_array(err, status, t->change->name);
}

/* ---- which array ---- */

static teg_status id_owner(struct store_version *base, uint64_t id, struct cursor *cursor,
                           struct span *name_out, teg_error *err)
{
	struct key key = key_of_number(KEY_ID, id);

	cursor_init(cursor, &base->source, &base->head.root);
	TEG_TRY(cursor_find(cursor, key_span(&key), err));
	*name_out = cursor_entry(cursor).value;
	return TEG_OK;
}

teg_status array_new_id(struct store_version *base, const char *name, uint64_t *id_out,
                        teg_error *err)
{
	uint64_t id = hash_bytes(span_of_text(name));

	for (;; id++) {
		struct cursor cursor;
		struct span owner;
		teg_status status = id_owner(base, id, &cursor, &owner, err);

		cursor_release(&cursor);
		if (status == TEG_OK)
			continue;
		*id_out = id;
		return status == TEG_NOT_FOUND ? TEG_OK : status;
	}
}

/* Names that hash alike are told apart when the array is made; two such at once is a conflict. */
static teg_status check_id_is_free(struct compose *c, uint64_t id, teg_error *err)
{
	struct cursor cursor;
	struct span owner;
	teg_status status;

	if (!c->base)
		return TEG_OK;
	status = id_owner(c->base, id, &cursor, &owner, err);
	cursor_release(&cursor);
	if (status == TEG_OK)
		return teg_fail(err, TEG_CONFLICT, "another array took the id of this one");
	return status == TEG_NOT_FOUND ? TEG_OK : status;
}

static teg_status create(struct compose *c, struct target *t, teg_error *err)
{
	struct key key = key_of_number(KEY_ID, t->change->array_id);
	struct span name = span_of_text(t->change->name);
	struct buf packed;

	TEG_TRY(check_id_is_free(c, t->change->array_id, err));
	buf_init(&packed, c->store->alloc, BUF_NO_LIMIT);
	schema_pack(t->change->create, &packed);
	t->schema = t->change->create;
	t->record = (struct array_record){ .id = t->change->array_id,
		                           .created_version = c->number,
		                           .last_system_time = INT64_MIN,
		                           .horizon = INT64_MIN };
	if (buf_status(&packed) == TEG_OK)
		t->record.schema = arena_copy(&c->arena, buf_span(&packed));
	buf_release(&packed);
	if (!t->record.schema.at)
		return no_memory(err);
	c->n_arrays++;
	return compose_edit(c, key_span(&key), name, err);
}

static teg_status find_target(struct compose *c, struct target *t, teg_error *err)
{
	const char *name = t->change->name;
	teg_status status = TEG_NOT_FOUND;

	if (c->base)
		status =
			version_find_array(c->base, span_of_text(name), &c->arena, &t->record, err);
	if (status != TEG_OK && status != TEG_NOT_FOUND)
		return status;
	if (t->change->create)
		return status == TEG_OK && !compose_frees_name(c, name)
		               ? teg_fail(err, TEG_EXISTS, "the array exists already")
		               : create(c, t, err);
	if (status == TEG_NOT_FOUND && t->change->array_id)
		return teg_fail(err, TEG_CONFLICT, "the array was dropped or renamed meanwhile");
	if (status == TEG_NOT_FOUND)
		return teg_fail(err, TEG_NOT_FOUND, "there is no array %s", name);
	if (t->change->array_id && t->change->array_id != t->record.id)
		return teg_fail(err, TEG_CONFLICT, "the array was dropped and made anew meanwhile");
	TEG_TRY(schema_parse(t->record.schema, &c->arena, &t->schema, err));
	return compose_alter(c, t, err);
}

/* ---- when ---- */

static teg_status check_given_time(const struct target *t, int64_t time, teg_error *err)
{
	if (time > t->record.last_system_time)
		return TEG_OK;
	return teg_fail(err, TEG_TIME_ORDER, "system time %lld is not after the array's last, %lld",
	                (long long)time, (long long)t->record.last_system_time);
}

static teg_status pick_time(struct compose *c, const struct target *targets, teg_error *err)
{
	int64_t time = c->request->system_time;
	int64_t last = INT64_MIN;
	bool facts = false;

	for (uint32_t i = 0; i < c->request->n_changes; i++) {
		if (!targets[i].change->facts)
			continue;
		facts = true;
		if (targets[i].record.last_system_time > last)
			last = targets[i].record.last_system_time;
		if (time)
			TEG_TRY(named(err, check_given_time(&targets[i], time, err), &targets[i]));
	}
	if (!facts)
		return TEG_OK;
	if (!time)
		time = c->now > last ? c->now : last + 1;
	c->result.system_time = time;
	if (__builtin_sub_overflow(time, c->now, &c->result.clock_distance_us))
		c->result.clock_distance_us = time < 0 ? INT64_MIN : INT64_MAX;
	return TEG_OK;
}

static teg_status check_clock(const struct compose *c, teg_error *err)
{
	int64_t max = c->store->max_clock_jump_us, d = c->result.clock_distance_us;

	if (max <= 0 || (d <= max && d >= -max))
		return TEG_OK;
	return teg_fail(err, TEG_TIME_ORDER,
	                "system time lies %lld us from the clock, more than %lld", (long long)d,
	                (long long)max);
}

/* ---- segments that go ---- */

static bool same_segment(const struct segment_ref *a, const struct segment_ref *b)
{
	return a->checksum == b->checksum && a->len == b->len && a->last_version == b->last_version;
}

static teg_status remove_segment(struct compose *c, const struct target *t,
                                 const struct segment_ref *old, teg_error *err)
{
	struct key key = key_of_segment(t->record.id, old->first_version, old->part);
	struct segment_ref now = { 0 };
	teg_status status = TEG_NOT_FOUND;

	if (c->base)
		status = version_find_segment(c->base, t->record.id, old->first_version, old->part,
		                              t->schema->n_dims, &c->arena, &now, err);
	if (status == TEG_NOT_FOUND || (status == TEG_OK && !same_segment(&now, old)))
		return teg_fail(err, TEG_CONFLICT, "a segment to replace is no longer there");
	TEG_TRY(status);
	if (now.inlined)
		TEG_TRY(compose_unlive(c, now.manifest, now.len, err));
	return compose_edit(c, key_span(&key), (struct span){ NULL, 0 }, err);
}

/* ---- segments that come ---- */

/* Row ids are given out at publish: the segment counts its rows from 0. */
static teg_status give_row_ids(struct target *t, struct segment_ref *ref, teg_error *err)
{
	int64_t first = t->record.next_row_id, end;

	if (ref->n_rows > INT64_MAX || !i64_add(first, (int64_t)ref->n_rows, &end))
		return teg_fail(err, TEG_LIMIT, "row ids are used up");
	ref->first_row_id = first;
	if (ref->n_rows) {
		ref->box->lo[0] = lane_of_i64(first);
		ref->box->hi[0] = lane_of_i64(end - 1);
	}
	if (t->change->first_row_id < 0)
		t->change->first_row_id = first;
	t->record.next_row_id = end;
	return TEG_OK;
}

/* Rows of a table that name their ids: later appends must lie beyond them. */
static teg_status pass_row_ids(struct target *t, const struct segment_ref *ref, teg_error *err)
{
	int64_t last = lane_to_i64(ref->box->hi[0]);

	if (!ref->n_rows || last < t->record.next_row_id)
		return TEG_OK;
	if (last == INT64_MAX)
		return teg_fail(err, TEG_LIMIT, "row ids are used up");
	t->record.next_row_id = last + 1;
	return TEG_OK;
}

static void fill_versions(const struct compose *c, const struct target *t, struct segment_ref *ref)
{
	ref->first_version = ref->last_version = c->number;
	for (uint32_t i = 0; i < t->change->n_remove; i++) {
		const struct segment_ref *old = &t->change->remove[i];

		if (!i || old->first_version < ref->first_version)
			ref->first_version = old->first_version;
		if (!i || old->last_version > ref->last_version)
			ref->last_version = old->last_version;
	}
	if (!t->change->n_remove) {
		ref->erased_through = c->number;
		ref->derived_through = 0;
	}
	if (ref->fresh) {
		ref->system_time = c->result.system_time;
		ref->system_from_min = ref->system_from_max = c->result.system_time;
	}
}

static bool part_is_taken(struct compose *c, const struct target *t, const struct key *key)
{
	struct cursor cursor;
	bool taken = false;

	/* An edit that puts takes the part, one that removes frees it. */
	for (size_t i = c->n_edits; i-- > 0 && c->edits[i].key.at[0] == KEY_SEGMENT;)
		if (span_equal(c->edits[i].key, key_span(key)))
			return c->edits[i].value.at != NULL;
	if (!c->base || t->change->create || !t->change->n_remove)
		return false;
	cursor_init(&cursor, &c->base->source, &c->base->head.root);
	taken = cursor_find(&cursor, key_span(key), NULL) == TEG_OK;
	cursor_release(&cursor);
	return taken;
}

static teg_status put_segment(struct compose *c, const struct target *t, struct segment_ref *ref,
                              struct span inline_bytes, teg_error *err)
{
	struct key key = key_of_segment(t->record.id, ref->first_version, ref->part);
	struct buf b;

	while (part_is_taken(c, t, &key))
		key = key_of_segment(t->record.id, ref->first_version, ++ref->part);
	if (ref->inlined) {
		struct manifest_entry entry = { .array_id = t->record.id,
			                        .first_version = ref->first_version,
			                        .part = ref->part };

		ref->manifest = c->number;
		TEG_TRY(compose_inline(c, inline_bytes, entry, &ref->off, err));
	}
	buf_init(&b, c->store->alloc, BUF_NO_LIMIT);
	record_put_segment(ref, t->schema->n_dims, &b);
	return compose_put(c, &key, &b, err);
}

/* Rows staged for an earlier schema. What a merge wrote holds rows that were here before: what reads
 * those reads it. */
static bool still_fits(const struct target *t)
{
	return t->change->n_remove > 0 ||
	       (t->change->made_for && schema_accepts(t->schema, t->change->made_for));
}

/* What is new is kept as it is referred to, for the commit's check. */
static void keep_ref(const struct target *t, const struct segment_ref *ref, struct new_segment *add)
{
	struct box *box = add->ref.box;

	if (t->change->n_remove || !box)
		return;
	*box = *ref->box;
	add->ref = *ref;
	add->ref.box = box;
}

static teg_status add_segment(struct compose *c, struct target *t, struct new_segment *add,
                              uint32_t i, teg_error *err)
{
	struct segment_ref ref = add->ref;
	struct box box = { 0 };

	if (add->ref.schema_version != t->schema->version && !still_fits(t))
		return teg_fail(err, TEG_CONFLICT, "the array's schema was changed meanwhile");
	if (add->ref.box)
		box = *add->ref.box;
	ref.box = &box;
	if (!t->change->n_remove)
		ref.part = i;
	fill_versions(c, t, &ref);
	if (!t->change->n_remove && !ref.fresh && ref.system_from_min <= t->record.last_system_time)
		return teg_fail(err, TEG_TIME_ORDER,
		                "system time %lld of a row is not after the array's last, %lld",
		                (long long)ref.system_from_min,
		                (long long)t->record.last_system_time);
	if (t->schema->kind == TEG_TABLE && !t->change->n_remove)
		TEG_TRY(ref.implicit_ids ? give_row_ids(t, &ref, err) : pass_row_ids(t, &ref, err));
	c->result.n_segments++;
	c->result.n_bytes += ref.len;
	TEG_TRY(put_segment(c, t, &ref, add->inline_bytes, err));
	keep_ref(t, &ref, add);
	return TEG_OK;
}

/* ---- one change ---- */

static teg_status log_time(struct compose *c, struct target *t, teg_error *err)
{
	struct key key = key_of_time(t->record.id, c->number);
	int64_t time = c->result.system_time;
	uint8_t *value;

	if (!t->change->facts)
		return TEG_OK;
	if (t->change->system_time_max > time)
		time = t->change->system_time_max;
	t->record.last_system_time = time;
	if (time > c->newest_time)
		c->newest_time = time;
	value = arena_alloc(&c->arena, sizeof time);
	if (!value)
		return no_memory(err);
	store_u64(value, (uint64_t)time);
	return compose_edit(c, key_span(&key), span_of(value, sizeof time), err);
}

static teg_status apply_segments(struct compose *c, struct target *t, teg_error *err)
{
	t->change->first_row_id = -1;
	for (uint32_t i = 0; i < t->change->n_remove; i++)
		TEG_TRY(remove_segment(c, t, &t->change->remove[i], err));
	for (uint32_t i = 0; i < t->change->n_add; i++)
		TEG_TRY(add_segment(c, t, &t->change->add[i], i, err));
	return TEG_OK;
}

/* The merge moves facts that were there: what the commit brings is counted without it. */
static teg_status apply_ride(struct compose *c, const struct target *t, teg_error *err)
{
	struct target ride = *t;
	uint64_t n_segments = c->result.n_segments, n_bytes = c->result.n_bytes;

	if (!t->change->ride)
		return TEG_OK;
	ride.change = t->change->ride;
	TEG_TRY(apply_segments(c, &ride, err));
	c->result.n_segments = n_segments;
	c->result.n_bytes = n_bytes;
	return TEG_OK;
}

/* A shorter retention than the floor is refused; the floor only rises. */
static teg_status set_retention(struct target *t, teg_error *err)
{
	const struct retention *to = t->change->retention;
	struct retention *now = &t->record.retention;
	int64_t floor = now->floor_us;

	if (!to)
		return TEG_OK;
	if (to->floor_us && to->floor_us < floor)
		return teg_fail(err, TEG_MISUSE,
		                "the least retention of the array is %lld us and cannot be lowered",
		                (long long)floor);
	floor = to->floor_us ? to->floor_us : floor;
	if (to->drops && to->duration_us < floor)
		return teg_fail(err, TEG_MISUSE,
		                "a retention of %lld us is below the array's least, %lld us",
		                (long long)to->duration_us, (long long)floor);
	*now = (struct retention){ to->drops, to->drops ? to->duration_us : 0, floor };
	return TEG_OK;
}

/* Rows dropped under a policy that is not in force any more were dropped in vain. */
static teg_status move_horizon(struct target *t, teg_error *err)
{
	const struct array_change *change = t->change;

	if (!change->dropped_by)
		return TEG_OK;
	if (!retention_equal(change->dropped_by, &t->record.retention))
		return teg_fail(err, TEG_CONFLICT, "the array's retention was changed meanwhile");
	if (change->horizon > t->record.horizon)
		t->record.horizon = change->horizon;
	return TEG_OK;
}

static teg_status apply_change(struct compose *c, struct target *t, teg_error *err)
{
	const struct array_change *change = t->change;
	struct key key = key_of_name(KEY_ARRAY,
	                             span_of_text(change->rename ? change->rename : change->name));
	struct buf b;

	t->change->first_row_id = -1;
	if (change->drop)
		return compose_drop(c, t, err);
	TEG_TRY(apply_ride(c, t, err));
	TEG_TRY(apply_segments(c, t, err));
	TEG_TRY(log_time(c, t, err));
	TEG_TRY(set_retention(t, err));
	TEG_TRY(move_horizon(t, err));
	if (change->rename)
		TEG_TRY(compose_rename(c, t, err));
	buf_init(&b, c->store->alloc, BUF_NO_LIMIT);
	record_put_array(&t->record, &b);
	return compose_put(c, &key, &b, err);
}

teg_status compose_arrays(struct compose *c, teg_error *err)
{
	uint32_t n = c->request->n_changes;
	struct target *targets = arena_array(&c->arena, n, sizeof *targets);

	if (!targets)
		return no_memory(err);
	for (uint32_t i = 0; i < n; i++) {
		targets[i].change = &c->request->changes[i];
		TEG_TRY(named(err, find_target(c, &targets[i], err), &targets[i]));
	}
	TEG_TRY(pick_time(c, targets, err));
	TEG_TRY(check_clock(c, err));
	c->result.n_arrays = n;
	c->result.n_rows = c->request->n_rows;
	for (uint32_t i = 0; i < n; i++)
		TEG_TRY(named(err, apply_change(c, &targets[i], err), &targets[i]));
	return TEG_OK;
}
