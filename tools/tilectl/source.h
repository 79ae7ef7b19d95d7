/* What an import reads: a file, stdin, or a directory of parts, as one stream of batches.
 *
 *   part-0.parquet --\
 *   part-1.parquet ---+--> one ArrowArrayStream, in the order of the parts
 *   part-10.parquet --/
 *
 * All parts are looked at before the first row is taken: they must be of one kind and have one
 * schema. Nothing is written beside them. Each function returns an exit code, said on stderr.
 */
#ifndef TILECTL_SOURCE_H
#define TILECTL_SOURCE_H
#include "engine/tegula.h"
#include "tools/tilectl/parts.h"
#include "tools/tilectl/typed.h"
#include "tools/tilectl/ways.h"
#include "tools/tilectl/word.h"

/* What the files do not say of themselves. */
struct reading {
	const struct args *args;
	struct typed_columns typed;
	struct word_names nulls;
	char delimiter; /* 0: by the name */
};

struct source {
	const struct args *args;
	const struct way *way;
	struct parts parts;
	bool pipe;
	struct reading how;
	struct text error; /* what the last stream failed of, where it did */
};

/* Reads the options and looks at every part. `array` (may be NULL): one whose types the columns of
 * text files take. Release in any case. */
int source_open(struct source *source, const struct args *args, const teg_spec *array);
/* May be called again where `pipe` is false. The source must live as long as the stream. */
int source_stream(struct source *source, struct ArrowArrayStream *stream_out);
void source_release(struct source *source);

/* For the table of ways. */
int text_open_csv(const struct part *part, struct ArrowArrayStream *stream_out);
int text_open_json(const struct part *part, struct ArrowArrayStream *stream_out);
#endif
