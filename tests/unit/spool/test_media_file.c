/* Files are made whole, wherever the process was ended before, and whatever of them is torn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>

#include "../segment/frames.h"
#include "../segment/memory_sink.h"
#include "../segment/mp4_reader.h"
#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"
#include "segment/file_format.h"
#include "spool/media_file.h"
#include "system_calls.h"

#define T0   (1735707617163 * MSEC)
#define NAME "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main.mp4"
#define PART NAME ".part"
#define IDX  NAME ".idx"

static const uint8_t mono[4] = { 0, 0, 0, 7 }, stereo[4] = { 0x20, 0, 0, 7 };

/* Body and journal as a recording leaves them. */
struct recording {
    struct buf body, journal;
    unsigned video, audio;
};

static void push(const struct file_format *format, struct media_file *f, struct frame *frame)
{
    assert_int_equal(format->push(f, frame), OK);
    frame_unref(frame);
}

static void record(struct recording *r, const struct file_format *format, unsigned frames, bool end)
{
    struct memory_sink *m = memory_sink_new();
    struct media_file *f;
    struct media_file_config c = { .name = NAME,
                                   .user = "alice",
                                   .media = "main",
                                   .silence = { { mono, 4 }, { stereo, 4 } },
                                   .start = T0,
                                   .sink = &m->sink };
    assert_int_equal(format->begin(&f, &c), OK);
    r->video = r->audio = 0;
    for (unsigned i = 0; i < frames; i++) {
        usec_t t = T0 + (usec_t)i * 40 * MSEC;
        if (format->video) {
            push(format, f,
                 make_video(t, 500 + i % 7 * 100, i < 60 ? 640 : 320,
                            i % 20 ? 0 : FRAME_KEY | FRAME_SETS));
            r->video++;
        }
        for (; audio_time(T0, r->audio) < t + 40 * MSEC; r->audio++)
            push(format, f, make_audio(T0, r->audio, 1));
    }
    struct sink_file info;
    buf_init(&r->body, 64u << 20);
    buf_init(&r->journal, 64u << 20);
    if (end) {
        assert_int_equal(format->finish(f, T0 + (usec_t)frames * 40 * MSEC, &info), OK);
        buf_put_bytes(&r->body, buf_bytes(&m->file[0].bytes));
        buf_put_bytes(&r->journal, buf_bytes(&m->file[0].journal));
    } else {
        assert_int_equal(format->flush(f), OK);
        buf_put_bytes(&r->body, buf_bytes(&m->open.bytes));
        buf_put_bytes(&r->journal, buf_bytes(&m->open.journal));
    }
    format->free(f);
    memory_sink_free(m);
}

static void record_fini(struct recording *r)
{
    buf_fini(&r->body);
    buf_fini(&r->journal);
}

static void store(struct temp_dir *d, const char *name, struct bytes bytes)
{
    int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    close(fd);
}

static struct temp_dir folder_with(struct bytes body, struct bytes journal)
{
    struct temp_dir d = temp_dir_new();
    system_calls = (struct system_calls){ 0 };
    store(&d, PART, body);
    store(&d, IDX, journal);
    return d;
}

static int count_one(void *ctx, const char *name)
{
    (void)name;
    ++*(unsigned *)ctx;
    return OK;
}

static unsigned files_in(const struct temp_dir *d)
{
    unsigned count = 0;
    assert_int_equal(dir_each(d->fd, count_one, &count), OK);
    return count;
}

static void read_file(struct buf *out, const struct temp_dir *d)
{
    buf_init(out, 64u << 20);
    assert_int_equal(file_read(out, d->fd, NAME), OK);
}

/* NAME and its short journal, nothing else; the same again when asked again. */
static void assert_finished(const struct temp_dir *d, struct media_file_summary *s)
{
    struct media_file_summary again;
    assert_int_equal(files_in(d), 2);
    assert_int_equal(media_file_summary_read(d->fd, NAME, s), OK);
    assert_int_equal(media_file_finish(d->fd, NAME, &again), OK);
    assert_int_equal(again.sum.end, s->sum.end);
    assert_int_equal(again.sum.video, s->sum.video);
    assert_int_equal(again.sum.audio, s->sum.audio);
    assert_int_equal(again.sum.bytes, s->sum.bytes);
    assert_int_equal(again.sum.cut_bytes, s->sum.cut_bytes);
    assert_string_equal(s->user, "alice");
    assert_string_equal(s->media, "main");
    struct buf b;
    read_file(&b, d);
    assert_int_equal(b.len, s->sum.bytes);
    buf_fini(&b);
}

static void a_file_is_made_whole(void **state)
{
    (void)state;
    struct recording r;
    record(&r, &file_format_mp4, 100, true);
    struct buf file[3];
    for (unsigned way = 0; way < 3; way++) {
        struct temp_dir d = folder_with(buf_bytes(&r.body), buf_bytes(&r.journal));
        system_calls.no_insert = way > 0;
        system_calls.no_copy_range = way > 1;
        struct media_file_summary s;
        struct mp4_movie m;
        assert_int_equal(media_file_finish(d.fd, NAME, &s), OK);
        assert_finished(&d, &s);
        assert_int_equal(s.sum.video, r.video);
        assert_int_equal(s.sum.audio, r.audio);
        assert_int_equal(s.sum.start, T0);
        assert_int_equal(s.sum.end, T0 + 4 * SEC);
        assert_int_equal(s.sum.width, 640);
        assert_false(s.sum.torn);
        assert_int_equal(s.sum.cut_bytes, 0);
        read_file(&file[way], &d);
        mp4_read(&m, buf_bytes(&file[way]));
        assert_int_equal(m.tracks, 2);
        assert_int_equal(m.body_at % 4096, 0);
        assert_memory_equal(file[way].ptr + m.body_at, r.body.ptr, r.body.len);
        assert_true(bytes_equal(buf_bytes(&file[way]), buf_bytes(&file[0])));
        mp4_free(&m);
        temp_dir_free(&d);
    }
    for (unsigned way = 0; way < 3; way++)
        buf_fini(&file[way]);
    record_fini(&r);
}

/* Ends a process at its n-th call; false: it came through. */
static bool die_at(const struct temp_dir *d, unsigned n)
{
    struct media_file_summary s;
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        system_calls.count = 0;
        system_calls.die_at = n;
        _exit(media_file_finish(d->fd, NAME, &s) ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == SYSTEM_CALL_EXIT);
    return WEXITSTATUS(status) != 0;
}

static void killed_at_each_step(const struct recording *r, struct bytes body, struct bytes journal,
                                unsigned least)
{
    for (unsigned way = 0; way < 3; way++) {
        struct buf want = { 0 };
        unsigned n = 0;
        for (bool died = true; died;) {
            struct temp_dir d = folder_with(body, journal);
            system_calls.no_insert = way > 0;
            system_calls.no_copy_range = way > 1;
            died = n && die_at(&d, n);
            if (died) /* and once more, one step further, before it comes through */
                die_at(&d, 1 + n % 3);
            struct media_file_summary s;
            struct buf got;
            assert_int_equal(media_file_finish(d.fd, NAME, &s), OK);
            assert_finished(&d, &s);
            assert_true(s.sum.video <= r->video);
            read_file(&got, &d);
            if (n)
                assert_true(bytes_equal(buf_bytes(&got), buf_bytes(&want)));
            else
                want = got;
            if (n)
                buf_fini(&got);
            if (n++ == 0)
                died = true;
            temp_dir_free(&d);
        }
        assert_true(n > least);
        buf_fini(&want);
    }
}

static void killed_at_each_step_it_comes_through(void **state)
{
    (void)state;
    struct recording r;
    record(&r, &file_format_mp4, 40, true);
    killed_at_each_step(&r, buf_bytes(&r.body), buf_bytes(&r.journal), 8);
    record_fini(&r);
    record(&r, &file_format_mp4, 40, false); /* after a crash, everything torn */
    killed_at_each_step(&r, bytes_of(r.body.ptr, r.body.len * 2 / 3),
                        bytes_of(r.journal.ptr, r.journal.len - 3), 10);
    buf_put_str(&r.body, "what nobody knows");
    killed_at_each_step(&r, buf_bytes(&r.body), bytes_of(r.journal.ptr, r.journal.len - 3), 10);
    record_fini(&r);
}

static void an_error_at_each_step_is_told(void **state)
{
    (void)state;
    struct recording r;
    record(&r, &file_format_mp4, 40, false);
    for (unsigned way = 0; way < 3; way++)
        for (unsigned n = 1;; n++) {
            struct temp_dir d =
                folder_with(buf_bytes(&r.body), bytes_of(r.journal.ptr, r.journal.len - 1));
            struct media_file_summary s;
            system_calls.no_insert = way > 0;
            system_calls.no_copy_range = way > 1;
            system_calls.fail_at = n;
            int err = media_file_finish(d.fd, NAME, &s);
            bool reached = system_calls.count >= n;
            system_calls.fail_at = 0;
            if (reached && err)
                assert_int_equal(err, ERR_IO);
            assert_int_equal(media_file_finish(d.fd, NAME, &s), OK);
            assert_finished(&d, &s);
            temp_dir_free(&d);
            if (!reached)
                break;
        }
    record_fini(&r);
}

/* A torn file holds what came before the tear, sample by sample. */
static unsigned finish_torn(const struct recording *r, size_t body, size_t journal)
{
    struct temp_dir d = folder_with(bytes_of(r->body.ptr, body), bytes_of(r->journal.ptr, journal));
    struct media_file_summary s;
    unsigned samples = 0;
    int err = media_file_finish(d.fd, NAME, &s);
    if (err == ERR_NOT_FOUND) {
        assert_int_equal(files_in(&d), 0);
    } else if (!err) {
        assert_finished(&d, &s);
        struct buf file;
        struct mp4_movie m;
        read_file(&file, &d);
        mp4_read(&m, buf_bytes(&file));
        assert_true(m.body_size <= body);
        assert_memory_equal(file.ptr + m.body_at, r->body.ptr, m.body_size);
        samples = (unsigned)(s.sum.video + s.sum.audio);
        assert_true(s.sum.torn || journal == r->journal.len);
        mp4_free(&m);
        buf_fini(&file);
    } else {
        assert_int_equal(err, ERR_MALFORMED); /* not even the header */
        assert_true(journal < 64);
        assert_int_equal(files_in(&d), 2);
    }
    temp_dir_free(&d);
    return samples;
}

static void torn_tails_are_cut(void **state)
{
    (void)state;
    struct recording r;
    record(&r, &file_format_mp4, 30, true);
    unsigned last = 0, steps = 0;
    for (size_t len = 1; len < r.journal.len; len += 7) {
        unsigned samples = finish_torn(&r, r.body.len, len);
        assert_true(samples >= last);
        steps += samples > last;
        last = samples;
    }
    assert_true(steps > 3);
    last = steps = 0;
    for (size_t len = 0; len <= r.body.len; len += 333) {
        unsigned samples = finish_torn(&r, len, r.journal.len);
        assert_true(samples >= last);
        steps += samples > last;
        last = samples;
    }
    assert_true(steps > 20);
    assert_int_equal(finish_torn(&r, r.body.len, r.journal.len), r.video + r.audio);
    record_fini(&r);
}

static void adts_is_cut_and_renamed(void **state)
{
    (void)state;
    struct recording r;
    record(&r, &file_format_adts, 50, false);
    struct media_file_summary s;
    struct temp_dir d = folder_with(bytes_of(r.body.ptr, r.body.len - 5), buf_bytes(&r.journal));
    assert_int_equal(media_file_finish(d.fd, NAME, &s), OK);
    assert_finished(&d, &s);
    assert_int_equal(s.format, MEDIA_FORMAT_ADTS);
    assert_int_equal(s.sum.audio, r.audio - 1);
    assert_int_equal(s.sum.video, 0);
    assert_true(s.sum.torn);
    struct buf file;
    read_file(&file, &d);
    assert_int_equal(file.len, r.body.len - 107);
    assert_memory_equal(file.ptr, r.body.ptr, file.len);
    buf_fini(&file);
    temp_dir_free(&d);
    record_fini(&r);
}

static void what_is_no_journal_is_refused(void **state)
{
    (void)state;
    struct media_file_summary s;
    struct temp_dir d = folder_with(bytes_str("body"), bytes_str("this is no journal at all"));
    assert_int_equal(media_file_finish(d.fd, NAME, &s), ERR_MALFORMED);
    assert_int_equal(media_file_summary_read(d.fd, NAME, &s), ERR_MALFORMED);
    assert_int_equal(files_in(&d), 2);
    assert_int_equal(media_file_finish(d.fd, "other.mp4", &s), ERR_NOT_FOUND);
    assert_int_equal(media_file_finish(d.fd, "../x", &s), ERR_MALFORMED);
    temp_dir_free(&d);

    struct recording r; /* begun, and nothing came */
    record(&r, &file_format_mp4, 0, false);
    d = folder_with(bytes_of(NULL, 0), buf_bytes(&r.journal));
    assert_int_equal(media_file_summary_read(d.fd, NAME, &s), ERR_BAD_STATE);
    assert_int_equal(media_file_finish(d.fd, NAME, &s), ERR_NOT_FOUND);
    assert_int_equal(files_in(&d), 0);
    temp_dir_free(&d);
    record_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_made_whole),
        cmocka_unit_test(killed_at_each_step_it_comes_through),
        cmocka_unit_test(an_error_at_each_step_is_told),
        cmocka_unit_test(torn_tails_are_cut),
        cmocka_unit_test(adts_is_cut_and_renamed),
        cmocka_unit_test(what_is_no_journal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
