/* Parquet at the edge: a file becomes a stream of Arrow batches, a stream becomes a file.
 *
 * A module of its own, because it is C++ and stands on libarrow and libparquet, which the engine
 * never touches: programs that want Parquet link it beside libtegula, and the two meet in the
 * Arrow C Stream and nowhere else.
 *
 *     FILE.parquet --teg_parquet_open--> ArrowArrayStream --teg_txn_put_stream--> array
 *     array --teg_scan_stream--> ArrowArrayStream --teg_parquet_write--> FILE.parquet
 *
 * Both directions hold one row group's part of the file at most and cut it by bytes as well as by
 * rows, so memory does not grow with the file or with the width of a row. Types, nulls, nesting, NaN
 * bits and the metadata of schema and fields come back as they went in.
 *
 * Both functions return TEG_PARQUET_OK or another of the codes below; then `message` (may be NULL)
 * holds a terminated text that names the file. Neither starts a thread.
 */
#ifndef TEG_TOOLS_PARQUET_H
#define TEG_TOOLS_PARQUET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ArrowArrayStream;

enum teg_parquet_code {
	TEG_PARQUET_OK = 0,
	TEG_PARQUET_MISUSE,      /* an option that does not exist, a path that is no plain file */
	TEG_PARQUET_IO,          /* the system refused: the message has its reason */
	TEG_PARQUET_CORRUPT,     /* not a Parquet file, or a damaged one */
	TEG_PARQUET_UNSUPPORTED, /* a type or an encoding that cannot be read or written */
	TEG_PARQUET_STREAM,      /* the stream that was to be written failed */
	TEG_PARQUET_NO_MEMORY
};

struct teg_parquet_read_options {
	size_t struct_size;
	int64_t batch_rows;  /* most rows of a batch; 0: 65,536 */
	int64_t batch_bytes; /* about the most bytes of a batch, of one row at least; 0: 2 MiB */
};

/* Opens the file at `path` and hands its rows out in order through *stream_out, which the caller
 * releases; its release field is NULL after an error. Reads the footer only. Checksums of pages are
 * verified where the file has them. Damage further in the file is an error of the stream. */
int teg_parquet_open(const char *path, const struct teg_parquet_read_options *options,
                     struct ArrowArrayStream *stream_out, char *message, size_t message_len);

struct teg_parquet_write_options {
	size_t struct_size;
	int64_t row_group_rows;  /* most rows of a row group; 0: 1,048,576 */
	int64_t row_group_bytes; /* about the most bytes of one before encoding; 0: 32 MiB */
	const char *compression; /* "zstd", "snappy", "gzip", "lz4", "brotli", "none"; NULL: zstd */
	int compression_level;   /* 0: the codec's own default */
	/* Columns of the top level that the rows ascend by, nulls last, as the caller knows: written
	 * as metadata, not checked. */
	const char *const *sorted_by;
	size_t n_sorted_by;
	/* Write to `fd`, which stays the caller's, and make no file: `path` is for messages only. */
	bool to_fd;
	int fd;
};

/* Writes all of `stream` to `path`, with statistics, page index and page checksums. The stream is
 * released in any case. The file appears under its name when it is complete and synced, in place of
 * a plain file of that name; after an error nothing is left behind. */
int teg_parquet_write(struct ArrowArrayStream *stream, const char *path,
                      const struct teg_parquet_write_options *options, char *message,
                      size_t message_len);

#ifdef __cplusplus
}
#endif
#endif
