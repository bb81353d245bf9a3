/* The program that every server of the spawn case starts: an ordinary one, and it does little. */

#include <unistd.h>

int main(void)
{
	static const char line[] = "hello\n";

	return write(STDOUT_FILENO, line, sizeof(line) - 1) < 0;
}
