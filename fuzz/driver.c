/* Stands in for libFuzzer: runs a fuzz target over every file named, or in a directory named, once.
 * So the corpus, and each crash ever found, is replayed by plain ctest with any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t len = 0, room = 0, got;

	if (!file) {
		perror(path);
		return -1;
	}
	do {
		if (len == room) {
			uint8_t *grown = realloc(data, room = room * 2 + 4096);

			if (!grown) {
				perror(path);
				free(data);
				fclose(file);
				return -1;
			}
			data = grown;
		}
		got = fread(data + len, 1, room - len, file);
		len += got;
	} while (got);
	fclose(file);
	/* A block of the exact length, so that a sanitizer sees the first byte read past its end. */
	uint8_t *exact = realloc(data, len ? len : 1);

	LLVMFuzzerTestOneInput(exact ? exact : data, len);
	free(exact ? exact : data);
	return 1;
}

/* How many inputs were run, -1 after a failure. A directory that is missing holds none. */
static int replay(const char *path)
{
	struct stat st;
	struct dirent *entry;
	int n = 0, got = 0;
	DIR *dir;

	if (stat(path, &st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return replay_file(path);
	dir = opendir(path);
	if (!dir) {
		perror(path);
		return -1;
	}
	while (got >= 0 && (entry = readdir(dir))) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		got = replay(name);
		n += got;
	}
	closedir(dir);
	return got < 0 ? -1 : n;
}

int main(int argc, char **argv)
{
	int n = 0;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		int got = replay(argv[i]);

		if (got < 0)
			return 1;
		n += got;
	}
	printf("%d inputs replayed\n", n);
	return 0;
}
