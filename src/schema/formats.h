/* Rules about texts that several tables need. */
#ifndef SCHEMA_FORMATS_H
#define SCHEMA_FORMATS_H

#include "schema/schema.h"

extern const struct schema_format format_http_url;    /* http or https, a host, no user name */
extern const struct schema_format format_hostport;    /* 127.0.0.1:9000, [::1]:9000 */
extern const struct schema_format format_ip;          /* 127.0.0.1, ::1 */
extern const struct schema_format format_path_prefix; /* /api/v1 */
extern const struct schema_format format_network;     /* 10.0.0.0/8, fd00::/8, 10.1.2.3 */

/* http:// or https://, then a host with an optional port from 1 to 65535, then anything printable
 * without a space. */
bool url_is_http(const char *text);

#endif
