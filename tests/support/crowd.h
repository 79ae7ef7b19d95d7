/* Random rows of a schema that has every type, for tests of what filters them: nulls, every sort of
 * NaN, both zeros, the ends of each type, texts with a long common beginning. Each cell is kept twice,
 * as the engine's column holds it and as a plain number or bytes.
 */
#ifndef TEG_TESTS_SUPPORT_CROWD_H
#define TEG_TESTS_SUPPORT_CROWD_H
#include "engine/schema/schema.h"
#include "tests/support/rng.h"

#define CROWD_ROWS 48
#define CROWD_COLUMNS 32

struct cell {
	bool null;
	__int128 i;    /* integers, decimals, times and truth values as stored */
	long double f; /* integers and floats */
	uint8_t bytes[16];
	size_t len;
};

/* A column of the crowd, its cells and the same for the engine. */
struct crowd_column {
	const struct field *field; /* NULL: the engine's own */
	const char *name;
	uint32_t id;
	teg_data_type type;
	bool absent; /* added after the rows were written: every cell is the fill value */
	struct cell cells[CROWD_ROWS];
	struct column_buf values;
};

struct crowd {
	struct rng *rng;
	struct arena arena;
	const struct schema *schema;
	size_t n;
	uint8_t kinds[CROWD_ROWS];
	uint32_t n_columns;
	struct crowd_column columns[CROWD_COLUMNS];
};

void crowd_init(struct crowd *crowd, struct rng *rng, size_t n);
void crowd_release(struct crowd *crowd);
const struct crowd_column *crowd_column(const struct crowd *crowd, uint32_t id);

/* A random cell of a type; never null. */
void crowd_make_cell(struct crowd *crowd, const teg_data_type *t, struct cell *cell);

static inline uint64_t crowd_below(struct crowd *crowd, uint64_t n)
{
	return rng_below(crowd->rng, n);
}

static inline bool crowd_is_integer(const teg_data_type *t)
{
	return t->type >= TEG_INT8 && t->type <= TEG_UINT64;
}

static inline bool crowd_is_float(const teg_data_type *t)
{
	return t->type >= TEG_FLOAT16 && t->type <= TEG_FLOAT64;
}

static inline bool crowd_is_time(const teg_data_type *t)
{
	return t->type == TEG_DATE32 || t->type == TEG_TIMESTAMP;
}

static inline bool crowd_is_run(const teg_data_type *t)
{
	return t->type >= TEG_UTF8;
}
#endif
