// kill -9 in mid-recording: after the restart everything that reached the disk is delivered, whole and in order.

import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { allowedOrder, toldPlaylists } from '../lib/events.mjs';
import { randomFrom, seed } from '../lib/seeded.mjs';
import { Stage } from '../lib/stage.mjs';
import { delay, until } from '../lib/wait.mjs';

// What may be missing of what was sent before the kill: what the queues hold back (about a second), what is on its way
// through packets and encoder, and generously much for a busy machine.
const lossMs = 2000;

// From the first media on for `ms`, then the kill. Gives when that was.
async function recordAndKill(stage, recording, publisher, count, ms, between) {
  await recording.files(count, { timeoutMs: 60000 });
  await delay(ms);
  const killedAt = Date.now();
  await stage.daemon.crash(between);
  await publisher.kill();
  return killedAt;
}

function checkLoss(lists, killedAt) {
  for (const list of lists) {
    const last = list.segments.at(-1);
    const missing = killedAt - (last.startMs + last.seconds * 1000);
    assert.ok(missing < lossMs, `${list.userId} ${list.streamType}: the last ${missing.toFixed(0)} ms are missing`);
    const gaps = list.segments.slice(1).filter(s => s.dateTimeMs !== undefined);
    assert.deepEqual(gaps, [], 'nothing is missing in between');
  }
}

// Every event came, in an allowed order, and none was made twice, in whichever life of the daemon.
async function checkEvents({ receiver }, recording, wanted, options) {
  await receiver.wait(recording.taskId, 305, { timeoutMs: 30000 });
  const events = receiver.attempted(recording.taskId);
  assert.deepEqual(allowedOrder(events, options), [], `${events.map(event => event.EventType)}`);
  const names = wanted.map(([userId, type]) => `${recording.stem(userId, type)}.m3u8`).sort();
  const { cut, uploaded } = toldPlaylists(events);
  assert.deepEqual([...new Set(cut.map(file => file.FileName))].sort(), names);
  assert.deepEqual([...new Set(uploaded)].sort(), names);
}

const spoolIsEmpty = stage => until('the spool is empty', async () =>
  (await readdir(path.join(stage.daemon.data, 'spool'))).length === 0, { timeoutMs: 30000 });

test('Killed at any moment, a recording is delivered up to about then', { timeout: 280000 }, async t => {
  console.log(`REELTIME_SEED=${seed}`);
  const random = randomFrom(seed);
  const stage = await Stage.open(t);
  for (let round = 0; round < 6; round++) {
    const merged = round % 3 === 2;
    const room = { roomId: `crash-${round}` };
    const ms = 200 + Math.floor(random.next().value * (round % 2 ? 4000 : 13000));
    const recording = await stage.record({ ...room, record: { AvMerge: merged ? 1 : 0 } });
    await stage.receiver.wait(recording.taskId, 301);
    const publisher = await stage.publishPattern({ ...room, userId: 'alice' }, ['--test-pattern']);
    const wanted = merged ? [['alice', 'audiovideo']] : [['alice', 'audio'], ['alice', 'video']];
    const killedAt = await recordAndKill(stage, recording, publisher, wanted.length, ms);

    const { EventInfo } = await stage.receiver.wait(recording.taskId, 302, { timeoutMs: 30000 });
    assert.equal(EventInfo.Payload.LeaveCode, 100);
    await recording.gone({ timeoutMs: 30000 });
    await spoolIsEmpty(stage);
    console.log(`round ${round}: killed after ${ms} ms`);
    checkLoss(await recording.verify(wanted), killedAt);
    await checkEvents(stage, recording, wanted);
  }
  assert.deepEqual(stage.receiver.problems(), []);
});

test('With the store lost the files are delivered all the same', { timeout: 120000 }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'lost-store' };
  const recording = await stage.record(room);
  const publisher = await stage.publishPattern({ ...room, userId: 'alice' }, ['--test-pattern']);
  const killedAt = await recordAndKill(stage, recording, publisher, 2, 3000, async () => {
    const files = (await readdir(stage.daemon.data)).filter(name => name.startsWith('state.db'));
    assert.ok(files.includes('state.db'));
    await Promise.all(files.map(name => rm(path.join(stage.daemon.data, name))));
  });
  await spoolIsEmpty(stage);
  const wanted = [['alice', 'audio'], ['alice', 'video']];
  checkLoss(await recording.verify(wanted), killedAt);
  await checkEvents(stage, recording, wanted, { repeats: true });
});
