#include "tools/tilectl/target.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/tilectl/fail.h"
#include "tools/tilectl/text.h"

static int fail_system(const char *doing, const char *path)
{
	return fail_with(EXIT_FAILED, "cannot %s: %s (file %s)", doing, strerror(errno), path);
}

static int fail_exists(const char *path)
{
	return fail_with(EXIT_FAILED, "the file exists already; --replace puts it aside (file %s)",
	                 path);
}

int target_check(const char *path, bool replace)
{
	struct stat facts;

	if (!strcmp(path, "-") || lstat(path, &facts))
		return EXIT_OK;
	if (!replace)
		return fail_exists(path);
	if (!S_ISREG(facts.st_mode))
		return fail_with(EXIT_FAILED, "what is there is not a plain file (file %s)", path);
	return EXIT_OK;
}

int target_open(struct target *target, const char *path, bool replace)
{
	int code = target_check(path, replace);
	struct text name = { NULL, 0, 0 };

	*target = (struct target){ .path = path, .fd = -1, .replace = replace };
	if (code != EXIT_OK)
		return code;
	if (!strcmp(path, "-")) {
		target->fd = STDOUT_FILENO;
		return EXIT_OK;
	}
	for (unsigned i = 0; target->fd < 0; i++) {
		text_clear(&name);
		text_addf(&name, "%s.part-%ld-%u", path, (long)getpid(), i);
		target->fd = open(name.at, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (target->fd < 0 && errno != EEXIST) {
			text_free(&name);
			return fail_system("create a file beside it", path);
		}
	}
	target->temporary = name.at;
	return EXIT_OK;
}

static int sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct text directory = { NULL, 0, 0 };
	int fd, failed;

	text_add(&directory, path, slash ? (size_t)(slash - path) + 1 : 0);
	fd = open(slash ? directory.at : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	failed = fd < 0 || fsync(fd) ? errno : 0;
	if (fd >= 0)
		close(fd);
	text_free(&directory);
	errno = failed;
	/* Some file systems cannot sync a directory and say so. */
	return failed && failed != EINVAL && failed != ENOTSUP ? fail_system("sync", path)
	                                                       : EXIT_OK;
}

/* A link is made only where nothing has the name; without links, looking once more must do. */
static int take_name(struct target *target)
{
	if (!target->replace && !link(target->temporary, target->path)) {
		unlink(target->temporary);
		return EXIT_OK;
	}
	if (!target->replace && (errno == EEXIST || !access(target->path, F_OK)))
		return fail_exists(target->path);
	return rename(target->temporary, target->path) ? fail_system("rename", target->path)
	                                               : EXIT_OK;
}

int target_publish(struct target *target)
{
	int code;

	if (!target->temporary)
		return EXIT_OK;
	if (fsync(target->fd))
		return fail_system("sync", target->path);
	code = take_name(target);
	if (code != EXIT_OK)
		return code;
	free(target->temporary);
	target->temporary = NULL;
	return sync_directory(target->path);
}

void target_abandon(struct target *target)
{
	if (target->temporary)
		unlink(target->temporary);
	free(target->temporary);
	if (target->fd > STDOUT_FILENO)
		close(target->fd);
	*target = (struct target){ .fd = -1 };
}
