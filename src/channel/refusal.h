#pragma once

/* Why a client was refused. A row of the table is a reason. */

enum refusal {
	REFUSAL_NONE, /* the client was not refused */
	REFUSAL_INSTANCES,
	REFUSAL_CPS,
	REFUSAL_ONLY_FROM,
	REFUSAL_NO_ACCESS,
	REFUSAL_ACCESS_TIMES,
	REFUSAL_COUNT,
};

/* The option that refuses so; the word for the log and for the report. */
const char *refusal_word(enum refusal refusal);
