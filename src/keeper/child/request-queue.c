#include "keeper/child/request-queue.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/child/request.h"
#include "keeper/exec/launches.h"
#include "keeper/fronts/fronts.h"
#include "keeper/service/service-record.h"

/* So many are ready before no more are read. */
#define ENOUGH 64

/* How many may wait, of all services that have slow launches. */
#define BEHIND_SLOW_MAX 256

static struct service_record *record_at(struct list *link)
{
	return container_of(link, struct service_record, waiting_link);
}

void request_queue_init(struct request_queue *queue, const struct launches *launches,
			struct fronts *fronts)
{
	*queue = (struct request_queue){ .launches = launches, .fronts = fronts };
	list_init(&queue->records);
}

static bool is_ready(const struct request_queue *queue, const struct service_record *record)
{
	return launches_allow(queue->launches, &record->launches);
}

/* How many wait for nothing but others to be launched. */
static size_t count_ready(const struct request_queue *queue)
{
	size_t n = 0;

	list_for_each(at, next, &queue->records)
		if (is_ready(queue, record_at(at)))
			n += record_at(at)->n_waiting;
	return n;
}

bool request_queue_is_full(const struct request_queue *queue, const struct request *request)
{
	return queue->n >= BEHIND_SLOW_MAX && !is_ready(queue, request_record(request)) &&
	       queue->n - count_ready(queue) >= BEHIND_SLOW_MAX;
}

/*
 * When enough can be launched next, the fronts keep the others, and in the end their clients wait
 * in the queues of the kernel, where they cost no descriptors. Fronts that were told to pause send
 * no more anyway, and what else they say must be heard.
 */
void request_queue_hold_back(struct request_queue *queue)
{
	size_t bound = queue->fronts->held ? ENOUGH / 2 : ENOUGH;
	bool enough = !queue->fronts->paused && queue->n >= bound && count_ready(queue) >= bound;

	if (enough != queue->fronts->held)
		fronts_hold(queue->fronts, enough);
}

void request_queue_add(struct request_queue *queue, struct request *request)
{
	struct service_record *record = request_record(request);

	list_add_before(&record->waiting, &request->link);
	if (record->n_waiting++ == 0)
		list_add_before(&queue->records, &record->waiting_link);
	queue->n++;
	request_queue_hold_back(queue);
}

/* The service goes to the end of the line. */
static struct request *take_from(struct request_queue *queue, struct service_record *record)
{
	struct request *request = container_of(record->waiting.next, struct request, link);

	list_unlink(&request->link);
	list_unlink(&record->waiting_link);
	if (--record->n_waiting > 0)
		list_add_before(&queue->records, &record->waiting_link);
	queue->n--;
	return request;
}

struct request *request_queue_take(struct request_queue *queue)
{
	list_for_each(at, next, &queue->records)
		if (is_ready(queue, record_at(at)))
			return take_from(queue, record_at(at));
	return NULL;
}

struct request *request_queue_take_any(struct request_queue *queue)
{
	return queue->n > 0 ? take_from(queue, record_at(queue->records.next)) : NULL;
}

static void abandon(const struct service_record *record)
{
	list_for_each(at, next, &record->waiting) {
		const struct request *request = container_of(at, struct request, link);

		if (request->fd >= 0)
			close(request->fd);
	}
}

void request_queue_abandon(const struct request_queue *queue)
{
	list_for_each(at, next, &queue->records)
		abandon(record_at(at));
}
