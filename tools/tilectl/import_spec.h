/* The declaration of the array that an import makes, from its options and the file's schema. */
#ifndef TILECTL_IMPORT_SPEC_H
#define TILECTL_IMPORT_SPEC_H
#include "engine/tegula.h"
#include "tools/tilectl/box.h"
#include "tools/tilectl/opt.h"
#include "tools/tilectl/word.h"

struct import_spec {
	teg_spec spec; /* points into the rest; the attributes are those with a fill */
	teg_put_options put;
	struct word_names dims;
	teg_dimension dimensions[TEG_MAX_DIMENSIONS];
	struct box domain;
	teg_attribute *fills;
	const struct ArrowSchema *schema;
};

/* Reads the options against the schema of the file: columns that are named must be there, every
 * field must be of a type that can be stored. Nothing is written. An exit code, said on stderr. The
 * schema and the arguments must live as long. Release in any case. */
int import_spec_read(struct import_spec *import, const struct args *args,
                     const struct ArrowSchema *schema);
/* EXIT_OK where kind and dimensions, if they are repeated, are those of the array. */
int import_spec_agrees(const struct import_spec *import, const struct args *args,
                       const teg_array *array);
void import_spec_release(struct import_spec *import);
#endif
