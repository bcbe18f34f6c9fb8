// What operators look at: /metrics against the files, the log and the receiver; /healthz and /readyz.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { binary } from '../lib/daemon.mjs';
import { Metrics } from '../lib/metrics.mjs';
import { run } from '../lib/run.mjs';
import { Stage } from '../lib/stage.mjs';
import { until } from '../lib/wait.mjs';

const page = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url));

const look = stage => Metrics.fetch(stage.daemon.url);

async function promtool(metrics) {
  const { code, stdout, stderr } = await run('promtool', ['check', 'metrics'], { input: metrics.text });
  assert.equal(`${stdout}${stderr}`, '', 'promtool has nothing to say');
  assert.equal(code, 0);
}

const seen = (stage, what, check, options) => until(what, async () => {
  const metrics = await look(stage);
  return check(metrics) ? metrics : null;
}, { timeoutMs: 30000, everyMs: 250, ...options });

// --- what the files say ---

async function filesBy(folder) {
  const found = { audio: { segments: 0, bytes: 0 }, video: { segments: 0, bytes: 0 }, all: 0 };
  for (const name of await readdir(folder)) {
    const { size } = await stat(path.join(folder, name));
    const type = /_audio_\d{17}\.ts$/.test(name) ? 'audio' : /_video_\d{17}\.ts$/.test(name) ? 'video' : null;
    found.all++;
    if (type) {
      found[type].segments++;
      found[type].bytes += size;
    }
  }
  return found;
}

function checkFiles(metrics, found) {
  for (const type of ['audio', 'video']) {
    assert.ok(found[type].segments > 0, `${type} segments`);
    assert.equal(metrics.sum('reeltime_recorded_segments_total', { type }), found[type].segments);
    assert.equal(metrics.sum('reeltime_recorded_bytes_total', { type }), found[type].bytes);
  }
  assert.equal(metrics.sum('reeltime_recorded_segments_total', { type: 'audio_video' }), 0);
  // Playlists go up in several versions.
  assert.ok(metrics.sum('reeltime_uploads_total', { result: 'ok' }) >= found.all);
  assert.equal(metrics.sum('reeltime_uploads_total'), metrics.sum('reeltime_uploads_total', { result: 'ok' }));
  assert.equal(metrics.sum('reeltime_upload_duration_seconds_count'), metrics.sum('reeltime_uploads_total'));
  assert.ok(metrics.sum('reeltime_uploaded_bytes_total') > found.audio.bytes + found.video.bytes);
}

// --- what the log says ---

const counted = (log, pattern) => [...log.matchAll(pattern)];

function checkStreams(metrics, log) {
  for (const kind of ['audio', 'video']) {
    const lines = counted(log, new RegExp(
      `${kind}: (\\d+) packets, (\\d+) lost, (\\d+) recovered, (\\d+) frames, (\\d+) damaged`, 'g'));
    const sums = [1, 2, 3, 4, 5].map(i => lines.reduce((sum, m) => sum + Number(m[i]), 0));
    const names = ['rtp_packets', 'rtp_packets_lost', 'rtp_packets_recovered', 'frames', 'frames_damaged'];
    assert.deepEqual(names.map(name => metrics.sum(`reeltime_${name}_total`, { kind })), sums, kind);
    assert.ok(sums[0] > 100 && sums[3] > 100, `${kind}: ${sums}`);
  }
}

function checkRequests(metrics, log) {
  const lines = counted(log, /api (\w+) app \d+: (\S+) in \d+ ms/g);
  const wanted = {};
  for (const [, action, code] of lines)
    wanted[`${action} ${code}`] = (wanted[`${action} ${code}`] ?? 0) + 1;
  const got = {};
  for (const s of metrics.samples.filter(one => one.name === 'reeltime_api_requests_total'))
    got[`${s.labels.action} ${s.labels.code}`] = s.value;
  assert.deepEqual(got, wanted);
  assert.equal(got['CreateCloudRecording OK'], 1);
  assert.ok(got['DescribeCloudRecording ResourceNotFound'] > 0);
  for (const action of ['CreateCloudRecording', 'DeleteCloudRecording'])
    assert.equal(metrics.sum('reeltime_api_request_duration_seconds_count', { action }), 1);
}

function checkGaps(metrics, log) {
  const reasons = { media: 'no media came', step: "the sender's clock stepped", overflow: 'the disk was behind',
    damage: 'damaged video was left out' };
  for (const [reason, text] of Object.entries(reasons)) {
    const gaps = counted(log, new RegExp(`gap of (\\d+) ms: ${text}`, 'g'));
    assert.equal(metrics.sum('reeltime_gaps_total', { reason }), gaps.length, reason);
    const missing = metrics.sum('reeltime_gap_seconds_total', { reason });
    assert.ok(Math.abs(missing - gaps.reduce((sum, m) => sum + m[1] / 1000, 0)) <= gaps.length * 0.001, reason);
  }
}

// --- tests ---

function sendNoise(port) {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => socket.send(Buffer.alloc(100, 0x80), port, '127.0.0.1', err => {
    socket.close();
    if (err)
      reject(err);
    else
      resolve();
  }));
}

test('Numbers move with a recording and agree with files, log and receiver', { timeout: 120000 }, async t => {
  let refusals = 1;
  const stage = await Stage.open(t, { answer: () => (refusals-- > 0 ? 500 : 200) });
  const room = { roomId: 'counted' };
  const before = await look(stage);
  assert.equal(before.contentType, 'text/plain; version=0.0.4; charset=utf-8');
  await promtool(before);
  assert.equal(before.sum('reeltime_tasks'), 0);
  assert.equal(before.sum('reeltime_loop_silence_seconds') < 5 * 2, true);
  const age = Date.now() / 1000 - before.sum('process_start_time_seconds');
  assert.ok(age >= 0 && age < 60, `started ${age} s ago`);
  assert.ok(before.sum('process_resident_memory_bytes') > 1e6);
  assert.ok(before.sum('process_open_fds') > 5);

  const recording = await stage.record(room);
  const idle = await look(stage);
  assert.equal(idle.sum('reeltime_tasks', { state: 'idle' }), 1);
  assert.ok(idle.sum('reeltime_store_commit_duration_seconds_count') >= 1);
  const bob = await stage.publishGst({ ...room, userId: 'bob' });
  await recording.files(2, { timeoutMs: 30000 });
  const running = await seen(stage, 'a segment of each kind', m =>
    m.sum('reeltime_recorded_segments_total', { type: 'audio' }) > 0
    && m.sum('reeltime_recorded_segments_total', { type: 'video' }) > 0 && m.sum('reeltime_spool_bytes') > 0);
  await promtool(running);
  assert.equal(running.sum('reeltime_tasks', { state: 'recording' }), 1);
  assert.equal(running.sum('reeltime_tasks'), 1);
  assert.equal(running.sum('reeltime_rooms'), 1);
  assert.equal(running.sum('reeltime_sessions'), 1);
  assert.ok(running.sum('reeltime_key_frames_total') > 0);
  assert.ok(running.sum('reeltime_recorded_frames_total') > 100);
  assert.ok(running.sum('reeltime_udp_datagrams_received_total') > running.sum('reeltime_rtp_packets_total'));

  const unknown = { reason: 'unknown', loop: 'media-1' };
  await sendNoise(stage.daemon.mediaPort + 1);
  await seen(stage, 'a stray datagram', m =>
    m.sum('reeltime_udp_datagrams_dropped_total', unknown)
    === before.sum('reeltime_udp_datagrams_dropped_total', unknown) + 1);

  await stage.finish(recording);
  assert.equal(await bob.leave(), 200);
  await seen(stage, 'nothing is left', m => m.sum('reeltime_sessions') === 0 && m.sum('reeltime_spool_bytes') === 0
    && m.sum('reeltime_callbacks_waiting') === 0);
  // The media loop shows its numbers every half second.
  const packets = m => m.sum('reeltime_rtp_packets_total');
  const logged = () => counted(stage.daemon.log, /(?:audio|video): (\d+) packets/g).reduce((s, m) => s + Number(m[1]), 0);
  const after = await seen(stage, 'the last packets', m => logged() > 0 && packets(m) === logged());
  await promtool(after);

  for (const gone of ['tasks', 'rooms', 'upload_waiting_files', 'upload_waiting_bytes', 'upload_failing_seconds',
    'spool_queue_bytes', 'spool_queue_overflows_total', 'aac_waiting_frames', 'aac_dropped_frames_total',
    'store_waiting', 'store_commit_failures_total', 'udp_receive_overflows_total'])
    assert.equal(after.sum(`reeltime_${gone}`), 0, gone);
  assert.equal(after.sum('reeltime_sessions_ended_total', { reason: 'closed' }), 1);
  assert.equal(after.sum('reeltime_sessions_ended_total'), 1);
  assert.equal(after.sum('reeltime_whip_requests_total', { code: '201' }), 1);
  assert.equal(after.sum('reeltime_whip_requests_total', { code: '200' }), 1);
  checkFiles(after, await filesBy(await recording.folder()));
  checkStreams(after, stage.daemon.log);
  checkRequests(after, stage.daemon.log);
  checkGaps(after, stage.daemon.log);

  const answers = status => stage.receiver.deliveries.filter(d => d.status === status).length;
  assert.equal(answers(500), 1);
  assert.equal(after.sum('reeltime_callbacks_total', { result: 'failed' }), 1);
  assert.equal(after.sum('reeltime_callbacks_total', { result: 'delivered' }), answers(200));
  assert.ok(after.sum('process_cpu_seconds_total') > before.sum('process_cpu_seconds_total'));
});

test('docs/metrics.md is the table of the program, and the page has nothing else', { timeout: 30000 }, async t => {
  const { code, stdout } = await run(binary, ['serve', '--metrics']);
  assert.equal(code, 0);
  const text = await readFile(page, 'utf8');
  assert.ok(text.includes(`\n${stdout}\n`), 'put the output of `reeltime serve --metrics` into docs/metrics.md');

  const rows = new Map([...stdout.matchAll(/^\| `(\w+)` \| (\w+) \|.*\| (.*) \|$/gm)].map(m => [m[1], m]));
  const stage = await Stage.open(t, { callbacks: false });
  const metrics = await look(stage);
  for (const [name, type] of metrics.types) {
    assert.equal(rows.get(name)?.[2], type, name);
    assert.equal(rows.get(name)[3], metrics.helps.get(name));
  }
  const needEvents = ['reeltime_whip_requests_total', 'reeltime_api_requests_total'];
  assert.deepEqual([...rows.keys()].filter(name => !metrics.types.has(name)), needEvents);
});

test('With too little room on the disk it is alive, but not ready', { timeout: 30000 }, async t => {
  const stage = await Stage.open(t, {
    callbacks: false,
    configure: config => {
      config.limits = { disk_reserve_mib: 2 ** 30 };
      config.api.metrics = false;
    },
  });
  const answer = async name => {
    const response = await fetch(`${stage.daemon.url}/${name}`);
    return `${response.status} ${(await response.text()).trim()}`;
  };
  assert.equal(await answer('healthz'), '200 ok');
  assert.match(await answer('readyz'), /^503 the disk under data has less room/);
  assert.match(await answer('metrics'), /^404 /);
  assert.match(stage.daemon.log, /warn .*the disk has \d+ MiB left, the reserve is 1073741824/);
});

test('With room it is ready', { timeout: 30000 }, async t => {
  const stage = await Stage.open(t, { callbacks: false });
  const response = await fetch(`${stage.daemon.url}/readyz`);
  assert.equal(`${response.status} ${(await response.text()).trim()}`, '200 ready');
});
