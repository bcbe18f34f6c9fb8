#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "sdp/attribute.h"

/* DESIGN: line by line into the current section, which is the session level until the first m=. A
 * new section begins as a copy of the session level, so that what was said there holds unless it is
 * said again. */

enum { SAW_V = 1, SAW_O = 2, SAW_S = 4, SAW_T = 8 };

struct parser {
    struct sdp *sdp;
    struct sdp_place place;
    unsigned line;
    unsigned saw;
    bool fragment;
    struct sdp_why *why;
};

static int refuse(struct parser *p, int err, const char *what)
{
    snprintf(p->why->text, sizeof p->why->text, "line %u: %s", p->line, what);
    return err;
}

struct sdp *sdp_new(void)
{
    struct sdp *sdp = calloc(1, sizeof *sdp);
    if (!sdp)
        return NULL;
    sdp->session.group = -1;
    for (size_t i = 0; i < SDP_MAX_MEDIA; i++)
        sdp->media[i].group = -1;
    return sdp;
}

void sdp_free(struct sdp *sdp)
{
    free(sdp);
}

static int parse_origin(struct parser *p, struct bytes value)
{
    struct bytes user = sdp_word(&value), id = sdp_word(&value), version = sdp_word(&value);
    bool good = user.len && str_to_u64(id, UINT64_MAX, &p->sdp->session_id) &&
                str_to_u64(version, UINT64_MAX, &p->sdp->session_version);
    return good ? OK : refuse(p, ERR_MALFORMED, "o=: not a user, an id and a version");
}

static int parse_formats(struct parser *p, struct sdp_media *m)
{
    struct bytes rest = m->formats;
    for (struct bytes word; (word = sdp_word(&rest)).len > 0;) {
        uint64_t pt;
        if (!str_to_u64(word, 127, &pt))
            return refuse(p, ERR_MALFORMED, "m=: not a payload type");
        if (sdp_codec_of(m, (uint8_t)pt))
            return refuse(p, ERR_MALFORMED, "m=: a payload type twice");
        if (m->codec_count == SDP_MAX_CODECS)
            return refuse(p, ERR_LIMIT, "m=: too many payload types");
        m->codecs[m->codec_count++] =
            (struct sdp_codec){ .payload_type = (uint8_t)pt, .channels = 1 };
    }
    return OK;
}

static bool is_rtp(struct bytes protocol)
{
    struct bytes rest = protocol;
    while (rest.len)
        if (bytes_equal_str(str_split(rest, '/', &rest), "RTP"))
            return true;
    return false;
}

/* "UDP/TLS/RTP/SAVPF": tokens between slashes. */
static bool is_protocol(struct bytes text)
{
    do {
        if (!sdp_is_token(str_split(text, '/', &text)))
            return false;
    } while (text.len);
    return true;
}

static int parse_media(struct parser *p, struct bytes value)
{
    if (p->sdp->media_count == SDP_MAX_MEDIA)
        return refuse(p, ERR_LIMIT, "m=: too many sections");
    struct sdp_media *m = &p->sdp->media[p->sdp->media_count];
    *m = p->sdp->session;
    m->candidate_count = 0;

    struct bytes count;
    m->kind = sdp_word(&value);
    struct bytes port = str_split(sdp_word(&value), '/', &count);
    m->protocol = sdp_word(&value);
    m->formats = str_trim(value);
    uint64_t number;
    if (!sdp_is_token(m->kind) || !is_protocol(m->protocol) || m->formats.len == 0)
        return refuse(p, ERR_MALFORMED, "m=: not a kind, port, protocol and formats");
    if (!str_to_u64(port, 65535, &number))
        return refuse(p, ERR_MALFORMED, "m=: no such port");
    m->port = (uint16_t)number;

    p->sdp->media_count++;
    p->place.media = m;
    p->place.fingerprint_replaced = false;
    return is_rtp(m->protocol) ? parse_formats(p, m) : OK;
}

static int parse_connection(struct parser *p, struct bytes value)
{
    if (!bytes_equal_str(sdp_word(&value), "IN"))
        return refuse(p, ERR_MALFORMED, "c=: not an internet address");
    p->place.media->address = str_trim(value);
    return OK;
}

static int parse_attribute(struct parser *p, struct bytes value)
{
    int err = sdp_attribute(&p->place, value);
    if (err)
        snprintf(p->why->text, sizeof p->why->text, "line %u: a=%s: %s", p->line, p->place.name,
                 p->place.problem);
    return err;
}

static int parse_line(struct parser *p, uint8_t type, struct bytes value)
{
    switch (type) {
    case 'v':
        p->saw |= SAW_V;
        return bytes_equal_str(value, "0") ? OK : refuse(p, ERR_MALFORMED, "v=: not version 0");
    case 'o': p->saw |= SAW_O; return parse_origin(p, value);
    case 's': p->saw |= SAW_S; return OK;
    case 't': p->saw |= SAW_T; return OK;
    case 'c': return parse_connection(p, value);
    case 'm': return parse_media(p, value);
    case 'a': return parse_attribute(p, value);
    default: return OK;
    }
}

static bool printable(struct bytes line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((line.ptr[i] < ' ' && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
            return false;
    return true;
}

static int parse_lines(struct parser *p, struct bytes text)
{
    while (text.len) {
        struct bytes line = str_split(text, '\n', &text);
        p->line++;
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (p->line > SDP_MAX_LINES)
            return refuse(p, ERR_LIMIT, "too many lines");
        if (line.len == 0)
            continue;
        if (!printable(line))
            return refuse(p, ERR_MALFORMED, "a control character");
        if (line.len < 2 || line.ptr[1] != '=' || line.ptr[0] < 'a' || line.ptr[0] > 'z')
            return refuse(p, ERR_MALFORMED, "not of the form x=...");
        if (!p->fragment && !(p->saw & SAW_V) && line.ptr[0] != 'v')
            return refuse(p, ERR_MALFORMED, "no v= at the beginning");
        int err = parse_line(p, line.ptr[0], bytes_of(line.ptr + 2, line.len - 2));
        if (err)
            return err;
    }
    return OK;
}

static bool group_holds(struct bytes group, struct bytes mid)
{
    for (struct bytes word; (word = sdp_word(&group)).len > 0;)
        if (bytes_equal(word, mid))
            return true;
    return false;
}

/* The groups name sections that come after them, so this is done at the end. */
static void resolve_groups(struct sdp *sdp)
{
    for (size_t i = 0; i < sdp->media_count; i++) {
        struct sdp_media *m = &sdp->media[i];
        for (size_t g = sdp->group_count; g > 0 && m->mid.len; g--)
            if (group_holds(sdp->groups[g - 1], m->mid))
                m->group = (int)g - 1;
    }
}

static int check_whole(struct parser *p)
{
    static const struct {
        unsigned bit;
        const char *missing;
    } lines[] = { { SAW_V, "no v= line" },
                  { SAW_O, "no o= line" },
                  { SAW_S, "no s= line" },
                  { SAW_T, "no t= line" } };
    for (size_t i = 0; i < sizeof lines / sizeof *lines && !p->fragment; i++)
        if (!(p->saw & lines[i].bit)) {
            snprintf(p->why->text, sizeof p->why->text, "%s", lines[i].missing);
            return ERR_MALFORMED;
        }
    return OK;
}

static int parse(struct bytes text, bool fragment, struct sdp_why *why, struct sdp **out)
{
    if (text.len > SDP_MAX_SIZE) {
        snprintf(why->text, sizeof why->text, "above %u bytes", SDP_MAX_SIZE);
        return ERR_LIMIT;
    }
    struct sdp *sdp = sdp_new();
    if (!sdp) {
        snprintf(why->text, sizeof why->text, "out of memory");
        return ERR_NOMEM;
    }
    struct parser p = { .sdp = sdp, .fragment = fragment, .why = why };
    p.place = (struct sdp_place){ .sdp = sdp, .media = &sdp->session };

    int err = parse_lines(&p, text);
    if (!err)
        err = check_whole(&p);
    if (err) {
        sdp_free(sdp);
        return err;
    }
    resolve_groups(sdp);
    *out = sdp;
    return OK;
}

int sdp_parse(struct bytes text, struct sdp_why *why, struct sdp **out)
{
    return parse(text, false, why, out);
}

int sdp_parse_fragment(struct bytes text, struct sdp_why *why, struct sdp **out)
{
    return parse(text, true, why, out);
}
