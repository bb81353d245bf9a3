#pragma once

/*
 * Dispatch `pool`: the children accept themselves, and the front only watches for
 * demand: for clients that nobody takes. It asks the keeper for one more process then.
 *
 * A listener is watched only while the keeper would start one: not while as many run as
 * may, nor after quick deaths, nor while as many have yet to become ready as are ready. So
 * a pool of a fixed size costs the front nothing, however many clients it has. How a client
 * who is about to be taken is told from one who is not: see pool-demand.h. After a request
 * the front looks no more until the keeper has answered with CHANNEL_POOL.
 */

struct dispatch;

extern const struct dispatch pool_dispatch;
