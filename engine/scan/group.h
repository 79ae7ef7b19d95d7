/* Tiles that must be looked at together: their keys are merged range after range in position order,
 * sorted, and resolved, so that memory holds a tile's keys per segment and never a whole group.
 *
 * A range ends where the first of the tiles at hand ends; every tile that starts before that is at
 * hand. A merge ends them sooner; so does a scan where many tiles are at hand. All rows of a key are
 * in one range.
 */
#ifndef TEG_ENGINE_SCAN_GROUP_H
#define TEG_ENGINE_SCAN_GROUP_H
#include "engine/scan/base.h"
#include "engine/scan/keys.h"
#include "engine/scan/plan.h"

#define GROUP_ROWS_SMALL (128u << 10) /* groups up to this many rows are one range */
#define GROUP_KEYS_BUDGET (6u << 20)  /* bytes of keys kept decoded between ranges */
#define GROUP_MARK_ROWS 128u
#define GROUP_NEAR_ROWS 256u /* boxes are looked for by so many rows at a time */
#define GROUP_MANY 16        /* more tiles at hand than this: a scan's ranges are cut too */
#define SCAN_RANGE_ROWS (28u << 10)
#define SCAN_KEYS_BUDGET (2u << 20)

struct member {
	const struct plan_tile *plan;
	struct tile tile;
	bool open, loaded, at_hand;
	struct key_rows keys; /* sorted by position through perm */
	uint32_t *perm;
	uint64_t *words; /* n_words of each: positions of the keys, sorted */
	uint32_t first,
		count; /* in that order, the rows that are loaded: all, or a window of them */
	uint64_t *
		marks; /* the position of every GROUP_MARK_ROWS-th row, once the keys were loaded */
	uint32_t n, next; /* rows, and the first that no range has taken */
};

/* Output `at` is not the row that it points to, but what a box says of that row's key. */
struct boxed {
	uint32_t at;
	int64_t system_from;
};

/* What a list of all versions tells of a key, before it is in order. */
struct listed {
	int64_t system_from, valid_from, valid_until, system_until;
	uint32_t row; /* of the range */
	uint8_t kind;
	bool boxed;
};

struct group {
	struct plan *plan;
	const struct view *view;
	struct tile_reader *reader;
	const teg_allocator *alloc;
	struct member *members; /* by first cell */
	struct tile **tiles;    /* the members' */
	uint32_t n_members, next_member;
	bool small, done;
	size_t keys_budget;
	uint32_t cut_from;     /* ranges are cut where more tiles than this are at hand */
	bool many;             /* that was so when the last range was taken */
	uint32_t range_rows;   /* cut ranges end after about so many rows, */
	uint32_t window_rows;  /* and of each tile it has the keys of so many at a time */
	struct key_rows range; /* the rows of the range but the base's, and their order */
	struct base base;
	uint32_t *perm;
	size_t perm_cap;
	/* of the plan's boxes those that meet a key of perm[.. near_end), the next few */
	uint32_t *near;
	uint32_t n_near, near_end;
	/* what resolution gives: parallel arrays */
	uint32_t n_out;
	size_t out_cap;
	uint32_t *tile_of, *rows;
	int64_t *valid_from, *valid_until, *system_until;
	uint8_t *change;
	struct boxed *boxed; /* ascending; reads of all versions */
	uint32_t n_boxed;
	size_t boxed_cap;
	struct listed *listed; /* of one key */
	size_t n_listed, listed_cap;
	struct version *versions;
	size_t versions_cap;
	int64_t *superseded; /* scratch of all-versions reads */
	uint8_t *exact;
	struct pieces pieces, before, after; /* the last two: scratch of changes */
};

void group_init(struct group *group, struct plan *plan, const struct view *view,
                struct tile_reader *reader, const teg_allocator *alloc);
/* Before group_begin, of a merge: ranges and keys kept in about so many bytes, unless one key needs
 * more. */
void group_limit(struct group *group, size_t memory);
/* Takes tiles at[0 .. n) of the plan, in their order. */
teg_status group_begin(struct group *group, const uint32_t *at, uint32_t n, teg_error *err);
void group_end(struct group *group); /* closes the tiles; buffers stay for the next group */
void group_release(struct group *group);
/* Cuts ranges of a scan where many tiles are at hand. */
void group_limit_scan(struct group *group);
void group_shed_outputs(struct group *group); /* gives their memory back; there are none then */
void group_shed_range(struct group *group);   /* the same of the range */

/* The keys of the next range into group->range, sorted through group->perm: in cell order, or in
 * position order for a merge. TEG_END after the last. */
teg_status group_next_range(struct group *group, bool by_position, teg_error *err);
/* Resolves the range: fills the output arrays, in cell order, pieces of a key by valid time; or the
 * runs of the base, where the range has one. */
teg_status group_resolve(struct group *group, teg_error *err);

/* Whether the newest row of a key at S is all there is to say of it. */
bool group_is_simple(const struct group *group);
/* A tile to be the base of the range that ends at *end, which may move to the tile's own (NULL: of the
 * whole group). NULL: there is none. */
struct member *group_find_base(struct group *group, const uint64_t **end);
/* The runs of a range that has a base: its own rows, but those whose key another row answers for.
 * TEG_NOMEM. */
teg_status group_resolve_base(struct group *group);

/* The versions of one key of the range, newest first: its rows perm[at .. end) and the boxes over it
 * (row UINT32_MAX), a box after the rows of its own commit. Room for end - at + the plan's boxes. Keys
 * are asked for in order. */
size_t group_versions(struct group *group, uint32_t at, uint32_t end, struct version *out);

/* For resolution: room for more outputs; an output that is row i of the range; is the kind asked for? */
bool group_reserve(struct group *group, size_t more);
void group_emit(struct group *group, uint32_t i, int64_t valid_from, int64_t valid_until,
                int64_t system_until);
bool group_wants(const struct group *group, uint8_t kind);
/* Of the key whose versions are in group->versions, n of them: all that were told. TEG_NOMEM. */
teg_status group_list(struct group *group, size_t n);
#endif
