#include "derive/aac_track.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "derive/opus_in.h"
#include "derive/stretch.h"

#define RATE      48000
#define EARLY     5            /* packets that decide on the channels */
#define CONCEAL   (RATE / 5)   /* 200 ms */
#define HOLE      (RATE / 400) /* 2.5 ms: less is drift, not loss */
#define SLEW      100 /* one sample in so many may be put in or taken out: 10 ms a second */
#define SLEW_FROM 24  /* samples of error at which slewing begins: 0.5 ms */
#define SLEW_TO   2   /* and ends */
#define DTX_SIZE                                                                                   \
    2 /* RFC 6716, 2.1.9: a packet of the sender's silence is little more than its TOC */
#define SILENT (2 / 32768.0f) /* below the last bit but one of 16 */
#define RUN_OUT                                                                                    \
    8 /* blocks of zeros after which the encoder is taken to be empty, whatever it says */
#define NO_SLOT    INT64_MIN
#define FIRST_SLOT 21333 /* us; slot 1 of the grid begins so much after its start */

struct aac_track {
    struct aac_track_config config;
    unsigned channels; /* 0: not known yet */
    struct frame *early[EARLY];
    unsigned earlies;

    struct opus_in *opus;
    struct aac_encoder *encoder;
    usec_t arrival; /* of the newest input */
    bool running;   /* input flows; otherwise the next frame says where to go on */
    bool slewing;
    bool dtx;       /* the last packet was the sender's silence */
    int64_t input;  /* where the last input ended, samples since the grid's start */
    int64_t pos;    /* where the next sample goes */
    unsigned zeros; /* blocks of zeros the encoder has had last */
    bool empty;     /* it has forgotten all before: more zeros would change nothing */
    int64_t first_slot,
        last_slot; /* frames before the first are run-in of silence; the last one out, or NO_SLOT */
    float before[2]; /* the sample before the next, by channel */

    float block[2][AAC_BLOCK]; /* pos % AAC_BLOCK samples of it */
    float pcm[OPUS_MAX_SAMPLES * 2];
    float line[2][OPUS_MAX_SAMPLES + OPUS_MAX_SAMPLES / SLEW];

    struct frame *out[AAC_TRACK_QUEUE];
    unsigned out_first, out_count;
    struct aac_track_stats stats;
};

/* ---- Output ---- */

/* 1024 samples are 64000 / 3 us. */
static usec_t slot_time(const struct aac_track *t, int64_t slot)
{
    return t->config.start + (slot * 64000 + 1) / 3;
}

static int emit(struct aac_track *t, int64_t slot, struct bytes aac)
{
    if (slot < t->first_slot || slot < 0 || (t->last_slot != NO_SLOT && slot <= t->last_slot))
        return OK;
    if (t->out_count == AAC_TRACK_QUEUE) {
        t->stats.overflow++;
        return OK;
    }
    struct frame *f = frame_new(CODEC_AAC, aac.len);
    if (!f)
        return ERR_NOMEM;
    memcpy(f->data, aac.ptr, aac.len);
    f->key = true;
    f->time = slot_time(t, slot);
    f->duration = slot_time(t, slot + 1) - f->time;
    f->arrival = t->arrival;
    f->rtp = slot * AAC_BLOCK;
    f->discontinuity = t->last_slot != NO_SLOT && slot != t->last_slot + 1;
    t->last_slot = slot;
    t->stats.frames++;
    t->out[(t->out_first + t->out_count++) % AAC_TRACK_QUEUE] = f;
    return OK;
}

struct frame *aac_track_pull(struct aac_track *t)
{
    if (!t->out_count)
        return NULL;
    struct frame *f = t->out[t->out_first];
    t->out_first = (t->out_first + 1) % AAC_TRACK_QUEUE;
    t->out_count--;
    return f;
}

/* ---- Blocks ---- */

static bool silent(const float *block)
{
    for (int i = 0; i < AAC_BLOCK; i++)
        if (fabsf(block[i]) >= SILENT)
            return false;
    return true;
}

static int encode(struct aac_track *t, bool zeros, struct bytes *packet)
{
    const float *const channel[2] = { zeros ? NULL : t->block[0], zeros ? NULL : t->block[1] };
    int err = aac_encoder_put(t->encoder, channel, packet);
    t->zeros = zeros ? t->zeros + 1 : 0;
    t->empty =
        !err && t->zeros >= AAC_ENCODER_MEMORY && bytes_equal(*packet, aac_silence(t->channels));
    return err;
}

/* The block that ends at `pos` is whole. */
static int end_block(struct aac_track *t)
{
    int64_t slot = t->pos / AAC_BLOCK - 1 - AAC_ENCODER_LAG;
    bool zeros = silent(t->block[0]) && (t->channels == 1 || silent(t->block[1]));
    if (zeros && t->empty) {
        t->stats.silent++;
        return emit(t, slot, aac_silence(t->channels));
    }
    struct bytes packet;
    int err = encode(t, zeros, &packet);
    return err ? err : emit(t, slot, packet);
}

/* `n` samples of both channels, NULL for zeros. */
static int put(struct aac_track *t, const float *left, const float *right, size_t n)
{
    const float *from[2] = { left, right };
    while (n) {
        size_t at = (size_t)(t->pos % AAC_BLOCK), part = AAC_BLOCK - at < n ? AAC_BLOCK - at : n;
        for (unsigned c = 0; c < t->channels; c++) {
            if (from[c])
                memcpy(t->block[c] + at, from[c], part * sizeof(float));
            else
                memset(t->block[c] + at, 0, part * sizeof(float));
            from[c] = from[c] ? from[c] + part : NULL;
        }
        t->pos += (int64_t)part;
        n -= part;
        int err = t->pos % AAC_BLOCK ? OK : end_block(t);
        if (err)
            return err;
    }
    return OK;
}

static int put_zeros(struct aac_track *t, int64_t n)
{
    t->before[0] = t->before[1] = 0;
    return put(t, NULL, NULL, (size_t)n);
}

/* ---- Input ---- */

static int64_t samples_of(usec_t us)
{
    return us >= 0 ? (us * 6 + 62) / 125 : -((-us * 6 + 62) / 125);
}

#define GAP (AAC_TRACK_GAP * RATE / SEC)

/* `n` decoded samples as `m`. */
static int put_pcm(struct aac_track *t, const float *pcm, size_t n, size_t m)
{
    for (unsigned c = 0; c < t->channels; c++) {
        if (m == n)
            for (size_t i = 0; i < n; i++)
                t->line[c][i] = pcm[i * t->channels + c];
        else
            stretch(t->line[c], m, pcm + c, n, t->channels, t->before[c]);
        t->before[c] = pcm[(n - 1) * t->channels + c];
    }
    return put(t, t->line[0], t->line[1], m);
}

/* How many samples `n` should become, to bring `error` (positive: too few so far) towards 0. */
static size_t slewed(struct aac_track *t, int64_t error, unsigned n)
{
    int64_t size = error < 0 ? -error : error, most = n / SLEW;
    if (size >= SLEW_FROM)
        t->slewing = true;
    else if (size <= SLEW_TO)
        t->slewing = false;
    if (!t->slewing)
        return n;
    int64_t step = size < most ? size : most;
    t->stats.stretched += (uint64_t)step;
    return (size_t)(error > 0 ? n + step : n - step);
}

static int conceal(struct aac_track *t, unsigned n, struct bytes next)
{
    if (!opus_in_conceal(t->opus, n, next, t->pcm))
        return put_zeros(t, n);
    t->stats.concealed += n;
    return put_pcm(t, t->pcm, n, n);
}

/* What is missing before the packet `next`. */
static int fill_hole(struct aac_track *t, int64_t hole, struct bytes next)
{
    int64_t heard = t->dtx || hole < CONCEAL ? hole : CONCEAL;
    heard -= heard % OPUS_STEP;
    int64_t carried = t->dtx ? 0 : opus_in_samples(next); /* what FEC may hold */
    if (carried > heard)
        carried = heard;

    for (int64_t left = heard - carried; left > 0; left -= RATE / 50) {
        int err = conceal(t, (unsigned)(left < RATE / 50 ? left : RATE / 50), bytes_of(NULL, 0));
        if (err)
            return err;
    }
    int err = carried ? conceal(t, (unsigned)carried, next) : OK;
    if (err || hole == heard)
        return err;
    t->stats.filled += (uint64_t)(hole - heard);
    return put_zeros(t, hole - heard);
}

/* Input begins at `target`, for the first time or after a flush. */
static int start_at(struct aac_track *t, int64_t target)
{
    bool first = t->last_slot == NO_SLOT && !t->pos;
    if (first || target - t->pos >= GAP) {
        t->stats.restarts += !first;
        t->pos = target > 0 ? target / AAC_BLOCK * AAC_BLOCK : 0;
        t->first_slot = t->pos / AAC_BLOCK - 1;
        opus_in_reset(t->opus);
    } else if (target > t->pos) {
        t->stats.filled += (uint64_t)(target - t->pos);
    }
    return target > t->pos ? put_zeros(t, target - t->pos) : OK;
}

/* Brings the grid to where a packet for `target` goes. */
static int come_to(struct aac_track *t, int64_t target, struct bytes packet)
{
    int64_t hole = target - t->input;
    if (t->running && hole >= GAP) {
        int err = aac_track_flush(t);
        if (err)
            return err;
    }
    if (!t->running)
        return start_at(t, target);
    return hole >= HOLE ? fill_hole(t, hole, packet) : OK;
}

static int put_packet(struct aac_track *t, int64_t error, struct bytes packet)
{
    unsigned n = opus_in_decode(t->opus, packet, t->pcm);
    if (!n) {
        unsigned lost = opus_in_samples(packet);
        t->stats.broken++;
        return conceal(t, lost, bytes_of(NULL, 0));
    }
    t->dtx = packet.len <= DTX_SIZE;
    if (t->running)
        return put_pcm(t, t->pcm, n, slewed(t, error, n));
    unsigned skip = error < 0 ? (unsigned)-error : 0; /* a start cuts what has no room any more */
    return put_pcm(t, t->pcm + skip * t->channels, n - skip, n - skip);
}

static int process(struct aac_track *t, const struct frame *f)
{
    struct bytes packet = bytes_of(f->data, f->size);
    unsigned n = opus_in_samples(packet);
    if (!n) {
        t->stats.broken++;
        return OK;
    }
    int64_t target = samples_of(f->time - t->config.start);
    int err = come_to(t, target, packet);
    if (err)
        return err;
    if (target - t->pos <= -(int64_t)n) {
        t->stats.late++;
        return OK;
    }
    err = put_packet(t, target - t->pos, packet);
    t->input = target + n;
    t->running = true;
    return err;
}

/* ---- The track ---- */

static void drop_early(struct aac_track *t)
{
    while (t->earlies)
        frame_unref(t->early[--t->earlies]);
}

static int open_codecs(struct aac_track *t)
{
    unsigned channels = t->config.channels ? t->config.channels : 1;
    for (unsigned i = 0; i < t->earlies && !t->config.channels; i++)
        if (opus_in_stereo(bytes_of(t->early[i]->data, t->early[i]->size)))
            channels = 2;
    unsigned bitrate = t->config.bitrate ? t->config.bitrate : 64000 * channels;
    struct opus_in *opus = opus_in_new(channels);
    if (!opus)
        return ERR_NOMEM;
    int err = aac_encoder_new(&t->encoder, channels, bitrate);
    if (err) {
        opus_in_free(opus);
        return err;
    }
    t->opus = opus;
    t->channels = channels;
    return OK;
}

/* The channels are decided: what has waited goes in. */
static int begin(struct aac_track *t)
{
    int err = open_codecs(t);
    for (unsigned i = 0; i < t->earlies && !err; i++)
        err = process(t, t->early[i]);
    drop_early(t);
    return err;
}

int aac_track_push(struct aac_track *t, struct frame *opus)
{
    if (opus->codec != CODEC_OPUS)
        return ERR_UNSUPPORTED;
    if (opus->time < 0)
        return ERR_RANGE;
    if (t->config.start == USEC_UNSET)
        t->config.start = opus->time - FIRST_SLOT;
    t->arrival = opus->arrival;
    if (t->channels)
        return process(t, opus);
    t->early[t->earlies++] = frame_ref(opus);
    return t->earlies == EARLY || t->config.channels ? begin(t) : OK;
}

int aac_track_flush(struct aac_track *t)
{
    int err = !t->channels && t->earlies ? begin(t) : OK;
    if (err || !t->running)
        return err;
    t->running = false;
    err = put_zeros(t, (AAC_BLOCK - t->pos % AAC_BLOCK) % AAC_BLOCK);
    if (!err)
        err = put_zeros(t, AAC_ENCODER_LAG * AAC_BLOCK);
    struct bytes packet;
    for (int i = 0; i < RUN_OUT && !err && !t->empty; i++)
        err = encode(t, true, &packet);
    t->pos -= AAC_BLOCK; /* room for the run-in of what may come next */
    return err;
}

unsigned aac_track_channels(const struct aac_track *t)
{
    return t->channels;
}

struct bytes aac_track_silence(const struct aac_track *t)
{
    return aac_silence(t->channels);
}

const struct aac_track_stats *aac_track_stats(const struct aac_track *t)
{
    return &t->stats;
}

int aac_track_new(struct aac_track **out, const struct aac_track_config *config)
{
    if (config->channels > 2)
        return ERR_RANGE;
    struct aac_track *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->config = *config;
    t->empty = true;
    t->last_slot = NO_SLOT;
    *out = t;
    return OK;
}

void aac_track_free(struct aac_track *t)
{
    if (!t)
        return;
    drop_early(t);
    while (t->out_count)
        frame_unref(aac_track_pull(t));
    opus_in_free(t->opus);
    aac_encoder_free(t->encoder);
    free(t);
}
