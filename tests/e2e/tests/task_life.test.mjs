// The end of tasks as the customer sees it: files that stay behind, another task of the same robot, a stop while the
// bucket does not answer.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { allowedOrder } from '../lib/events.mjs';
import { errorCode } from '../lib/sdk.mjs';
import { Stage } from '../lib/stage.mjs';
import { until } from '../lib/wait.mjs';

const patient = { timeoutMs: 90000 };
const payload = event => event.EventInfo.Payload;

test('A bucket that refuses: 303 and 305 Status 1, 308 says why; when it is back 305 Status 2', { timeout: 240000 }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'refused-files' };
  const bucket = path.join(stage.daemon.buckets, 'recordings');
  await mkdir(stage.daemon.buckets, { recursive: true });
  await writeFile(bucket, 'a file where the folder of the bucket should be');

  const recording = await stage.record(room);
  const { receiver } = stage;
  const wait = (type, good) => until(`event ${type}`, () => receiver.events(recording.taskId)
    .find(event => event.EventType === type && good(payload(event))), patient);
  await wait(303, ({ Status }) => Status === 1);
  await stage.publishPattern({ ...room, userId: 'alice' });
  await wait(308, ({ Code, Message }) => Code === 'ENOTDIR' && Message.length > 0);
  await wait(307, () => true);
  const stopped = Date.now();
  await recording.stop();
  assert.equal((await recording.describe()).Status, 'Exited');
  await recording.stop();
  await wait(305, ({ Status }) => Status === 1);
  assert.ok(Date.now() - stopped > 55000, 'not before a minute of retries');
  assert.equal(await errorCode(recording.describe()), 'ResourceNotFound');
  assert.equal(await errorCode(recording.stop()), 'ResourceNotFound');

  await stage.daemon.restart();
  assert.equal(await errorCode(recording.describe()), 'ResourceNotFound');
  await rm(bucket);
  await wait(305, ({ Status }) => Status === 2);
  await recording.verify([['alice', 'audio'], ['alice', 'video']]);
  const events = receiver.attempted(recording.taskId);
  assert.deepEqual(allowedOrder(events), []);
  assert.equal(events.filter(event => event.EventType === 308).length, 1, 'one 308 for one reason');
  assert.deepEqual(receiver.problems(), []);
});

test('Another task with the robot\'s id ends the first with LeaveCode 101', { timeout: 90000 }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'same-robot' };
  await stage.publishPattern({ ...room, userId: 'alice' });
  const first = await stage.record(room);
  await first.files(2);
  const second = await stage.record(room);
  const stop = await stage.receiver.wait(first.taskId, 302);
  assert.deepEqual(payload(stop), { LeaveCode: 101 });
  await first.gone();
  await stage.receiver.wait(first.taskId, 305);
  assert.deepEqual(allowedOrder(stage.receiver.attempted(first.taskId)), []);
  await second.files(2);
  await stage.finish(second);
  await first.verify([['alice', 'audio'], ['alice', 'video']]);
  await second.verify([['alice', 'audio'], ['alice', 'video']]);
});

// An object store that takes requests and never answers, until it is told to.
async function silentStore(t) {
  const store = { held: [], open: false };
  const server = createServer((request, response) => {
    const finish = () => {
      const md5 = createHash('md5');
      request.on('data', bytes => md5.update(bytes));
      request.on('end', () => response.writeHead(200, { ETag: `"${md5.digest('hex')}"` }).end());
    };
    if (store.open)
      finish();
    else
      store.held.push(finish);
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  store.answer = () => {
    store.open = true;
    store.held.forEach(finish => finish());
  };
  store.endpoint = `http://127.0.0.1:${server.address().port}`;
  return store;
}

test('Delete answers at once while uploads are on their way', { timeout: 180000 }, async t => {
  const stage = await Stage.open(t, { configure: config => {
    config.outgoing = { allow: ['127.0.0.0/8'] };
    config.record = { segment_seconds: 1 };
    config.api.requests_per_second = 0;
  } });
  const store = await silentStore(t);
  const room = { roomId: 'stalled' };
  await stage.publishPattern({ ...room, userId: 'alice' });
  const tasks = [];
  for (let i = 0; i < 13; i++)
    tasks.push(await stage.record({ ...room, robot: `robot-${i}`, storage: {
      Region: 'us-east-1', Bucket: `bucket-${i}`, EndpointUrl: store.endpoint,
    } }));
  await until('all places for uploads are taken', () => store.held.length >= 32, patient);
  await until('50 files wait', async () => {
    const left = await Promise.all(tasks.map(async task => (await task.describe()).ReeltimeUpload.Files));
    return left.reduce((a, b) => a + b, 0) >= 50;
  }, patient);

  const took = [];
  for (const task of tasks) {
    const asked = performance.now();
    await task.stop();
    took.push(performance.now() - asked);
    assert.equal((await task.describe()).Status, 'Exited');
  }
  t.diagnostic(`Delete took ${Math.max(...took).toFixed(0)} ms at most, ${(took.reduce((a, b) => a + b) / took.length).toFixed(0)} ms on average`);
  assert.ok(Math.max(...took) < 5000, `${took}`);
  for (const task of tasks)
    assert.deepEqual(payload(await stage.receiver.wait(task.taskId, 302)), { LeaveCode: 0 });
  store.answer();
  for (const task of tasks) {
    await stage.receiver.wait(task.taskId, 305, patient);
    assert.deepEqual(allowedOrder(stage.receiver.attempted(task.taskId)), []);
  }
});
