// Rooms that are recorded by themselves (apps[].auto_record), without a call of the API.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { app } from '../lib/daemon.mjs';
import { Stage } from '../lib/stage.mjs';
import { checkPlaylist } from '../lib/hls.mjs';
import { groupProblems } from '../lib/media.mjs';
import { singleStem } from '../lib/names.mjs';
import { delay, until } from '../lib/wait.mjs';

const timeout = 180000;

const withAutoRecord = more => config => {
  config.apps[0].auto_record = { region: 'local', bucket: 'auto', prefix: ['rooms'], resume_timeout: 2, ...more };
};

// What the first 301 of each task tells, in their order.
function tasksOf(receiver) {
  const started = receiver.deliveries.filter(d => d.status === 200 && d.event?.EventType === 301);
  const byId = new Map();
  for (const { event: { EventInfo } } of started)
    if (!byId.has(EventInfo.TaskId))
      byId.set(EventInfo.TaskId, EventInfo);
  return [...byId.values()];
}

async function nextTask(receiver, known = 0) {
  const tasks = await until(`task ${known + 1} starts`, () => {
    const all = tasksOf(receiver);
    return all.length > known ? all : null;
  }, { timeoutMs: 30000 });
  return tasks[known];
}

function stems(roomId, userId, types) {
  return types.map(type => [type, singleStem({ sdkAppId: app.sdkAppId, roomId, userId, media: 'main', type })]);
}

async function verify(stage, taskId, roomId, userId, types) {
  const folder = path.join(stage.daemon.buckets, 'auto', 'rooms', taskId);
  const names = await readdir(folder);
  for (const [type, stem] of stems(roomId, userId, types)) {
    const { problems, list } = await checkPlaylist(folder, { stem, type, userId });
    assert.deepEqual(problems, []);
    assert.ok(list.segments.length > 0);
    assert.ok(names.includes(`${stem}.m3u8`));
  }
  return names;
}

test('The first anchor starts a recording, the last one ends it', { timeout }, async t => {
  const stage = await Stage.open(t, { configure: withAutoRecord() });
  const { receiver, daemon } = stage;
  const alice = await stage.publishGst({ roomId: 'class-7', userId: 'alice' });
  const first = await nextTask(receiver);
  assert.equal(first.RoomId, 'class-7');
  assert.match(first.UserId, /^auto_[A-Za-z0-9]+$/);
  assert.equal(first.Payload.Status, 0);

  // It is a task like any other: the API sees it, and a task of the API runs beside it.
  const query = { SdkAppId: app.sdkAppId, TaskId: first.TaskId };
  await until('it records', async () => {
    const { Status, StorageFileList } = await stage.cloud.DescribeCloudRecording(query);
    return Status === 'InProgress' && StorageFileList.length === 2;
  }, { timeoutMs: 30000 });
  const beside = await stage.record({ roomId: 'class-7' });
  await beside.files(2);
  assert.equal(tasksOf(receiver).length, 2);
  await stage.finish(beside);

  // Back within the resume timeout: the same task goes on.
  assert.equal(await alice.leave(), 200);
  const again = await stage.publishGst({ roomId: 'class-7', userId: 'alice' });
  await delay(2500);
  assert.equal(tasksOf(receiver).length, 2, 'no new task within the resume timeout');
  assert.equal(await again.leave(), 200);

  const ended = await receiver.wait(first.TaskId, 302, { timeoutMs: 30000 });
  assert.equal(ended.EventInfo.Payload.LeaveCode, 99);
  await until('the task is gone', async () => {
    try {
      await stage.cloud.DescribeCloudRecording(query);
      return false;
    } catch (err) {
      return err.code === 'ResourceNotFound';
    }
  }, { timeoutMs: 30000 });
  await verify(stage, first.TaskId, 'class-7', 'alice', ['audio', 'video']);

  // A later lesson in the same room is a new task; a restart of the daemon, too.
  await stage.publishGst({ roomId: 'class-7', userId: 'bob' });
  const second = await nextTask(receiver, 2);
  assert.notEqual(second.TaskId, first.TaskId);
  assert.notEqual(second.UserId, first.UserId);
  await stage.cloud.DeleteCloudRecording({ SdkAppId: app.sdkAppId, TaskId: second.TaskId });
  await receiver.wait(second.TaskId, 302);
  await stage.publishGst({ roomId: 'class-7', userId: 'carol' });
  await stage.publishGst({ roomId: 'class-8', userId: 'dora' });
  const third = await nextTask(receiver, 3);
  assert.equal(third.RoomId, 'class-8', 'a task that the API has stopped does not come again while its room is open');
  assert.deepEqual(receiver.problems(), []);
  assert.ok(!daemon.log.includes('hush'));
});

test('Sound alone', { timeout }, async t => {
  const stage = await Stage.open(t, { configure: withAutoRecord({ type: 'audio' }) });
  const alice = await stage.publishGst({ roomId: 'radio', userId: 'alice' });
  const task = await nextTask(stage.receiver);
  const query = { SdkAppId: app.sdkAppId, TaskId: task.TaskId };
  const { StorageFileList } = await until('it records', async () => {
    const answer = await stage.cloud.DescribeCloudRecording(query);
    return answer.StorageFileList.length > 0 ? answer : null;
  }, { timeoutMs: 30000 });
  assert.deepEqual(StorageFileList.map(f => f.TrackType), ['audio']);
  assert.equal(await alice.leave(), 200);
  await stage.receiver.wait(task.TaskId, 302, { timeoutMs: 30000 });
  await until('the files are there', async () => {
    try {
      await verify(stage, task.TaskId, 'radio', 'alice', ['audio']);
      return true;
    } catch (err) {
      if (err.code === 'ENOENT' || err.code === 'ERR_ASSERTION')
        return false;
      throw err;
    }
  }, { timeoutMs: 30000 });
  const names = await readdir(path.join(stage.daemon.buckets, 'auto', 'rooms', task.TaskId));
  assert.ok(names.every(name => !name.includes('_video')), names.join(' '));
});

// A task with playlists and an MP4 of this user: all of it is in the bucket and told of.
async function verifyWithMp4(stage, taskId, roomId, userId) {
  const { EventInfo: { Payload } } = await stage.receiver.wait(taskId, 310, { timeoutMs: 60000 });
  const folder = path.join(stage.daemon.buckets, 'auto', 'rooms', taskId);
  assert.deepEqual(await groupProblems(folder, Payload), []);
  assert.deepEqual(Payload.FileMessage.map(m => [m.UserId, m.TrackType, m.MediaId]), [[userId, 'audio_video', 'main']]);
  const names = await verify(stage, taskId, roomId, userId, ['audio', 'video']);
  assert.deepEqual(names.filter(name => name.endsWith('.mp4')), Payload.FileList);
  return Payload;
}

test('MP4 too; after a restart the old files are there and who comes again is in a new task', { timeout }, async t => {
  const stage = await Stage.open(t, { configure: withAutoRecord({ formats: ['hls', 'mp4'] }) });
  const { receiver } = stage;
  const recorded = async task => {
    const query = { SdkAppId: app.sdkAppId, TaskId: task.TaskId };
    await until('both media are recorded', async () => {
      const { StorageFileList } = await stage.cloud.DescribeCloudRecording(query);
      return StorageFileList?.length === 2;
    }, { timeoutMs: 30000 });
    await delay(4000);    // something to record
  };
  await stage.publishGst({ roomId: 'class-9', userId: 'alice' });
  const first = await nextTask(receiver);
  await recorded(first);
  await stage.daemon.restart();
  const cut = await receiver.wait(first.TaskId, 302, { timeoutMs: 30000 });
  assert.equal(cut.EventInfo.Payload.LeaveCode, 100);
  const before = await verifyWithMp4(stage, first.TaskId, 'class-9', 'alice');
  const { StartTimeStamp, EndTimeStamp } = before.FileMessage[0];
  assert.ok(EndTimeStamp - StartTimeStamp > 3000, `${EndTimeStamp - StartTimeStamp} ms`);
  assert.equal(tasksOf(receiver).length, 1, 'no task before somebody comes');

  const alice = await stage.publishGst({ roomId: 'class-9', userId: 'alice' });
  const second = await nextTask(receiver, 1);
  assert.equal(second.RoomId, 'class-9');
  assert.notEqual(second.TaskId, first.TaskId);
  assert.notEqual(second.UserId, first.UserId);
  await recorded(second);
  assert.equal(await alice.leave(), 200);
  const ended = await receiver.wait(second.TaskId, 302, { timeoutMs: 30000 });
  assert.equal(ended.EventInfo.Payload.LeaveCode, 99);
  const after = await verifyWithMp4(stage, second.TaskId, 'class-9', 'alice');
  assert.ok(after.FileMessage[0].StartTimeStamp >= EndTimeStamp, 'the second task begins after the first');
  assert.equal(tasksOf(receiver).length, 2);
  assert.deepEqual(receiver.problems(), []);
});
