#include "ctl/screen.h"

#include <sys/ioctl.h>

#define NARROWEST     20
#define WIDTH_UNKNOWN 80
#define LINE_MAX_SIZE (1u << 20)

void screen_init(struct screen *s, FILE *to, enum screen_style style)
{
    *s = (struct screen){ .to = to, .style = style };
    buf_init(&s->last, LINE_MAX_SIZE);
}

static unsigned terminal_width(const struct screen *s)
{
    struct winsize size;
    if (ioctl(fileno(s->to), TIOCGWINSZ, &size) || size.ws_col < NARROWEST)
        return WIDTH_UNKNOWN;
    return size.ws_col;
}

static void put_line(const struct screen *s, const struct progress *p, struct buf *out)
{
    switch (s->style) {
    case STYLE_BAR: progress_bar(p, terminal_width(s) - 1, clock_mono(), out); break;
    case STYLE_LINES: progress_words(p, out); break;
    case STYLE_JSON: progress_json(p, out); break;
    }
}

/* `\r`, the line, and clear what is left of a longer one. */
void screen_show(struct screen *s, const struct progress *p)
{
    struct buf line;
    buf_init(&line, LINE_MAX_SIZE);
    put_line(s, p, &line);
    bool changed = !bytes_equal(buf_bytes(&line), buf_bytes(&s->last));
    if (changed && s->style == STYLE_BAR)
        fprintf(s->to, "\r%s\033[K", buf_str(&line));
    else if (changed && line.len)
        fprintf(s->to, "%s\n", buf_str(&line));
    fflush(s->to);
    buf_clear(&s->last);
    buf_put_bytes(&s->last, buf_bytes(&line));
    buf_fini(&line);
}

void screen_end(struct screen *s)
{
    if (s->style == STYLE_BAR && s->last.len)
        putc('\n', s->to);
    fflush(s->to);
    buf_fini(&s->last);
}
