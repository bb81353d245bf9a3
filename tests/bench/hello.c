/* The program that every server of the spawn case starts: as little as a program can do. */

#include <unistd.h>

int main(void)
{
	static const char line[] = "hello\n";

	return write(STDOUT_FILENO, line, sizeof(line) - 1) < 0;
}
