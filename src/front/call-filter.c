#include "front/call-filter.h"

#include <errno.h>
#include <seccomp.h>

#include "base/cleanup.h"
#include "front/allowed-calls.h"

/* What a tracer makes of a call that it skips, so that the front can be looked at with strace. */
#define SKIPPED_CALL (-1)

const bool call_filter_is_built = true;

DEFINE_AUTO(void, seccomp_release);

bool call_filter_knows(const char *call)
{
	return seccomp_syscall_resolve_name(call) >= 0;
}

static int allow(scmp_filter_ctx filter, const struct allowed_call *call)
{
	struct scmp_arg_cmp conditions[CALL_CONDITIONS_MAX];
	unsigned n = 0;

	while (n < CALL_CONDITIONS_MAX && call->conditions[n].text) {
		const struct call_condition *condition = &call->conditions[n];

		conditions[n++] = SCMP_CMP64(condition->argument, SCMP_CMP_MASKED_EQ,
					     condition->mask, call_condition_value(condition));
	}
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
				      seccomp_syscall_resolve_name(call->name), n, conditions);
}

static int allow_all(scmp_filter_ctx filter)
{
	int r;

	r = seccomp_attr_set(filter, SCMP_FLTATR_API_TSKIP, 1);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SKIPPED_CALL, 0);
	for (const struct allowed_call *at = allowed_calls; r == 0 && at->name; at++)
		if (call_filter_knows(at->name))
			r = allow(filter, at);
	return r;
}

static int refuse_files(scmp_filter_ctx filter)
{
	int r = 0;

	for (const char *const *at = file_calls; r == 0 && *at; at++)
		if (call_filter_knows(*at))
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES),
					     seccomp_syscall_resolve_name(*at), 0);
	return r;
}

static int set_attributes(scmp_filter_ctx filter, uint32_t denied)
{
	int r;

	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, denied);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	/* A tree instead of a list. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return r;
}

int call_filter_install(enum front_seccomp mode)
{
	uint32_t denied = mode == FRONT_SECCOMP_LOG ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS;
	AUTO(auto_seccomp_release) scmp_filter_ctx filter = NULL;
	int r;

	filter = seccomp_init(denied);
	if (!filter)
		return -ENOMEM;
	r = set_attributes(filter, denied);
	if (r == 0)
		r = allow_all(filter);
	if (r == 0 && mode == FRONT_SECCOMP_KILL)
		r = refuse_files(filter);
	if (r == 0)
		r = seccomp_load(filter);
	return r;
}
