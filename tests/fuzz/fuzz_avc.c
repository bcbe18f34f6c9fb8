/* H.264 as a publisher may send it: first byte 0, a parameter set alone; otherwise an access unit
 * of length-prefixed NAL units, through everything that reads it. */
#include <stdlib.h>

#include "base/err.h"
#include "segment/avc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unit(struct bytes b)
{
    struct avc_params p;
    struct buf out;
    avc_params_init(&p);
    buf_init(&out, 1u << 20);
    avc_params_update(&p, b);
    if (avc_params_known(&p) && (!p.width || !p.height || p.width > 16384))
        abort();
    if (avc_put_annexb(&out, b, &p) == OK && out.len < 6)
        abort(); /* the delimiter at least */
    avc_params_fini(&p);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct bytes b = bytes_of(data + 1, size - 1);
    struct avc_sps sps;
    if (data[0])
        unit(b);
    else if (avc_parse_sps(b, &sps) == OK && (!sps.width || !sps.height))
        abort();
    return 0;
}
