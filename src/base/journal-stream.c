#include "base/journal-stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

bool journal_stream_is(int fd)
{
	unsigned long long device, inode;
	const char *text = getenv("JOURNAL_STREAM");
	struct stat status;

	return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &status) == 0 &&
	       status.st_dev == device && status.st_ino == inode;
}
