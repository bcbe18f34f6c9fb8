#include "serve/build_info.h"

#include "serve/build.h"

const char *build_id(void)
{
    return build.id;
}

const char *build_date(void)
{
    return build.date;
}
