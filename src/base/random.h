/* Randomness from the kernel. Any thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t len);
uint32_t random_u32(void);

/* Fills `out` with `len` characters of A-Z a-z 0-9 and a NUL; the first is a letter. 5.95 bits a
 * character. */
void random_name(char *out, size_t len);

/* A lower-case UUID version 4 (RFC 9562), 36 characters and a NUL. */
void random_uuid(char out[37]);

#endif
