// An MP4 file whose picture changes its size, with late sound and a hole in it: other programs parse, play and seek.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as MP4Box from 'mp4box';
import { Browser } from '../lib/browser.mjs';
import { binary } from '../lib/daemon.mjs';
import { decodeErrors, pictureSizes, probePackets } from '../lib/probe.mjs';
import { run } from '../lib/run.mjs';

const maker = path.join(path.dirname(binary), 'tests/tools/mp4_maker');
const gstPlayer = fileURLToPath(new URL('../lib/gst_player.py', import.meta.url));

let folder;
let made;
let file;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'reeltime-mp4-'));
  const { code, stdout, stderr } = await run(maker, [folder]);
  assert.equal(code, 0, stderr);
  made = JSON.parse(stdout);
  file = path.join(folder, made.name);
});

after(() => rm(folder, { recursive: true, force: true }));

const near = (a, b, by) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b} within ${by}`);

describe('an MP4 file with a change of size', () => {
  it('is decoded by ffmpeg without an error line, each picture in its size and at its time', async () => {
    assert.equal(await decodeErrors(file), '');
    assert.deepEqual(await pictureSizes(file), ['320x180', '640x360']);
    const { streams, packets } = await probePackets(file);
    assert.deepEqual(streams.map(s => s.codec), ['h264', 'aac']);
    const video = packets.filter(p => p.stream === 0);
    assert.equal(video.length, made.pictures);
    video.forEach((p, i) => near(p.pts, i * 0.04, 1e-6));
    const audio = packets.filter(p => p.stream === 1);
    assert.equal(audio.length, made.sounds + made.filled);
    near(audio.at(-1).pts + audio.at(-1).duration, 11, 0.05);
  });

  it('is parsed by mp4box: fast start, sizes, durations, a sample entry for each size', async () => {
    const bytes = await readFile(file);
    const parser = MP4Box.createFile();
    const ready = new Promise((resolve, reject) => {
      parser.onReady = resolve;
      parser.onError = (...what) => reject(new Error(what.join(' ')));
    });
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    buffer.fileStart = 0;
    parser.appendBuffer(buffer);
    parser.flush();
    const info = await ready;
    assert.equal(info.isProgressive, true);
    assert.equal(info.duration / info.timescale, made.seconds);
    const [video] = info.videoTracks;
    const [audio] = info.audioTracks;
    assert.deepEqual([video.track_width, video.track_height], [640, 360]);
    assert.equal(video.nb_samples, made.pictures);
    assert.equal(audio.nb_samples, made.sounds + made.filled);
    assert.match(audio.codec, /^mp4a\.40\.2$/);
    assert.deepEqual([audio.audio.sample_rate, audio.audio.channel_count], [48000, 1]);
    const { entries } = parser.getTrackById(video.id).mdia.minf.stbl.stsd;
    assert.deepEqual(entries.map(e => `${e.type} ${e.width}x${e.height}`), ['avc1 320x180', 'avc1 640x360']);
    const samples = parser.getTrackSamplesInfo(video.id);
    samples.forEach((s, i) => {
      assert.equal(s.cts, i * 3600);
      assert.equal(s.description_index, i >= 100 && i < 200 ? 1 : 0);
      assert.equal(s.is_sync, i % 50 === 0);
    });
  });

  it('is played and sought by GStreamer', async () => {
    const { stdout, stderr } = await run('/usr/bin/python3', [gstPlayer, file, '3.5', '7.5', '9']);
    const seen = JSON.parse(stdout || '{}');
    assert.equal(seen.error, undefined, `${seen.error}\n${stderr}`);
    near(seen.duration, made.seconds, 0.001);
    assert.equal(seen.seekable, true);
    assert.deepEqual(seen.sizes, ['320x180', '640x360']);
    assert.equal(seen.video.length, made.pictures);
    seen.video.forEach((t, i) => near(t, i * 0.04, 0.001));
    near(seen.audio[0], 1.5, 0.075);    // its decoder leaves out the first two frames of 21 ms, a busy machine's one more
    near(seen.audio[1], 11, 0.05);
    for (const place of seen.places) {
      near(place.video[0], place.asked, 0.041);
      near(place.video.at(-1), place.asked + 1, 0.041);
      near(place.audio[0], place.asked, 0.05);
    }
  });

  it('is played and sought by Chromium, across both changes', async () => {
    const browser = await Browser.start();
    try {
      const seen = await browser.play(folder, made.name, [4, 8, 5.5]);
      near(seen.duration, made.seconds, 0.05);
      assert.equal(seen.ended, true);
      assert.deepEqual(seen.sizes.sort(), ['320x180', '640x360']);
    } finally {
      await browser.stop();
    }
  });
});
