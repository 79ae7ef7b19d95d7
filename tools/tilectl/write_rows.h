/* Exports as text: what `cat --format csv|ndjson` prints. */
#ifndef TILECTL_WRITE_ROWS_H
#define TILECTL_WRITE_ROWS_H
#include "tools/tilectl/ways.h"

int write_rows(const struct way_out *out, enum format format);
#endif
