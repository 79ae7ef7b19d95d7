/* The optional Parquet module, which a build may lack. Each function returns an exit code and says
 * on stderr what was wrong. */
#ifndef TILECTL_PARQUET_EDGE_H
#define TILECTL_PARQUET_EDGE_H
#include "engine/tegula.h"

/* Whether the file is of a kind that can be read and written: EXIT_USAGE for those that are not
 * built yet, EXIT_FAILED where this build has no Parquet. */
int parquet_check_name(const char *path);
int parquet_read(const char *path, struct ArrowArrayStream *stream_out);
/* Releases the stream in any case. */
int parquet_write(struct ArrowArrayStream *stream, const char *path);
bool parquet_built(void);
#endif
