/* tapctl's commands that go on until they are ended. */
#ifndef TAPD_CTL_STREAMS_H
#define TAPD_CTL_STREAMS_H

#include "tapd/ctl/options.h"

/* Each returns tapctl's exit status. */
/* Events, a line each. */
int stream_monitor(const struct options *o);
/* Frames, as pcapng to stdout. */
int stream_capture(const struct options *o);

#endif
