#include "tools/tilectl/json.h"
#include <string.h>

void json_init(struct json *json, struct text *out)
{
	memset(json, 0, sizeof *json);
	json->out = out;
}

/* What stands between the last thing and the next. */
static void separate(struct json *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->filled[json->depth])
		text_adds(json->out, ",");
	json->filled[json->depth] = true;
}

static void open_level(struct json *json, const char *bracket)
{
	separate(json);
	text_adds(json->out, bracket);
	if (json->depth < JSON_DEPTH - 1)
		json->depth++;
	json->filled[json->depth] = false;
}

static void close_level(struct json *json, const char *bracket)
{
	text_adds(json->out, bracket);
	if (json->depth)
		json->depth--;
}

void json_open_object(struct json *json)
{
	open_level(json, "{");
}

void json_open_row(struct json *json)
{
	open_level(json, "\n{");
}

void json_close_object(struct json *json)
{
	close_level(json, "}");
}

void json_open_array(struct json *json)
{
	open_level(json, "[");
}

void json_close_array(struct json *json)
{
	close_level(json, "]");
}

void json_key(struct json *json, const char *key)
{
	separate(json);
	json_quote(json->out, key, strlen(key));
	text_adds(json->out, ":");
	json->after_key = true;
}

void json_quoted(struct json *json, const char *bytes, size_t len)
{
	separate(json);
	json_quote(json->out, bytes, len);
}

void json_bare(struct json *json, const char *bytes, size_t len)
{
	separate(json);
	text_add(json->out, bytes, len);
}

/* The least code point that needs this many bytes: a shorter form exists below it. */
static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

size_t utf8_length(const char *bytes, size_t len)
{
	const unsigned char *at = (const unsigned char *)bytes;
	size_t n;
	uint32_t point;

	if (!len)
		return 0;
	if (at[0] < 0x80)
		return 1;
	n = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	if (at[0] < 0xc2 || at[0] > 0xf4 || n > len)
		return 0;
	point = at[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (at[i] & 0x3fu);
	}
	if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	return n;
}

static void add_control(struct text *out, unsigned char c)
{
	static const char shorthand[] = "\b\t\n\f\r";
	static const char letters[] = "btnfr";
	const char *found = c ? strchr(shorthand, c) : NULL;

	if (found)
		text_addf(out, "\\%c", letters[found - shorthand]);
	else
		text_addf(out, "\\u%04x", c);
}

void json_quote(struct text *out, const char *bytes, size_t len)
{
	text_adds(out, "\"");
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)bytes[i];
		size_t n = utf8_length(bytes + i, len - i);

		if (!n)
			text_adds(out, "\xef\xbf\xbd");
		else if (c < 0x20 || c == 0x7f)
			add_control(out, c);
		else if (c == '"' || c == '\\')
			text_addf(out, "\\%c", c);
		else
			text_add(out, bytes + i, n);
		i += n ? n : 1;
	}
	text_adds(out, "\"");
}
