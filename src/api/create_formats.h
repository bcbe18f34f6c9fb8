/* Texts of CreateCloudRecording with a form of their own (api.md 9.2, 9.4; rooms.md 3). Inside api/
 * only. */
#ifndef API_CREATE_FORMATS_H
#define API_CREATE_FORMATS_H

#include "schema/schema.h"

#define ROOM_CHARS "a-zA-Z0-9 !#$%&()+:;<=.>?@[]^_{}|~,-"

extern const struct schema_format format_endpoint;    /* a host or http(s) URL without a query */
extern const struct schema_format format_picture_url; /* ends in .jpg, .jpeg or .png */
extern const struct schema_format format_color;       /* #RRGGBB */
extern const struct schema_format format_hex_color;   /* 0xRRGGBB */
extern const struct schema_format format_font;

/* "1" to "4294967295", no zero in front. */
bool room_number_ok(const char *text);

#endif
