#include "recorder/writing.h"

#include "base/err.h"

/* --- playlists --- */

static int hls_open(struct writing *w, const struct writing_config *config, void *carry,
                    const struct hls_events *events, bool audio, bool video)
{
    struct hls_config hls = config->hls;
    struct hls_writer *writer;
    (void)audio;
    (void)video;
    hls.events = *events;
    int err = hls_writer_new(&writer, &hls, carry);
    if (!err)
        w->writer = writer;
    return err;
}

static int hls_push(void *writer, struct frame *f)
{
    return hls_writer_push(writer, f);
}

static void hls_tick(void *writer, usec_t now)
{
    hls_writer_tick(writer, now);
}

static usec_t hls_deadline(const void *writer)
{
    return hls_writer_deadline(writer);
}

static bool hls_wants_key(const void *writer)
{
    return hls_writer_wants_key(writer);
}

static const struct hls_stats *hls_stats_of(const void *writer)
{
    return hls_writer_stats(writer);
}

static void *hls_close(void *writer, bool end)
{
    hls_writer_finish(writer, end);
    void *carry = end ? NULL : hls_writer_detach_playlist(writer);
    hls_writer_free(writer);
    return carry;
}

static void hls_end(void *carry, struct sink *sink)
{
    hls_playlist_publish(carry, sink, true);
    hls_playlist_free(carry);
}

static void hls_drop(void *carry)
{
    hls_playlist_free(carry);
}

static const struct writing_ops hls_ops = { hls_open,     hls_push,      hls_tick,
                                            hls_deadline, hls_wants_key, hls_stats_of,
                                            hls_close,    hls_end,       hls_drop };

/* --- files: the writer itself is what goes on --- */

static int media_open(struct writing *w, const struct writing_config *config, void *carry,
                      const struct hls_events *events, bool audio, bool video)
{
    struct media_writer *writer = carry;
    int err = writer ? OK : media_writer_new(&writer, &config->media);
    if (err)
        return err;
    media_writer_resume(writer, events, audio, video);
    w->writer = writer;
    return OK;
}

static int media_push(void *writer, struct frame *f)
{
    return media_writer_push(writer, f);
}

static void media_tick(void *writer, usec_t now)
{
    media_writer_tick(writer, now);
}

static usec_t media_deadline(const void *writer)
{
    return media_writer_deadline(writer);
}

static bool media_wants_key(const void *writer)
{
    return media_writer_wants_key(writer);
}

static const struct hls_stats *media_stats_of(const void *writer)
{
    return media_writer_stats(writer);
}

static void media_end(void *carry, struct sink *sink)
{
    (void)sink;
    media_writer_finish(carry);
    media_writer_free(carry);
}

static void *media_close(void *writer, bool end)
{
    if (!end) {
        media_writer_pause(writer);
        return writer;
    }
    media_end(writer, NULL);
    return NULL;
}

static void media_drop(void *carry)
{
    media_writer_free(carry);
}

static const struct writing_ops media_ops = { media_open,     media_push,      media_tick,
                                              media_deadline, media_wants_key, media_stats_of,
                                              media_close,    media_end,       media_drop };

const struct writing_ops *writing_ops_of(enum recording_form form)
{
    return form == RECORDING_HLS ? &hls_ops : &media_ops;
}

int writing_name(char out[NAMES_SIZE], enum recording_form form, const struct names *names)
{
    static const char *const extensions[] = { [RECORDING_MP4] = "mp4", [RECORDING_AAC] = "aac" };
    return form == RECORDING_HLS ? names_playlist(out, names, 0)
                                 : names_file(out, names, 0, extensions[form]);
}
