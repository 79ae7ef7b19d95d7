/* What the Python driver calls: the public API behind plain numbers, strings and Arrow structs.
 *
 * Python gives and takes Arrow C streams by address, so that Tegula and its peers are fed the same
 * batches and drained by the same code. Option structs stay on this side. Timed loops that a
 * Python call would drown (a point, a small box) run here and answer in nanoseconds.
 *
 * Every call returns 0 or -1; then glue_error says why. One thread.
 */
#ifndef TEG_BENCH_GLUE_H
#define TEG_BENCH_GLUE_H
#include <stddef.h>
#include <stdint.h>

#include "engine/tegula.h"

struct glue;

TEG_API const char *glue_error(void);
/* cache: bytes of pages kept between reads, 0 none; mapped: files are mapped, not read. */
TEG_API int glue_open(const char *path, const char *array, size_t cache, int mapped,
                      struct glue **out);
TEG_API void glue_close(struct glue *glue);

/* Makes the store where it is missing and the array `spec` names, and puts the stream as one
 * durable commit. `kind` and `profile` are those of tegula.h; dims: names separated by commas;
 * key: of the attribute to find rows by, or NULL. */
TEG_API int glue_import(const char *path, const char *array, int kind, int profile,
                        const char *dims, const char *key, struct ArrowArrayStream *stream,
                        uint64_t *bytes_out);
/* One more commit, of the batches of the stream. row_ids: the column with ids of rows to update, or
 * NULL. time_out (may be NULL): its system time. */
TEG_API int glue_append(struct glue *glue, const char *array, struct ArrowArrayStream *stream,
                        const char *row_ids, int64_t *time_out);
/* A commit that deletes rows of a table. */
TEG_API int glue_delete(struct glue *glue, const char *array, const int64_t *row_ids, size_t n);
TEG_API int glue_compact(struct glue *glue);
/* Later scans are as of this system time; 0: current. */
TEG_API void glue_as_of(struct glue *glue, int64_t system_time);
/* Later scans are of what is valid then; 0: of everything. */
TEG_API void glue_valid_at(struct glue *glue, int64_t valid_at);

/* A scan as a stream. columns: names separated by commas, NULL all. lo, hi: one number per
 * dimension, NULL everything. where: a predicate as text, NULL none. */
TEG_API int glue_scan(struct glue *glue, const char *columns, const int64_t *lo, const int64_t *hi,
                      const char *where, struct ArrowArrayStream *stream_out);
TEG_API int glue_take(struct glue *glue, const int64_t *ordinals, size_t n, const char *columns,
                      struct ArrowSchema *schema_out, struct ArrowArray *batch_out);
/* Rows by key: an int64, or `text` where it is not NULL. */
TEG_API int glue_find(struct glue *glue, int64_t number, const char *text,
                      struct ArrowSchema *schema_out, struct ArrowArray *batch_out);

/* A new store with one dense array "grid" of float32 over three dimensions, put as one durable commit;
 * extents of tiles, 0: Tegula's choice. Opened by glue_open. */
TEG_API int glue_grid_write(const char *path, int profile, const int64_t *sides,
                            const uint64_t *extents, float *values, size_t len);
/* The box of these sides from `lo` on, packed. */
TEG_API int glue_grid_read(struct glue *glue, const int64_t *lo, const int64_t *sides,
                           float *values, size_t len);

/* What a C program sees: opens, reads and sums `repeats` times without Python in between. */
TEG_API int glue_time_scan(struct glue *glue, const char *columns, const int64_t *lo,
                           const int64_t *hi, const char *where, size_t repeats, uint64_t *ns_out,
                           uint64_t *rows_out, uint64_t *sum_out);
TEG_API int glue_time_take(struct glue *glue, const int64_t *ordinals, size_t n,
                           const char *columns, size_t repeats, uint64_t *ns_out);
/* One after the other n keys, each found once; texts separated by commas where not NULL. */
TEG_API int glue_time_find(struct glue *glue, const int64_t *numbers, const char *texts, size_t n,
                           uint64_t *ns_out);
TEG_API int glue_time_open(const char *path, const char *array, size_t repeats, uint64_t *ns_out);

/* `commits` transactions of `rows` rows each (int64 step, float64 value) into a new table. */
TEG_API int glue_time_commits(const char *path, size_t commits, size_t rows, uint64_t *ns_out);
/* At most `commits` more such transactions into a table that is there, the i-th due i / per_second seconds
 * after the start, until *stop is not 0; nanoseconds from when each was due. */
TEG_API int glue_time_paced(const char *path, const char *array, size_t commits, size_t rows,
                            size_t per_second, const volatile int *stop, uint64_t *ns_out,
                            size_t *done_out);
/* The least that any durable commit costs here: a file of 4 KiB written, synced, linked under its
 * name, and the directory synced. */
TEG_API int glue_time_raw_commits(const char *directory, size_t commits, uint64_t *ns_out);

/* The sum of the 64-bit words (and the bytes left over) of a buffer: every value touched. */
TEG_API uint64_t glue_sum(const void *buffer, size_t len);
#endif
