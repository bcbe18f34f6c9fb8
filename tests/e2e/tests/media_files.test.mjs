// MP4 and AAC files: what each OutputFormat leaves in the bucket and what event 310 says, read back by other programs.

import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { groupProblems, mediaSpans } from '../lib/media.mjs';
import { beepDelays, beeps, counterProblems, flashes, patternPictures } from '../lib/pattern.mjs';
import { brightness, peakDb, pictureSizes } from '../lib/probe.mjs';
import { Stage, framesSent } from '../lib/stage.mjs';
import { delay, until } from '../lib/wait.mjs';

const timeout = 180000;

const fileName = (recording, userId, ending, media = 'main') => `${recording.stem(userId, '', media).slice(0, -1)}${ending}`;

const eventTypes = (stage, recording) => stage.receiver.attempted(recording.taskId).map(event => event.EventType);

// The payloads of all 310, by user.
function told(stage, recording) {
  const payloads = stage.receiver.events(recording.taskId)
    .filter(event => event.EventType === 310).map(event => event.EventInfo.Payload);
  return new Map(payloads.map(payload => [payload.FileMessage[0]?.UserId, payload]));
}

// The four letters of the boxes a file begins with, without padding.
async function boxes(file, count) {
  const found = [];
  const handle = await open(file);
  try {
    for (let at = 0; found.length < count;) {
      const head = Buffer.alloc(16);
      await handle.read(head, 0, 16, at);
      const type = head.toString('latin1', 4, 8);
      if (type !== 'free')
        found.push(type);
      at += head.readUInt32BE(0) === 1 ? Number(head.readBigUInt64BE(8)) : head.readUInt32BE(0);
    }
  } finally {
    await handle.close();
  }
  return found;
}

test('OutputFormat 1: playlists and one MP4, in step, whole, playable', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'both' };
  const recording = await stage.record({ ...room, record: { OutputFormat: 1 } });
  const alice = await stage.publishPattern({ ...room, userId: 'alice' });
  const listed = await recording.files(2);
  const [{ BeginTimeStamp: began }] = listed;
  await until('enough is recorded', () => Date.now() > began + 17000, { timeoutMs: 60000 });
  assert.equal((await recording.describe()).StorageFileList.length, 2, 'Describe lists playlists only');
  await alice.leave();
  const leftAt = Date.now();
  await stage.finish(recording, { groups: 1 });

  const name = fileName(recording, 'alice', '.mp4');
  const folder = await recording.folder();
  const file = path.join(folder, name);
  const payload = told(stage, recording).get('alice');
  assert.deepEqual(await groupProblems(folder, payload), []);
  const [message] = payload.FileMessage;
  assert.deepEqual(message, { FileName: name, UserId: 'alice', TrackType: 'audio_video', MediaId: 'main',
    StartTimeStamp: message.StartTimeStamp, EndTimeStamp: message.EndTimeStamp });
  const begins = listed.map(l => l.BeginTimeStamp);
  assert.ok(Math.abs(message.StartTimeStamp - Math.min(...begins)) <= 50, `${message.StartTimeStamp} against ${begins}`);
  assert.ok(message.EndTimeStamp <= leftAt && message.EndTimeStamp > leftAt - 2500, `ended ${leftAt - message.EndTimeStamp} ms before the leave`);
  await recording.verify([['alice', 'audio'], ['alice', 'video']], { besides: [name] });
  assert.deepEqual(await boxes(file, 3), ['ftyp', 'moov', 'mdat']);

  const pictures = await patternPictures(file);
  assert.deepEqual(counterProblems(pictures), []);
  const delays = beepDelays(flashes(pictures), await beeps(file), pictures[0].at + 4).slice(0, -1);
  assert.ok(delays.length >= 8, `${delays.length} flashes to judge`);
  assert.ok(delays.every(ms => Math.abs(ms) <= 40), `beeps are later by ${delays.map(Math.round)} ms`);

  const played = await (await stage.browser()).play(folder, name, [5, 11]);
  assert.ok(played.ended && Math.abs(played.duration - (message.EndTimeStamp - message.StartTimeStamp) / 1000) < 0.2,
    JSON.stringify(played));
});

test('OutputFormat 2: playlists and one AAC file', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'sound' };
  const alice = await stage.publish({ ...room, userId: 'alice' });
  const recording = await stage.record({ ...room, record: { OutputFormat: 2 } });
  await recording.files(2);
  const { frames } = await alice.sent();
  await framesSent(alice, 8 * 15, { from: frames });
  await stage.finish(recording, { groups: 1 });

  const name = fileName(recording, 'alice', '.aac');
  const folder = await recording.folder();
  const payload = told(stage, recording).get('alice');
  assert.deepEqual(await groupProblems(folder, payload), []);
  assert.equal(payload.FileMessage[0].TrackType, 'audio');
  const [audio] = await recording.verify([['alice', 'audio'], ['alice', 'video']], { besides: [name] });
  assert.ok(Math.abs(payload.FileMessage[0].StartTimeStamp - audio.startRecTime) <= 1);
  assert.ok(await peakDb(path.join(folder, name)) > -40, 'something is heard');
});

test('OutputFormat 3: MP4 only; who returns goes on in the same file, over a change of size', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'files' };
  const recording = await stage.record({ ...room, record: { OutputFormat: 3 } });
  const black = await stage.record({ ...room, robot: 'r2', record: { OutputFormat: 3, FillType: 1 } });
  const bob = await stage.publishGst({ ...room, userId: 'bob' }, ['--no-video']);
  const first = await stage.publish({ ...room, userId: 'alice' });
  await framesSent(first, 5 * 15);
  await first.scale(2);
  await framesSent(first, 4 * 15, { from: (await first.sent()).frames });
  assert.deepEqual((await recording.describe()).StorageFileList ?? [], []);
  assert.equal(await first.leave(), 200);
  const awayFrom = Date.now();
  await delay(4000);
  const second = await stage.publish({ ...room, userId: 'alice' });
  await framesSent(second, 5 * 15);
  await stage.finish(recording, { groups: 2 });
  await stage.finish(black, { groups: 2 });
  await bob.kill();

  assert.deepEqual(eventTypes(stage, recording), [301, 303, 302, 310, 310]);
  const folder = await recording.folder();
  const payloads = told(stage, recording);
  for (const userId of ['alice', 'bob'])
    assert.deepEqual(await groupProblems(folder, payloads.get(userId)), []);
  assert.equal(payloads.get('bob').FileMessage[0].TrackType, 'audio');
  const [message] = payloads.get('alice').FileMessage;
  assert.equal(message.TrackType, 'audio_video');
  await recording.verify([], { besides: ['alice', 'bob'].map(userId => fileName(recording, userId, '.mp4')) });

  // What happened at a wall clock time stands at that time minus START.
  const file = path.join(folder, message.FileName);
  const spans = await mediaSpans(file);
  const away = (awayFrom - message.StartTimeStamp) / 1000;
  const holes = spans.video.packets.slice(1).map((p, i) => ({ from: spans.video.packets[i].pts, to: p.pts }))
    .filter(hole => hole.to - hole.from > 3.5);
  assert.equal(holes.length, 1, JSON.stringify(holes));
  assert.ok(Math.abs(holes[0].from - away) < 1.5, `${holes[0].from} s, left at ${away} s`);
  const steps = spans.audio.packets.slice(1).map((p, i) => p.pts - spans.audio.packets[i].pts);
  // Silence comes in whole frames of 21.3 ms, and the second session has a grid of its own.
  assert.ok(Math.max(...steps) < 2 * 0.0214, `sound has a hole of ${Math.max(...steps)} s`);
  assert.ok((await pictureSizes(file)).length >= 2);
  const played = await (await stage.browser()).play(folder, message.FileName, [away + 2]);
  assert.ok(played.ended, JSON.stringify(played));

  // FillType 1: the same, but black stands in the hole.
  const filled = told(stage, black).get('alice');
  assert.deepEqual(await groupProblems(await black.folder(), filled), []);
  const shown = await brightness(path.join(await black.folder(), message.FileName));
  const long = shown.filter((p, n) => shown[n + 1]?.at - p.at > 3);
  assert.deepEqual(long.map(p => p.value), [16], 'black, as video has it, stands in the hole');
  assert.ok(Math.abs(long[0].at - holes[0].from) < 0.5, `${long[0].at} s`);
});

test('OutputFormat 4, and MP4 of sound alone', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'sound-only' };
  await stage.publishPattern({ ...room, userId: 'alice' });
  await stage.publishGst({ ...room, userId: 'bob' });
  const aac = await stage.record({ ...room, robot: 'r1', record: { OutputFormat: 4 } });
  const mp4 = await stage.record({ ...room, robot: 'r2', record: { OutputFormat: 1, StreamType: 1 } });
  const [{ BeginTimeStamp }] = await mp4.files(2);
  await until('some seconds are recorded', () => Date.now() > BeginTimeStamp + 7000, { timeoutMs: 30000 });
  await stage.finish(aac, { groups: 2 });
  await stage.finish(mp4, { groups: 2 });

  assert.deepEqual(eventTypes(stage, aac), [301, 303, 302, 310, 310]);
  for (const [recording, ending] of [[aac, '.aac'], [mp4, '.mp4']])
    for (const userId of ['alice', 'bob']) {
      const payload = told(stage, recording).get(userId);
      assert.deepEqual(payload.FileList, [fileName(recording, userId, ending)]);
      assert.equal(payload.FileMessage[0].TrackType, 'audio');
      assert.deepEqual(await groupProblems(await recording.folder(), payload), []);
    }
});
