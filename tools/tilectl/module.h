/* The optional module on libarrow, which a build may lack: what it opens and writes. Each function
 * returns an exit code and says on stderr what was wrong; a file that is not what it should be is
 * EXIT_FAILED, for EXIT_DAMAGE means a store. */
#ifndef TILECTL_MODULE_H
#define TILECTL_MODULE_H
#include "engine/tegula.h"

bool module_built(void);
/* EXIT_FAILED, said, where this build has no module. */
int module_need(const char *path);

int module_open_parquet(const char *path, struct ArrowArrayStream *stream_out);
/* Those that can be read front to back take `fd` in place of a file where it is not negative. */
int module_open_arrow(const char *path, int fd, struct ArrowArrayStream *stream_out);

/* What the text of a file cannot say: see tools/parquet/formats.h. */
struct text_reading {
	const char *const *columns, *const *types;
	size_t n_columns;
	const char *const *nulls;
	size_t n_nulls;
	char delimiter;
};
int module_open_csv(const char *path, int fd, const struct text_reading *reading,
                    struct ArrowArrayStream *stream_out);
int module_open_json(const char *path, int fd, const struct text_reading *reading,
                     struct ArrowArrayStream *stream_out);

/* Each writes to `fd` and releases the stream in any case; `path` is for messages. */
int module_write_parquet(struct ArrowArrayStream *stream, const char *path, int fd);
int module_write_arrow(struct ArrowArrayStream *stream, const char *path, int fd, bool file);

/* Raw deflate. NULL where this build cannot. */
struct teg_inflater;
struct teg_inflater *module_inflater_new(void);
void module_inflater_free(struct teg_inflater *inflater);
bool module_inflate(struct teg_inflater *inflater, const uint8_t **in, size_t *in_len,
                    uint8_t **out, size_t *out_len, bool *end_out);
#endif
