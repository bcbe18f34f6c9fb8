/* Which build this is, as playlists say it: TRTC-VERSION (the commit) and TRTC-DATE. */
#ifndef SERVE_BUILD_INFO_H
#define SERVE_BUILD_INFO_H

const char *build_id(void);
const char *build_date(void);

#endif
