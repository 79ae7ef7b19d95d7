/* The other files that libarrow reads and writes: Arrow IPC, CSV, NDJSON, deflated bytes.
 *
 *     FILE.arrow  --teg_ipc_open-->   ArrowArrayStream --teg_ipc_write--> FILE.arrow
 *     FILE.csv    --teg_csv_open-->   ArrowArrayStream
 *     FILE.ndjson --teg_json_open-->  ArrowArrayStream
 *     a member of an archive --teg_inflater_run--> its bytes
 *
 * Where `fd` is not negative it is read or written in place of a file at `path`, which then only
 * names it in messages; the descriptor stays the caller's and must live as long as the stream.
 * Codes and messages are those of parquet.h, options and streams follow its rules. What is read is
 * held to a budget: one batch may take 1 GiB, whatever lengths the bytes claim.
 */
#ifndef TEG_TOOLS_FORMATS_H
#define TEG_TOOLS_FORMATS_H
#include <stdbool.h>
#include "tools/parquet/parquet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Files, Feather version 2 included, and streams: told apart by their first bytes. Every batch is
 * validated before it is handed out; dictionaries are kept. */
int teg_ipc_open(const char *path, int fd, struct ArrowArrayStream *stream_out, char *message,
                 size_t message_len);
/* Releases the stream in any case. `file`: with a footer, else as a stream. Uncompressed. */
int teg_ipc_write(struct ArrowArrayStream *stream, const char *path, int fd, bool file,
                  char *message, size_t message_len);

/* What text cannot say of itself. */
struct teg_text_options {
	size_t struct_size;
	/* Columns whose types the caller knows, whether or not they are there. CSV hands them out
	 * as text, nullable. JSON hands them out as text where the file has text, else as the type
	 * of Arrow's name ("int32", "double", "bool"; NULL: as they are). */
	const char *const *columns, *const *types;
	size_t n_columns;
	/* CSV: what stands for null where it is not quoted; none: the empty field. */
	const char *const *nulls;
	size_t n_nulls;
	char delimiter; /* CSV; 0: comma */
};

/* RFC 4180 with a heading. The types of other columns are inferred from the first 4 MiB: int64,
 * uint64, bool, date, timestamp, double, text; a column without a value there is text. A later
 * value that does not fit is an error of the stream, as is a row with other than the heading's
 * number of fields or text that is not UTF-8. */
int teg_csv_open(const char *path, int fd, const struct teg_text_options *options,
                 struct ArrowArrayStream *stream_out, char *message, size_t message_len);
/* One object a line. Fields that the first 4 MiB do not have are refused later. */
int teg_json_open(const char *path, int fd, const struct teg_text_options *options,
                  struct ArrowArrayStream *stream_out, char *message, size_t message_len);

/* Takes raw deflate apart, in as many calls as the caller likes. */
struct teg_inflater;
struct teg_inflater *teg_inflater_new(void); /* NULL: no memory, or libarrow was built without */
void teg_inflater_free(struct teg_inflater *inflater);
/* Moves both spans on. False where the bytes are damaged. `end_out`: the last byte came out. */
bool teg_inflater_run(struct teg_inflater *inflater, const uint8_t **in, size_t *in_len,
                      uint8_t **out, size_t *out_len, bool *end_out);

#ifdef __cplusplus
}
#endif
#endif
