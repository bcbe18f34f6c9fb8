/* The part of the daemon that must survive, without sockets of its own: tasks, store, spool,
 * uploads and callbacks on a control loop, in a folder of their own. Media are made by hand and go
 * through the real writers. For one process, once. */
#ifndef FAULT_WORLD_H
#define FAULT_WORLD_H

/* Starts in `dir`, with callbacks to `url`, takes up what is there; with `record` makes a recording
 * of three segments and stops it. Ends the process: status 0 when everything is delivered and
 * nothing is owed to anybody, 3 when that takes too long. `kill_at`, `stall_ms`: see steps_start.
 */
void world_run(const char *dir, const char *url, unsigned kill_at, unsigned stall_ms, int record)
    __attribute__((noreturn));

/* Starts, begins a recording, and stops while that is still starting. Returns after an orderly end.
 */
void world_stop_early(const char *dir, const char *url);

#define WORLD_APP 1400000001u
#define WORLD_KEY "example-sdk-secret-key-0001"

#endif
