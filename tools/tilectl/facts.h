/* Cells and words that several commands print about arrays. */
#ifndef TILECTL_FACTS_H
#define TILECTL_FACTS_H
#include "engine/tegula.h"
#include "tools/tilectl/opt.h"
#include "tools/tilectl/report.h"

const char *kind_name(teg_kind kind);
const char *cells_name(teg_cells cells);
const char *order_name(teg_order order);
const char *profile_name(teg_profile profile);

/* A value; null where it has none. */
void report_value(struct report *report, const teg_data_type *type, const teg_value *value);
void report_type(struct report *report, const teg_data_type *type);
/* A box: as --box takes it; in JSON a list of {"dimension":..,"lo":..,"hi":..}. */
void report_box(struct report *report, const teg_spec *spec, const teg_range *box, size_t n);
/* A list of {"key":..,"value":..}, as JSON text in every format. */
void report_metadata(struct report *report, const teg_metadata *metadata, size_t n);

/* A command that prints rows about the array named, or about all: opens the store, begins the
 * report, calls `each` for every array with the report as ctx. */
int run_per_array(const struct args *args, const char *rows_key,
                  const struct report_column *columns, size_t n,
                  int (*each)(void *report, teg_array *array));
#endif
