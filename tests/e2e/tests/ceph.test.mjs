// Recordings into a real object store: a Ceph RADOS Gateway. What lies there is read back by AWS's own SDK.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Authority } from '../lib/authority.mjs';
import { Ceph, missing } from '../lib/ceph.mjs';
import { allowedOrder } from '../lib/events.mjs';
import { Relay } from '../lib/relay.mjs';
import { fetchBucket, listBucket, makeBucket } from '../lib/s3.mjs';
import { Stage, framesSent } from '../lib/stage.mjs';
import { until } from '../lib/wait.mjs';

const timeout = 180000;
const skip = missing();
const mib = 1 << 20;
const patient = { timeoutMs: 90000 };
let ceph;

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

// The last events of a task whose files the bucket did not take for a minute: 305 with Status 1.
async function leftBehind(stage, recording) {
  const stop = await stage.receiver.wait(recording.taskId, 305, patient);
  assert.equal(stop.EventInfo.Payload.Status, 1);
  await recording.gone(patient);
}

// And when it has taken them: 305 with Status 2.
async function caughtUp(stage, recording) {
  await until('a second 305', () =>
    stage.receiver.events(recording.taskId).filter(e => e.EventType === 305).length === 2, patient);
  const events = stage.receiver.attempted(recording.taskId);
  assert.deepEqual(events.filter(e => e.EventType === 305).map(e => e.EventInfo.Payload.Status), [1, 2]);
  assert.deepEqual(allowedOrder(events, { repeats: true }), []);    // the daemon was restarted
  assert.deepEqual(stage.receiver.problems(), []);
}

// What 308 said of a task: the provider's codes.
const codes = (stage, recording) => stage.receiver.events(recording.taskId)
  .filter(e => e.EventType === 308).map(e => e.EventInfo.Payload.Code);

// The whole segments in a task's folder of the spool, name -> bytes.
async function spooled(stage, { taskId }) {
  const folder = path.join(stage.daemon.data, 'spool', taskId);
  const names = (await readdir(folder)).filter(name => name.endsWith('.ts'));
  return new Map(await Promise.all(names.map(async name => [name, await readFile(path.join(folder, name))])));
}

// At the same time, since two of them wait for a minute. Whoever kills a gateway has one of its own.
describe('Ceph', { concurrency: 3, skip }, () => {
  before(async () => { ceph = await Ceph.start(); }, { timeout });
  after(() => ceph?.stop());

  test('A gateway that dies in mid-upload, and one that is away at Delete', { timeout }, async t => {
    await makeBucket(ceph.where, 'outage');
    const gateway = await ceph.gateway();
    const relay = await Relay.start(gateway.port);
    t.after(() => relay.stop());
    const stage = await Stage.open(t, { configure: configure(config => { config.record = { segment_seconds: 8 }; }) });
    const room = { roomId: 'outage', storage: inCeph('outage', { EndpointUrl: relay.endpoint }) };
    await stage.publishGst({ ...room, userId: 'noisy' },
      ['--no-audio', '--noise', '12000', '--width', '640', '--height', '480']);
    const frozen = relay.freezeAfter(7 * mib);
    const recording = await stage.record(room);
    await frozen;
    await gateway.kill();
    relay.cut();
    await logged(stage, recording, /failed for now \(/);
    const kept = await spooled(stage, recording);
    const [[first, bytes]] = kept;
    assert.ok(bytes.length > 7 * mib, 'the segment was on its way, in parts');

    gateway.start();
    await gateway.ready();
    await logged(stage, recording, /uploads work again/);
    const uploaded = await until('the first segment is there', async () => {
      const { objects } = await listBucket(ceph.where, 'outage');
      return objects.some(o => o.key.endsWith(first)) ? objects : null;
    }, patient);
    const { etag } = uploaded.find(o => o.key.endsWith(first));
    assert.match(etag, /^[0-9a-f]{32}-\d+$/, 'the ETag of an object of parts');

    // Between two segments, since the daemon will be restarted: it leaves parts behind.
    await until('nothing is on its way', async () => {
      if ((await spooled(stage, recording)).size > 0)
        return false;
      relay.freeze();
      const quiet = (await spooled(stage, recording)).size === 0;
      if (!quiet)
        relay.cut();
      return quiet;
    }, patient);
    await gateway.kill();
    relay.cut();
    const began = Date.now();
    await recording.stop();
    assert.ok(Date.now() - began < 5000, 'Delete waits for no bucket');
    assert.equal((await recording.describe()).Status, 'Exited');
    await logged(stage, recording, /failed for now \(NoConnection|failed for now \(ConnectionBroken/);
    for (const [name, content] of await spooled(stage, recording))
      kept.set(name, content);
    await leftBehind(stage, recording);

    gateway.start();
    await gateway.ready();
    await stage.daemon.restart();    // the pauses are long by now
    await caughtUp(stage, recording);
    assert.ok(codes(stage, recording).every(code => ['ConnectionBroken', 'NoConnection'].includes(code)));
    const objects = await fetched(stage, 'outage');
    await recording.verify([['noisy', 'video']]);
    for (const [name, content] of kept)
      assert.ok(content.equals(await readFile(path.join(await recording.folder(), name))), `${name} as recorded`);

    // Sent twice: what was under way when the gateway died, each time less than a part of each of four files; headers
    // and playlists take little.
    const size = objects.reduce((sum, o) => sum + o.size, 0);
    assert.ok(relay.sent < size + 4 * 5 * mib, `${relay.sent} bytes sent for ${size}`);
  });

  test('A wrong secret and a missing bucket hold up nobody else, and lose nothing', { timeout }, async t => {
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

    assert.deepEqual(codes(stage, denied), ['SignatureDoesNotMatch']);
    assert.deepEqual(codes(stage, homeless), ['NoSuchBucket']);
    await Promise.all([denied, homeless].map(recording => leftBehind(stage, recording)));

    await user(late.SecretKey);
    await makeBucket(ceph.where, 'not-there-yet');
    assert.ok(!stage.daemon.log.includes(late.SecretKey), 'no secret in the log');
    await stage.daemon.restart();    // the pauses are long by now
    await Promise.all([denied, homeless].map(recording => caughtUp(stage, recording)));
    for (const [recording, bucket] of [[good, 'good'], [denied, 'denied'], [homeless, 'not-there-yet']]) {
      await fetched(stage, bucket);
      await recording.verify([['bob', 'audio'], ['bob', 'video']]);
    }
    assert.ok(!stage.daemon.log.includes(late.SecretKey), 'no secret in the log');
  });

  test('Chromium records into Ceph', { timeout }, async t => {
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

  test('A daemon that is killed in mid-upload goes on with the parts that are there', { timeout }, async t => {
    await makeBucket(ceph.where, 'killed');
    const relay = await Relay.start(Number(new URL(ceph.endpoint).port));
    t.after(() => relay.stop());
    const stage = await Stage.open(t, { configure: configure(config => { config.record = { segment_seconds: 8 }; }) });
    const room = { roomId: 'killed', storage: inCeph('killed', { EndpointUrl: relay.endpoint }) };
    const publisher = await stage.publishGst({ ...room, userId: 'noisy' },
      ['--no-audio', '--noise', '12000', '--width', '640', '--height', '480']);
    const frozen = relay.freezeAfter(7 * mib);
    const recording = await stage.record(room);
    await frozen;
    let kept;
    await stage.daemon.crash(async () => {
      await publisher.kill();
      relay.cut();
      kept = await spooled(stage, recording);
    });
    const [[first, bytes]] = kept;
    assert.ok(bytes.length > 7 * mib);

    await stage.receiver.wait(recording.taskId, 305, patient);
    const objects = await fetched(stage, 'killed');
    await recording.verify([['noisy', 'video']]);
    assert.ok(bytes.equals(await readFile(path.join(await recording.folder(), first))), 'as recorded');
    const size = objects.reduce((sum, o) => sum + o.size, 0);
    assert.ok(relay.sent < size + 4 * mib, `the part is not sent again: ${relay.sent} bytes for ${size}`);
  });

  test('Over TLS: the configured authority is trusted, and no other', { timeout }, async t => {
    await makeBucket(ceph.where, 'behind-tls');
    const folder = await mkdtemp(path.join(tmpdir(), 'reeltime-tls-'));
    t.after(() => rm(folder, { recursive: true }));
    const [ours, foreign] = await Promise.all(['ours', 'foreign'].map(name => Authority.create(folder, name)));
    const front = async tls => {
      const relay = await Relay.start(Number(new URL(ceph.endpoint).port), { tls });
      t.after(() => relay.stop());
      return relay;
    };
    const good = await front(await ours.server('IP:127.0.0.1'));
    const others = [
      await front(await foreign.server('IP:127.0.0.1')),
      await front(await ours.server('DNS:store.test')),
    ];
    const stage = await Stage.open(t, { configure: configure(config => { config.outgoing.ca_file = ours.file; }) });
    const room = { roomId: 'tls' };
    await stage.publishGst({ ...room, userId: 'carol' });
    const record = ({ endpoint }, robot) =>
      stage.record({ ...room, robot, storage: inCeph('behind-tls', { EndpointUrl: endpoint }) });
    const recording = await record(good, 'r0');
    const refused = [await record(others[0], 'r1'), await record(others[1], 'r2')];
    for (const other of refused)
      await logged(stage, other, /not trusted \(CertificateRefused: /);
    await until('a segment is there', async () =>
      (await listBucket(ceph.where, 'behind-tls')).objects.some(o => o.key.endsWith('.ts')), patient);
    await stage.finish(recording);
    const { objects } = await listBucket(ceph.where, 'behind-tls');
    assert.ok(objects.every(o => o.key.includes(recording.taskId)), 'nothing by way of the others');
    assert.deepEqual(others.map(relay => relay.sent), [0, 0], 'nothing was told to the other servers');

    for (const relay of others)
      relay.setCertificate(await ours.server('IP:127.0.0.1'));
    for (const other of refused) {
      await stage.finish(other);
      assert.deepEqual(codes(stage, other), ['CertificateRefused']);
    }
    await fetched(stage, 'behind-tls');
    for (const each of [recording, ...refused])
      await each.verify([['carol', 'audio'], ['carol', 'video']]);
  });
});
