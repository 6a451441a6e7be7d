#include "configuration.h"
#include "protocol.h"

struct configuration configuration;
struct negotiated negotiated;

bool is_writeback(void) { return (negotiated.agreed & INIT_WRITEBACK_CACHE) != 0; }
