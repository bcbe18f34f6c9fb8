/* Encrypts the secrets that must survive a restart (storage keys, UserSig, PrivateMapKey) with
 * AES-256-GCM under the daemon's master key. A sealed value names the place it belongs to as
 * associated data, so that it opens nowhere else. Nonces are random: one key is good for 2^32
 * values (NIST SP 800-38D, 8.3). Pure but for loading the key; any thread.
 *
 * Sealed: version (1 byte, 1), nonce (12 bytes), ciphertext, tag (16 bytes). */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include "base/buf.h"

#define SEAL_KEY_SIZE 32
#define SEAL_OVERHEAD (1 + 12 + 16)

struct seal_key {
    uint8_t secret[SEAL_KEY_SIZE];
};

/* 64 hex digits, with white space around them, or exactly 32 raw bytes. ERR_MALFORMED. */
int seal_key_parse(struct seal_key *out, struct bytes text);

/* Reads the key from a file; makes a new one (mode 0600, hex, whole or not at all) when there is
 * none. What is wrong is logged. ERR_MALFORMED: the file holds no key. ERR_IO. */
int seal_key_load(struct seal_key *out, const char *path);

/* Takes the key out of an environment variable, which is wiped and unset so that no child inherits
 * it. At start, before other threads. ERR_NOT_FOUND: not set. ERR_MALFORMED. */
int seal_key_env(struct seal_key *out, const char *variable);

void seal_key_wipe(struct seal_key *key);

/* Appends the sealed form of `plain`, bound to `place`. ERR_CRYPTO; the buffer's own error. */
int seal_close(struct buf *out, const struct seal_key *key, struct bytes plain, struct bytes place);

/* Appends what was sealed. ERR_AUTH: changed, moved from another place, or another key.
 * ERR_UNSUPPORTED: a version of the format that is not ours. ERR_MALFORMED: too short. ERR_CRYPTO;
 * the buffer's own error. `out` is unchanged then. The caller wipes the buffer after use
 * (seal_wipe_buf). */
int seal_open(struct buf *out, const struct seal_key *key, struct bytes sealed, struct bytes place);

/* Overwrites and frees a buffer that held a secret. */
void seal_wipe_buf(struct buf *b);

#endif
