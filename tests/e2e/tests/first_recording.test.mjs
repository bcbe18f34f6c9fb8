// From two publishers to playable files, driven by the unmodified cloud SDK: the whole first path.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedOrder, toldPlaylists } from '../lib/events.mjs';
import { coveredSeconds } from '../lib/hls.mjs';
import { peakDb } from '../lib/probe.mjs';
import { errorCode } from '../lib/sdk.mjs';
import { Stage, framesSent } from '../lib/stage.mjs';

const room = { roomId: '4711', integerRoom: true };
const wanted = [['alice', 'audio'], ['alice', 'video'], ['bob', 'audio'], ['bob', 'video']];

function checkEvents(receiver, recording, from) {
  assert.deepEqual(receiver.problems(), []);
  const events = receiver.events(recording.taskId);
  assert.deepEqual(allowedOrder(events), []);
  let last = from;
  for (const event of events) {
    const { EventGroupId, CallbackTs, EventInfo: info } = event;
    assert.equal(EventGroupId, 3);
    assert.equal(info.RoomId, room.roomId);
    assert.equal(info.UserId, recording.params.UserId);
    const seconds = Math.floor(info.EventMsTs / 1000);
    assert.equal(info.EventTs, [301, 302, 307].includes(event.EventType) ? String(seconds) : seconds);
    assert.ok(info.EventMsTs >= last && info.EventMsTs <= CallbackTs && CallbackTs <= Date.now());
    last = info.EventMsTs;
  }
  const payload = type => events.find(e => e.EventType === type).EventInfo.Payload;
  for (const type of [301, 303, 305])
    assert.deepEqual(payload(type), { Status: 0 });
  assert.deepEqual(payload(302), { LeaveCode: 0 });
  assert.equal(events.at(-1).EventType, 305);
}

// The list of Describe, and what 307 and 304 told, against the playlists: names, kinds and beginnings.
function checkFileList(listed, recording, lists, events) {
  const fromFiles = wanted.map(([userId, type], i) => ({
    UserId: userId, FileName: `${recording.stem(userId, type)}.m3u8`, TrackType: type,
    BeginTimeStamp: lists[i].startRecTime,
  }));
  const byName = (a, b) => a.FileName.localeCompare(b.FileName);
  assert.deepEqual([...listed].sort(byName), fromFiles.sort(byName));
  const { cut, uploaded } = toldPlaylists(events);
  assert.deepEqual(cut.sort(byName), fromFiles);
  assert.deepEqual(uploaded.sort(), fromFiles.map(file => file.FileName).sort());
}

test('Chromium and GStreamer publish, the SDK records, the files play', { timeout: 180000 }, async t => {
  const stage = await Stage.open(t);
  const browser = await stage.browser();
  const began = Date.now();

  const recording = await stage.record(room);
  const idle = await recording.describe();
  assert.equal(idle.Status, 'Idle');
  assert.deepEqual(idle.StorageFileList ?? [], []);
  assert.equal(idle.TaskId, recording.taskId);
  await stage.receiver.wait(recording.taskId, 301);

  const entered = Date.now();
  const alice = await stage.publish({ ...room, userId: 'alice' });
  assert.match(alice.welcome.answer, /H264/);
  assert.doesNotMatch(alice.welcome.answer, /\bred\/|ulpfec/i);
  assert.deepEqual([...new Set(alice.welcome.patches)], [204]);
  const bob = await stage.publishGst({ ...room, userId: 'bob' });

  const listed = await recording.files(4, { timeoutMs: 20000 });
  assert.equal((await recording.describe()).Status, 'InProgress');

  // Beyond a first segment, then the picture shrinks, and on for some seconds.
  await framesSent(alice, 12 * 15);
  const before = await alice.sent();
  assert.ok(before.codecs.includes('video/H264'));
  await alice.scale(2);
  await framesSent(alice, 6 * 15, { from: before.frames });
  const after = await alice.sent();
  assert.ok(after.width < before.width, `${before.width} wide, then ${after.width}`);

  const asked = Date.now();
  assert.equal((await recording.stop()).TaskId, recording.taskId);
  assert.ok(Date.now() - asked < 1000, 'stop returns at once');
  await recording.gone();
  assert.equal(await errorCode(recording.stop()), 'ResourceNotFound');
  await stage.receiver.wait(recording.taskId, 305);
  checkEvents(stage.receiver, recording, began);
  assert.equal(await alice.leave(), 200);
  assert.equal(await bob.leave(), 200);

  const lists = await recording.verify(wanted);
  checkFileList(listed, recording, lists, stage.receiver.events(recording.taskId));
  const [aliceAudio, aliceVideo, bobAudio, bobVideo] = lists;
  const widths = aliceVideo.segments.map(s => s.video.width);
  assert.ok(Math.max(...widths) >= 2 * Math.min(...widths), `widths ${widths}`);
  assert.ok(aliceVideo.segments.some(s => s.discontinuity && s.retagged));
  assert.deepEqual(bobVideo.segments.map(s => `${s.video.width}x${s.video.height}`).filter(s => s !== '480x270'), []);
  for (const list of lists)
    assert.ok(list.startRecTime > entered && list.startRecTime < entered + 10000,
      `${list.userId} ${list.streamType} starts ${list.startRecTime - entered} ms after the first publisher came`);
  for (const list of lists)
    assert.ok(coveredSeconds(list) > 15, `${list.userId} ${list.streamType}: ${coveredSeconds(list)} s`);
  assert.ok(Math.abs(coveredSeconds(aliceAudio) - coveredSeconds(aliceVideo)) < 2);
  assert.ok(bobAudio.segments.length >= 2 && bobVideo.segments.length >= 2, 'segments of about 10 s');

  const folder = await recording.folder();
  for (const userId of ['alice', 'bob'])
    assert.ok(await peakDb(`${folder}/${recording.stem(userId, 'audio')}.m3u8`) > -30, `${userId} is to be heard`);
  for (const [i, [userId, type]] of wanted.entries()) {
    const list = lists[i];
    const joins = list.segments.map(s => (s.startMs - list.segments[0].startMs) / 1000).slice(1);
    const played = await browser.play(folder, `${recording.stem(userId, type)}.m3u8`, joins);
    assert.ok(played.ended);
    assert.ok(Math.abs(played.duration - coveredSeconds(list)) < 0.5, `${played.duration} s of ${coveredSeconds(list)}`);
  }
});

test('A refused callback comes again, byte for byte, with the same Sign', { timeout: 60000 }, async t => {
  let refusals = 2;
  const stage = await Stage.open(t, { answer: ({ event }) => (event.EventType === 301 && refusals-- > 0 ? 500 : 200) });
  const recording = await stage.record({ roomId: 'refused' });
  await stage.receiver.wait(recording.taskId, 301, { timeoutMs: 30000 });
  const starts = stage.receiver.deliveries.filter(d => d.event.EventType === 301);
  assert.deepEqual(starts.map(d => d.status), [500, 500, 200]);
  const [first, second, third] = starts;
  assert.ok(first.raw.equals(second.raw) && first.raw.equals(third.raw));
  assert.deepEqual(stage.receiver.problems(), []);
  assert.ok(second.at - first.at < 2000, 'first retry at once');
  assert.ok(third.at - second.at > 8000 && third.at - second.at < 12000, 'then every 10 s');
  await stage.finish(recording);
});
