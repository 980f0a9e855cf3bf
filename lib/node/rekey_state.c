#include "node/rekey_state.h"

#include "base/bytes.h"

bool rekey_take(struct rekey_state *r, uint64_t now_us)
{
	if (r->due_us > now_us + REKEY_EVERY_US)
		return false;
	if (r->due_us < now_us)
		r->due_us = now_us;
	r->due_us += REKEY_EVERY_US;
	return true;
}

void rekey_wipe(struct rekey_state *r)
{
	uint64_t due_us = r->due_us;

	bytes_wipe(r, sizeof(*r));
	r->due_us = due_us;
}
