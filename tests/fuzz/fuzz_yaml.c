/* The text of a configuration file, into a checked configuration. */
#include <stdlib.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct buf complaints;
    buf_init(&complaints, 1 << 20);
    int err = config_parse(&config, "fuzz", bytes_of(data, size), &complaints);
    if ((err == 0) != (config != NULL))
        abort();
    config_free(config);
    buf_fini(&complaints);
    return 0;
}
