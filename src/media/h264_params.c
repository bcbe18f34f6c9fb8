#include "media/h264_params.h"

#include "base/err.h"

void h264_params_init(struct h264_params *p)
{
    p->sps_count = p->pps_count = p->active = 0;
}

/* The index of the set with this id; `count` when there is none. */
static unsigned find(const struct h264_set *sets, unsigned count, uint8_t id)
{
    unsigned i = 0;
    while (i < count && sets[i].id != id)
        i++;
    return i;
}

static void store(struct h264_set *set, uint8_t id, struct bytes nal)
{
    set->id = id;
    set->size = (uint16_t)nal.len;
    memcpy(set->data, nal.ptr, nal.len);
}

static int put_sps(struct h264_params *p, struct bytes nal, bool *changed)
{
    struct h264_sps info;
    int err = h264_parse_sps(&info, nal);
    if (err)
        return err;
    unsigned i = find(p->sps, p->sps_count, info.id);
    if (i < p->sps_count && bytes_equal(h264_set_bytes(&p->sps[i]), nal))
        return OK;
    if (i == H264_MAX_SPS) {
        h264_params_init(p);
        i = 0;
    }
    store(&p->sps[i], info.id, nal);
    p->info[i] = info;
    p->active = i;
    if (i == p->sps_count)
        p->sps_count++;
    *changed = true;
    return OK;
}

static int put_pps(struct h264_params *p, struct bytes nal, bool *changed)
{
    struct h264_pps info;
    int err = h264_parse_pps(&info, nal);
    if (err)
        return err;
    unsigned i = find(p->pps, p->pps_count, info.id);
    if (i < p->pps_count && bytes_equal(h264_set_bytes(&p->pps[i]), nal))
        return OK;
    if (i == H264_MAX_PPS)
        i = p->pps_count = 0;
    store(&p->pps[i], info.id, nal);
    if (i == p->pps_count)
        p->pps_count++;
    *changed = true;
    return OK;
}

int h264_params_put(struct h264_params *p, struct bytes nal, bool *changed)
{
    unsigned type = h264_nal_type(nal);
    if (type != H264_SPS && type != H264_PPS)
        return OK;
    if (nal.len > H264_SET_SIZE)
        return ERR_LIMIT;
    return type == H264_SPS ? put_sps(p, nal, changed) : put_pps(p, nal, changed);
}

/* An IDR slice names its PPS, and that its SPS. */
static void activate(struct h264_params *p, struct bytes nal)
{
    struct h264_slice slice;
    struct h264_pps pps;
    if (h264_parse_slice(&slice, nal))
        return;
    unsigned i = find(p->pps, p->pps_count, slice.pps_id);
    if (i == p->pps_count || h264_parse_pps(&pps, h264_set_bytes(&p->pps[i])))
        return;
    unsigned s = find(p->sps, p->sps_count, pps.sps_id);
    if (s < p->sps_count)
        p->active = s;
}

int h264_params_update(struct h264_params *p, struct bytes frame, bool *changed)
{
    int first_err = OK;
    *changed = false;
    struct reader units = reader_of(frame);
    for (struct bytes nal; h264_next(&units, &nal);) {
        if (h264_nal_type(nal) == H264_IDR)
            activate(p, nal);
        int err = h264_params_put(p, nal, changed);
        first_err = first_err ? first_err : err;
    }
    return units.failed && !first_err ? ERR_MALFORMED : first_err;
}

static bool same_sets(const struct h264_set *a, const struct h264_set *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!bytes_equal(h264_set_bytes(&a[i]), h264_set_bytes(&b[i])))
            return false;
    return true;
}

bool h264_params_equal(const struct h264_params *a, const struct h264_params *b)
{
    return a->sps_count == b->sps_count && a->pps_count == b->pps_count && a->active == b->active &&
           same_sets(a->sps, b->sps, a->sps_count) && same_sets(a->pps, b->pps, a->pps_count);
}

bool h264_params_complete(const struct h264_params *p)
{
    for (unsigned i = 0; i < p->pps_count; i++) {
        struct h264_pps pps;
        if (!h264_parse_pps(&pps, h264_set_bytes(&p->pps[i])) &&
            find(p->sps, p->sps_count, pps.sps_id) < p->sps_count)
            return true;
    }
    return false;
}

const struct h264_sps *h264_params_sps(const struct h264_params *p)
{
    return p->sps_count ? &p->info[p->active] : NULL;
}

static void write_sets(const struct h264_set *sets, unsigned count, struct writer *out)
{
    for (unsigned i = 0; i < count; i++) {
        write_u32(out, sets[i].size);
        write_bytes(out, h264_set_bytes(&sets[i]));
    }
}

void h264_params_write(const struct h264_params *p, struct writer *out)
{
    write_sets(p->sps, p->sps_count, out);
    write_sets(p->pps, p->pps_count, out);
}

size_t h264_params_size(const struct h264_params *p)
{
    size_t size = 0;
    for (unsigned i = 0; i < p->sps_count; i++)
        size += 4u + p->sps[i].size;
    for (unsigned i = 0; i < p->pps_count; i++)
        size += 4u + p->pps[i].size;
    return size;
}
