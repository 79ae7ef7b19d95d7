/* Shared by the files of the glue. */
#ifndef TEG_BENCH_GLUE_INTERNAL_H
#define TEG_BENCH_GLUE_INTERNAL_H
#include <stdint.h>

#include "engine/tegula.h"

/* Keeps the error for glue_error and returns -1. */
int glue_fail(const teg_error *err);

uint64_t glue_now_ns(void);

struct glue;
teg_array *glue_array(const struct glue *glue);
#endif
