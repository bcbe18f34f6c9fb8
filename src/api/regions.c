#include "api/regions.h"

#include "api/errors.h"
#include "base/str.h"

static const char *const known[] = {
    "ap-guangzhou", "ap-shanghai", "ap-nanjing",   "ap-beijing", "ap-chengdu",
    "ap-chongqing", "ap-hongkong", "ap-singapore", "ap-jakarta", "ap-bangkok",
    "ap-seoul",     "ap-tokyo",    "ap-mumbai",    "na-ashburn", "na-siliconvalley",
    "na-toronto",   "sa-saopaulo", "eu-frankfurt", "eu-moscow",
};

static bool is_variant(const char *suffix)
{
    return *suffix == 0 || strcmp(suffix, "-fsi") == 0 || strcmp(suffix, "-open") == 0;
}

static bool is_known(const char *region)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_starts(bytes_str(region), known[i]) && is_variant(region + strlen(known[i])))
            return true;
    return false;
}

bool region_check(const char *region, const struct schema_strings *allowed, const char *parameter,
                  struct api_problem *problem)
{
    for (size_t i = 0; i < allowed->count; i++)
        if (strcmp(allowed->items[i], region) == 0)
            return true;
    char name[64];
    schema_printable(name, sizeof name, region);
    api_problem_set(problem, is_known(region) ? API_UNSUPPORTED_REGION : API_INVALID_VALUE,
                    "`%s` is `%s`", parameter, name);
    return false;
}
