// Recordings into a real object store: a Ceph RADOS Gateway. What lies there is read back by AWS's own SDK.

import assert from 'node:assert/strict';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Ceph, missing } from '../lib/ceph.mjs';
import { Relay } from '../lib/relay.mjs';
import { fetchBucket, listBucket, makeBucket } from '../lib/s3.mjs';
import { Stage, framesSent } from '../lib/stage.mjs';
import { until } from '../lib/wait.mjs';

const timeout = 180000;
const skip = missing();
const mib = 1 << 20;
const patient = { timeoutMs: 90000 };
let ceph;

before(async () => {
  if (!skip)
    ceph = await Ceph.start();
}, { timeout });
after(() => ceph?.stop());

const configure = more => config => {
  config.outgoing = { allow: ['127.0.0.0/8'], multipart_from_mib: 5, part_mib: 5 };
  more?.(config);
};

// StorageParams.CloudStorage for a bucket in the gateway.
const inCeph = (bucket, more = {}) => ({
  Region: 'us-east-1', Bucket: bucket, EndpointUrl: ceph.endpoint, AccessKey: Ceph.user.accessKey,
  SecretKey: Ceph.user.secretKey, ...more,
});

const types = { '.m3u8': 'application/vnd.apple.mpegurl', '.ts': 'video/mp2t' };

// Brings a bucket's objects to where the checks of folder buckets look for them.
async function fetched(stage, bucket) {
  await mkdir(stage.daemon.buckets, { recursive: true });
  const { objects, uploads } = await fetchBucket(ceph.where, bucket, stage.daemon.buckets);
  assert.deepEqual(uploads, [], 'uploads that nobody completed');
  for (const { key, type } of objects)
    assert.equal(type, types[path.extname(key)], key);
  return objects;
}

// Waits for a line of the daemon's log about a task.
const logged = (stage, recording, pattern) =>
  until(`the log says ${pattern} about the task`, () =>
    stage.daemon.log.split('\n').some(line => line.includes(recording.taskId) && pattern.test(line)), patient);

test('Chromium records into Ceph', { timeout, skip }, async t => {
  await makeBucket(ceph.where, 'first');
  const stage = await Stage.open(t, { configure: configure() });
  const room = { roomId: 'ceph', storage: inCeph('first') };
  const alice = await stage.publish({ ...room, userId: 'alice' });
  const recording = await stage.record(room);
  await recording.files(2);
  const { frames } = await alice.sent();
  await framesSent(alice, 12 * 15, { from: frames });
  await until('the first segments are there while the recording runs', async () =>
    (await listBucket(ceph.where, 'first')).objects.filter(o => o.key.endsWith('.ts')).length >= 2, patient);
  await stage.finish(recording);

  const objects = await fetched(stage, 'first');
  assert.ok(objects.every(o => o.key.startsWith(`class/2025/${recording.taskId}/`)));
  const lists = await recording.verify([['alice', 'audio'], ['alice', 'video']]);
  assert.ok(lists.every(list => list.segments.length >= 2));
  assert.ok(!stage.daemon.log.includes(Ceph.user.secretKey), 'no secret in the log');
  assert.deepEqual(stage.receiver.problems(), []);
});

test('A wrong secret and a missing bucket hold up nobody else, and lose nothing', { timeout, skip }, async t => {
  await makeBucket(ceph.where, 'good');
  await makeBucket(ceph.where, 'denied');
  const stage = await Stage.open(t, { configure: configure() });
  const room = { roomId: 'three' };
  const late = { AccessKey: 'AKcephExample0000002', SecretKey: 'example-secret-that-becomes-right-000001' };
  const user = secret => ceph.admin('key', 'create', '--uid=customer', `--access-key=${late.AccessKey}`,
    `--secret-key=${secret}`);
  await user('example-secret-that-is-another-00000001');
  await stage.publishGst({ ...room, userId: 'bob' });
  const good = await stage.record({ ...room, robot: 'r1', storage: inCeph('good') });
  const denied = await stage.record({ ...room, robot: 'r2', storage: inCeph('denied', late) });
  const homeless = await stage.record({ ...room, robot: 'r3', storage: inCeph('not-there-yet') });
  await logged(stage, denied, /denied \(SignatureDoesNotMatch/);
  await logged(stage, homeless, /no such bucket \(NoSuchBucket/);
  await until('the good bucket has segments', async () =>
    (await listBucket(ceph.where, 'good')).objects.filter(o => o.key.endsWith('.ts')).length >= 2, patient);
  await stage.finish(good);
  for (const recording of [denied, homeless]) {
    await recording.stop();
    assert.equal((await recording.describe()).Status, 'Exited');
  }
  assert.deepEqual((await listBucket(ceph.where, 'denied')).objects, []);

  await user(late.SecretKey);
  await makeBucket(ceph.where, 'not-there-yet');
  for (const [recording, bucket] of [[good, 'good'], [denied, 'denied'], [homeless, 'not-there-yet']]) {
    await recording.gone(patient);
    await fetched(stage, bucket);
    await recording.verify([['bob', 'audio'], ['bob', 'video']]);
  }
  assert.ok(!stage.daemon.log.includes(late.SecretKey), 'no secret in the log');
});

// The whole segments in a task's folder of the spool, name -> bytes.
async function spooled(stage, { taskId }) {
  const folder = path.join(stage.daemon.data, 'spool', taskId);
  const names = (await readdir(folder)).filter(name => name.endsWith('.ts'));
  return new Map(await Promise.all(names.map(async name => [name, await readFile(path.join(folder, name))])));
}

test('A gateway that dies in mid-upload, and one that is away at Delete', { timeout, skip }, async t => {
  await makeBucket(ceph.where, 'outage');
  const relay = await Relay.start(ceph.port);
  t.after(() => relay.stop());
  const stage = await Stage.open(t, { configure: configure(config => { config.record = { segment_seconds: 8 }; }) });
  const room = { roomId: 'outage', storage: inCeph('outage', { EndpointUrl: relay.endpoint }) };
  await stage.publishGst({ ...room, userId: 'noisy' }, ['--no-audio', '--noise', '12000', '--width', '640', '--height', '480']);
  const frozen = relay.freezeAfter(7 * mib);
  const recording = await stage.record(room);
  await frozen;
  await ceph.killGateway();
  relay.cut();
  await logged(stage, recording, /failed for now \(/);
  const kept = await spooled(stage, recording);
  const [[first, bytes]] = kept;
  assert.ok(bytes.length > 7 * mib, 'the segment was on its way, in parts');

  ceph.startGateway();
  await ceph.ready();
  await logged(stage, recording, /uploads work again/);
  const uploaded = await until('the first segment is there', async () => {
    const { objects } = await listBucket(ceph.where, 'outage');
    return objects.some(o => o.key.endsWith(first)) ? objects : null;
  }, patient);
  assert.match(uploaded.find(o => o.key.endsWith(first)).etag, /^[0-9a-f]{32}-\d+$/, 'the ETag of an object of parts');

  await ceph.killGateway();
  const began = Date.now();
  await recording.stop();
  assert.ok(Date.now() - began < 5000, 'Delete waits for no bucket');
  assert.equal((await recording.describe()).Status, 'Exited');
  await logged(stage, recording, /failed for now \(NoConnection|failed for now \(ConnectionBroken/);
  for (const [name, content] of await spooled(stage, recording))
    kept.set(name, content);

  ceph.startGateway();
  await ceph.ready();
  await recording.gone(patient);
  const objects = await fetched(stage, 'outage');
  await recording.verify([['noisy', 'video']]);
  for (const [name, content] of kept)
    assert.ok(content.equals(await readFile(path.join(await recording.folder(), name))), `${name} as recorded`);
  assert.deepEqual(objects.map(o => path.basename(o.key)).filter(name => kept.has(name)).sort(), [...kept.keys()].sort());

  // Sent twice: what was under way when the gateway died, each time less than a part of each of four files; headers and
  // playlists take little.
  const size = objects.reduce((sum, o) => sum + o.size, 0);
  assert.ok(relay.sent < size + 4 * 5 * mib, `${relay.sent} bytes sent for ${size}`);
});
