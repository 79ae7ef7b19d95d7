/* A manifest file: one version of the store, and what its commit wrote.
 *
 *   0       40                pages_off   dir_off       head_off
 *   [ header | inline segments | pages    | directory   | head: msgpack | trailer, 64 bytes ]
 *
 *   header    magic, format version, required feature bits, version, store id
 *   directory one fixed entry per inline segment, read only when the file's ranges are moved
 *   head      who, when, the root of the catalog, the files that it reaches
 *   trailer   where everything is; hashes of head, header and trailer
 *
 * So opening a version takes two reads at the ends of one file. Every byte hangs on the trailer's
 * hash: pages and segments through references below the root. format-spec/manifest.md, MAN-1 on.
 */
#ifndef TEG_ENGINE_STORE_MANIFEST_H
#define TEG_ENGINE_STORE_MANIFEST_H
#include "engine/store/page.h"
#include "engine/store/record.h"

#define MANIFEST_HEADER_LEN 40
#define MANIFEST_TRAILER_LEN 64
#define MANIFEST_ENTRY_LEN 36
#define MANIFEST_HEAD_MAX (64u << 20)

/* A manifest file that the version reaches, or did until a few versions ago. */
struct manifest_use {
	uint64_t number;
	uint64_t live_len;   /* bytes of its pages and inline segments that are reached */
	uint64_t dead_since; /* the version that reached nothing of it any more; 0: it is reached */
};

/* An inline segment as the directory lists it. */
struct manifest_entry {
	uint64_t off, len, array_id, first_version;
	uint32_t part;
};

struct manifest_layout {
	uint64_t pages_off, dir_off, head_off, file_len;
	uint32_t head_len;
	uint64_t head_hash;
	uint64_t hash; /* of header and trailer: the checksum that the next version keeps */
};

struct manifest_head {
	struct version_record record; /* number, commit id, times, writer, action, metadata */
	uint64_t parent_hash;         /* 0: version 1 */
	int64_t newest_time;          /* the largest system time of the store; INT64_MIN: none */
	uint64_t n_arrays;            /* in the store */
	struct page_ref root;
	uint64_t dir_hash;
	uint32_t n_files;
	struct manifest_use *files;    /* by number */
	struct manifest_layout layout; /* not packed: filled in on reading */
};

/* "manifests/<20 digits>". */
void manifest_path(uint64_t number, char path_out[OS_PATH_MAX]);
/* The number that such a name (without the directory) means; false: it is no such name. */
bool manifest_number(const char *name, uint64_t *number_out);

void manifest_put_header(uint64_t number, const uint8_t store_id[16], struct buf *out);
void manifest_put_entry(const struct manifest_entry *entry, struct buf *out);
/* Appends head and trailer. `layout`: pages_off and dir_off are given, the rest is filled in;
 * `head_off` is where out's end will lie in the file. */
void manifest_put_tail(const struct manifest_head *head, const uint8_t header[MANIFEST_HEADER_LEN],
                       uint64_t head_off, struct manifest_layout *layout, struct buf *out);

/* TEG_CORRUPT: wrong magic, store or number; TEG_UNSUPPORTED names version or feature bits. */
teg_status manifest_check_header(struct span header, uint64_t number, const uint8_t store_id[16],
                                 teg_error *err);
teg_status manifest_parse_trailer(struct span header, struct span trailer, uint64_t file_len,
                                  struct manifest_layout *layout_out, teg_error *err);
/* `bytes`: verified against head_hash. */
teg_status manifest_parse_head(struct span bytes, uint64_t number, struct arena *arena,
                               struct manifest_head *head_out, teg_error *err);
/* A directory of n entries is n * MANIFEST_ENTRY_LEN bytes. */
struct manifest_entry manifest_entry_at(struct span directory, size_t i);

/* The same out of the bytes of a whole file. */
teg_status manifest_parse(struct span file, uint64_t number, const uint8_t store_id[16],
                          struct arena *arena, struct manifest_head *head_out, teg_error *err);

/* Reads header, trailer and head of an open manifest file. Everything lies in `arena`. */
teg_status manifest_read(struct os *os, struct os_file *file, uint64_t number,
                         const uint8_t store_id[16], struct arena *arena,
                         struct manifest_head *head_out, teg_error *err);
#endif
