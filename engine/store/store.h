/* The store handle and its versions, as the rest of the engine sees them.
 *
 *   marker          STORE/tegula: magic, format version, store id (written once, synced)
 *   manifests/N     version N: inline segments, new catalog pages, head, trailer
 *   manifests/hint  the newest version's number: saves probing, never trusted forward
 *   segments/<id>   segments too large to travel inline
 *   pins/<id>       one per open snapshot
 *
 * A version is an immutable copy-on-write tree of checksummed catalog pages; see catalog.h.
 * format-spec/manifest.md.
 */
#ifndef TEG_ENGINE_STORE_STORE_H
#define TEG_ENGINE_STORE_STORE_H
#include "engine/order/order.h"
#include "engine/store/retention.h"
#include "engine/store/segment.h"
#include "engine/store/spin.h"

struct file_cache;
struct kept_pages;
struct page_cache;
struct recycler;
struct store_version;

#define IDLE_READERS 4

struct teg_store {
	_Atomic uint32_t refs; /* handles made from it, and the caller's own */
	struct os *os;
	bool own_os, read_only;
	struct recycler *recycler;
	const teg_allocator *alloc; /* the recycler's: batches outlive the store */
	uint8_t id[16];
	char writer[256];
	size_t write_budget, max_value_len;
	int64_t max_clock_jump_us;
	bool no_auto_compact, maps_files;
	struct file_cache *files;
	struct page_cache *pages;  /* of the catalog */
	struct kept_pages *kept;   /* of tiles; NULL: none are kept */
	_Atomic bool locks_proven; /* see pins_look() */
	struct spin lock;          /* over the rest */
	struct tile_reader idle_readers[IDLE_READERS];
	uint32_t n_idle_readers;
	struct store_version
		*current;           /* the newest seen, so that it is not read again; may be NULL */
	struct os_file *writer_pin; /* NULL: nothing written through this handle yet */
	char writer_pin_path[OS_PATH_MAX];
	uint32_t n_flights; /* transactions and merges that may hold unpublished files */
	bool pin_is_stale; /* files under this pin were published: it protects more than it should */
	uint8_t writer_id[8];  /* first half of the names of its files */
	_Atomic bool poisoned; /* a directory could not be synced: no more commits */
};
void store_ref(struct teg_store *store);
void store_unref(struct teg_store *store);

/* ---- open files, shared and reference counted; a few dozen stay open ---- */
teg_status store_file_get(struct teg_store *store, const char *path, struct os_file **file_out,
                          teg_error *err);
void store_file_put(struct teg_store *store, struct os_file *file);

/* ---- tile readers, kept warm between reads; given back before the store is let go ---- */
teg_status store_reader_take(struct teg_store *store, struct tile_reader *reader_out,
                             teg_error *err);
void store_reader_give(struct teg_store *store, struct tile_reader *reader);

/* ---- versions: struct store_version is immutable, shared, reference counted ---- */

/* The newest version. TEG_CORRUPT names a damaged or missing manifest. */
teg_status version_open_newest(struct teg_store *store, struct store_version **version_out,
                               teg_error *err);
void version_ref(struct store_version *version);
void version_unref(struct store_version *version);
uint64_t version_number(const struct store_version *version);
uint64_t version_n_arrays(const struct store_version *version);
struct teg_store *version_store(const struct store_version *version);

/* One array of a version, fully read from the catalog; lives in `arena`. */
struct array_state {
	uint64_t id;
	char name[256];
	const struct schema *schema;
	uint64_t created_version;
	int64_t last_system_time; /* INT64_MIN: never written */
	int64_t horizon;          /* INT64_MIN: none */
	int64_t next_row_id;
	struct retention retention;
	uint32_t n_segments;
	struct segment_ref *segments; /* by first_version, then part; history segments among them */
};
/* TEG_NOT_FOUND. */
teg_status version_array(struct store_version *version, const char *name, struct arena *arena,
                         struct array_state *state_out, teg_error *err);
teg_status version_has_array(struct store_version *version, const char *name, bool *yes_out,
                             teg_error *err);
/* As teg_snapshot_next_array. */
teg_status version_next_array(struct store_version *version, const char *after, char name_out[256],
                              teg_error *err);
/* The array's last system time at or before version n: INT64_MIN where there is none.
 * TEG_NOT_FOUND: no such version. */
teg_status version_array_time(struct store_version *version, uint64_t array_id, uint64_t n,
                              int64_t *system_time_out, teg_error *err);

/* ---- committing ---- */

/* A segment that a commit adds: finished, its file synced. */
struct new_segment {
	struct segment_ref ref; /* all but versions, manifest, off of inline ones, times and ids of
	                             fresh ones, which the commit fills in (not for a merge) */
	struct span inline_bytes; /* ref.inlined; must live until the commit returns */
};

struct array_change {
	const char *name;
	uint64_t array_id; /* its segments were made for; of one to create: see array_new_id() */
	const struct schema *create; /* NULL: must exist */
	/* Alteration. `alter` becomes the schema where that is still version `alters`. */
	const struct schema *alter; /* NULL: it stays */
	uint32_t alters;
	const char *rename;            /* NULL: the name stays */
	bool drop;                     /* it goes, with its history; its id is spent */
	const struct schema *made_for; /* what rows in `add` were checked against; a merge: NULL */
	uint32_t n_add;
	struct new_segment *add;
	uint32_t n_remove;
	const struct segment_ref *remove; /* a merge: contiguous commits; must all still be there */
	uint64_t n_new_ids; /* TABLE: row ids taken by the implicit_ids segment(s), in order */
	bool facts;         /* puts or deletes: the array's system time moves on. A merge: false */
	const struct retention *retention;  /* NULL: it stays */
	const struct retention *dropped_by; /* a merge that dropped rows: must still be in force */
	int64_t horizon;                    /* dropped_by: where the horizon moves */
	int64_t system_time_max; /* replay: the largest of several caller's times; 0: the commit's */
	/* A merge of the same array's segments that goes into the same manifest; NULL: none. */
	struct array_change *ride;
	/* out */
	int64_t first_row_id;
};

/* Metadata that goes from the records of earlier versions. What the engine itself noted there of merges
 * keeps its counts. */
struct redaction {
	const uint64_t *versions; /* these, ascending, which must be there */
	size_t n_versions;
	bool of_array; /* those that made changes[0]'s array or gave it cells */
	bool of_all;
	/* out */
	uint64_t n_redacted;
	teg_metadata said; /* of the new version */
	char count[24];
};

struct commit_request {
	struct array_change *changes;
	uint32_t n_changes;
	int64_t system_time;    /* 0: the clock's */
	const char *key_writer; /* NULL: no idempotency key */
	uint64_t key_sequence;
	uint64_t key_digest; /* of the content, to tell a retry from a reuse */
	uint64_t expect_version;
	const teg_metadata *metadata;
	size_t n_metadata;
	struct redaction *redact; /* NULL: nothing */
	bool gathers; /* moves all that is reached into its own manifest: older files can go */
	const char *action;    /* "create", "commit", "alter", "rename", "drop", "compact" */
	uint8_t commit_id[16]; /* random, made at begin */
	uint64_t n_rows;       /* for the version's record */
	/* Called before the first try and again after each lost race, with the version the commit would
	 * follow; may replace the changes (predicate operations). NULL: nothing to redo. */
	teg_status (*rebase)(void *ctx, struct store_version *base, struct commit_request *request,
	                     teg_error *err);
	void *rebase_ctx;
	/* Called, with the same ctx, when everything about the new version is known and nothing is
	 * published: refuses what may not be said at `base`. NULL: all may. */
	teg_status (*check)(void *ctx, struct store_version *base,
	                    const struct commit_request *request, int64_t system_time,
	                    teg_error *err);
};

/* Publishes N+1, rebasing as often as it takes (DESIGN 6). TEG_CONFLICT: a removed segment is gone,
 * expect_version differs, an array was dropped, renamed or altered meanwhile so that the change does
 * not fit any more; TEG_EXISTS: an array to create, or a name to take, is there; TEG_TIME_ORDER;
 * TEG_KEY_REUSED; TEG_COMMIT_UNKNOWN. *version_out (may be NULL) is the new version. A request
 * without changes makes no version. */
teg_status store_commit(struct teg_store *store, struct commit_request *request,
                        teg_commit_result *result_out, struct store_version **version_out,
                        teg_error *err);

/* The id of an array to be created: from its name, so that the same calls give the same bytes. */
teg_status array_new_id(struct store_version *base, const char *name, uint64_t *id_out,
                        teg_error *err);

/* Whoever creates files and commits them does so between these two. When nobody does any more, the
 * writer pin is given up, so that vacuum may remove published files once they are replaced. */
void store_flight_begin(struct teg_store *store);
void store_flight_end(struct teg_store *store);

/* Random names for segment files and commits; those of files that this handle will create. From the
 * first one on a writer pin protects the files from vacuum, until the handle is closed. */
teg_status store_new_id(struct teg_store *store, uint8_t id_out[16], teg_error *err);

#define INLINE_SEGMENT_MAX (64u << 10) /* bytes; larger segments are files */

/* ---- handles that the rest of the engine makes use of ---- */
struct teg_snapshot {
	_Atomic uint32_t refs;
	struct store_version *version;
	struct os_file *pin; /* NULL: none */
	char pin_path[OS_PATH_MAX];
};
void snapshot_ref(struct teg_snapshot *snapshot);
void snapshot_unref(struct teg_snapshot *snapshot);

struct teg_array {
	_Atomic uint32_t refs;
	struct teg_snapshot *snapshot;
	struct arena arena;
	struct array_state state;
	struct order *order;           /* in the arena */
	struct segment *_Atomic *open; /* one per segment of the state, opened when first needed */
	/* What take by ordinal keeps between calls; made by engine/scan, freed through `take_free`
	 * (NULL: nothing to free) before the segments are. */
	void *_Atomic take;
	void (*_Atomic take_free)(void *take);
};
void array_ref(struct teg_array *array);
void array_unref(struct teg_array *array);
/* Segment i of the array, opened once and shared; it lives as long as the array.
 * TEG_SNAPSHOT_EXPIRED where vacuum has removed it. */
teg_status array_segment(struct teg_array *array, uint32_t i, struct segment **segment_out,
                         teg_error *err);
/* For a transaction or a merge: an array of a version, without a pin. */
teg_status array_of_version(struct store_version *version, const char *name,
                            struct teg_array **array_out, teg_error *err);
/* One that no catalog knows: the runs of a transaction, segment files all. `refs` and `schema` must
 * outlive it. */
teg_status array_of_refs(struct store_version *version, const struct schema *schema,
                         struct segment_ref *refs, uint32_t n, struct teg_array **array_out,
                         teg_error *err);
/* One as a commit's check finds it: with the change made, at that system time, merges that ride left
 * out. The change and what it points to must outlive it. */
teg_status array_of_change(struct store_version *base, const struct array_change *change,
                           int64_t system_time, struct teg_array **array_out, teg_error *err);
#endif
