#include "base/err.h"

const char *err_text(int err)
{
    switch (err) {
    case OK: return "ok";
    case ERR_NOMEM: return "out of memory";
    case ERR_MALFORMED: return "malformed";
    case ERR_LIMIT: return "limit reached";
    case ERR_NOT_FOUND: return "not found";
    case ERR_EXISTS: return "exists already";
    case ERR_AUTH: return "not authentic";
    case ERR_EXPIRED: return "expired";
    case ERR_UNSUPPORTED: return "not supported";
    case ERR_BAD_STATE: return "not possible in this state";
    case ERR_IO: return "input/output error";
    case ERR_AGAIN: return "try again";
    case ERR_CRYPTO: return "crypto library error";
    case ERR_REPLAY: return "seen before";
    case ERR_RANGE: return "out of range";
    }
    return "unknown error";
}
