/* The values of the catalog: small packed maps. format-spec/manifest.md, REC-1 and on.
 *
 * What a reader does not know in a map it passes over, so fields can be added. Spans that come out
 * of parsing point into the bytes parsed.
 */
#ifndef TEG_ENGINE_STORE_RECORD_H
#define TEG_ENGINE_STORE_RECORD_H
#include "codec/msgpack/pack.h"
#include "engine/store/retention.h"
#include "engine/store/segment.h"

struct array_record {
	uint64_t id;
	uint64_t created_version;
	int64_t last_system_time, horizon; /* INT64_MIN: none */
	int64_t next_row_id;
	struct retention retention;
	struct span schema; /* packed */
};
void record_put_array(const struct array_record *record, struct buf *out);
teg_status record_parse_array(struct span bytes, struct arena *arena,
                              struct array_record *record_out, teg_error *err);

/* The reference's versions and part are in its key as well. `n_dims`: lanes of the box. */
void record_put_segment(const struct segment_ref *ref, uint32_t n_dims, struct buf *out);
/* The box lies in `arena`; nodes in `scratch`, which may be released afterwards. */
teg_status record_parse_segment(struct span key, struct span bytes, uint32_t n_dims,
                                struct arena *scratch, struct arena *arena,
                                struct segment_ref *ref_out, teg_error *err);

/* How many dimensions its box has. */
teg_status record_segment_dims(struct span bytes, struct arena *scratch, uint32_t *n_dims_out,
                               teg_error *err);

/* What a commit was, for history. */
struct version_record {
	uint64_t version;
	uint8_t commit_id[16];
	int64_t system_time; /* 0: it brought no facts */
	int64_t wall_time;
	struct span writer, library, action;
	uint64_t n_arrays, n_rows, n_segments, n_bytes;
	const teg_metadata *metadata; /* in the arena */
	size_t n_metadata;
	uint64_t redacted; /* the version that took metadata away; 0: none */
};
void record_put_version(const struct version_record *record, struct buf *out);
teg_status record_read_version(uint64_t version, const struct node *map, struct arena *arena,
                               struct version_record *record_out, teg_error *err);
teg_status record_parse_version(uint64_t version, struct span bytes, struct arena *arena,
                                struct version_record *record_out, teg_error *err);

/* The last idempotency key of a writer, and what its commit gave. */
struct writer_record {
	uint64_t sequence, digest, version;
	int64_t system_time, clock_distance;
	uint64_t n_arrays, n_rows, n_segments, n_bytes;
};
void record_put_writer(const struct writer_record *record, struct buf *out);
teg_status record_parse_writer(struct span bytes, struct arena *arena,
                               struct writer_record *record_out, teg_error *err);

/* [[key, value], ...]: text where it is UTF-8 need not hold, so both are bytes. */
void record_put_metadata(const teg_metadata *metadata, size_t n, struct buf *out);
/* False where the node is not such a list, or memory is short. */
bool record_parse_metadata(const struct node *node, struct arena *arena,
                           const teg_metadata **metadata_out, size_t *n_out);
#endif
