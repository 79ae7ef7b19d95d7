#include "tools/tilectl/parts.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "tools/tilectl/number.h"
#include "tools/tilectl/text.h"

static bool digit(char c)
{
	return isdigit((unsigned char)c) != 0;
}

static size_t digits_at(const char *at)
{
	size_t n = 0;

	while (digit(at[n]))
		n++;
	return n;
}

/* Two runs of digits as numbers of any length. */
static int compare_numbers(const char **a, const char **b)
{
	size_t n, m;
	int order;

	while (**a == '0' && digit((*a)[1]))
		++*a;
	while (**b == '0' && digit((*b)[1]))
		++*b;
	n = digits_at(*a);
	m = digits_at(*b);
	if (n != m)
		return n < m ? -1 : 1;
	order = memcmp(*a, *b, n);
	*a += n;
	*b += n;
	return order;
}

int parts_compare(const char *a, const char *b)
{
	const char *whole_a = a, *whole_b = b;

	while (*a && *b) {
		int order;

		if (digit(*a) && digit(*b)) {
			order = compare_numbers(&a, &b);
			if (order)
				return order;
			continue;
		}
		if (*a != *b)
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		a++;
		b++;
	}
	if (*a || *b)
		return *a ? 1 : -1;
	return strcmp(whole_a, whole_b); /* part-1 and part-01 */
}

/* ---- sequences -------------------------------------------------------------------------------- */

/* Where the number stands in which two names differ. */
static size_t number_start(const char *a, const char *b)
{
	size_t at = 0;

	while (a[at] && a[at] == b[at])
		at++;
	while (at && digit(a[at - 1]))
		at--;
	return at;
}

static bool is_date(const char *name, size_t start)
{
	return start > 1 && !digit(name[start - 1]) && digit(name[start - 2]);
}

/* The number of a name that has the same prefix and suffix as the first. */
static bool number_of(const char *first, const char *name, size_t start, uint64_t *number_out)
{
	size_t n = digits_at(name + start);

	return !strncmp(first, name, start) && n &&
	       !strcmp(first + start + digits_at(first + start), name + start + n) &&
	       number_read_uint(name + start, n, UINT64_MAX, number_out);
}

bool parts_are_whole(char *const *names, size_t n, struct why *why)
{
	size_t start = n > 1 ? number_start(names[0], names[1]) : 0;
	uint64_t number, next = 0;

	if (n < 2 || is_date(names[0], start))
		return true;
	for (size_t i = 0; i < n; i++)
		if (!number_of(names[0], names[i], start, &number))
			return true;
	for (size_t i = 0; i < n; i++) {
		number_of(names[0], names[i], start, &number);
		if (i && number < next)
			return refuse(why, "two parts have the number %" PRIu64, number);
		if (i && number > next)
			return refuse(why, "part %" PRIu64 " is missing, between '%s' and '%s'",
			              next, names[i - 1], names[i]);
		next = number + 1;
	}
	return true;
}

/* ---- directories ------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	return parts_compare(*(char *const *)a, *(char *const *)b);
}

static int read_names(DIR *dir, const char *directory, struct parts *parts)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		struct text path = { NULL, 0, 0 };
		struct stat facts;

		if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
			continue;
		text_addf(&path, "%s%s%s", directory,
		          directory[strlen(directory) - 1] == '/' ? "" : "/", entry->d_name);
		parts->at = need_more(parts->at, parts->n + 1, sizeof *parts->at);
		parts->at[parts->n++] = path.at;
		if (stat(path.at, &facts) || !S_ISREG(facts.st_mode))
			return fail_with(EXIT_FAILED, "a part is not a plain file (file %s)",
			                 path.at);
	}
	return EXIT_OK;
}

int parts_list(const char *directory, struct parts *parts_out)
{
	DIR *dir = opendir(directory);
	struct why why;
	int code;

	*parts_out = (struct parts){ NULL, 0 };
	if (!dir)
		return fail_with(EXIT_FAILED, "cannot list it: %s (file %s)", strerror(errno),
		                 directory);
	code = read_names(dir, directory, parts_out);
	closedir(dir);
	if (code != EXIT_OK)
		return code;
	if (!parts_out->n)
		return fail_with(EXIT_FAILED, "there is no part in it (file %s)", directory);
	qsort(parts_out->at, parts_out->n, sizeof *parts_out->at, by_name);
	if (!parts_are_whole(parts_out->at, parts_out->n, &why))
		return fail_with(EXIT_FAILED, "%s (file %s)", why.text, directory);
	return EXIT_OK;
}

void parts_free(struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		free(parts->at[i]);
	free(parts->at);
	*parts = (struct parts){ NULL, 0 };
}
