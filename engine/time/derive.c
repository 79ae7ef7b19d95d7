#include "engine/time/derive.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to derive when versions end");
}

static void meet(struct ceilings *met, int64_t ceiling)
{
	met->low = min64(met->low, ceiling);
	met->high = max64(met->high, ceiling);
}

/* What a span says of the version under it. */
static teg_status meet_span(const struct deriving *d, const struct span_of_time *span,
                            const struct version *v, struct ceilings *met, teg_error *err)
{
	if (span->ceiling != NO_CEILING) {
		meet(met, span->ceiling);
		return TEG_OK;
	}
	return d->below->look(d->below->ctx, max64(span->from, v->valid_from),
	                      min64(span->until, v->valid_until), met, err);
}

static teg_status derive_one(const struct deriving *d, const struct version *v,
                             int64_t *superseded_out, uint8_t *exact_out, teg_error *err)
{
	struct span_place at = spans_after(&d->ceiling, v->valid_from);
	struct ceilings met = { INT64_MAX, INT64_MIN };
	const struct span_of_time *span;

	while ((span = spans_next(&d->ceiling, &at)) && span->from < v->valid_until)
		TEG_TRY(meet_span(d, span, v, &met, err));
	*superseded_out = min64(met.high, v->superseded_at);
	*exact_out = *superseded_out <= min64(met.low, v->superseded_at);
	return TEG_OK;
}

/* A list that has become too long goes below, and a new one has nothing yet. */
static teg_status make_room(struct deriving *d, teg_error *err)
{
	if (!d->below || d->ceiling.n < d->below->leaves_max)
		return TEG_OK;
	TEG_TRY(d->below->take(d->below->ctx, &d->ceiling, err));
	d->ceiling = spans_in(d->ceiling.home);
	return spans_cover(&d->ceiling, INT64_MIN, INT64_MAX, true, NO_CEILING) ? TEG_OK
	                                                                        : no_memory(err);
}

static teg_status claim(struct deriving *d, const struct version *v, teg_error *err)
{
	if (!v->claims)
		return TEG_OK;
	if (!spans_lower(&d->ceiling, v, 0, 1))
		return no_memory(err);
	return make_room(d, err);
}

static teg_status claim_waiting(struct deriving *d, teg_error *err)
{
	for (size_t i = 0; i < d->n_waiting; i++)
		TEG_TRY(claim(d, &d->waiting[i], err));
	d->n_waiting = 0;
	return TEG_OK;
}

static teg_status wait(struct deriving *d, const struct version *v, teg_error *err)
{
	void *block = d->waiting;

	if (!v->claims)
		return TEG_OK;
	if (!mem_grow(d->alloc, &block, &d->waiting_cap, d->n_waiting + 1, sizeof *d->waiting))
		return no_memory(err);
	d->waiting = block;
	d->waiting[d->n_waiting++] = *v;
	return TEG_OK;
}

/* Versions [i, end) of one commit, of which `more` may be still to come. */
static teg_status claim_commit(struct deriving *d, const struct version *versions, size_t i,
                               size_t end, bool more, teg_error *err)
{
	bool waits = !d->disjoint && (more || d->n_waiting);

	d->commit = versions[i].system_from;
	for (; i < end; i++)
		TEG_TRY(waits ? wait(d, &versions[i], err) : claim(d, &versions[i], err));
	return TEG_OK;
}

/* Versions that are not erased. */
static teg_status derive_answers(struct deriving *d, const struct version *versions, size_t n,
                                 bool more, int64_t *superseded_out, uint8_t *exact_out,
                                 teg_error *err)
{
	for (size_t i = 0, end; i < n; i = end) {
		end = versions_commit(versions, i, n);
		if (d->n_waiting && versions[i].system_from != d->commit)
			TEG_TRY(claim_waiting(d, err));
		for (size_t k = i; k < end; k++)
			TEG_TRY(derive_one(d, &versions[k], &superseded_out[k], &exact_out[k],
			                   err));
		TEG_TRY(claim_commit(d, versions, i, end, more && end == n, err));
	}
	return TEG_OK;
}

teg_status deriving_begin(struct deriving *d, struct pieces *scratch, struct below *below,
                          bool disjoint, teg_error *err)
{
	*d = (struct deriving){ .ceiling = spans_in(scratch),
		                .below = below,
		                .disjoint = disjoint,
		                .alloc = scratch->alloc };
	return spans_cover(&d->ceiling, INT64_MIN, INT64_MAX, true, INT64_MAX) ? TEG_OK
	                                                                       : no_memory(err);
}

teg_status derive_more(struct deriving *d, const struct version *versions, size_t n, bool more,
                       int64_t *superseded_out, uint8_t *exact_out, teg_error *err)
{
	size_t i = d->erased ? 0 : versions_erasure(versions, n);

	if (!d->erased)
		TEG_TRY(derive_answers(d, versions, i, more, superseded_out, exact_out, err));
	if (!d->erased && i < n) {
		/* The newest erasure holds for ever; what is older answers nothing at any S. */
		superseded_out[i] = INT64_MAX;
		exact_out[i++] = 0;
		d->erased = true;
	}
	for (; i < n; i++) {
		superseded_out[i] = versions[i].system_from;
		exact_out[i] = 1;
	}
	return TEG_OK;
}

void deriving_end(struct deriving *d)
{
	mem_free(d->alloc, d->waiting, d->waiting_cap * sizeof *d->waiting);
	d->waiting = NULL;
	d->n_waiting = d->waiting_cap = 0;
}

teg_status derive_superseded(const struct version *versions, size_t n, struct pieces *scratch,
                             int64_t *superseded_out, uint8_t *exact_out)
{
	struct deriving d;
	teg_status status = deriving_begin(&d, scratch, NULL, false, NULL);

	if (status == TEG_OK)
		status = derive_more(&d, versions, n, false, superseded_out, exact_out, NULL);
	deriving_end(&d);
	return status;
}
