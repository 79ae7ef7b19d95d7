/* One version of the store, open: the head of its manifest and the catalog below its root.
 *
 *   hint ──> "at least 41"      list manifests/ ──> newest is 43 ──> head ──> root page ──> ...
 *
 * The hint is read first and the directory is listed then, so a newest manifest that has vanished is
 * found out; a version that cannot be read is an error that names the file, never an older version.
 */
#ifndef TEG_ENGINE_STORE_VERSION_H
#define TEG_ENGINE_STORE_VERSION_H
#include "engine/store/catalog.h"
#include "engine/store/manifest.h"
#include "engine/store/store.h"

struct store_version {
	_Atomic uint32_t refs;
	struct teg_store *store;
	uint64_t number;
	struct arena arena; /* holds the head */
	struct manifest_head head;
	struct page_source source;
};

#define HINT_PATH "manifests/hint"
#define HINT_LEN 38               /* 20 digits, a space, 16 hex digits of their hash, a line end */
#define HINT_LINES_MAX 64         /* about: then the file is begun anew */
#define HINT_FILE_MAX (64u << 10) /* bytes; a longer file is no hint */

/* One line. */
void hint_put(uint64_t number, char out[HINT_LEN + 1]);
/* The largest number of the lines that are whole; 0: none. */
uint64_t hint_parse(struct span bytes);

/* Calls `each` with the number of every manifest there is, in no order. */
teg_status manifests_list(struct os *os, void (*each)(void *ctx, uint64_t number), void *ctx,
                          teg_error *err);
/* The largest number in manifests/; 0: none. */
teg_status manifests_last(struct os *os, uint64_t *number_out, teg_error *err);
/* The newest version's number, checked against the hint. TEG_CORRUPT. */
teg_status version_newest_number(struct teg_store *store, uint64_t *number_out, teg_error *err);

/* Opens that version. TEG_NOT_FOUND where its manifest is not there. */
teg_status version_open(struct teg_store *store, uint64_t number,
                        struct store_version **version_out, teg_error *err);

/* The newest version, its manifest read again even where it is in memory. */
teg_status version_read_newest(struct teg_store *store, struct store_version **version_out,
                               teg_error *err);
/* The version whose manifest this store has just published, out of the bytes that it wrote: becomes
 * the newest seen, its pages are kept. TEG_NOMEM. */
teg_status version_of_bytes(struct teg_store *store, uint64_t number, struct span file,
                            struct store_version **version_out, teg_error *err);
/* The newest version this store has seen; NULL: none yet. There may be a newer one, and its files may
 * be gone: good for a first try only. */
struct store_version *version_seen(struct teg_store *store);
/* Reads every page of the catalog from its file, past those kept in memory: they say nothing about
 * the files. */
teg_status version_read_catalog(struct store_version *version, teg_error *err);

/* The error for a file that this version needs and that is not there: TEG_SNAPSHOT_EXPIRED where the
 * version is not the newest any more, else TEG_CORRUPT. */
teg_status version_file_gone(struct store_version *version, const char *path, teg_error *err);

/* A snapshot without a pin. */
teg_status snapshot_of_version(struct store_version *version, struct teg_snapshot **snapshot_out,
                               teg_error *err);

/* Catalog entries, parsed into `arena`. TEG_NOT_FOUND without a message. */
teg_status version_find_array(struct store_version *version, struct span name, struct arena *arena,
                              struct array_record *record_out, teg_error *err);
teg_status version_find_record(struct store_version *version, uint64_t n, struct arena *arena,
                               struct version_record *record_out, teg_error *err);
teg_status version_find_writer(struct store_version *version, const char *writer,
                               struct writer_record *record_out, teg_error *err);
/* The segment with that key; `n_dims` of its array. */
teg_status version_find_segment(struct store_version *version, uint64_t array_id,
                                uint64_t first_version, uint32_t part, uint32_t n_dims,
                                struct arena *arena, struct segment_ref *ref_out, teg_error *err);
/* All segments of an array, by first_version and part. */
teg_status version_segments(struct store_version *version, uint64_t array_id, uint32_t n_dims,
                            struct arena *arena, struct segment_ref **refs_out, uint32_t *n_out,
                            teg_error *err);
/* The newest version at or before n whose commit gave the array cells; 0: none. */
teg_status version_array_change(struct store_version *version, uint64_t array_id, uint64_t n,
                                uint64_t *at_out, teg_error *err);
#endif
