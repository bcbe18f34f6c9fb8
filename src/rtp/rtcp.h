/* RTCP on the wire: reports, description and goodbye (RFC 3550, 6), feedback (RFC 4585, 5104) and
 * transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1). Slices borrow
 * from the packet; nothing allocates; any thread. */
#ifndef RTP_RTCP_H
#define RTP_RTCP_H

#include "base/bytes.h"
#include "base/clock.h"

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_APP = 204,
    RTCP_RTPFB = 205,
    RTCP_PSFB = 206,
    RTCP_XR = 207,
};

enum { RTCP_RTPFB_NACK = 1, RTCP_RTPFB_TWCC = 15 }; /* what `count` says in RTCP_RTPFB */
enum { RTCP_PSFB_PLI = 1, RTCP_PSFB_FIR = 4 };      /* ... and in RTCP_PSFB */

/* One packet of a datagram. */
struct rtcp_packet {
    enum rtcp_type type; /* may be a number that is not listed */
    uint8_t count;       /* report blocks, chunks, or the feedback's format */
    struct bytes body;   /* after the 4-byte header, without padding */
};

/* Walks a compound or reduced-size datagram:
 *     struct reader in = reader_of(datagram);
 *     while (!(err = rtcp_next(&in, &packet))) ...
 * ERR_NOT_FOUND at the end; ERR_MALFORMED for a wrong version, length or padding: the rest cannot
 * be read. */
int rtcp_next(struct reader *in, struct rtcp_packet *out);

/* Reception of one source (RFC 3550, 6.4.1). */
struct rtcp_block {
    uint32_t ssrc;
    uint8_t fraction_lost;   /* in 1/256 since the last report */
    int32_t cumulative_lost; /* 24 bits signed on the wire */
    uint32_t highest_seq;    /* extended */
    uint32_t jitter;         /* time stamp units */
    uint32_t last_sr;        /* middle 32 bits of the last SR's NTP time; 0: none */
    uint32_t delay;          /* since then, 1/65536 s */
};

struct rtcp_sr {
    uint32_t ssrc;
    uint64_t ntp; /* 32.32 seconds since 1900, as sent */
    uint32_t rtp;
    uint32_t packets, octets;
};

/* The typed views give ERR_MALFORMED when the packet is another or too short. */
int rtcp_parse_sr(struct rtcp_sr *out, const struct rtcp_packet *p);

/* Report block `index` of an SR or RR. ERR_NOT_FOUND: `index` is past the last. */
int rtcp_parse_block(struct rtcp_block *out, const struct rtcp_packet *p, unsigned index);

/* The first chunk's CNAME; ERR_NOT_FOUND. */
int rtcp_parse_cname(uint32_t *ssrc, struct bytes *cname, const struct rtcp_packet *p);

/* Source `index` that says goodbye; ERR_NOT_FOUND. */
int rtcp_parse_bye(uint32_t *ssrc, const struct rtcp_packet *p, unsigned index);

/* PLI and FIR: whose picture is asked for. For FIR the first entry, with its command number. */
int rtcp_parse_pli(uint32_t *media_ssrc, const struct rtcp_packet *p);
int rtcp_parse_fir(uint32_t *media_ssrc, uint8_t *command, const struct rtcp_packet *p);

/* Sequence numbers a generic NACK asks for, in its order; `*count` is at most `max`, what is beyond
 * is left out. */
int rtcp_parse_nack(uint32_t *media_ssrc, uint16_t *seqs, size_t max, size_t *count,
                    const struct rtcp_packet *p);

/* Transport-wide feedback, one status a packet from base_seq on. */
#define RTCP_TWCC_MAX 1024 /* packets one feedback speaks of; more is ERR_LIMIT */

struct rtcp_twcc {
    uint32_t media_ssrc;
    uint16_t base_seq;
    uint16_t count;
    uint8_t feedback_count;
    struct {
        bool received;
        usec_t at; /* on the receiver's clock, wrapping every 2^24 * 64 ms */
    } status[RTCP_TWCC_MAX];
};

int rtcp_parse_twcc(struct rtcp_twcc *out, const struct rtcp_packet *p);

/* Writers. Each writes one packet or nothing: when it does not fit, the writer fails and stands
 * where it stood. */
void rtcp_write_sr(struct writer *w, const struct rtcp_sr *sr, const struct rtcp_block *blocks,
                   unsigned count);
void rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_block *blocks,
                   unsigned count); /* count <= 31 */
void rtcp_write_cname(struct writer *w, uint32_t ssrc,
                      const char *cname); /* SDES; at most 255 bytes */
void rtcp_write_bye(struct writer *w, uint32_t ssrc);
void rtcp_write_pli(struct writer *w, uint32_t ssrc, uint32_t media_ssrc);
void rtcp_write_fir(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, uint8_t command);

/* `seqs` ascending in the circular order; 16 that follow one another share an entry. */
void rtcp_write_nack(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                     size_t count);

/* Sets the length of a packet that began at `start` (an offset) and pads it to 32 bits. For writers
 * of other files. */
void rtcp_begin(struct writer *w, unsigned count, enum rtcp_type type);
void rtcp_end(struct writer *w, uint8_t *start);

/* NTP times of sender reports and microseconds. */
usec_t rtcp_ntp_to_usec(uint64_t ntp); /* since 1900; below 2^32 s */
uint64_t rtcp_usec_to_ntp(usec_t since_1900);
#define RTCP_NTP_UNIX ((usec_t)2208988800 * SEC) /* 1970 in that count */

#endif
