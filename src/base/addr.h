/* A UDP address as a plain value: IPv4 or IPv6 with port. IPv4-mapped IPv6 addresses are turned
 * into IPv4, so that one peer has one value. Zero-initialised: no address. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
    uint8_t ip[16];  /* network order; IPv4 uses the first 4, the rest is 0 */
    uint16_t port;   /* host order */
    uint16_t family; /* AF_INET, AF_INET6, or 0 */
};

#define ADDR_TEXT_SIZE 64 /* "[ip]:port" with its NUL */

bool addr_equal(struct addr a, struct addr b);

/* Numeric only: "127.0.0.1", "::1". */
bool addr_parse(struct addr *out, const char *ip, uint16_t port);

/* "127.0.0.1:9000" or "[::1]:9000". */
bool addr_parse_hostport(struct addr *out, const char *text);

bool addr_from_sockaddr(struct addr *out, const struct sockaddr *sa);
socklen_t addr_to_sockaddr(struct addr a, struct sockaddr_storage *out);

/* The IP alone, and "ip:port" or "[ip]:port". Both return `out`. */
const char *addr_ip_text(struct addr a, char out[ADDR_TEXT_SIZE]);
const char *addr_text(struct addr a, char out[ADDR_TEXT_SIZE]);

#endif
