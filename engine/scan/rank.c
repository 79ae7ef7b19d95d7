#include "engine/scan/rank.h"

static uint32_t run_len(const struct rank_run *run)
{
	return run->tile == UINT32_MAX ? 2 * run->n : run->n;
}

void rank_release(struct rank *rank)
{
	for (uint32_t i = 0; i < rank->n_runs; i++)
		if (rank->runs[i].rows)
			mem_free(rank->alloc, rank->runs[i].rows,
			         run_len(&rank->runs[i]) * sizeof(uint32_t));
	mem_free(rank->alloc, rank->runs, rank->cap * sizeof *rank->runs);
	rank->runs = NULL;
	rank->n_runs = 0;
	rank->cap = 0;
}

/* The plan's number of a tile of the group. */
static uint32_t plan_tile_of(const struct sweep *sweep, uint32_t tile)
{
	return (uint32_t)(sweep->group.members[tile].plan - sweep->plan.tiles);
}

static bool reserve(struct rank *rank, size_t more)
{
	void *block = rank->runs;

	if (!mem_grow(rank->alloc, &block, &rank->cap, rank->n_runs + more, sizeof *rank->runs))
		return false;
	rank->runs = block;
	return true;
}

static bool add_runs(struct rank *rank, const struct sweep *sweep, const struct selection *sel)
{
	if (!reserve(rank, sel->n_runs))
		return false;
	for (uint32_t k = 0; k < sel->n_runs; k++) {
		const struct row_run *run = &sel->runs[k];

		rank->runs[rank->n_runs++] =
			(struct rank_run){ .ordinal = rank->n_live + run->at,
			                   .n = run->n,
			                   .tile = plan_tile_of(sweep, run->tile),
			                   .row0 = run->row0 };
	}
	rank->n_live += sel->n;
	return true;
}

static bool add_run(struct rank *rank, struct sweep *sweep, const struct selection *sel)
{
	struct rank_run run = { .ordinal = rank->n_live, .n = sel->n, .row0 = sel->row0 };

	/* A filtered tile was the last one taken. */
	run.tile = sel->resolved ? UINT32_MAX : sweep->at - 1;
	if (!reserve(rank, 1))
		return false;
	if (sel->rows) {
		run.rows = mem_array(rank->alloc, run_len(&run), sizeof *run.rows);
		if (!run.rows)
			return false;
	}
	for (uint32_t i = 0; sel->rows && i < sel->n; i++) {
		if (!sel->resolved) {
			run.rows[i] = sel->rows[i];
			continue;
		}
		run.rows[2 * i] = plan_tile_of(sweep, sel->tile_of[i]);
		run.rows[2 * i + 1] = sel->rows[i];
	}
	rank->runs[rank->n_runs++] = run;
	rank->n_live += sel->n;
	return true;
}

teg_status rank_build(struct rank *rank, struct sweep *sweep, teg_error *err)
{
	struct selection sel;
	teg_status status;

	*rank = (struct rank){ .alloc = sweep->alloc };
	while ((status = sweep_next(sweep, &sel, err)) == TEG_OK) {
		if (sel.runs ? add_runs(rank, sweep, &sel) : add_run(rank, sweep, &sel))
			continue;
		status = teg_fail(err, TEG_NOMEM, "no memory for the ordinals of %llu rows",
		                  (unsigned long long)(rank->n_live + sel.n));
		break;
	}
	if (status == TEG_END)
		return TEG_OK;
	rank_release(rank);
	return status;
}

void rank_find(const struct rank *rank, uint64_t ordinal, uint32_t *tile_out, uint32_t *row_out)
{
	uint32_t lo = 0, hi = rank->n_runs;
	const struct rank_run *run;
	uint32_t i;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (rank->runs[mid].ordinal <= ordinal)
			lo = mid;
		else
			hi = mid;
	}
	run = &rank->runs[lo];
	i = (uint32_t)(ordinal - run->ordinal);
	*tile_out = run->tile == UINT32_MAX ? run->rows[2 * i] : run->tile;
	*row_out = run->tile == UINT32_MAX ? run->rows[2 * i + 1]
	           : run->rows             ? run->rows[i]
	                                   : run->row0 + i;
}
