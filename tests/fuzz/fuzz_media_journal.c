/* The journal of a media file. First byte 0: the rest is the journal. Otherwise the rest is a row
 * of records (type, 16-bit length, payload) that are given their right checksums first, so that
 * what lies behind the checksum is reached too. What comes out must keep the rules, and an index
 * made from it has the size that was foretold. */
#include <stdlib.h>
#include <zlib.h>

#include "base/err.h"
#include "segment/mp4/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fine)
{
    if (!fine)
        abort();
}

static void wrap(struct buf *out, struct reader r)
{
    uint32_t sum = 0;
    while (reader_left(&r) >= 3) {
        uint8_t type = read_u8(&r);
        uint16_t len = read_u16(&r);
        size_t at = out->len, left = reader_left(&r);
        struct bytes payload = read_bytes(&r, len < left ? len : left);
        buf_put_u32(out, (uint32_t)payload.len);
        buf_put_u8(out, type);
        buf_put_bytes(out, payload);
        sum = (uint32_t)crc32(sum, out->ptr + at, (unsigned)(out->len - at));
        buf_put_u32(out, sum);
    }
}

/* What was read, written again to `again`, must be read as the same. */
static unsigned walk(struct bytes bytes, struct journal_writer *again)
{
    struct journal_memory memory;
    struct journal_reader *r;
    struct journal_item it;
    unsigned items = 0;
    uint64_t body = 0, good = 0;
    journal_memory_init(&memory, bytes);
    check(journal_reader_new(&r, &memory.source) == OK);
    for (; journal_next(r, &it) == OK; items++) {
        check(journal_good(r) >= good && journal_good(r) <= bytes.len);
        good = journal_good(r);
        if (it.kind == JOURNAL_SAMPLE) {
            check(it.sample.offset == body && it.sample.size);
            body += it.sample.size;
        }
        if (again)
            journal_put_item(again, &it);
    }
    check(journal_good(r) <= bytes.len);
    journal_reader_free(r);
    return items;
}

static int take(void *ctx, uint64_t pos, struct bytes bytes)
{
    uint64_t *end = ctx;
    *end = pos + bytes.len > *end ? pos + bytes.len : *end;
    return OK;
}

static void make_index(struct bytes journal, uint64_t body)
{
    static struct media_scan scan;
    static struct box_out out;
    struct journal_memory memory;
    uint64_t size, end = 0;
    journal_memory_init(&memory, journal);
    if (media_scan(&scan, &memory.source, body))
        return;
    check(scan.good <= journal.len && scan.body <= body);
    if (mp4_head_size(&size, &scan, &memory.source, MP4_ALIGN))
        return;
    box_out_init(&out, take, &end);
    check(mp4_head_write(&out, &scan, &memory.source, size) == OK && end == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct bytes in = bytes_of(data + 1, size - 1);
    struct buf wrapped;
    buf_init(&wrapped, 4u << 20);
    if (data[0]) {
        wrap(&wrapped, reader_of(in));
        in = buf_bytes(&wrapped);
    }
    make_index(in, UINT64_MAX);
    make_index(in, 100);
    struct journal_writer again;
    journal_writer_init(&again);
    unsigned items = walk(in, &again);
    check(walk(journal_take(&again), NULL) == items);
    journal_writer_fini(&again);
    buf_fini(&wrapped);
    return 0;
}
