#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "recorder/recording.h"

/* Writes down what the recording decides: "+alice/main/audio" opened, "alice/main/audio=7a"
 * pointed, "!..." ended. */
struct output {
    char name[64];
};

struct world {
    struct buf log;
    struct output outputs[64];
    size_t count;
    const char *refused_user; /* by the lists */
    bool refuse_video;
    bool cannot_open;
    unsigned questions; /* to the lists */
    size_t asked_about; /* users in the last one */
};

static void select_users(void *ctx, enum media_kind kind, const char *const *users, size_t count,
                         bool *wanted)
{
    struct world *w = ctx;
    w->questions++;
    w->asked_about = count;
    for (size_t i = 0; i < count; i++)
        wanted[i] = !(w->refused_user && strcmp(users[i], w->refused_user) == 0) &&
                    !(w->refuse_video && kind == MEDIA_VIDEO);
}

static struct output *open_output(void *ctx, const char *user, enum names_media media,
                                  enum recording_form form, enum names_type type)
{
    static const char *const types[] = { "audio", "video", "both" };
    static const char *const forms[] = { "", ".mp4", ".aac" };
    struct world *w = ctx;
    if (w->cannot_open)
        return NULL;
    struct output *o = &w->outputs[w->count++];
    snprintf(o->name, sizeof o->name, "%s/%s/%s%s", user, names_media_text(media), types[type],
             forms[form]);
    buf_printf(&w->log, "+%s ", o->name);
    return o;
}

static void point(void *ctx, struct output *o, const struct recording_source *source)
{
    struct world *w = ctx;
    buf_printf(&w->log, "%s=", o->name);
    if (source)
        buf_printf(&w->log, "%u%s%s ", (unsigned)source->session, source->audio ? "a" : "",
                   source->video ? "v" : "");
    else
        buf_put_str(&w->log, "- ");
}

static void end(void *ctx, struct output *o)
{
    buf_printf(&((struct world *)ctx)->log, "!%s ", o->name);
}

static const struct recording_ops ops = { select_users, open_output, point, end };
static const struct recording_config everything = { .takes = { { true, true }, { true, true } },
                                                    .forms = { [RECORDING_HLS] = true },
                                                    .max_anchors = 25 };

static void expect(struct world *w, const char *want)
{
    assert_string_equal(buf_str(&w->log), want);
    buf_clear(&w->log);
}

static struct recording *begin(struct world *w, struct recording_config config)
{
    memset(w, 0, sizeof *w);
    buf_init(&w->log, 1 << 16);
    struct recording *r = recording_new(&config, &ops, w);
    assert_non_null(r);
    return r;
}

static void publish(struct recording *r, const char *user, enum names_media media, uint64_t session)
{
    struct recording_stream s = { user, media, session, true, true };
    assert_int_equal(recording_publish(r, &s), OK);
}

static void done(struct world *w, struct recording *r)
{
    recording_free(r);
    buf_fini(&w->log);
}

static void separate_outputs_that_wait_for_a_return(void **state)
{
    (void)state;
    struct world w;
    struct recording *r = begin(&w, everything);
    publish(r, "alice", NAMES_MAIN, 7);
    expect(&w, "+alice/main/audio alice/main/audio=7a +alice/main/video alice/main/video=7v ");
    recording_unpublish(r, 7);
    expect(&w, "alice/main/audio=- alice/main/video=- ");
    publish(r, "alice", NAMES_MAIN, 8);
    expect(&w, "alice/main/audio=8a alice/main/video=8v ");
    publish(r, "alice", NAMES_MAIN, 9); /* replaced without leaving */
    expect(&w, "alice/main/audio=9a alice/main/video=9v ");
    recording_end(r);
    expect(&w, "!alice/main/audio !alice/main/video ");
    publish(r, "bob", NAMES_MAIN, 10);
    recording_end(r);
    expect(&w, "");
    done(&w, r);
}

static void merged_outputs_and_aux(void **state)
{
    (void)state;
    struct world w;
    struct recording_config config = everything;
    config.merge = true;
    struct recording *r = begin(&w, config);
    publish(r, "a", NAMES_MAIN, 1);
    publish(r, "a", NAMES_AUX, 2);
    expect(&w,
           "+a/main/both a/main/both=1av +a/aux/audio a/aux/audio=2a +a/aux/video a/aux/video=2v ");
    w.refuse_video = true;
    recording_resubscribe(r);
    expect(&w, "a/main/both=1a a/aux/video=- ");
    done(&w, r);
}

static void configured_media_only(void **state)
{
    (void)state;
    struct world w;
    struct recording_config config = everything;
    config.takes[NAMES_MAIN][MEDIA_VIDEO] = false;
    config.takes[NAMES_AUX][MEDIA_AUDIO] = config.takes[NAMES_AUX][MEDIA_VIDEO] = false;
    struct recording *r = begin(&w, config);
    publish(r, "a", NAMES_MAIN, 1);
    publish(r, "a", NAMES_AUX, 2);
    expect(&w, "+a/main/audio a/main/audio=1a ");
    done(&w, r);
}

static void places_by_entry_refilled(void **state)
{
    (void)state;
    struct world w;
    struct recording_config config = everything;
    config.max_anchors = 2;
    config.takes[NAMES_MAIN][MEDIA_VIDEO] = config.takes[NAMES_AUX][MEDIA_VIDEO] = false;
    struct recording *r = begin(&w, config);
    publish(r, "a", NAMES_MAIN, 1);
    publish(r, "b", NAMES_MAIN, 2);
    publish(r, "c", NAMES_MAIN, 3);
    publish(r, "d", NAMES_MAIN, 4);
    expect(&w, "+a/main/audio a/main/audio=1a +b/main/audio b/main/audio=2a ");
    recording_unpublish(r, 1);
    expect(&w, "a/main/audio=- +c/main/audio c/main/audio=3a ");
    publish(r, "a", NAMES_MAIN, 5); /* came back: behind d */
    expect(&w, "");
    recording_unpublish(r, 2);
    expect(&w, "b/main/audio=- +d/main/audio d/main/audio=4a ");
    w.refused_user = "c";
    recording_resubscribe(r);
    expect(&w, "c/main/audio=- a/main/audio=5a ");
    done(&w, r);
}

/* Without the right to receive one of them, say. */
static void media_are_taken_per_stream(void **state)
{
    (void)state;
    struct world w;
    struct recording_config config = everything;
    config.takes[NAMES_MAIN][MEDIA_VIDEO] = false;
    config.takes[NAMES_AUX][MEDIA_AUDIO] = false;
    struct recording *r = begin(&w, config);
    publish(r, "a", NAMES_MAIN, 1);
    publish(r, "a", NAMES_AUX, 2);
    expect(&w, "+a/main/audio a/main/audio=1a +a/aux/video a/aux/video=2v ");
    done(&w, r);
}

/* 300 users: what a join costs the lists is two questions about those who are there. */
static void the_lists_are_asked_once_for_all(void **state)
{
    (void)state;
    struct world w;
    struct recording *r = begin(&w, everything);
    char name[16];
    for (unsigned i = 1; i <= 300; i++) {
        w.questions = 0;
        snprintf(name, sizeof name, "u%u", i);
        publish(r, name, NAMES_MAIN, i);
        assert_int_equal(w.questions, 2);
        assert_int_equal(w.asked_about, i);
        assert_int_equal(recording_places(r), i < 25 ? i : 25);
    }
    recording_unpublish(r, 300);
    assert_int_equal(w.asked_about, 299);
    done(&w, r);
}

static void status_follows_recorded_media(void **state)
{
    (void)state;
    struct world w;
    struct recording *r = begin(&w, everything);
    w.refused_user = "ghost";
    assert_false(recording_attended(r));
    publish(r, "ghost", NAMES_MAIN, 1);
    assert_true(recording_attended(r));
    recording_media(r, 1, MEDIA_AUDIO, true);
    assert_false(recording_live(r));
    publish(r, "a", NAMES_MAIN, 2);
    assert_false(recording_live(r));
    recording_media(r, 2, MEDIA_VIDEO, true);
    assert_true(recording_live(r));
    recording_media(r, 2, MEDIA_VIDEO, false);
    assert_false(recording_live(r));
    recording_unpublish(r, 1);
    recording_unpublish(r, 2);
    assert_false(recording_attended(r));
    done(&w, r);
}

static void a_failed_open_is_tried_again(void **state)
{
    (void)state;
    struct world w;
    struct recording_config config = everything;
    config.takes[NAMES_MAIN][MEDIA_VIDEO] = config.takes[NAMES_AUX][MEDIA_VIDEO] = false;
    struct recording *r = begin(&w, config);
    w.cannot_open = true;
    publish(r, "a", NAMES_MAIN, 1);
    expect(&w, "");
    w.cannot_open = false;
    recording_resubscribe(r);
    expect(&w, "+a/main/audio a/main/audio=1a ");
    done(&w, r);
}

static void publish_some(struct recording *r, const char *user, enum names_media media,
                         uint64_t session, bool audio, bool video)
{
    struct recording_stream s = { user, media, session, audio, video };
    assert_int_equal(recording_publish(r, &s), OK);
}

static void each_format_has_its_outputs(void **state)
{
    static const struct {
        bool hls, mp4, aac;
        const char *want;
    } cases[] = {
        { true, true, false,
          "+a/main/audio a/main/audio=1a +a/main/video a/main/video=1v "
          "+a/main/both.mp4 a/main/both.mp4=1av " },
        { true, false, true,
          "+a/main/audio a/main/audio=1a +a/main/video a/main/video=1v "
          "+a/main/audio.aac a/main/audio.aac=1a " },
        { false, true, false, "+a/main/both.mp4 a/main/both.mp4=1av " },
        { false, false, true, "+a/main/audio.aac a/main/audio.aac=1a " },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct recording_config config = everything;
        config.forms[RECORDING_HLS] = cases[i].hls;
        config.forms[RECORDING_MP4] = cases[i].mp4;
        config.forms[RECORDING_AAC] = cases[i].aac;
        struct recording *r = begin(&w, config);
        publish(r, "a", NAMES_MAIN, 1);
        expect(&w, cases[i].want);
        done(&w, r);
    }
}

/* One file goes on whoever sends and whatever of it is wanted. */
static void a_file_goes_on(void **state)
{
    (void)state;
    struct world w;
    struct recording_config config = everything;
    config.forms[RECORDING_HLS] = false;
    config.forms[RECORDING_MP4] = true;
    config.merge = true; /* says nothing about files */
    struct recording *r = begin(&w, config);
    publish_some(r, "a", NAMES_MAIN, 1, true, false);
    expect(&w, "+a/main/both.mp4 a/main/both.mp4=1a ");
    publish(r, "a", NAMES_MAIN, 2);
    expect(&w, "a/main/both.mp4=2av ");
    w.refuse_video = true;
    recording_resubscribe(r);
    expect(&w, "a/main/both.mp4=2a ");
    recording_unpublish(r, 2);
    expect(&w, "a/main/both.mp4=- ");
    w.refuse_video = false;
    publish(r, "a", NAMES_MAIN, 3);
    expect(&w, "a/main/both.mp4=3av ");
    recording_end(r);
    expect(&w, "!a/main/both.mp4 ");
    done(&w, r);
}

/* files.md 1 */
static void an_aux_file_has_sound_without_a_main_picture(void **state)
{
    (void)state;
    struct world w;
    struct recording_config config = everything;
    config.forms[RECORDING_HLS] = false;
    config.forms[RECORDING_MP4] = true;
    struct recording *r = begin(&w, config);
    publish(r, "a", NAMES_AUX, 1);
    expect(&w, "+a/aux/both.mp4 a/aux/both.mp4=1av ");
    publish_some(r, "a", NAMES_MAIN, 2, true, false);
    expect(&w, "+a/main/both.mp4 a/main/both.mp4=2a ");
    publish(r, "a", NAMES_MAIN, 3);
    expect(&w, "a/main/both.mp4=3av a/aux/both.mp4=1v ");
    recording_unpublish(r, 3);
    expect(&w, "a/main/both.mp4=- a/aux/both.mp4=1av ");
    done(&w, r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separate_outputs_that_wait_for_a_return),
        cmocka_unit_test(merged_outputs_and_aux),
        cmocka_unit_test(configured_media_only),
        cmocka_unit_test(media_are_taken_per_stream),
        cmocka_unit_test(places_by_entry_refilled),
        cmocka_unit_test(the_lists_are_asked_once_for_all),
        cmocka_unit_test(status_follows_recorded_media),
        cmocka_unit_test(a_failed_open_is_tried_again),
        cmocka_unit_test(each_format_has_its_outputs),
        cmocka_unit_test(a_file_goes_on),
        cmocka_unit_test(an_aux_file_has_sound_without_a_main_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
