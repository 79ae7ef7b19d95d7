/* The Arrow format string of a type ("l", "tsu:UTC", "d:10,2"), into room for 64 bytes. */
#ifndef TEG_ENGINE_ARROW_FORMAT_H
#define TEG_ENGINE_ARROW_FORMAT_H
#include "engine/tegula.h"

#define ARROW_FORMAT_MAX 320 /* bytes, a long time zone included */
void arrow_format(const teg_data_type *type, char format_out[ARROW_FORMAT_MAX]);
#endif
