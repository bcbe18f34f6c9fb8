#include "serve/metrics_table.h"

const struct metric metrics_table[METRICS] = {
    [M_BUILD] = { "reeltime_build_info", METRIC_GAUGE, .labels = { "revision", "date" },
                  .help = "Always 1; the labels say which build runs." },
    [M_TASKS] = { "reeltime_tasks", METRIC_GAUGE, .labels = { "state" },
                  .help = "Recording tasks: starting, idle (nothing arrives that they record), "
                          "recording, ending (files still go up), left (over, but not all files "
                          "could be delivered)." },
    [M_ROOMS] = { "reeltime_rooms", METRIC_GAUGE, .help = "Rooms that exist." },
    [M_SESSIONS] = { "reeltime_sessions", METRIC_GAUGE, .help = "Publishers' sessions." },
    [M_SESSIONS_ENDED] = { "reeltime_sessions_ended_total", METRIC_COUNTER, .labels = { "reason" },
                           .help = "Sessions that are over: closed here, closed by the publisher, "
                                   "lost (no more consent), failed (never came up)." },
    [M_WHIP_REQUESTS] = { "reeltime_whip_requests_total", METRIC_COUNTER, .labels = { "code" },
                          .help = "Requests of publishers, by HTTP status." },

    [M_RTP_PACKETS] = { "reeltime_rtp_packets_total", METRIC_COUNTER, .labels = { "kind" },
                        .help =
                            "RTP packets of streams that were negotiated, duplicates included." },
    [M_RTP_BYTES] = { "reeltime_rtp_bytes_total", METRIC_COUNTER, .labels = { "kind" },
                      .help = "Bytes of their payloads." },
    [M_RTP_LOST] = { "reeltime_rtp_packets_lost_total", METRIC_COUNTER, .labels = { "kind" },
                     .help = "Packets that were given up." },
    [M_RTP_RECOVERED] = { "reeltime_rtp_packets_recovered_total", METRIC_COUNTER,
                          .labels = { "kind" },
                          .help = "Packets that came after they had been asked for again." },
    [M_RTP_REORDERED] = { "reeltime_rtp_packets_reordered_total", METRIC_COUNTER,
                          .labels = { "kind" }, .help = "Packets that came late by themselves." },
    [M_RTP_DUPLICATES] = { "reeltime_rtp_packets_duplicate_total", METRIC_COUNTER,
                           .labels = { "kind" },
                           .help = "Packets that came twice, or after they had been given up." },
    [M_RTP_MALFORMED] = { "reeltime_rtp_packets_malformed_total", METRIC_COUNTER,
                          .labels = { "kind" },
                          .help = "Packets that are no RTP, or not of the stream." },
    [M_RTP_NACKS] = { "reeltime_rtp_nacks_total", METRIC_COUNTER, .labels = { "kind" },
                      .help = "Packets asked for again, repeats included." },
    [M_FRAMES] = { "reeltime_frames_total", METRIC_COUNTER, .labels = { "kind" },
                   .help = "Frames that came out whole, damaged ones included." },
    [M_FRAMES_DAMAGED] = { "reeltime_frames_damaged_total", METRIC_COUNTER, .labels = { "kind" },
                           .help = "Frames with a loss in them, or built on one." },
    [M_FRAMES_DROPPED] = { "reeltime_frames_dropped_total", METRIC_COUNTER, .labels = { "kind" },
                           .help = "Frames of which too much was missing." },
    [M_KEY_FRAMES] = { "reeltime_key_frames_total", METRIC_COUNTER,
                       .help = "Video frames with which decoding can begin." },
    [M_KEY_REQUESTS] = { "reeltime_key_frame_requests_total", METRIC_COUNTER,
                         .help = "Key frames asked for." },
    [M_SRTP_REJECTED] = { "reeltime_srtp_packets_rejected_total", METRIC_COUNTER,
                          .labels = { "reason" },
                          .help = "Protected packets that were not believed: wrong tag (auth), "
                                  "seen before (replay), before the keys were there (early), from "
                                  "an address that no check has proven (address), too many streams "
                                  "(limit), broken (malformed)." },
    [M_UDP_RECEIVED] = { "reeltime_udp_datagrams_received_total", METRIC_COUNTER,
                         .labels = { "loop" }, .help = "Datagrams of a media port." },
    [M_UDP_SENT] = { "reeltime_udp_datagrams_sent_total", METRIC_COUNTER, .labels = { "loop" },
                     .help = "Datagrams sent from it." },
    [M_UDP_OVERFLOWS] = { "reeltime_udp_receive_overflows_total", METRIC_COUNTER,
                          .labels = { "loop" },
                          .help = "Datagrams the kernel dropped because the receive buffer was "
                                  "full: raise net.core.rmem_max." },
    [M_UDP_DROPPED] = { "reeltime_udp_datagrams_dropped_total", METRIC_COUNTER,
                        .labels = { "loop", "reason" },
                        .help =
                            "Datagrams that were too large, or belong to no session (unknown)." },
    [M_UDP_SEND_FAILURES] = { "reeltime_udp_send_failures_total", METRIC_COUNTER,
                              .labels = { "loop" },
                              .help = "Datagrams the kernel refused to send." },
    [M_AAC_WAITING] = { "reeltime_aac_waiting_frames", METRIC_GAUGE, .labels = { "loop" },
                        .help = "Opus frames that wait to be turned into AAC." },
    [M_AAC_DROPPED] = { "reeltime_aac_dropped_frames_total", METRIC_COUNTER, .labels = { "loop" },
                        .help = "Opus frames that were not turned into AAC because the worker was "
                                "behind." },

    [M_RECORDED_SEGMENTS] = { "reeltime_recorded_segments_total", METRIC_COUNTER,
                              .labels = { "type" },
                              .help =
                                  "Files that are whole on the disk, playlists not among them." },
    [M_RECORDED_BYTES] = { "reeltime_recorded_bytes_total", METRIC_COUNTER, .labels = { "type" },
                           .help = "Their bytes." },
    [M_RECORDED_FRAMES] = { "reeltime_recorded_frames_total", METRIC_COUNTER,
                            .help = "Frames written into files; one that two tasks record counts "
                                    "twice." },
    [M_RECORDED_DROPPED] = { "reeltime_recorded_frames_dropped_total", METRIC_COUNTER,
                             .labels = { "reason" },
                             .help = "Frames that were not written: before the first key frame "
                                     "(waiting), not after the one before (late), not in their own "
                                     "format (broken)." },
    [M_GAPS] = { "reeltime_gaps_total", METRIC_COUNTER, .labels = { "reason" },
                 .help = "Gaps in recordings: no media came (media), the sender's clock stepped "
                         "(step), the disk was behind (overflow), damaged video was left out "
                         "(damage)." },
    [M_GAP_SECONDS] = { "reeltime_gap_seconds_total", METRIC_COUNTER, .labels = { "reason" },
                        .help = "What is missing there." },

    [M_SPOOL_BYTES] = { "reeltime_spool_bytes", METRIC_GAUGE,
                        .help = "What the spool's files take on the disk; measured every 5 s." },
    [M_SPOOL_QUEUE] = { "reeltime_spool_queue_bytes", METRIC_GAUGE,
                        .help = "Memory that holds what waits to be written." },
    [M_SPOOL_OVERFLOWS] = { "reeltime_spool_queue_overflows_total", METRIC_COUNTER,
                            .help = "Writes that were refused because the queue to the disk was "
                                    "full." },
    [M_DISK_FREE] = { "reeltime_disk_free_bytes", METRIC_GAUGE,
                      .help = "Room on the disk under data; measured every 5 s." },
    [M_DISK_SIZE] = { "reeltime_disk_size_bytes", METRIC_GAUGE, .help = "Size of that disk." },
    [M_DISK_RESERVE] = { "reeltime_disk_reserve_bytes", METRIC_GAUGE,
                         .help = "With less room than this, /readyz answers 503." },

    [M_UPLOAD_FILES] = { "reeltime_upload_waiting_files", METRIC_GAUGE,
                         .help = "Files that no bucket has acknowledged yet." },
    [M_UPLOAD_BYTES] = { "reeltime_upload_waiting_bytes", METRIC_GAUGE, .help = "Their bytes." },
    [M_UPLOAD_FAILING] = { "reeltime_upload_failing_seconds", METRIC_GAUGE,
                           .help = "For how long the task that has had no success for longest has "
                                   "been failing; 0: none fails." },
    [M_UPLOADS] = { "reeltime_uploads_total", METRIC_COUNTER, .labels = { "result" },
                    .help =
                        "Puts by result: ok, retry (may pass by itself), denied, no_bucket, "
                        "untrusted (the store's certificate), bad_request, local_gone (the file "
                        "was missing here)." },
    [M_UPLOADED_BYTES] = { "reeltime_uploaded_bytes_total", METRIC_COUNTER,
                           .help = "Bytes of the acknowledged ones." },
    [M_UPLOAD_TIME] = { "reeltime_upload_duration_seconds", METRIC_DURATIONS,
                        .help = "How long puts took, however they ended." },

    [M_CALLBACKS_WAITING] = { "reeltime_callbacks_waiting", METRIC_GAUGE,
                              .help = "Events not yet delivered or given up." },
    [M_CALLBACKS] = { "reeltime_callbacks_total", METRIC_COUNTER, .labels = { "result" },
                      .help = "Events that were delivered, given_up or dropped (the application "
                              "has no address); attempts that failed." },

    [M_API_REQUESTS] = { "reeltime_api_requests_total", METRIC_COUNTER,
                         .labels = { "action", "code" },
                         .help = "Requests of the cloud API by action and code of the answer." },
    [M_API_TIME] = { "reeltime_api_request_duration_seconds", METRIC_DURATIONS,
                     .labels = { "action" }, .help = "How long their answers took." },

    [M_STORE_WAITING] = { "reeltime_store_waiting", METRIC_GAUGE,
                          .help = "Changes that wait for the store." },
    [M_STORE_TIME] = { "reeltime_store_commit_duration_seconds", METRIC_DURATIONS,
                       .help = "How long transactions took, with their fsync." },
    [M_STORE_FAILURES] = { "reeltime_store_commit_failures_total", METRIC_COUNTER,
                           .help = "Transactions that failed and were undone." },

    [M_LOOP_WAITING] = { "reeltime_loop_waiting_messages", METRIC_GAUGE, .labels = { "loop" },
                         .help =
                             "Messages in the mailbox of a thread: control, media-N, audio-N." },
    [M_LOOP_SILENCE] = { "reeltime_loop_silence_seconds", METRIC_GAUGE, .labels = { "loop" },
                         .help = "How long ago a thread's loop turned; up to 1 while it does. From "
                                 "5 on /healthz answers 503." },

    [M_MEMORY] = { "process_resident_memory_bytes", METRIC_GAUGE, .help = "Resident memory." },
    [M_OPEN_FDS] = { "process_open_fds", METRIC_GAUGE, .help = "Open file descriptors." },
    [M_MAX_FDS] = { "process_max_fds", METRIC_GAUGE, .help = "How many may be open." },
    [M_CPU] = { "process_cpu_seconds_total", METRIC_COUNTER,
                .help = "Processor time of all threads, user and system." },
    [M_START_TIME] = { "process_start_time_seconds", METRIC_GAUGE,
                       .help = "When the process started, Unix time." },
};
