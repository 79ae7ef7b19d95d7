/* Tegula: an embeddable storage engine for arrays and tables whose cells have two histories,
 * when the store learned a fact (system time) and when the fact holds (valid time).
 *
 * A store is a directory. It holds named arrays of three kinds: tables (rows addressed by a row id
 * that the store assigns), sparse arrays (cells at coordinates) and dense arrays (every cell of a
 * box exists). Writers commit transactions, all or nothing, over any number of arrays; readers open
 * snapshots, which never change. Data goes in and out as Arrow C Data (batches and streams) or as
 * plain pointers with strides.
 *
 *     teg_store *store;
 *     teg_store_open("/data/run", &(teg_store_options){ .struct_size = sizeof(teg_store_options),
 *                    .create = TEG_CREATE_IF_MISSING }, &store, &err);
 *     teg_txn_begin(store, NULL, &txn, &err);
 *     teg_txn_put(txn, "flights", columns, n_columns, n_rows, NULL, &err);
 *     teg_txn_commit(txn, &result, &err);           (durable and visible, or an error)
 *
 * Rules that hold for every function
 *   Errors     A teg_status is returned; the teg_error, last, is the caller's and may be NULL. After
 *              an error nothing has changed but what the function says. A bad argument is
 *              TEG_MISUSE. Output handles are NULL after an error.
 *   Threads    No function starts a thread, takes a signal, writes to stdout or uses global state.
 *              teg_store, teg_snapshot and teg_array may be used by several threads at once; a
 *              teg_txn, teg_scan or teg_predicate by one at a time, any one. Each handle keeps what
 *              it was made from alive: closing a store with a snapshot open is fine.
 *   Memory     Everything comes from the allocator of the store. Freeing or closing NULL is fine.
 *   Options    Structs start with struct_size (sizeof the struct the caller was compiled with);
 *              zero is the default of every other field; NULL is all defaults. A larger struct of
 *              a newer caller is accepted where what we do not know is zero.
 *   Text       UTF-8, terminated. Names are 1 to 255 bytes without control characters.
 *   Times      int64 microseconds since 1970-01-01 UTC. INT64_MIN and INT64_MAX are open ends.
 */
#ifndef TEG_TEGULA_H
#define TEG_TEGULA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/base/allocator.h"
#include "codec/base/status.h"

#define TEG_VERSION_MAJOR 0
#define TEG_VERSION_MINOR 1
#define TEG_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Arrow C Data and C Stream: the ABI of the edge, as published by Apache Arrow ---- */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
	const char *format;
	const char *name;
	const char *metadata;
	int64_t flags;
	int64_t n_children;
	struct ArrowSchema **children;
	struct ArrowSchema *dictionary;
	void (*release)(struct ArrowSchema *);
	void *private_data;
};
struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
	int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
	int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
	const char *(*get_last_error)(struct ArrowArrayStream *);
	void (*release)(struct ArrowArrayStream *);
	void *private_data;
};
#endif

typedef struct teg_store teg_store;
typedef struct teg_txn teg_txn;
typedef struct teg_snapshot teg_snapshot;
typedef struct teg_array teg_array;
typedef struct teg_scan teg_scan;
typedef struct teg_predicate teg_predicate;

#define TEG_TIME_OPEN_START INT64_MIN
#define TEG_TIME_OPEN_END INT64_MAX
/* "the commit's own system time", as the start of a valid interval; stored as such. */
#define TEG_TIME_OF_COMMIT (INT64_MIN + 1)
#define TEG_MAX_DIMENSIONS 16
#define TEG_MAX_DEPTH 32 /* of nested types: a list of int64 is two deep */

/* "0.1.0". Static. */
TEG_API const char *teg_version(void);

/* ======== types and schemas ======== */

typedef enum teg_type {
	TEG_BOOL = 1, /* one byte per value, 0 or 1, where plain pointers are used */
	TEG_INT8,
	TEG_INT16,
	TEG_INT32,
	TEG_INT64,
	TEG_UINT8,
	TEG_UINT16,
	TEG_UINT32,
	TEG_UINT64,
	TEG_FLOAT16,
	TEG_FLOAT32,
	TEG_FLOAT64,
	TEG_DECIMAL128, /* 16 bytes, little-endian two's complement; precision and scale */
	TEG_DATE32,     /* days since 1970-01-01, int32 */
	TEG_TIMESTAMP,  /* int64 in `unit` since 1970-01-01; zone "" is a wall-clock time */
	TEG_DURATION,   /* int64 in `unit` */
	TEG_UTF8,
	TEG_BYTES,
	TEG_FIXED_BYTES, /* fixed_len bytes per value */
	TEG_LIST,        /* values of one type, any number; attributes only, as all below */
	TEG_FIXED_LIST,  /* list_size values of one type */
	TEG_STRUCT       /* named values of their own types */
} teg_type;

typedef enum teg_time_unit { TEG_SECOND = 0, TEG_MILLI, TEG_MICRO, TEG_NANO } teg_time_unit;

typedef struct teg_data_type {
	teg_type type;
	teg_time_unit unit; /* TIMESTAMP, DURATION */
	const char *zone;   /* TIMESTAMP: IANA name or offset; NULL or "": none */
	uint32_t fixed_len; /* FIXED_BYTES: 1 to 65,535 */
	uint8_t precision;  /* DECIMAL128: 1 to 38 */
	int8_t scale;       /* DECIMAL128 */
	uint32_t list_size; /* FIXED_LIST: up to 2^24, those of fixed lists inside multiplied in */
	/* LIST, FIXED_LIST: one ("item" where it has no name); STRUCT: one or more, named apart. Their
	 * fill is not used. At most TEG_MAX_DEPTH types deep. */
	const struct teg_attribute *children;
	size_t n_children;
} teg_data_type;

/* One value of a scalar type; for bounds, keys, fills, predicates and point reads. */
typedef struct teg_value {
	teg_type type; /* 0: null */
	union {
		int64_t i;  /* signed integers, DATE32, TIMESTAMP, DURATION; BOOL as 0 or 1 */
		uint64_t u; /* unsigned integers */
		double f;   /* FLOAT16, FLOAT32 (exact), FLOAT64 */
		struct {
			const void *at;
			size_t len;
		} bytes; /* UTF8, BYTES, FIXED_BYTES, DECIMAL128 (16 bytes); not terminated */
	} as;
} teg_value;

/* A key and its value, both text without terminators counted; kept through everything. */
typedef struct teg_metadata {
	const char *key, *value;
	size_t key_len, value_len;
} teg_metadata;

/* A coordinate axis. Types: integers, FLOAT32, FLOAT64, TIMESTAMP, DATE32, UTF8, BYTES. */
typedef struct teg_dimension {
	const char *name;
	teg_data_type type;
	teg_value lo, hi; /* domain, inclusive; both null: the whole type. Dense needs one, and may
	                     have no coordinates: hi = lo - 1 */
	uint64_t extent;  /* of a tile along this axis, in coordinates; 0: none. Dense: 0 picks one.
	                     Integers, TIMESTAMP and DATE32 only */
	const teg_metadata *metadata;
	size_t n_metadata;
} teg_dimension;

/* A value column. */
typedef struct teg_attribute {
	const char *name;
	teg_data_type type;
	bool nullable;
	teg_value
		fill; /* of unwritten dense cells; null: null where nullable, else zero (nested: empty
	                   lists, zeros in structs) */
	const teg_metadata *metadata;
	size_t n_metadata;
} teg_attribute;

typedef enum teg_check_kind {
	TEG_CHECK_RANGE =
		1, /* lo <= value <= hi; NaN is above every number; numbers, dates, times */
	TEG_CHECK_NOT_EMPTY,  /* text, bytes and lists */
	TEG_CHECK_SAME_LENGTH /* lists: as many values as that of `other` in the same row */
} teg_check_kind;

/* A rule that every row put is held to, null aside: TEG_SCHEMA names rule, column and row. Rows that
 * were there before a rule are not looked at; teg_verify finds what breaks it. */
typedef struct teg_check {
	const char *name; /* of the rule, its own in the array */
	teg_check_kind kind;
	const char *column; /* an attribute */
	teg_value lo, hi;   /* RANGE: inclusive, one may be null: open */
	const char *other;  /* SAME_LENGTH: another attribute */
} teg_check;

typedef enum teg_kind { TEG_TABLE = 1, TEG_SPARSE, TEG_DENSE } teg_kind;

/* unique: a put of a key that exists is a new version of the cell. repeated: it is another cell. */
typedef enum teg_cells { TEG_CELLS_UNIQUE = 0, TEG_CELLS_REPEATED } teg_cells;

typedef enum teg_order {
	TEG_ORDER_DEFAULT = 0, /* tiles: Hilbert; cells: row-major */
	TEG_ORDER_ROW,
	TEG_ORDER_COLUMN,
	TEG_ORDER_Z,
	TEG_ORDER_HILBERT
} teg_order;

typedef enum teg_profile { TEG_BALANCED = 0, TEG_FAST, TEG_SMALL } teg_profile;

/* An array as it is declared, and as teg_array_spec() gives it back. */
typedef struct teg_spec {
	size_t struct_size;
	teg_kind kind;
	teg_cells cells; /* SPARSE */
	bool valid_time; /* cells carry valid intervals */
	/* None for TABLE, whose one dimension is row_id, int64. DENSE without is one cell. */
	const teg_dimension *dimensions;
	size_t n_dimensions;
	const teg_attribute *attributes;
	size_t n_attributes;
	teg_order tile_order, cell_order; /* cell_order: ROW or COLUMN */
	teg_profile profile;
	uint32_t tile_cells; /* most cells of a sparse or table tile; 0: 65,536 */
	const teg_metadata *metadata;
	size_t n_metadata;
	const char
		*key; /* TABLE: the attribute that teg_find looks up, an integer, DATE32, TIMESTAMP,
	                    UTF8, BYTES or FIXED_BYTES; NULL: none. Null values have no key */
	const teg_check *checks;
	size_t n_checks;
	/* With a key: no two live rows may have one, at the same valid time where there is valid time.
	 * A commit after which two would is TEG_EXISTS, whoever wrote the other, and names key and
	 * rows; `row` of the error is the place among the rows that the transaction appends to the
	 * array, else a row id. Superseded, deleted and erased rows do not count. */
	bool key_unique;
} teg_spec;

/* The attribute that an Arrow field declares. Strings of *out point into `field`. Dictionary
 * fields are their values' type. TEG_UNSUPPORTED names the field and its type. `out->metadata` is
 * not set, nor are the children of lists and structs, which need memory: see
 * teg_txn_create_from_arrow. */
TEG_API TEG_MUST_USE teg_status teg_attribute_from_arrow(const struct ArrowSchema *field,
                                                         teg_attribute *out, teg_error *err);

/* ======== stores ======== */

typedef enum teg_create {
	TEG_CREATE_NO = 0,    /* open; TEG_NOT_FOUND where there is none */
	TEG_CREATE_NEW,       /* make; TEG_EXISTS where the directory holds anything */
	TEG_CREATE_IF_MISSING /* open, or make */
} teg_create;

struct os;

typedef struct teg_store_options {
	size_t struct_size;
	teg_create create;
	bool read_only;                 /* never writes, not even a pin */
	const teg_allocator *allocator; /* NULL: malloc. Must outlive every handle and batch */
	const char *writer;             /* name in manifests and of idempotency keys; NULL: "" */
	size_t write_budget;            /* bytes a transaction holds before it spills; 0: 256 MiB */
	size_t cache_budget;            /* bytes of pages kept between reads, verified and
	                                    decompressed, those used last; 0: none */
	size_t max_value_len;           /* bytes of one value, on read and write; 0: 256 MiB */
	int64_t max_clock_jump_us;      /* refuse a commit whose time would lie further from the
	                                    clock than this; 0: no check */
	bool no_auto_compact;           /* writers do not merge in small steps after commits */
	struct os *os;                  /* tests: another file system; NULL: the real one */
	bool map_files; /* segment files are mapped into memory, not read: see below */
} teg_store_options;

/* With `map_files` pages are verified and decoded where the page cache has them, and large vectors
 * (fixed-size lists of 256 bytes or more, stored as they are) reach the caller without a copy: the
 * batch of a scan within one tile points into the file, which stays mapped until the batch is released,
 * vacuumed or not. Store files are never changed nor cut short by Tegula; where another program does
 * that to a mapped file, or the disk cannot give its bytes, the process ends with SIGBUS instead of a
 * status. That is why it has to be asked for. */

/* Opens or makes the store at `path`. TEG_NOT_FOUND, TEG_EXISTS, TEG_CORRUPT (a directory that is
 * no store, a damaged marker), TEG_UNSUPPORTED (a newer format), TEG_READ_ONLY, TEG_IO. */
TEG_API TEG_MUST_USE teg_status teg_store_open(const char *path, const teg_store_options *options,
                                               teg_store **store_out, teg_error *err);
TEG_API void teg_store_close(teg_store *store);

/* ======== transactions ======== */

typedef struct teg_txn_options {
	size_t struct_size;
	int64_t system_time; /* 0: the clock. Must be greater than the last of every array touched,
	                          else TEG_TIME_ORDER at commit */
	const char *key_writer; /* idempotency key: (writer, sequence); NULL: none */
	uint64_t key_sequence;
	uint64_t expect_version; /* 0: none. TEG_CONFLICT where the newest version is another */
	const teg_metadata *metadata; /* kept in the version's record */
	size_t n_metadata;
} teg_txn_options;

/* Starts a transaction. It sees the newest version for predicates; nothing is visible to others
 * until it commits. */
TEG_API TEG_MUST_USE teg_status teg_txn_begin(teg_store *store, const teg_txn_options *options,
                                              teg_txn **txn_out, teg_error *err);
/* Gives everything up. After a failed commit too. NULL is fine. */
TEG_API void teg_txn_abort(teg_txn *txn);

/* Declares an array; it exists when the transaction has committed and may be written at once.
 * TEG_EXISTS, TEG_SCHEMA (names the dimension or attribute that is wrong), TEG_UNSUPPORTED. */
TEG_API TEG_MUST_USE teg_status teg_txn_create(teg_txn *txn, const char *array,
                                               const teg_spec *spec, teg_error *err);
/* The same with attributes from an Arrow schema (a struct): `spec` gives everything else, and its
 * dimensions may be given by name with type 0, which takes type and order from the schema. Fields
 * in spec->dimensions become dimensions, those in `roles` (may be NULL) are left out. Schema and
 * field metadata are kept. */
struct teg_put_options;
TEG_API TEG_MUST_USE teg_status teg_txn_create_from_arrow(teg_txn *txn, const char *array,
                                                          const teg_spec *spec,
                                                          const struct ArrowSchema *schema,
                                                          const struct teg_put_options *roles,
                                                          teg_error *err);

/* ---- altering arrays: no row is rewritten, whatever is changed ---- */

typedef enum teg_alter_kind {
	TEG_ALTER_ADD = 1,  /* `attribute`; rows written before read as its fill (null: null) */
	TEG_ALTER_DROP,     /* attribute `name`; its name may be used again, for another one */
	TEG_ALTER_RENAME,   /* attribute `name` to `new_name` */
	TEG_ALTER_WIDEN,    /* attribute `name` to `type`: int, uint or float of more bits */
	TEG_ALTER_METADATA, /* sets metadata.key of attribute `name`, or of the array where NULL;
	                           metadata.value NULL removes it */
	TEG_ALTER_CHECK,    /* adds `check` */
	TEG_ALTER_UNCHECK,  /* removes the check `name` */
	TEG_ALTER_RENAME_ARRAY, /* to `new_name` */
	TEG_ALTER_DROP_ARRAY,   /* with its history; nothing else in the same call */
	TEG_ALTER_RESIZE,       /* DENSE: dimension `name` ends at `hi` (lo - 1: it has no
	                           coordinates). At commit TEG_DOMAIN where anything was ever written
	                           beyond, deletions too */
	TEG_ALTER_RETAIN,       /* `retention`; of an array made in this transaction too */
	TEG_ALTER_TILES, /* `tile_cells` (0: stays) and, with `has_profile`, `profile` of tiles
	                           written from now on; see teg_compact for those that are there */
	TEG_ALTER_UNIQUE /* TABLE with a key: `key_unique`. At commit TEG_EXISTS where two rows
	                           have one key already */
} teg_alter_kind;

/* How long superseded rows are kept. With `drops` a merge may drop those that answer nothing from the
 * array's newest system time minus `duration_us` on; the array's horizon then moves there, and an
 * earlier system time is beyond it. Nothing else is ever dropped, tombstones in force stay. */
typedef struct teg_retention {
	bool drops;          /* false: everything is kept */
	int64_t duration_us; /* drops; 0: only what answers now */
	int64_t floor_us;    /* > 0: from now on no duration below this; it can be raised only */
} teg_retention;

/* One change; what its kind does not name is zero. */
typedef struct teg_alter {
	teg_alter_kind kind;
	const char *name;
	const char *new_name;
	const teg_attribute *attribute;
	teg_data_type type;
	teg_metadata metadata;
	const teg_check *check;
	teg_value hi;
	teg_retention retention;
	uint32_t tile_cells;
	bool has_profile;
	teg_profile profile;
	bool key_unique;
} teg_alter;

/* Changes an array, all or nothing, in order, when the transaction commits. Later calls of the same
 * transaction see the new schema and name; it must not hold rows of the array yet (TEG_MISUSE), nor
 * have made it. Snapshots opened before keep the schema they have; later ones read every row, old
 * ones and reads as of the past too, by the new one. A dropped array is gone with its history, and
 * one made again under its name is another array.
 *
 * TEG_NOT_FOUND names the array, attribute or key, TEG_EXISTS the array's new name, TEG_SCHEMA what
 * cannot be. At commit TEG_CONFLICT where another commit changed the same array's schema first. A
 * put into an array that another commit alters goes through where its rows still fit (attributes
 * were added, renamed or widened, metadata set), else it is TEG_CONFLICT: an attribute that was
 * dropped, a check that they were not held to. */
TEG_API TEG_MUST_USE teg_status teg_txn_alter(teg_txn *txn, const char *array,
                                              const teg_alter *changes, size_t n_changes,
                                              teg_error *err);

/* One column of plain memory. Values lie `stride` bytes apart (0: packed). UTF8 and BYTES have
 * offsets (n + 1, int32) into `values`, or int64 `large_offsets`; so has a LIST, into its one child.
 * The child of a FIXED_LIST has list_size values for each of ours, nulls included; a STRUCT's
 * children have one each. Children are in the type's order; names are only looked at in a STRUCT. */
typedef struct teg_column {
	const char *name; /* a dimension or attribute of the array, or a role column */
	const void *values;
	ptrdiff_t stride;
	const int32_t *offsets;
	const int64_t *large_offsets;
	const uint8_t *validity; /* bitmap, least significant bit first; NULL: no nulls */
	size_t validity_bit;     /* of the first value */
	teg_data_type type;      /* type 0: the column's own. Else what the memory holds; converted
	                            where that is exact, TEG_SCHEMA with column and row where not */
	const struct teg_column *children; /* nested types; their own `type` is not looked at */
	size_t n_children;
} teg_column;

typedef struct teg_put_options {
	size_t struct_size;
	/* One interval for all rows; both 0: all of valid time. valid_from may be TEG_TIME_OF_COMMIT. */
	int64_t valid_from, valid_until;
	/* Or per row, from columns of int64 microseconds or timestamps; null = open end. */
	const char *valid_from_column, *valid_until_column;
	const char *row_id_column; /* TABLE: updates the rows of these ids instead of appending */
	bool borrow;               /* memory stays as it is until commit or abort: do not copy */
	bool fill_missing;         /* absent nullable columns are null; default: TEG_SCHEMA */
	/* A ledger: rows bring their own system times, int64 microseconds or timestamps, in any order,
	 * all later than the array's last; the largest becomes the commit's. Kinds are 0, 1, 2 or
	 * live, tombstone, erased; rows that are not live are null in every attribute. Rows of one key
	 * and time must not overlap. A column `system_until` is passed over. A table's rows are named
	 * by row_id_column. Nothing else may be said of the array in the same transaction. */
	const char *system_time_column, *row_kind_column;
	/* Of a ledger only rows with system_after < system time <= system_through; the others are checked
	 * and passed over, so that one that is long goes in by several commits. Both 0: all. */
	int64_t system_after, system_through;
} teg_put_options;

/* Puts n_rows cells: every dimension (none for TABLE) and attribute once, in any order. Buffers are
 * read before the call returns (unless borrowed). Zero rows are checked like others and add
 * nothing. TEG_SCHEMA, TEG_DOMAIN name column and row; the transaction is as before then. */
TEG_API TEG_MUST_USE teg_status teg_txn_put(teg_txn *txn, const char *array,
                                            const teg_column *columns, size_t n_columns,
                                            size_t n_rows, const teg_put_options *options,
                                            teg_error *err);
/* The same from one Arrow batch (a struct array), which is not released. */
TEG_API TEG_MUST_USE teg_status teg_txn_put_arrow(teg_txn *txn, const char *array,
                                                  const struct ArrowSchema *schema,
                                                  const struct ArrowArray *batch,
                                                  const teg_put_options *options, teg_error *err);
/* The same from a stream, which is read to its end and released in any case. After an error the
 * batches before the one at fault are still part of the transaction. */
TEG_API TEG_MUST_USE teg_status teg_txn_put_stream(teg_txn *txn, const char *array,
                                                   struct ArrowArrayStream *stream,
                                                   const teg_put_options *options,
                                                   uint64_t *n_rows_out, teg_error *err);

/* A box: one inclusive range per dimension; null ends are open. */
typedef struct teg_range {
	teg_value lo, hi;
} teg_range;

/* One attribute of a dense box in the caller's memory: value (i, j, ...) of the box, counted from
 * its lower corner, lies at `values` + sum(index * strides[d]) bytes. strides NULL: row-major. */
typedef struct teg_buffer {
	const char *name;
	void *values;
	size_t values_len;        /* bytes that may be touched, from the lowest address */
	const ptrdiff_t *strides; /* bytes, one per dimension, may be negative */
	uint8_t *validity;        /* one byte per cell, row-major, 1 = not null; NULL: none */
} teg_buffer;

/* DENSE: puts every cell of the box. FIXED types only through buffers. TEG_DOMAIN outside it. */
TEG_API TEG_MUST_USE teg_status teg_txn_put_box(teg_txn *txn, const char *array,
                                                const teg_range *box, const teg_buffer *buffers,
                                                size_t n_buffers, const teg_put_options *options,
                                                teg_error *err);

/* Deletes cells by key: columns of every dimension (TABLE: row_id). A key that does not exist is
 * deleted all the same. The options give the valid interval. */
TEG_API TEG_MUST_USE teg_status teg_txn_delete(teg_txn *txn, const char *array,
                                               const teg_column *columns, size_t n_columns,
                                               size_t n_rows, const teg_put_options *options,
                                               teg_error *err);
/* Deletes every cell of a box, known or not: its cost does not depend on the size of the box. */
TEG_API TEG_MUST_USE teg_status teg_txn_delete_box(teg_txn *txn, const char *array,
                                                   const teg_range *box,
                                                   const teg_put_options *options, teg_error *err);
/* Deletes what a scan with this predicate (and box, may be NULL) returns at the base version, and
 * at commit in whatever version the commit then follows. *n_rows_out (may be NULL): so far. */
TEG_API TEG_MUST_USE teg_status teg_txn_delete_where(teg_txn *txn, const char *array,
                                                     const teg_range *box,
                                                     const teg_predicate *predicate,
                                                     const teg_put_options *options,
                                                     uint64_t *n_rows_out, teg_error *err);

/* What an erasure takes: keys as teg_txn_delete does, or the keys in a box, or those of which any
 * version there ever was matches a predicate (in the box, where there is one). */
typedef struct teg_erase {
	size_t struct_size;
	const teg_column *columns;
	size_t n_columns, n_rows;
	const teg_range *box;
	const teg_predicate *predicate;
	bool forget; /* the key goes as well once the content has gone: then it is not found */
} teg_erase;
/* Erases: all of valid time, at every system time. From the commit on such a key answers "erased" at
 * every S before its next put, and the content of its older versions is never given out again.
 * Compaction takes the bytes out of segments, teg_purge() out of every file. TEG_LIMIT: the
 * transaction has written cells ahead (write_budget). */
TEG_API TEG_MUST_USE teg_status teg_txn_erase(teg_txn *txn, const char *array,
                                              const teg_erase *what, teg_error *err);

typedef struct teg_commit_result {
	size_t struct_size;
	uint64_t version;          /* unchanged where there was nothing to commit */
	int64_t system_time;       /* of this commit; 0 where there was nothing to commit */
	int64_t clock_distance_us; /* system_time minus the clock's reading */
	uint64_t n_arrays, n_rows, n_segments, n_bytes; /* added: sums over the arrays */
	uint32_t n_rebases;                             /* times another commit came first */
	bool repeated; /* the idempotency key was known: this is the stored result */
} teg_commit_result;

/* What one array got: i from 0 to n_arrays - 1, after a commit, before the transaction is freed. */
typedef struct teg_commit_part {
	const char *array;
	uint64_t n_rows, n_segments, n_bytes;
	int64_t first_row_id; /* TABLE: of the appended rows; else -1 */
} teg_commit_part;

/* Makes the transaction durable and visible. Puts and deletes by key rebase over other writers'
 * commits without limit. Frees the transaction when it returns TEG_OK; after an error it lives and
 * may be tried again (TEG_CONFLICT, TEG_TIME_ORDER and TEG_SCHEMA will not change; TEG_EXISTS, of
 * keys that are unique, where other writers free them) or aborted.
 * TEG_COMMIT_UNKNOWN: a directory could not be synced; open anew and look. */
TEG_API TEG_MUST_USE teg_status teg_txn_commit(teg_txn *txn, teg_commit_result *result_out,
                                               teg_error *err);
/* As teg_txn_commit, and calls `each` per array before the transaction is freed. */
TEG_API TEG_MUST_USE teg_status teg_txn_commit_parts(teg_txn *txn, teg_commit_result *result_out,
                                                     void (*each)(void *ctx,
                                                                  const teg_commit_part *part),
                                                     void *ctx, teg_error *err);

/* ======== snapshots and arrays ======== */

/* Opens the newest version and, where the store can be written, pins it against vacuum. */
TEG_API TEG_MUST_USE teg_status teg_snapshot_open(teg_store *store, teg_snapshot **snapshot_out,
                                                  teg_error *err);
TEG_API void teg_snapshot_close(teg_snapshot *snapshot);
TEG_API uint64_t teg_snapshot_version(const teg_snapshot *snapshot);
TEG_API uint64_t teg_snapshot_n_arrays(const teg_snapshot *snapshot);
/* The array name that follows `after` (NULL: the first) in byte order, into name_out (room for 256
 * bytes). TEG_END after the last. */
TEG_API TEG_MUST_USE teg_status teg_snapshot_next_array(teg_snapshot *snapshot, const char *after,
                                                        char *name_out, teg_error *err);

/* TEG_NOT_FOUND names the array. */
TEG_API TEG_MUST_USE teg_status teg_array_open(teg_snapshot *snapshot, const char *name,
                                               teg_array **array_out, teg_error *err);
TEG_API void teg_array_close(teg_array *array);
/* Valid while the array is open. A TABLE shows its one dimension, row_id. */
TEG_API const teg_spec *teg_array_spec(const teg_array *array);
TEG_API const char *teg_array_name(const teg_array *array);

typedef struct teg_array_info {
	size_t struct_size;
	uint64_t array_id;
	uint64_t created_version;
	int64_t last_system_time; /* INT64_MIN: never written */
	int64_t horizon;          /* INT64_MIN: everything is kept */
	uint64_t n_segments, n_tiles, n_bytes;
	uint64_t n_rows, n_live, n_tombstones, n_erased; /* stored rows, versions included; a box
	                                                     that was put or deleted is one row */
	int64_t next_row_id;                             /* TABLE */
	uint8_t identity[16]; /* of the schema without the array's name */
	teg_retention retention;
} teg_array_info;
TEG_API TEG_MUST_USE teg_status teg_array_get_info(const teg_array *array, teg_array_info *info_out,
                                                   teg_error *err);

/* ======== predicates ======== */

typedef enum teg_compare { TEG_EQ = 1, TEG_NE, TEG_LT, TEG_LE, TEG_GT, TEG_GE } teg_compare;

/* Text as in `delay > 10 and origin in ('JFK','LGA')`. Columns are bound when a scan is opened.
 * TEG_MISUSE: err->offset is the byte of `text` where it stopped making sense. */
TEG_API TEG_MUST_USE teg_status teg_predicate_parse(const char *text,
                                                    const teg_allocator *allocator,
                                                    teg_predicate **predicate_out, teg_error *err);
/* The same by calls. Each copies what it is given; `and`, `or` and `not` take the operands over,
 * after an error too. */
TEG_API TEG_MUST_USE teg_status teg_predicate_compare(const char *column, teg_compare op,
                                                      const teg_value *value,
                                                      const teg_allocator *allocator,
                                                      teg_predicate **predicate_out,
                                                      teg_error *err);
TEG_API TEG_MUST_USE teg_status teg_predicate_in(const char *column, const teg_value *values,
                                                 size_t n_values, const teg_allocator *allocator,
                                                 teg_predicate **predicate_out, teg_error *err);
TEG_API TEG_MUST_USE teg_status teg_predicate_is_null(const char *column,
                                                      const teg_allocator *allocator,
                                                      teg_predicate **predicate_out,
                                                      teg_error *err);
TEG_API TEG_MUST_USE teg_status teg_predicate_and(teg_predicate *a, teg_predicate *b,
                                                  teg_predicate **predicate_out, teg_error *err);
TEG_API TEG_MUST_USE teg_status teg_predicate_or(teg_predicate *a, teg_predicate *b,
                                                 teg_predicate **predicate_out, teg_error *err);
TEG_API TEG_MUST_USE teg_status teg_predicate_not(teg_predicate *a, teg_predicate **predicate_out,
                                                  teg_error *err);
TEG_API void teg_predicate_free(teg_predicate *predicate);

/* ======== scans ======== */

typedef enum teg_scan_mode {
	TEG_SCAN_CURRENT = 0,   /* as of the array's last system time */
	TEG_SCAN_AS_OF,         /* as of system_time */
	TEG_SCAN_AS_OF_VERSION, /* as of the array's last system time at or before `version` */
	TEG_SCAN_ALL_VERSIONS,  /* every stored row with its interval as written */
	TEG_SCAN_SYSTEM_RANGE,  /* all that answered at some time in [system_time, system_end): one
	                           rectangle each in system and valid time, newest first per cell */
	TEG_SCAN_CHANGES        /* where the answers at system_time and at system_end differ */
} teg_scan_mode;

typedef enum teg_valid_mode {
	TEG_VALID_ANY = 0, /* all of valid time: as many pieces per cell as it takes */
	TEG_VALID_AT,      /* valid_from <= valid_at < valid_until */
	TEG_VALID_RANGE    /* pieces clipped to [valid_at, valid_end) */
} teg_valid_mode;

/* TEG_KIND_BOX, with ALL_VERSIONS only and without predicate and slices: deleted and erased boxes as
 * rows of their own, after all others, newest first. Dimensions are such a box's lower corner, columns
 * `box_end.<dimension>`, null in every other row, its upper one, both inclusive. Without it a deleted
 * box is told by a row for every key of which a row is told, and an erased one not at all: a ledger
 * needs it to say what keys that were never put answer. */
enum { TEG_KIND_LIVE = 1, TEG_KIND_TOMBSTONE = 2, TEG_KIND_ERASED = 4, TEG_KIND_BOX = 8 };

/* One item of a NumPy basic slice. Positions count from 0 at the lower bound of the domain, negative
 * ones from its end. Zeroed, it is the whole dimension. */
typedef enum teg_slice_kind {
	TEG_SLICE_RANGE = 0, /* start:stop:step; bounds beyond the ends are cut to them */
	TEG_SLICE_INDEX,     /* `start`: one position, whose dimension the result does not have */
	TEG_SLICE_ELLIPSIS   /* as many whole dimensions as are left; once */
} teg_slice_kind;
typedef struct teg_slice {
	teg_slice_kind kind;
	bool has_start,
		has_stop; /* false: from the first, to the last (with a step < 0 the reverse) */
	int64_t start, stop;
	int64_t step; /* may be negative; 0: 1 */
} teg_slice;

/* One damage: the file, the byte offset and what is wrong there. Or, with TEG_SCHEMA, a check that
 * is broken: array, column and the row that does it first, counted from 0 in a current scan. */
typedef void (*teg_damage)(void *ctx, const teg_error *damage);

typedef struct teg_scan_options {
	size_t struct_size;
	const char *const *columns; /* names, in output order; NULL: dimensions, then attributes */
	size_t n_columns;
	const teg_range *box;           /* one per dimension; NULL: everything */
	const teg_predicate *predicate; /* copied */
	teg_scan_mode mode;
	int64_t system_time;
	uint64_t version;
	teg_valid_mode valid_mode;
	int64_t valid_at, valid_end;
	uint32_t kinds; /* TEG_KIND_* bits; BOX aside 0: live (ALL_VERSIONS: all) */
	bool times;     /* adds system_from, system_until, valid_from and valid_until (where the
	                        array has valid time), row_kind, and row_id in a table */
	uint64_t limit; /* rows after every filter; 0: no limit */
	uint32_t batch_rows; /* most rows of a batch, fewer where they are large; 0: 65,536;
	                        UINT32_MAX: all in one */
	bool no_prune;       /* reads every tile: to check that pruning changes nothing */
	const teg_slice
		*slices; /* DENSE, in place of a box: as teg_read_slice takes them. Rows come
	                            in the usual order, whatever the sign of a step */
	size_t n_slices;
	/* Called for every tile that is damaged; the tile is left out then, with all that were to be
	 * resolved together with it, instead of TEG_CORRUPT. NULL: damage is an error. Damage of an
	 * index or a segment's ends is one in any case: nobody knows what is missing. */
	teg_damage damaged;
	void *damaged_ctx;
	int64_t system_end; /* SYSTEM_RANGE, CHANGES. Open ends are INT64_MIN and INT64_MAX; a range
	                        that is open begins at the horizon */
} teg_scan_options;

/* What the column `change` of a scan of changes says. One of a live cell is told by its new row, a
 * deletion by the row that is gone. A put of the same values is a change. Erasures hide at every
 * system time, so there is no saying what was erased; those of boxes are not listed. */
typedef enum teg_change { TEG_ADDED = 1, TEG_CHANGED, TEG_DELETED, TEG_ERASED } teg_change;

/* TEG_NOT_FOUND names an unknown column, TEG_MISUSE a predicate or box that does not fit the types,
 * TEG_BEYOND_HORIZON. Reads no tile yet. Names of time columns may be used in `columns` and in the
 * predicate. */
TEG_API TEG_MUST_USE teg_status teg_scan_open(teg_array *array, const teg_scan_options *options,
                                              teg_scan **scan_out, teg_error *err);
TEG_API void teg_scan_close(teg_scan *scan);
/* The schema of the batches, whether or not any row comes. The caller releases it. */
TEG_API TEG_MUST_USE teg_status teg_scan_schema(teg_scan *scan, struct ArrowSchema *schema_out,
                                                teg_error *err);
/* The next batch (a struct array of at least one row), which outlives the scan. TEG_END after the
 * last. Buffers are 64-byte aligned and go back to a pool of the scan when released. */
TEG_API TEG_MUST_USE teg_status teg_scan_next(teg_scan *scan, struct ArrowArray *batch_out,
                                              teg_error *err);
/* Turns the scan into a stream that owns it. `scan` must not be used after. */
TEG_API TEG_MUST_USE teg_status teg_scan_stream(teg_scan *scan, struct ArrowArrayStream *stream_out,
                                                teg_error *err);

typedef struct teg_scan_stats {
	size_t struct_size;
	int64_t system_time; /* the S that was used */
	uint64_t segments_seen, segments_pruned;
	uint64_t tiles_seen, tiles_pruned_box, tiles_pruned_attribute, tiles_pruned_time,
		tiles_read;
	uint64_t tiles_resolved; /* of those read: not emitted on the fast path */
	uint64_t index_pages_read,
		index_pages_pruned; /* looked at, in memory or not; passed over */
	uint64_t reads, read_bytes; /* of index pages that were not in memory, and of pages of
	                               columns; not of the heads of segments and tiles */
	uint64_t rows_read, rows_emitted;
	uint64_t damages;      /* times that something was left out */
	uint64_t tiles_spared; /* planned and not read: of one key at one valid time the answer was
	                          known before */
} teg_scan_stats;
/* So far: complete after TEG_END. */
TEG_API void teg_scan_get_stats(const teg_scan *scan, teg_scan_stats *stats_out);
/* The plan: prunes by the index without reading a tile. Before the first teg_scan_next, tiles_read and
 * tiles_resolved are what a scan to the end would read and resolve (of one key at one valid time: at
 * most, it stops at the answer), reads and read_bytes are the
 * index's, and rows_read and rows_emitted are 0: how many rows pass is known only by reading. After
 * it, as teg_scan_get_stats. */
TEG_API TEG_MUST_USE teg_status teg_scan_explain(teg_scan *scan, teg_scan_stats *stats_out,
                                                 teg_error *err);

/* When and as of what a point or box is read. */
typedef struct teg_read_options {
	size_t struct_size;
	teg_scan_mode mode; /* CURRENT, AS_OF or AS_OF_VERSION */
	int64_t system_time;
	uint64_t version;
	bool has_valid_at; /* needed where the array has valid time, else TEG_MISUSE */
	int64_t valid_at;
} teg_read_options;

/* DENSE: fills the buffers with the cells of the box, the fill value where a cell is not live.
 * `mask` (may be NULL): one byte per cell, row-major, 1 = live. */
TEG_API TEG_MUST_USE teg_status teg_read_box(teg_array *array, const teg_range *box,
                                             const teg_buffer *buffers, size_t n_buffers,
                                             uint8_t *mask, const teg_read_options *options,
                                             teg_error *err);

/* DENSE: as teg_read_box for a slice: one item per dimension, missing ones are whole. Strides of the
 * buffers are one per dimension of the result (teg_array_shape), validity and mask row-major over
 * it; `values` is its first cell. TEG_DOMAIN names a dimension that an index lies outside of. Tiles
 * that a step skips are not read. A result without cells touches nothing. */
TEG_API TEG_MUST_USE teg_status teg_read_slice(teg_array *array, const teg_slice *slices,
                                               size_t n_slices, const teg_buffer *buffers,
                                               size_t n_buffers, uint8_t *mask,
                                               const teg_read_options *options, teg_error *err);
/* DENSE: the shape of that result, without reading data; no slices: of the array. shape_out has room
 * for TEG_MAX_DIMENSIONS. */
TEG_API TEG_MUST_USE teg_status teg_array_shape(teg_array *array, const teg_slice *slices,
                                                size_t n_slices, size_t *n_axes_out,
                                                uint64_t *shape_out, teg_error *err);

/* ---- aggregates: over what a scan would return ---- */

typedef enum teg_function {
	TEG_COUNT = 1,  /* rows, or with a column those that are not null there; int64 */
	TEG_NULL_COUNT, /* int64 */
	TEG_SUM, /* integers: int64 or uint64, exact, TEG_LIMIT where that overflows. Decimals:
	                   decimal128(38). Durations: the same. Floats: float64, compensated (Neumaier), so
	                   that the order of rows shows in the last bits at most */
	TEG_MIN, /* the column's type. Floats: -0.0 below 0.0, every NaN above all and shown as one */
	TEG_MAX,
	TEG_MEAN /* float64: the sum, exact or compensated, rounded once, by the count */
} teg_function;

/* Nulls are skipped; of no values sum, min, max and mean are null. */
typedef struct teg_measure {
	teg_function function;
	const char *column; /* NULL with COUNT: rows */
} teg_measure;

typedef struct teg_aggregate_options {
	size_t struct_size;
	const char *const *by; /* columns whose equal values make a group; at most 16 */
	size_t n_by;
	size_t memory; /* bytes that groups may take, else TEG_LIMIT; 0: 256 MiB */
	teg_scan_stats
		*stats; /* filled in where it is not NULL; tiles that statistics answer for are
	                          not among tiles_read */
} teg_aggregate_options;

/* One batch: the columns of `by`, then one per measure, named count(), sum(a) and so on; one row per
 * group by ascending key, nulls last; without `by` one row. `scan` (may be NULL) chooses the rows: its
 * columns, kinds, limit and times must not be set, nor may it ask for all versions. An array with
 * valid time needs TEG_VALID_AT. TEG_MISUSE for a function that makes no sense for a type. */
TEG_API TEG_MUST_USE teg_status teg_aggregate(teg_array *array, const teg_measure *measures,
                                              size_t n_measures,
                                              const teg_aggregate_options *options,
                                              const teg_scan_options *scan,
                                              struct ArrowSchema *schema_out,
                                              struct ArrowArray *batch_out, teg_error *err);

/* ---- elementwise: two arrays, cell by cell ---- */

/* Whole numbers: int64, of two unsigned operands uint64 but for differences; exact, TEG_LIMIT names the
 * row of the result that overflows. A quotient is cut off towards zero. Floats: float32, float64 where
 * an operand is one or is an integer of up to 32 bits; wider integers do not mix with floats. Decimals,
 * with decimals or integers: add and subtract at the larger scale, multiply, not divide; decimal128(38).
 * Times of one unit: durations add up and differ, a timestamp less a timestamp is a duration, and one
 * may be added to it or taken off. Whatever is divided by zero is null. */
typedef enum teg_operator { TEG_ADD = 1, TEG_SUBTRACT, TEG_MULTIPLY, TEG_DIVIDE } teg_operator;

typedef struct teg_term {
	teg_operator op;
	const char *left, *right; /* a column of the left array and one of the right */
	const char *name;         /* of the result; NULL: as in "a + b" */
} teg_term;

typedef struct teg_elementwise_options {
	size_t struct_size;
	const teg_scan_options *left, *right; /* choose cells, as teg_aggregate's does */
	bool both;                            /* only cells that are live on both sides */
	size_t memory; /* bytes for cells at hand, else TEG_LIMIT; 0: 64 MiB */
} teg_elementwise_options;

/* A stream of the keys that are live in either array, once each, and the terms over what the two have
 * there: columns of the left array's dimensions (row_id of a table), then one per term, which may go
 * into an array by teg_txn_put_stream. A term is null where an operand is null or has no live cell.
 * The order of rows depends on what is stored, and is the same each time. The arrays may be one, seen
 * as of two times. TEG_MISUSE: dimensions that differ in number or type, repeated cells, a term that
 * makes no sense for the types; an array with valid time needs TEG_VALID_AT. */
TEG_API TEG_MUST_USE teg_status teg_elementwise(teg_array *left, teg_array *right,
                                                const teg_term *terms, size_t n_terms,
                                                const teg_elementwise_options *options,
                                                struct ArrowArrayStream *stream_out,
                                                teg_error *err);

/* TABLE: the live rows at these ordinals (their rank by row id, from 0), in the order asked for,
 * duplicates kept, as one batch of `columns` (NULL: all attributes). TEG_DOMAIN with the position
 * in `ordinals` as row, where one is outside [0, live rows). No ordinals: an empty batch. */
TEG_API TEG_MUST_USE teg_status teg_take(teg_array *array, const int64_t *ordinals, size_t n,
                                         const char *const *columns, size_t n_columns,
                                         const teg_read_options *options,
                                         struct ArrowSchema *schema_out,
                                         struct ArrowArray *batch_out, teg_error *err);
/* The number of live rows that teg_take counts. */
TEG_API TEG_MUST_USE teg_status teg_count_live(teg_array *array, const teg_read_options *options,
                                               uint64_t *n_out, teg_error *err);

/* TABLE with a key (teg_spec.key): the live rows that hold this value of it, none, one or many,
 * *n_out of them, by row id, as one batch of `columns` (NULL: row_id and all attributes). Segments
 * carry an index: the cost does not grow with the rows of the table. TEG_MISUSE: no key, or a value
 * that does not fit its type. */
TEG_API TEG_MUST_USE teg_status teg_find(teg_array *array, const teg_value *key,
                                         const char *const *columns, size_t n_columns,
                                         const teg_read_options *options, uint64_t *n_out,
                                         struct ArrowSchema *schema_out,
                                         struct ArrowArray *batch_out, teg_error *err);

typedef enum teg_outcome {
	TEG_OUTCOME_LIVE = 1,
	TEG_OUTCOME_DELETED,
	TEG_OUTCOME_ERASED,
	TEG_OUTCOME_NOT_FOUND,
	TEG_OUTCOME_BEYOND_HORIZON
} teg_outcome;

/* The cell at a key (one value per dimension). LIVE: one batch of one row (repeated cells: one row
 * per cell) with all columns and times; otherwise *batch_out is released (release NULL). */
TEG_API TEG_MUST_USE teg_status teg_get(teg_array *array, const teg_value *key, size_t n_key,
                                        const teg_read_options *options, teg_outcome *outcome_out,
                                        struct ArrowSchema *schema_out,
                                        struct ArrowArray *batch_out, teg_error *err);

/* ======== upkeep ======== */

/* Called every few milliseconds of work with how far it is (total 0: nobody knows yet); false asks to stop
 * (TEG_CANCELLED). Not while the system makes a file durable. What is published stays: a purge that is
 * stopped has rewritten, and may have removed some of the files. */
typedef bool (*teg_progress)(void *ctx, uint64_t done, uint64_t total);

typedef struct teg_extent {
	const char *dimension;
	uint64_t extent; /* 0: none; DENSE: one is picked */
} teg_extent;

typedef struct teg_compact_options {
	size_t struct_size;
	const char *array; /* NULL: every array */
	bool by_policy;    /* only what the policy would merge; default: all into one */
	size_t memory;     /* bytes; 0: 64 MiB */
	teg_progress progress;
	void *progress_ctx;
	/* Other tile settings, which the array takes over (TEG_ALTER_TILES), in a version of its own
	 * before the merge: then every segment that an earlier schema wrote is written anew. Not
	 * by_policy. Dense arrays have no tile_cells: MISUSE where one is named, else passed over. */
	uint32_t tile_cells; /* 0: stays */
	bool has_profile;
	teg_profile profile;
	/* Other extents of tiles, of one `array`, SPARSE or DENSE; those of dimensions not named stay.
	 * Everything is written anew, and schema and segments change in one version: what others have
	 * staged for the old extents is TEG_CONFLICT, and where others keep committing to the array
	 * the rewrite is begun again, at most a few times, then TEG_CONFLICT. */
	const teg_extent *extents;
	size_t n_extents;
} teg_compact_options;
typedef struct teg_compact_result {
	size_t struct_size;
	uint64_t version;
	uint64_t segments_in, segments_out, rows_in, rows_out, bytes_in, bytes_out;
	uint64_t rows_expired, rows_erased; /* dropped by retention; under erasures */
} teg_compact_result;
/* Merges segments; readers and writers go on beside it. Rows that may still answer at the newest
 * system time go to one segment, superseded ones to another, so that reads of now never open
 * history. Nothing is lost but what an erasure covers, and what the array's retention lets go: rows
 * that answer nothing from the horizon on, which then moves. Where another merge or a vacuum was
 * faster it looks again, as long as others get on; beside a writer that merges much the newest
 * segments may be left as they are. TEG_CANCELLED only where `progress` says so. */
TEG_API TEG_MUST_USE teg_status teg_compact(teg_store *store, const teg_compact_options *options,
                                            teg_compact_result *result_out, teg_error *err);

typedef struct teg_vacuum_options {
	size_t struct_size;
	bool has_grace;   /* false: 24 hours */
	int64_t grace_us; /* files younger than this stay */
	bool dry_run;
} teg_vacuum_options;
typedef struct teg_vacuum_result {
	size_t struct_size;
	uint64_t files_removed, bytes_removed;
	uint64_t files_kept_pinned, files_kept_young;
	uint64_t manifests_removed;
} teg_vacuum_result;
/* Deletes files that no version kept, no pin and no commit in flight needs. */
TEG_API TEG_MUST_USE teg_status teg_vacuum(teg_store *store, const teg_vacuum_options *options,
                                           teg_vacuum_result *result_out, teg_error *err);

/* A file that a purge removed. The digest is the XXH3-64 of its pieces, a MiB each: over 0 and the
 * first piece's hash, then over that digest and the next one's, little-endian. */
typedef struct teg_purged_file {
	const char *path; /* below the store */
	uint64_t len, digest;
} teg_purged_file;
typedef struct teg_purge_options {
	size_t struct_size;
	const char *array; /* NULL: every array */
	bool only_vacuum;  /* the rewrite was done before: try again to remove files */
	void (*each)(void *ctx, const teg_purged_file *file); /* told of each file removed */
	void *each_ctx;
	teg_progress progress;
	void *progress_ctx;
	/* The metadata of commits (teg_txn_options) goes too: of those that made the array or gave it
	 * cells, or of all, where `array` is NULL. */
	bool metadata;
	const uint64_t
		*versions; /* and of these, ascending, whatever they changed; TEG_NOT_FOUND */
	size_t n_versions;
} teg_purge_options;
typedef struct teg_purge_result {
	size_t struct_size;
	uint64_t version; /* that needs none of the removed files */
	uint64_t rows_erased, rows_expired;
	uint64_t files_removed, bytes_removed;
	uint64_t files_kept; /* needed still by snapshots or by writers at work: try again later */
	uint64_t metadata_removed; /* versions that had some */
} teg_purge_result;
/* Completes every erasure of the array that was committed before: rewrites its segments, those too that
 * an earlier schema wrote, moves all that is live out of older manifests, and removes every file that
 * the newest version does not need, without a grace period. With them goes what was dropped, renamed,
 * unset or set aside by teg_recover before: columns, arrays, names, metadata, rules, fill values. What
 * open snapshots need stays (files_kept).
 *
 * What stays for good, and should not be a person's: the names of arrays, columns and writers in use
 * (`writer`, `key_writer`), the id of an array (a hash of its first name), of the last content under
 * an idempotency key a hash, and of each version its times, counts and action. The history tells which
 * versions had metadata removed and by which version, and of that one when. */
TEG_API TEG_MUST_USE teg_status teg_purge(teg_store *store, const teg_purge_options *options,
                                          teg_purge_result *result_out, teg_error *err);

typedef struct teg_verify_result {
	size_t struct_size;
	uint64_t files, bytes, pages, tiles, rows, damages;
	uint64_t broken_checks; /* rules that some current row breaks */
} teg_verify_result;
/* Checks every referenced byte against its checksum; `rows` counts stored rows as teg_array_info does,
 * of every tile whose header could be read; `deep` decodes everything and checks statistics too, and
 * holds current rows to the array's checks. Damage is reported through `each` (may be NULL) and
 * counted; the call itself fails only where it cannot go on. */
TEG_API TEG_MUST_USE teg_status teg_verify(teg_store *store, bool deep, teg_damage each, void *ctx,
                                           teg_verify_result *result_out, teg_error *err);

/* A version that recovery gives up. What it had added, where that can be read, else action is NULL. */
typedef struct teg_lost_version {
	uint64_t version;
	const teg_error *damage;
	const char *action; /* "commit", "compact", "alter" ... */
	int64_t system_time;
	uint64_t n_arrays, n_rows;
} teg_lost_version;
typedef struct teg_recover_options {
	size_t struct_size;
	const teg_allocator *allocator;
	bool dry_run; /* says what would be lost, changes nothing */
	void (*each)(void *ctx, const teg_lost_version *lost);
	void *each_ctx;
	struct os *os; /* tests */
} teg_recover_options;
typedef struct teg_recover_result {
	size_t struct_size;
	uint64_t version; /* the newest one that is intact */
	uint64_t versions_lost;
} teg_recover_result;
/* A store whose newest version cannot be read goes back to the newest one whose manifest, catalog and
 * segments are there: manifests behind it are renamed to <name>.lost, and their numbers are given
 * again. Commits of versions that are lost are undone, erasures too, acknowledged as they were.
 * Damage inside of segments is no reason to go back. TEG_CORRUPT: no version is intact. Nobody else
 * may have the store open. */
TEG_API TEG_MUST_USE teg_status teg_recover(const char *path, const teg_recover_options *options,
                                            teg_recover_result *result_out, teg_error *err);

#ifdef __cplusplus
}
#endif
#endif
