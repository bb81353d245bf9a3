#include "keeper/pool/life.h"

#include <signal.h>
#include <sys/wait.h>

#include "channel/pass-table.h"
#include "keeper/child/child.h"
#include "keeper/pool/process.h"
#include "keeper/pool/respawn.h"

/* The lowest entry of its row is used first, and keeps its time when its client has ended. */
static bool had_client(const struct process *process, struct pass_table *table)
{
	const struct pass_table_entry *first;

	if (!table)
		return false;
	first = pass_table_entry(table, process->index, 0);
	return first->started_us >= process->child->started_us;
}

/* Only a client that has gone makes a program end by SIGPIPE. */
static bool did_come_up(const struct process *process, struct pass_table *table, int status)
{
	return process->said_ready || had_client(process, table) ||
	       (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

enum life life_of(const struct process *process, struct pass_table *table, int status,
		  int64_t lived_us)
{
	if (process->state == PROCESS_ENDING)
		return process->timed_out ? LIFE_FAILED : LIFE_FULL;
	if (process->state == PROCESS_STARTING)
		return LIFE_FAILED;
	if (lived_us >= RESPAWN_QUICK_MS * 1000)
		return LIFE_FULL;
	return did_come_up(process, table, status) ? LIFE_SHORT : LIFE_MOMENTARY;
}
