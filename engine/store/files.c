#include "engine/store/files.h"
#include "engine/store/spin.h"

struct open_file {
	struct open_file *next; /* most recently used first */
	struct os_file *file;
	unsigned refs;
	char path[OS_PATH_MAX];
};

struct file_cache {
	struct spin lock;
	struct open_file *first;
	size_t n;
	struct os *os;
	const teg_allocator *alloc;
};

struct file_cache *files_new(struct os *os, const teg_allocator *alloc)
{
	struct file_cache *files = mem_zalloc(alloc, sizeof *files);

	if (!files)
		return NULL;
	spin_init(&files->lock);
	files->os = os;
	files->alloc = alloc;
	return files;
}

static void close_one(struct file_cache *files, struct open_file *f)
{
	os_close(files->os, f->file);
	mem_free(files->alloc, f, sizeof *f);
}

void files_free(struct file_cache *files)
{
	if (!files)
		return;
	while (files->first) {
		struct open_file *f = files->first;

		files->first = f->next;
		close_one(files, f);
	}
	mem_free(files->alloc, files, sizeof *files);
}

/* Finds by path, or by handle where `path` is NULL; moves it to the front. */
static struct open_file *find(struct file_cache *files, const char *path,
                              const struct os_file *file)
{
	for (struct open_file **at = &files->first; *at; at = &(*at)->next) {
		struct open_file *f = *at;

		if (path ? strcmp(f->path, path) != 0 : f->file != file)
			continue;
		*at = f->next;
		f->next = files->first;
		files->first = f;
		return f;
	}
	return NULL;
}

/* Takes the least recently used file that nobody holds out of a list that is too long. */
static struct open_file *evict(struct file_cache *files)
{
	struct open_file **last = NULL, *f;

	if (files->n <= FILES_KEPT)
		return NULL;
	for (struct open_file **at = &files->first; *at; at = &(*at)->next)
		if (!(*at)->refs)
			last = at;
	if (!last)
		return NULL;
	f = *last;
	*last = f->next;
	files->n--;
	return f;
}

static struct os_file *take_known(struct file_cache *files, const char *path)
{
	struct open_file *f;

	spin_lock(&files->lock);
	f = find(files, path, NULL);
	if (f)
		f->refs++;
	spin_unlock(&files->lock);
	return f ? f->file : NULL;
}

teg_status files_get(struct file_cache *files, const char *path, struct os_file **file_out,
                     teg_error *err)
{
	struct open_file *f, *old;
	teg_status status;

	*file_out = take_known(files, path);
	if (*file_out)
		return TEG_OK;
	f = mem_zalloc(files->alloc, sizeof *f);
	if (!f)
		return teg_fail(err, TEG_NOMEM, "no memory for an open file");
	status = os_open(files->os, path, &f->file, err);
	if (status != TEG_OK) {
		mem_free(files->alloc, f, sizeof *f);
		return status;
	}
	memcpy(f->path, path, strlen(path) + 1);
	f->refs = 1;
	*file_out = f->file;
	spin_lock(&files->lock);
	f->next = files->first;
	files->first = f;
	files->n++;
	old = evict(files);
	spin_unlock(&files->lock);
	if (old)
		close_one(files, old);
	return TEG_OK;
}

void files_put(struct file_cache *files, struct os_file *file)
{
	struct open_file *f, *old;

	if (!file)
		return;
	spin_lock(&files->lock);
	f = find(files, NULL, file);
	if (f)
		f->refs--;
	old = evict(files);
	spin_unlock(&files->lock);
	if (old)
		close_one(files, old);
}
