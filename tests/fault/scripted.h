/* A bucket that refuses each file at first, for now or for good by turns, before the folder behind
 * it takes it: in place of folder buckets, by the linker (dir_bucket_new). Pauses between tries are
 * short (backoff_pause). */
#ifndef FAULT_SCRIPTED_H
#define FAULT_SCRIPTED_H

/* Before the first bucket is made; otherwise folders are folders. */
void scripted_refuse(void);

#endif
