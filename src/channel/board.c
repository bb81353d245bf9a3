#include "channel/board.h"

#include <sys/mman.h>

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

struct board_slot *board_new(void)
{
	return share(BOARD_SLOTS * sizeof(struct board_slot));
}

void board_free(struct board_slot *board)
{
	if (board)
		munmap(board, BOARD_SLOTS * sizeof(*board));
}

struct drops *drops_new(void)
{
	return share(sizeof(struct drops));
}

void drops_free(struct drops *drops)
{
	if (drops)
		munmap(drops, sizeof(*drops));
}

struct tally *tally_new(void)
{
	return share(sizeof(struct tally));
}

void tally_free(struct tally *tally)
{
	if (tally)
		munmap(tally, sizeof(*tally));
}
