#include "ice/credentials.h"

#include <stdio.h>

#include "base/err.h"
#include "base/random.h"
#include "base/str.h"

static bool valid(struct bytes text, size_t min)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return text.len >= min && text.len <= ICE_MAX_TEXT && str_only(text, set);
}

int ice_side_set(struct ice_side *out, struct bytes ufrag, struct bytes pwd)
{
    if (!valid(ufrag, ICE_MIN_UFRAG) || !valid(pwd, ICE_MIN_PWD))
        return ERR_RANGE;
    str_copy(out->ufrag, sizeof out->ufrag, ufrag);
    str_copy(out->pwd, sizeof out->pwd, pwd);
    return OK;
}

void ice_side_random(struct ice_side *out)
{
    *out = (struct ice_side){ 0 };
    random_name(out->ufrag, 8);
    random_name(out->pwd, 24);
}

struct bytes ice_username(char block[ICE_USERNAME_SIZE], const struct ice_side *asked,
                          const struct ice_side *asking)
{
    int len = snprintf(block, ICE_USERNAME_SIZE, "%s:%s", asked->ufrag, asking->ufrag);
    return bytes_of(block, (size_t)len);
}
