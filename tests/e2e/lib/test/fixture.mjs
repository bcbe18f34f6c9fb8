// Recordings in the form of files.md 2, made by ffmpeg, as known good (and known bad) input for our own checks.

import { mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { singleStem, utcDigits } from '../names.mjs';
import { probePackets } from '../probe.mjs';
import { run } from '../run.mjs';

const startRecTime = Date.UTC(2025, 0, 1, 5, 0, 17, 163);

export const who = { sdkAppId: 1400000001, roomId: '4711', integerRoom: true, userId: 'alice' };

const sources = {
  video: ['-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25', '-t', '3', '-c:v', 'libx264', '-preset', 'ultrafast',
    '-bf', '0', '-g', '25', '-keyint_min', '25', '-sc_threshold', '0', '-pix_fmt', 'yuv420p'],
  audio: ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', '3', '-ac', '1', '-c:a', 'aac'],
};

// ffmpeg writes an SDT, which our files do not have.
function withoutSdt(bytes) {
  const packets = [];
  for (let at = 0; at < bytes.length; at += 188)
    if ((((bytes[at + 1] & 0x1f) << 8) | bytes[at + 2]) !== 17)
      packets.push(bytes.subarray(at, at + 188));
  return Buffer.concat(packets);
}

async function encode(folder, type) {
  const { code, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', ...sources[type],
    '-muxdelay', '0', '-muxpreload', '0', '-f', 'segment', '-segment_format', 'mpegts', '-segment_time', '1',
    path.join(folder, 'raw%02d.ts')]);
  if (code !== 0)
    throw new Error(stderr);
  return (await readdir(folder)).filter(name => name.startsWith('raw')).sort();
}

function header(type) {
  const metadata = type === 'video' ? '#EXT-X-TRTC-VIDEO-METADATA:WIDTH:320 HEIGHT:180 Codec:27'
    : '#EXT-X-TRTC-AUDIO-METADATA:Channel:1 SampleRate:48000 SampleFormat:1 Codec:86018';
  return ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-ALLOW-CACHE:NO', '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-TARGETDURATION:1', '#EXT-X-TRTC-VERSION:1a2b3c4', '#EXT-X-TRTC-DATE:2025-01-01 00:00:00 +0800',
    `#EXT-X-TRTC-START-REC-TIME:${startRecTime}`, '#EXT-X-TRTC-MEDIA-ID:main', '#EXT-X-TRTC-USER-ID:alice',
    '#EXT-X-TRTC-MIX-STREAM:0', `#EXT-X-TRTC-STREAM-TYPE:${type === 'video' ? 1 : 0}`, metadata];
}

// A folder with one sound recording of three segments. { folder, stem, playlist, want, remove() }.
export async function makeRecording(type) {
  const folder = await mkdtemp(path.join(tmpdir(), 'reeltime-fixture-'));
  const stem = singleStem({ ...who, type });
  const lines = header(type);
  const raws = await encode(folder, type);
  const parts = [];
  for (const raw of raws) {
    const file = path.join(folder, raw);
    await writeFile(file, withoutSdt(await readFile(file)));
    parts.push({ file, packets: (await probePackets(file)).packets });
  }
  const frame = type === 'video' ? 0.04 : 1024 / 48000;
  for (const [i, { file, packets }] of parts.entries()) {
    const first = packets[0].pts;
    const end = parts[i + 1]?.packets[0].pts ?? packets.at(-1).pts + frame;
    const startMs = startRecTime + Math.round(first * 1000);
    const uri = `${stem}_${utcDigits(startMs)}.ts`;
    const bytes = (await readFile(file)).length;
    if (i === 0)
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(startMs).toISOString()}`);
    lines.push(`#EXT-X-TRTC-FILE-ATTR:${startMs},${bytes}`, `#EXTINF:${(end - first).toFixed(4)},`, uri);
    await rename(file, path.join(folder, uri));
  }
  lines.push('#EXT-X-ENDLIST', '');
  const playlist = path.join(folder, `${stem}.m3u8`);
  await writeFile(playlist, lines.join('\n'));
  return {
    folder, stem, playlist, want: { stem, type, userId: 'alice', media: 'main', ended: true },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
