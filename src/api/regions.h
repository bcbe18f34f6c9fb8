/* Which regions a request may name (api.md 5, Regions). Pure. Inside api/ only. */
#ifndef API_REGIONS_H
#define API_REGIONS_H

#include "api/params.h"

/* True: `region` is one of `allowed`. A region that the platform knows and this service does not
 * serve, and one that nobody knows, have codes of their own. */
bool region_check(const char *region, const struct schema_strings *allowed, const char *parameter,
                  struct api_problem *problem);

#endif
