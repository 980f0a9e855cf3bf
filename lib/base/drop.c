#include "base/drop.h"

#include <assert.h>
#include <stddef.h>

static const char *const names[] = { [DROP_NONE] = "none",
#define X(name, text) [DROP_##name] = #name,
				     DROP_REASONS(X)
#undef X
};

static const char *const texts[] = { [DROP_NONE] = "not dropped",
#define X(name, text) [DROP_##name] = text,
				     DROP_REASONS(X)
#undef X
};

static_assert(sizeof(names) / sizeof(names[0]) == DROP_REASON_COUNT,
	      "every reason has a name");
static_assert(sizeof(texts) / sizeof(texts[0]) == DROP_REASON_COUNT,
	      "every reason has a text");

const char *drop_name(enum drop_reason reason)
{
	return names[reason];
}

const char *drop_text(enum drop_reason reason)
{
	return texts[reason];
}
