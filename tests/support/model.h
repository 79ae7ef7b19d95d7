/* A naive model of one array, to compare the engine with: for every key and every point of valid
 * time, the list of all that was ever said about it, in order. Tiny domains, so that everything
 * collides.
 *
 *   keys     0 .. KEYS - 1 (sparse and dense: x = key / SIDE, y = key % SIDE; tables: row ids)
 *   valid    points -1 .. 12, one in the midst of the times of commits, and the last one: the outermost
 *            stand for all that lies outside of the bounds that are drawn
 */
#ifndef TEG_TESTS_SUPPORT_MODEL_H
#define TEG_TESTS_SUPPORT_MODEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIDE 8
#define KEYS (SIDE * SIDE)
#define V_POINTS 16
#define V_BOUND 12 /* the largest finite bound that is drawn */
#define CLOCK_START 1000000
#define NULL_VALUE (-1) /* is above nothing */

static inline int64_t model_point(int v)
{
	return v < V_POINTS - 2 ? v - 1 : v < V_POINTS - 1 ? CLOCK_START + 500 : INT64_MAX - 1;
}

enum said { SAID_NOTHING = 0, SAID_LIVE, SAID_DELETED, SAID_ERASED };

struct saying {
	int64_t system_time;
	int64_t value;
	enum said what;
};

struct history {
	struct saying *at;
	size_t n, cap;
};

struct model {
	bool valid_time, repeated;
	size_t n_keys; /* tables grow; others KEYS */
	size_t keys_cap;
	struct history (*points)[V_POINTS];
};

void model_init(struct model *m, size_t n_keys, bool valid_time, bool repeated);
void model_release(struct model *m);
size_t model_add_key(struct model *m); /* a new row id */

void model_say(struct model *m, size_t key, int64_t from, int64_t until, int64_t system_time,
               enum said what, int64_t value);
/* What holds of a key at (S, V point). Unique cells only. */
struct saying model_ask(const struct model *m, size_t key, int64_t s, int v);
/* When that stops to hold: the first time after S at which anything is said there (of repeated cells: a
 * deletion); INT64_MAX: never. */
int64_t model_until(const struct model *m, size_t key, int64_t s, int v);
/* What is stored of it, newest first: of each commit the last, down to the newest erasure. Unique cells
 * only; room for SAYINGS_MAX. */
#define SAYINGS_MAX 4096
size_t model_told(const struct model *m, size_t key, int v, struct saying *out);
/* Forgets what ended at the horizon or before, as retention does. */
void model_expire(struct model *m, int64_t horizon);
/* Has any version of the key that is stored, and not erased since, a value above that? */
bool model_ever_above(const struct model *m, size_t key, int64_t above);
/* Repeated cells: how many live events of this value the key shows at (S, V point). */
size_t model_count(const struct model *m, size_t key, int64_t s, int v, int64_t value);
/* Repeated cells: of those that are stored, how many have such a value and answer at a time in [s1, s2). */
size_t model_events(const struct model *m, size_t key, int v, int64_t value, int64_t s1,
                    int64_t s2);
#endif
