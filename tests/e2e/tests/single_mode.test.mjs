// What a single-mode task takes up and how: merged files, subscribe lists, who leaves and comes back, idle time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coveredSeconds } from '../lib/hls.mjs';
import { Stage, framesSent } from '../lib/stage.mjs';
import { delay, until } from '../lib/wait.mjs';

const timeout = 120000;

test('AvMerge=1: audio and video together in one playlist', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'merged-room' };
  const alice = await stage.publish({ ...room, userId: 'alice' });
  const recording = await stage.record({ ...room, record: { AvMerge: 1 } });
  const [file] = await recording.files(1);
  assert.equal(file.TrackType, 'audio_video');
  assert.equal(file.FileName, `${recording.stem('alice', 'audiovideo')}.m3u8`);
  const { frames } = await alice.sent();
  await framesSent(alice, 12 * 15, { from: frames });
  await stage.finish(recording);

  const [list] = await recording.verify([['alice', 'audiovideo']]);
  assert.ok(list.segments.length >= 2);
  assert.ok(list.segments.some(s => s.audio && s.video));
  const played = await (await stage.browser()).play(await recording.folder(), file.FileName);
  assert.ok(Math.abs(played.duration - coveredSeconds(list)) < 0.5);
});

test('Subscribe lists choose users and media', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'lists' };
  const alice = await stage.publish({ ...room, userId: 'alice' });
  await stage.publishGst({ ...room, userId: 'bob' });
  await stage.publishGst({ ...room, userId: 'carol1' }, ['--no-video']);
  const lists = record => stage.record({ ...room, ...record });

  const recordings = {
    audioOnly: await lists({ robot: 'r1', record: { StreamType: 1 } }),
    allow: await lists({ robot: 'r2', record: { SubscribeStreamUserIds: {
      SubscribeAudioUserIds: ['carol.*$'], SubscribeVideoUserIds: ['bob'],
    } } }),
    block: await lists({ robot: 'r3', record: { SubscribeStreamUserIds: {
      UnSubscribeAudioUserIds: ['alice', 'bob'], UnSubscribeVideoUserIds: ['b.*$'],
    } } }),
  };
  const wanted = {
    audioOnly: [['alice', 'audio'], ['bob', 'audio'], ['carol1', 'audio']],
    allow: [['carol1', 'audio'], ['bob', 'video']],
    block: [['carol1', 'audio'], ['alice', 'video']],
  };
  for (const [name, files] of Object.entries(wanted))
    await recordings[name].files(files.length);
  const { frames } = await alice.sent();
  await framesSent(alice, 4 * 15, { from: frames });
  for (const recording of Object.values(recordings))
    await stage.finish(recording);
  for (const [name, files] of Object.entries(wanted))
    await recordings[name].verify(files);
});

test('A user who leaves and returns goes on in the same playlists', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'door' };
  const recording = await stage.record(room);
  const awayMs = 2500;

  const first = await stage.publish({ ...room, userId: 'alice' });
  await recording.files(2);
  await framesSent(first, 4 * 15);
  assert.equal(await first.leave(), 200);
  await until('Idle while nobody publishes', async () => (await recording.describe()).Status === 'Idle');
  await delay(awayMs);
  const second = await stage.publish({ ...room, userId: 'alice' });
  await until('InProgress again', async () => (await recording.describe()).Status === 'InProgress');
  await framesSent(second, 5 * 15);
  assert.equal((await recording.describe()).StorageFileList.length, 2);
  await stage.finish(recording);

  const lists = await recording.verify([['alice', 'audio'], ['alice', 'video']]);
  for (const list of lists) {
    const gaps = list.segments.slice(1).map((s, i) => s.startMs - list.segments[i].startMs - list.segments[i].seconds * 1000);
    assert.ok(gaps.some(gap => gap >= awayMs), `gaps ${gaps}`);
  }
});

test('Without anchors the task ends by itself after MaxIdleTime, LeaveCode 99', { timeout }, async t => {
  const stage = await Stage.open(t);
  const lonely = await stage.record({ roomId: 'lonely', record: { MaxIdleTime: 5 } });
  const left = await stage.record({ roomId: 'left', record: { MaxIdleTime: 5 } });
  const began = Date.now();
  const alice = await stage.publish({ roomId: 'left', userId: 'alice' });
  await left.files(2);

  const first = await stage.receiver.wait(lonely.taskId, 302, { timeoutMs: 15000 });
  assert.equal(first.EventInfo.Payload.LeaveCode, 99);
  const after = first.EventInfo.EventMsTs - began;
  assert.ok(after > 3500 && after < 8000, `${after} ms`);

  await framesSent(alice, 8 * 15);
  assert.equal((await left.describe()).Status, 'InProgress', 'no idle time runs while an anchor is there');
  await alice.leave();
  const leftAt = Date.now();
  const second = await stage.receiver.wait(left.taskId, 302, { timeoutMs: 15000 });
  assert.equal(second.EventInfo.Payload.LeaveCode, 99);
  const later = second.EventInfo.EventMsTs - leftAt;
  assert.ok(later > 4000 && later < 8000, `${later} ms`);
  await lonely.gone();
  await left.gone();
  await left.verify([['alice', 'audio'], ['alice', 'video']]);
});
