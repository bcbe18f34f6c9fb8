#include "mp4_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "segment/mp4/index.h"

void mp4_build(struct buf *out, struct bytes body, struct bytes journal, struct media_scan *scan)
{
    struct journal_memory m;
    struct media_scan *s = malloc(sizeof *s);
    struct box_out *boxes = malloc(sizeof *boxes);
    uint64_t size;
    assert_true(s && boxes);
    journal_memory_init(&m, journal);
    assert_int_equal(media_scan(s, &m.source, body.len), OK);
    assert_int_equal(s->good, journal.len);
    assert_int_equal(s->body, body.len);
    assert_int_equal(mp4_head_size(&size, s, &m.source, MP4_ALIGN), OK);
    buf_init(out, 1u << 30);
    box_out_init(boxes, box_to_buf, out);
    assert_int_equal(mp4_head_write(boxes, s, &m.source, size), OK);
    buf_put_bytes(out, body);
    assert_int_equal(out->err, OK);
    if (scan)
        *scan = *s;
    free(boxes);
    free(s);
}
