#include "spool/salvage.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "io/file.h"
#include "segment/ts_file.h"

#define PIECE (256u << 10)

static int scan_pieces(struct ts_scan *scan, int fd, uint8_t *piece)
{
    size_t got = PIECE;
    for (uint64_t pos = 0; got == PIECE; pos += got) {
        int err = file_read_at(fd, piece, PIECE, pos, &got);
        if (err)
            return err;
        ts_scan_feed(scan, bytes_of(piece, got));
    }
    return OK;
}

static int scan_file(struct ts_summary *out, int fd)
{
    struct ts_scan scan;
    uint8_t *piece = malloc(PIECE);
    if (!piece)
        return ERR_NOMEM;
    ts_scan_init(&scan);
    int err = scan_pieces(&scan, fd, piece);
    if (!err)
        err = ts_scan_end(&scan, out);
    ts_scan_fini(&scan);
    free(piece);
    return err;
}

int salvage_read(struct ts_summary *out, int dir, const char *name)
{
    int fd;
    int err = file_open(&fd, dir, name);
    if (err)
        return err;
    err = scan_file(out, fd);
    close(fd);
    return err;
}

/* At least one null packet, which shows that the frame before it is all there; more where the file
 * would be too short to be read (segment/ts_file.h). */
static int pad(int fd, uint64_t bytes)
{
    struct buf padding;
    uint64_t packets = bytes / TS_PACKET;
    buf_init(&padding, TS_FILE_MIN_PACKETS * TS_PACKET);
    ts_put_padding(&padding,
                   packets + 1 < TS_FILE_MIN_PACKETS ? TS_FILE_MIN_PACKETS - (unsigned)packets : 1);
    struct iovec iov = { padding.ptr, padding.len };
    int err = padding.err ? padding.err : file_write_at(fd, &iov, 1, bytes);
    buf_fini(&padding);
    return err;
}

static int make_whole(uint64_t *cut, int fd, int dir, const char *name)
{
    struct ts_summary summary;
    uint64_t size;
    int err = scan_file(&summary, fd);
    if (!err)
        err = file_size(fd, &size);
    if (!err)
        err = file_cut(fd, summary.bytes);
    if (!err)
        err = pad(fd, summary.bytes);
    if (!err)
        err = file_commit(fd, dir, name);
    if (!err)
        *cut = size - summary.bytes;
    return err;
}

int salvage_part(uint64_t *cut, int dir, const char *name)
{
    int fd;
    int err = file_open_part(&fd, dir, name);
    if (err)
        return err;
    err = make_whole(cut, fd, dir, name);
    close(fd);
    return err;
}
