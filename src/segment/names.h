/* File names of a recording (files.md 1). Base names only: the folder (prefix and TaskId) belongs
 * to the caller. Ids enter the names as escaped base64, so that no name can leave its folder; pure
 * functions, any thread. */
#ifndef SEGMENT_NAMES_H
#define SEGMENT_NAMES_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"

/* The longest name most file systems take, with its NUL. */
#define NAMES_SIZE 256

enum names_media { NAMES_MAIN, NAMES_AUX };
enum names_type { NAMES_AUDIO, NAMES_VIDEO, NAMES_AUDIO_VIDEO };

struct names {
    uint32_t sdk_app_id;
    const char *room_id;
    bool room_is_string; /* string room: the id is escaped; otherwise it is decimal and stays as it
                            is */
    const char *user_id; /* single mode: the recorded user; NULL in mixed mode */
    enum names_media media;  /* single mode */
    enum names_type type;    /* single mode, playlists and segments */
    unsigned recovery;       /* n of "ha<n>_"; 0: none */
    const char *user_define; /* VOD: UserDefineRecordId; NULL: none */
};

/* Each writes one name. ERR_LIMIT: longer than NAMES_SIZE; ERR_RANGE: an id that stays as it is
 * holds a byte that may not be in a name, or a string is missing. On an error `out` is empty. */

/* "..._audio.m3u8"; `index` 0 for the first playlist, then "_1", "_2" before the dot. */
int names_playlist(char out[NAMES_SIZE], const struct names *n, unsigned index);

/* "..._audio_<UTC>.ts" */
int names_segment(char out[NAMES_SIZE], const struct names *n, usec_t start);

/* MP4 and AAC: "..._main.mp4", with `index` above 0 "..._main_2.mp4". `ext` without its dot. */
int names_file(char out[NAMES_SIZE], const struct names *n, unsigned index, const char *ext);

const char *names_media_text(enum names_media media); /* "main", "aux" */

#endif
