/* Writes JSON as it comes: no tree, so a dump of any size runs in constant memory.
 *
 *   json_open_object(&j);  json_key(&j, "n");  json_quoted(&j, "12", 2);  json_close_object(&j);
 *   -> {"n":"12"}
 *
 * Commas are the writer's business. A caller that stops halfway leaves a document that no parser
 * takes for whole. Bytes that are not UTF-8 become U+FFFD.
 */
#ifndef TILECTL_JSON_H
#define TILECTL_JSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tools/tilectl/text.h"

#define JSON_DEPTH 64

struct json {
	struct text *out;
	unsigned depth;
	bool after_key;
	bool filled[JSON_DEPTH]; /* per level: something stands there already */
};

void json_init(struct json *json, struct text *out);
void json_open_object(struct json *json);
/* The same on a line of its own. */
void json_open_row(struct json *json);
void json_close_object(struct json *json);
void json_open_array(struct json *json);
void json_close_array(struct json *json);
void json_key(struct json *json, const char *key);
void json_quoted(struct json *json, const char *bytes, size_t len);
/* A number, true, false, null or a whole JSON value, as it is. */
void json_bare(struct json *json, const char *bytes, size_t len);

/* Appends the string with its quotes. */
void json_quote(struct text *out, const char *bytes, size_t len);

/* The length of the UTF-8 character at the start of `bytes`, 0 where there is none. */
size_t utf8_length(const char *bytes, size_t len);
#endif
