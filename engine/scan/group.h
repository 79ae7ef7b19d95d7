/* Tiles that must be looked at together: their keys are merged range after range in position order,
 * sorted, and resolved, so that memory holds a tile's keys per segment and never a whole group.
 *
 * A range ends where the first of the tiles at hand ends; every tile that starts before that is at
 * hand. It ends sooner where it would need more than its share of memory. All rows of a key are in one
 * range, but where a merge says that it takes a long key in parts (group_run.c).
 *
 *   tile 1   |-----------------|
 *   tile 2       |------------------------|          ranges  [ 1 2 ][ 1 2 3 ][ 2 3 ][ 3 ]
 *   tile 3              |----------------------|
 */
#ifndef TEG_ENGINE_SCAN_GROUP_H
#define TEG_ENGINE_SCAN_GROUP_H
#include "engine/scan/base.h"
#include "engine/scan/keys.h"
#include "engine/scan/plan.h"

#define GROUP_ROWS_SMALL (128u << 10) /* groups up to this many rows are one range */
#define GROUP_MARK_ROWS 128u
#define GROUP_MARK_ROWS_FEW 8u /* of a tile with few rows */
#define GROUP_NEAR_ROWS 256u   /* boxes are looked for by so many rows at a time */
#define GROUP_MANY 16 /* more tiles at hand than this: nothing is kept that can be had again */

struct member {
	const struct plan_tile *plan;
	struct tile tile;
	bool open, loaded, at_hand;
	/* The keys that are loaded: rows [first, first + count) of all n in position order, sorted
	 * through perm; words are their positions, n_words of each, in that order. */
	struct key_rows keys;
	uint32_t *perm;
	uint64_t *words;
	uint32_t first, count;
	uint32_t n, next; /* rows, and the first that no range has taken */
	/* Of a run, in the part at hand: */
	bool ready; /* its rows of the run, as far as they are loaded, end before row `until` */
	bool ends;  /* and there are no more of them; */
	bool past;  /* none at all, in later parts either */
	uint32_t until;
	/* What stays when the keys go, so that they are found again: */
	uint64_t *marks; /* the position of every mark_rows-th row */
	uint32_t mark_rows;
	uint16_t *sorted; /* all rows in position order; NULL: not kept */
};

/* Bytes that a group may take, and what its rows cost. */
struct group_limits {
	size_t small_len;  /* of a group that is one range */
	size_t range_len;  /* of any other range */
	size_t few_len;    /* of keys that stay decoded, where those of all tiles at hand fit; */
	size_t keys_len;   /* else, and where more than GROUP_MANY tiles are; */
	size_t sorted_len; /* of what is kept then to decode them again */
	size_t row_len;    /* of a range: its key and times, what is derived of it, and sorting */
	size_t key_len;    /* of a decoded row of a member */
	size_t text_len;   /* of its texts besides, the most of a tile so far on average */
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

/* Rows at one position, more than a range may hold: taken in parts, in their order. */
struct group_run {
	bool on; /* what is not taken yet is the next range, or part of it */
	uint64_t position[POSITION_WORDS_MAX];
	struct key_rows last; /* the last row taken; none before the first part */
	uint32_t next_box;    /* the first that its key has not been told, of the plan's */
	uint8_t *seen;        /* by segment: scratch */
};

struct group {
	struct plan *plan;
	const struct view *view;
	struct tile_reader *reader;
	const teg_allocator *alloc;
	struct member *members; /* by first cell */
	struct tile **tiles;    /* the members' */
	uint32_t n_members, next_member;
	uint32_t *hand; /* the members at hand, and behind a range those it has used up */
	uint32_t n_hand;
	bool small, done;
	bool point;       /* one key at one V: tiles are read until the answer is known */
	bool takes_parts; /* of runs */
	bool goes_on;     /* the range's first key is the last of the range before */
	struct group_run run;
	bool tight; /* the last range was short of memory: what it holds is better given back */
	struct group_limits limits;
	size_t keys_len;       /* which of them holds for keys now, */
	uint32_t window_rows;  /* and so many rows' of each tile */
	size_t sorted_len;     /* bytes of members' `sorted` */
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
 * more. Otherwise it is what a scan may take of 16 MiB. */
void group_limit(struct group *group, size_t memory);
/* The same, of what takes everything as one range, whatever the order of its tiles. */
void group_unlimit(struct group *group);
/* The same, and a key with more rows than a range holds goes over several: one after the other are its
 * versions, newest first. */
void group_take_parts(struct group *group);
/* Takes tiles at[0 .. n) of the plan, in their order. */
teg_status group_begin(struct group *group, const uint32_t *at, uint32_t n, teg_error *err);
void group_end(struct group *group); /* closes the tiles; buffers stay for the next group */
void group_release(struct group *group);
void group_shed_outputs(struct group *group); /* gives their memory back; there are none then */
void group_shed_range(struct group *group);   /* the same of the range */

/* The keys of the next range into group->range, sorted through group->perm: in cell order, or in
 * position order for a merge. TEG_END after the last. */
teg_status group_next_range(struct group *group, bool by_position, teg_error *err);
/* Resolves the range: fills the output arrays, in cell order, pieces of a key by valid time; or the
 * runs of the base, where the range has one. */
teg_status group_resolve(struct group *group, teg_error *err);

void group_limit_scan(struct group *group); /* what group_init does */

/* ---- members: group_member.c ---- */

teg_status group_open_member(struct group *group, struct member *m, teg_error *err);
/* Decodes keys: all, or of the next window_rows rows in position order. */
teg_status group_load_member(struct group *group, struct member *m, teg_error *err);
void group_forget_keys(struct group *group, struct member *m);
void group_close_member(struct group *group, struct member *m);
/* Bytes that the loaded keys take. */
size_t group_member_size(const struct group *group, const struct member *m);
/* The first row loaded, from `next` on, in position order, behind `position`, or (at) not before it. */
uint32_t group_find_row(const struct group *group, const struct member *m, const uint64_t *position,
                        bool at);
/* How many of its rows, of those that no range has taken, lie before `position` or at it, to some
 * GROUP_MARK_ROWS where their keys are not loaded. */
uint32_t group_rows_before(const struct group *group, const struct member *m,
                           const uint64_t *position);
/* The next member comes to hand. */
void group_take_to_hand(struct group *group);

/* Whether the view's box is one cell. All rows of it are in one range anyway. */
bool group_is_one_key(const struct group *group);
/* Of one key: the boxes over it into group->versions, which has room for all of the plan's. */
size_t group_take_boxes(struct group *group);
/* Whether all that is asked for is the answer for one key at one V, in an array whose rows claim. */
bool group_is_point(const struct group *group);
/* Into the range of those tiles as many, one after the other, as settle it, and of each the key's rows:
 * what resolution gives is what it would give of all. TEG_END: there are no rows. */
teg_status group_take_point(struct group *group, teg_error *err);
/* ---- ranges: group_range.c ---- */

/* Closes what the last range has used up: until now its rows were asked for. */
void group_close_finished(struct group *group);
/* Keeps the decoded keys within their budget: a member over it is decoded again for each range. */
void group_shed_member(struct group *group, struct member *m, size_t *kept);
/* How many rows a range may have. */
uint64_t group_range_rows(const struct group *group);

/* ---- runs: group_run.c ---- */

/* The rows at the position are the next ranges. TEG_NOMEM. */
teg_status group_begin_run(struct group *group, const uint64_t *position, teg_error *err);
/* The next part, which may have no rows; run.on is false after the last. */
teg_status group_take_run(struct group *group, teg_error *err);
/* Once the part is sorted: whether its first key goes on, and its last. */
teg_status group_join_run(struct group *group, teg_error *err);
void group_end_run(struct group *group);
/* Widens [*from, *until) by when rows of the run may be valid that are not taken yet. */
void group_run_times(const struct group *group, int64_t *from, int64_t *until);

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
 * are asked for in order. Of a key that goes on, those behind the ones of the part before. */
size_t group_versions(struct group *group, uint32_t at, uint32_t end, struct version *out);

/* May the key whose rows end at `end` go on in the next range? Its boxes then come with the rows that
 * they are newer than. */
bool group_has_more(const struct group *group, uint32_t end);

/* For resolution: room for more outputs; an output that is row i of the range; is the kind asked for? */
bool group_reserve(struct group *group, size_t more);
bool group_reserve_versions(struct group *group, size_t need);
void group_emit(struct group *group, uint32_t i, int64_t valid_from, int64_t valid_until,
                int64_t system_until);
bool group_wants(const struct group *group, uint8_t kind);
/* Of the key whose versions are in group->versions, n of them: all that were told. TEG_NOMEM. */
teg_status group_list(struct group *group, size_t n);
#endif
