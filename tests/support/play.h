/* A store that random operations are made on, and the model that is told the same: four arrays, one of
 * each kind, with tiny domains, with valid time or without. Everything is drawn from a seed.
 *
 *   begin: calls drawn and made ── commit ──> the model is told what was called, at the commit's time
 */
#ifndef TEG_TESTS_SUPPORT_PLAY_H
#define TEG_TESTS_SUPPORT_PLAY_H
#include "engine/os/memory.h"
#include "engine/tegula.h"
#include "tests/support/model.h"

enum { TABLE, SPARSE, REPEATED, DENSE, N_ARRAYS };
extern const char *const play_names[N_ARRAYS];

#define CALLS_MAX 6

enum call_kind {
	PUT,
	PUT_BOX,
	UPDATE,
	DELETE_KEY,
	DELETE_BOX,
	DELETE_WHERE,
	ERASE_KEY,
	ERASE_BOX,
	ERASE_WHERE,
	N_CALLS
};

struct call {
	enum call_kind kind;
	int array;
	size_t n; /* rows of a put */
	size_t keys[4];
	int64_t values[4];
	int64_t from, until;
	int x0, x1, y0, y1; /* boxes */
	int64_t above;      /* delete where value > above */
	bool boxed;         /* and in the box */
	bool forget;
	size_t n_known; /* table rows when the call was made */
};

struct play {
	uint64_t state, seed;
	struct os *os;
	teg_store *store;
	struct model models[N_ARRAYS];
	int64_t last_time, times[4096];
	size_t n_times, n_calls;
	/* `steady`: the clock follows, so that times ascend over all arrays, not only in each. */
	bool spills, retains, steady;
	struct {
		uint64_t version;
		int64_t time;
	} versions[4096]; /* of commits, as times[] */
	teg_snapshot *held;
	uint64_t held_prints[N_ARRAYS];
	const uint8_t *skip; /* one per step: 1 leaves it out; NULL: none */
	size_t n_steps, *steps_out;
	bool tells; /* prints what it does */
};

struct transaction {
	teg_txn *txn;
	struct call calls[CALLS_MAX];
	size_t n;
	bool of_commit; /* intervals begin at the commit's time */
};

uint32_t play_draw(struct play *w, uint32_t below);
/* Ends the process, which is one of play_assert_seeds() own. */
#define PLAY_ASSERT(condition, ...)             \
	do {                                    \
		if (!(condition))               \
			play_fail(__VA_ARGS__); \
	} while (0)
_Noreturn void play_fail(const char *format, ...);
/* Fails where `status` is not TEG_OK, and says at which seed and call. */
void play_fine(const struct play *w, teg_status status, const teg_error *err);
void play_open(struct play *w); /* the store, made where it is missing */
void play_create(struct play *w);
void play_draw_call(struct play *w, struct call *c);
void play_draw_interval(struct play *w, int64_t *from, int64_t *until);
void play_box_of(const struct call *c, teg_range box[2]);
bool play_in_box(const struct call *c, size_t key);
/* `at`: the commit's own system time; 0: the clock's. */
void play_begin(struct play *w, int64_t at, struct transaction *t);
void play_commit(struct play *w, struct transaction *t);
/* A commit of rows that bring several system times of their own (play_replay.c). */
void play_replay(struct play *w);
void play_note(struct play *w, const teg_commit_result *result, int64_t time);

/* Each seed in a process of its own. Where one fails its script is made short, and printed; then the
 * test fails. */
void play_assert_seeds(uint64_t first, uint64_t n, size_t n_calls);

/* Comparing (compare.c, compare_history.c, compare_values.c). */
void play_check(struct play *w);
void play_check_values(struct play *w, teg_array *at, int array);
/* A time at or about which something was committed. */
int64_t play_draw_time(struct play *w);
void play_check_history(struct play *w, teg_array *at, int array);
int64_t play_horizon(const struct play *w, teg_array *at);
/* Replays a ledger of each array into another store and compares what that tells (compare_ledger.c). */
void play_check_ledger(struct play *w);
/* Of all versions, in their order, and of what answered at a few times. */
uint64_t play_ledger_print(struct play *w, teg_array *at, int array);
/* Of everything that the array can be asked for: a merge must not change it, nor the order of a list of
 * all versions, unless `any_order`. */
uint64_t play_fingerprint(struct play *w, teg_array *at, int array, bool any_order);
#endif
