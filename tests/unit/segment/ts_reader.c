#include "ts_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

void ts_reader_init(struct ts_reader *r)
{
    memset(r, 0, sizeof *r);
    memset(r->cc, -1, sizeof r->cc);
    r->pcr = -1;
    r->pes = calloc(READER_PES, sizeof *r->pes);
    assert_non_null(r->pes);
}

void ts_reader_forget(struct ts_reader *r)
{
    for (unsigned i = 0; i < r->count; i++)
        buf_fini(&r->pes[i].payload);
    r->count = 0;
}

void ts_reader_fini(struct ts_reader *r)
{
    ts_reader_forget(r);
    free(r->pes);
}

/* Another way to the same number: the remainder of a section with its CRC is 0. */
static uint32_t crc(struct bytes b)
{
    uint32_t rest = 0xffffffff;
    for (size_t i = 0; i < b.len * 8; i++) {
        uint32_t bit = b.ptr[i / 8] >> (7 - i % 8) & 1u;
        rest = (rest << 1) ^ ((rest >> 31 ^ bit) ? 0x04c11db7u : 0);
    }
    return rest;
}

static struct bytes section(struct bytes payload, uint8_t table)
{
    assert_int_equal(payload.ptr[0], 0);
    struct bytes s = bytes_of(payload.ptr + 1, payload.len - 1);
    assert_int_equal(s.ptr[0], table);
    s.len = 3 + (get_u16(s.ptr + 1) & 0xfffu);
    assert_true(s.len < payload.len);
    assert_int_equal(crc(s), 0);
    return s;
}

static void read_pat(struct ts_reader *r, struct bytes payload)
{
    struct bytes s = section(payload, 0);
    assert_int_equal(s.len, 16);
    r->pmt_pid = get_u16(s.ptr + 10) & 0x1fff;
}

static void read_pmt(struct ts_reader *r, struct bytes payload)
{
    struct bytes s = section(payload, 2);
    r->pmt_version = s.ptr[5] >> 1 & 31;
    r->pcr_pid = get_u16(s.ptr + 8) & 0x1fff;
    r->video_pid = r->audio_pid = 0;
    for (size_t at = 12; at + 4 < s.len; at += 5) {
        unsigned pid = get_u16(s.ptr + at + 1) & 0x1fff;
        if (s.ptr[at] == 0x1b)
            r->video_pid = pid;
        else if (s.ptr[at] == 0x0f)
            r->audio_pid = pid;
        else
            fail();
    }
}

static void read_pcr(struct ts_reader *r, unsigned pid, const uint8_t *p)
{
    assert_int_equal(pid, r->pcr_pid);
    int64_t pcr = (int64_t)get_u32(p) << 1 | p[4] >> 7;
    if (r->pcr >= 0) {
        int64_t step = (pcr - r->pcr) & 0x1ffffffff;
        assert_true(step > 0);
        if (step > r->max_pcr_step)
            r->max_pcr_step = step;
    }
    r->pcr = pcr;
}

static void begin_pes(struct ts_reader *r, unsigned pid, bool random_access, struct bytes *payload)
{
    assert_true(r->count < READER_PES);
    struct ts_pes *pes = &r->pes[r->count++];
    const uint8_t *p = payload->ptr;
    assert_true(payload->len >= 14);
    assert_memory_equal(p, "\0\0\1", 3);
    assert_int_equal(p[3], pid == r->video_pid ? 0xe0 : 0xc0);
    assert_int_equal(p[7] >> 6, 2);
    assert_int_equal(p[9] & 0xf1, 0x21);
    pes->pid = pid;
    pes->random_access = random_access;
    pes->pts = (int64_t)(p[9] >> 1 & 7) << 30 | (get_u16(p + 10) >> 1) << 15 | get_u16(p + 12) >> 1;
    buf_init(&pes->payload, 1u << 26);
    size_t head = 9u + p[8];
    *payload = bytes_of(p + head, payload->len - head);
}

static void add_payload(struct ts_reader *r, unsigned pid, bool start, bool random_access,
                        struct bytes payload)
{
    if (start)
        begin_pes(r, pid, random_access, &payload);
    for (unsigned i = r->count; i > 0; i--)
        if (r->pes[i - 1].pid == pid) {
            buf_put_bytes(&r->pes[i - 1].payload, payload);
            return;
        }
    fail();
}

static void read_packet(struct ts_reader *r, const uint8_t *p, unsigned number)
{
    assert_int_equal(p[0], 0x47);
    unsigned pid = get_u16(p + 1) & 0x1fff, control = p[3] >> 4;
    bool start = p[1] & 0x40, has_payload = control & 1;
    if (pid == 0x1fff)
        return;
    if (r->cc[pid] >= 0)
        assert_int_equal(p[3] & 15, (r->cc[pid] + has_payload) & 15);
    r->cc[pid] = p[3] & 15;

    size_t at = 4;
    bool random_access = false;
    if (control & 2) {
        at += 1u + p[4];
        assert_true(at <= 188);
        if (p[4] && (p[5] & 0x10))
            read_pcr(r, pid, p + 6);
        random_access = p[4] && (p[5] & 0x40);
    }
    struct bytes payload = bytes_of(p + at, 188 - at);
    assert_int_equal(has_payload, payload.len > 0);
    assert_true(number > 0 || pid == 0);
    if (number == 1)
        assert_int_equal(pid, r->pmt_pid);
    if (pid == 0)
        read_pat(r, payload);
    else if (pid == r->pmt_pid)
        read_pmt(r, payload);
    else if (has_payload)
        add_payload(r, pid, start, random_access, payload);
}

void ts_reader_segment(struct ts_reader *r, struct bytes ts)
{
    assert_true(ts.len >= 3 * 188);
    assert_int_equal(ts.len % 188, 0);
    for (size_t at = 0; at < ts.len; at += 188)
        read_packet(r, ts.ptr + at, (unsigned)(at / 188));
}
