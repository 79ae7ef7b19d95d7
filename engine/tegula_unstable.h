/* The inspection walk that tilectl uses: what a store is made of, as facts. May change in any
 * release. Everything handed to a callback is valid during that call only; a callback returns
 * false to stop the walk (the walk then returns TEG_OK). Threads and errors as in tegula.h.
 */
#ifndef TEG_TEGULA_UNSTABLE_H
#define TEG_TEGULA_UNSTABLE_H
#include "engine/tegula.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct teg_segment_info {
	uint64_t number; /* position in the array's list, oldest first */
	char object[40]; /* file below the store, or "manifests/N" for an inline segment */
	uint64_t offset, length;
	uint64_t checksum;
	uint64_t first_version, last_version; /* the commits whose rows it holds */
	uint64_t erased_through; /* erasures up to that version are applied to its bytes */
	bool inlined, compacted, history;
	int64_t system_from_min, system_from_max;
	uint64_t n_tiles, n_rows, n_live, n_tombstones, n_erased;
} teg_segment_info;

typedef struct teg_tile_info {
	uint64_t segment, number; /* the segment's and the tile's position */
	const char *shape;        /* "sparse", "dense" or "box" */
	uint64_t offset, length;
	uint64_t n_rows, n_live, n_tombstones, n_erased;
	int64_t system_from_min, system_from_max, superseded_at_max;
	int64_t valid_from_min, valid_until_max;
	uint64_t n_open, n_inexact;
	const teg_range *box; /* one per dimension */
	size_t n_dimensions;
	bool box_exact; /* false: text bounds are prefixes */
} teg_tile_info;

typedef struct teg_column_info {
	uint64_t segment, tile;
	const char
		*name; /* dimension, attribute, time column; "points.item.x" below an attribute */
	const char *encoding;                            /* "for", "dictionary+zstd", ... */
	uint64_t n_values, n_pages, stored_len, raw_len; /* bytes */
	uint64_t n_nulls, n_nan;
	teg_value min, max; /* type 0: no bounds */
	bool bounds_exact;
} teg_column_info;

typedef struct teg_version_info {
	uint64_t version;
	int64_t system_time, wall_time; /* wall_time: the clock at publish */
	uint8_t commit_id[16];
	const char *writer, *library; /* as the writer named itself; its library version */
	const char *action;           /* "create", "commit", "compact", ... */
	uint64_t n_arrays, n_rows, n_bytes;
	const teg_metadata *metadata;
	size_t n_metadata;
	uint64_t redacted; /* the version that took metadata of this one away; 0: none */
} teg_version_info;

TEG_API TEG_MUST_USE teg_status teg_walk_segments(teg_array *array,
                                                  bool (*each)(void *, const teg_segment_info *),
                                                  void *ctx, teg_error *err);
TEG_API TEG_MUST_USE teg_status teg_walk_tiles(teg_array *array,
                                               bool (*each)(void *, const teg_tile_info *),
                                               void *ctx, teg_error *err);
TEG_API TEG_MUST_USE teg_status teg_walk_columns(teg_array *array,
                                                 bool (*each)(void *, const teg_column_info *),
                                                 void *ctx, teg_error *err);
/* Every column of every tile as it is stored, decoded, whatever may be seen of it: its values side by
 * side, text and bytes without what separates them. */
TEG_API TEG_MUST_USE teg_status teg_walk_values(teg_array *array,
                                                bool (*each)(void *ctx, const char *column,
                                                             teg_type type, const void *bytes,
                                                             size_t len),
                                                void *ctx, teg_error *err);
/* Newest first. */
TEG_API TEG_MUST_USE teg_status teg_walk_versions(teg_snapshot *snapshot,
                                                  bool (*each)(void *, const teg_version_info *),
                                                  void *ctx, teg_error *err);

/* Newest first: those whose commits put, deleted or erased cells of the array, and the one that made
 * it. Merges and changes of the schema are not kept by array. */
TEG_API TEG_MUST_USE teg_status teg_walk_array_versions(teg_array *array,
                                                        bool (*each)(void *,
                                                                     const teg_version_info *),
                                                        void *ctx, teg_error *err);

typedef struct teg_store_facts {
	uint8_t store_id[16];
	uint16_t format_major, format_minor;
	uint64_t required_features, optional_features;
	uint64_t version, n_arrays;
	uint64_t n_manifest_files, manifest_bytes, n_segment_files, segment_bytes, n_pins;
} teg_store_facts;
TEG_API TEG_MUST_USE teg_status teg_store_get_facts(teg_store *store, teg_store_facts *facts_out,
                                                    teg_error *err);

#ifdef __cplusplus
}
#endif
#endif
