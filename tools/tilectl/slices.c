#include "tools/tilectl/slices.h"
#include <string.h>
#include "tools/tilectl/number.h"
#include "tools/tilectl/word.h"

bool slices_look(const char *text)
{
	return text[strspn(text, " ")] == '[';
}

static void trim(const char **at, size_t *len)
{
	for (; *len && **at == ' '; ++*at)
		--*len;
	while (*len && (*at)[*len - 1] == ' ')
		--*len;
}

/* One of start, stop and step. */
static bool read_part(const char *at, size_t len, bool *has_out, int64_t *out, struct why *why)
{
	trim(&at, &len);
	*has_out = len != 0;
	if (!len || number_read_int(at, len, INT64_MIN, INT64_MAX, out))
		return true;
	return refuse(why, "'%.*s' is not a position", (int)(len < 80 ? len : 80), at);
}

static bool read_range(teg_slice *slice, const char *at, size_t len, struct why *why)
{
	bool has_step = false;
	const char *colon, *end = at + len;

	for (int part = 0; part < 3; part++) {
		colon = memchr(at, ':', (size_t)(end - at));
		len = (size_t)((colon ? colon : end) - at);
		if (part == 0 && !read_part(at, len, &slice->has_start, &slice->start, why))
			return false;
		if (part == 1 && !read_part(at, len, &slice->has_stop, &slice->stop, why))
			return false;
		if (part == 2 && !read_part(at, len, &has_step, &slice->step, why))
			return false;
		if (!colon)
			return !has_step || slice->step || refuse(why, "the step is 0");
		at = colon + 1;
	}
	return refuse(why, "a slice is START:STOP:STEP");
}

static bool read_slice(void *ctx, const char *at, size_t len, struct why *why)
{
	struct slices *slices = ctx;
	teg_slice *slice = &slices->at[slices->n];
	bool has_start;

	if (slices->n == SLICES_MAX)
		return refuse(why, "there are more slices than dimensions can be");
	trim(&at, &len);
	*slice = (teg_slice){ .kind = TEG_SLICE_RANGE };
	slices->n++;
	if (len == 3 && !memcmp(at, "...", 3)) {
		slice->kind = TEG_SLICE_ELLIPSIS;
		return true;
	}
	if (memchr(at, ':', len))
		return read_range(slice, at, len, why);
	slice->kind = TEG_SLICE_INDEX;
	return read_part(at, len, &has_start, &slice->start, why) &&
	       (has_start || refuse(why, "a slice is empty"));
}

bool slices_read(const char *text, struct slices *slices_out, struct why *why)
{
	size_t len = strlen(text);
	struct text inner = { NULL, 0, 0 };
	bool ok;

	memset(slices_out, 0, sizeof *slices_out);
	trim(&text, &len);
	if (len < 2 || text[len - 1] != ']')
		return refuse(why, "slices end with ']'");
	text++;
	len -= 2;
	trim(&text, &len);
	if (!len) { /* [] is the whole array */
		slices_out->at[slices_out->n++].kind = TEG_SLICE_ELLIPSIS;
		return true;
	}
	text_add(&inner, text, len);
	ok = word_split(text_string(&inner), read_slice, slices_out, why);
	text_free(&inner);
	return ok;
}
