// Rooms as customers see them: who may come in, what they are told, and who makes room for whom.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { app } from '../lib/daemon.mjs';
import { GstPublisher } from '../lib/gstreamer.mjs';
import { mintMapKey, right } from '../lib/mapkey.mjs';
import { Stage } from '../lib/stage.mjs';
import { until } from '../lib/wait.mjs';

const timeout = 180000;

const media = (kind, payload, codec) => [
  `m=${kind} 9 UDP/TLS/RTP/SAVPF ${payload}`, 'c=IN IP4 0.0.0.0', `a=mid:${kind}`, 'a=sendonly', 'a=rtcp-mux',
  `a=rtpmap:${payload} ${codec}`,
];

function offer(...kinds) {
  return [
    'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${kinds.join(' ')}`, 'a=ice-ufrag:abcd',
    'a=ice-pwd:0123456789012345678901', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass',
    ...kinds.flatMap(kind => kind === 'audio' ? media(kind, 111, 'opus/48000/2') : media(kind, 96, 'H264/90000')), '',
  ].join('\r\n');
}

// Enters by an offer alone: the peer never comes, which is all the same to the room for 30 s.
function post(where, { body = offer('audio', 'video'), query = '' } = {}) {
  return fetch(where.url + query, {
    method: 'POST', body, headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${where.token}` },
  });
}

function remove(where, response) {
  return fetch(new URL(response.headers.get('Location'), where.url), {
    method: 'DELETE', headers: { Authorization: `Bearer ${where.token}` },
  });
}

// Both groups go where the recording's events go.
const withRoomEvents = config => {
  const { callback } = config.apps[0];
  Object.assign(config.apps[0], { room_callback: callback, media_callback: callback });
};

function roomEvents(receiver, roomId) {
  return receiver.deliveries.filter(d => d.status === 200 && d.event?.EventInfo?.RoomId === roomId && d.event.EventGroupId < 3)
    .map(d => d.event);
}

const types = events => events.map(event => event.EventType);

test('Events of a room and of its media', { timeout }, async t => {
  const stage = await Stage.open(t, { configure: withRoomEvents });
  const { receiver } = stage;
  const alice = await stage.publishGst({ roomId: '4711', integerRoom: true, userId: 'alice' });
  await until('alice is seen and heard', () => {
    const seen = types(roomEvents(receiver, 4711));
    return seen.includes(201) && seen.includes(203);
  }, { timeoutMs: 30000 });
  const recording = await stage.record({ roomId: '4711', integerRoom: true });
  await recording.files(2);
  assert.equal(await alice.leave(), 200);
  await until('the room is closed', () => types(roomEvents(receiver, 4711)).includes(102), { timeoutMs: 30000 });
  await stage.finish(recording);

  const events = roomEvents(receiver, 4711);
  const [created, entered, ...rest] = events;
  assert.deepEqual(types(events.slice(0, 2)), [101, 103]);
  assert.deepEqual(types(rest.slice(0, 2)).sort(), [201, 203]);
  assert.deepEqual(types(rest.slice(2)), [104, 102], 'leaving makes no 202 and 204, and the robot makes no event');
  assert.deepEqual(events.map(e => e.EventGroupId), [1, 1, 2, 2, 1, 1]);
  assert.equal(created.EventInfo.UserId, 'alice');
  assert.ok(Math.abs(entered.EventInfo.EventMsTs - Date.now()) < timeout);
  assert.deepEqual(Object.keys(entered.EventInfo),
    ['RoomId', 'EventTs', 'EventMsTs', 'UserId', 'Role', 'TerminalType', 'UserType', 'Reason']);
  const { Role, TerminalType, UserType, Reason } = entered.EventInfo;
  assert.deepEqual([Role, TerminalType, UserType, Reason], [20, 100, 1, 1]);
  const left = rest.find(e => e.EventType === 104);
  assert.deepEqual([left.EventInfo.UserId, left.EventInfo.Reason], ['alice', 1]);
  assert.deepEqual(receiver.problems(), []);
});

test('Who comes again, goes elsewhere, or stays when the daemon stops', { timeout }, async t => {
  const stage = await Stage.open(t, { configure: withRoomEvents });
  const { daemon, receiver } = stage;
  const r = daemon.whip({ roomId: 'r', userId: 'alice' }), s = daemon.whip({ roomId: 's', userId: 'alice' });
  const first = await post(r), second = await post(r), third = await post(s);
  for (const response of [first, second, third])
    assert.equal(response.status, 201);
  assert.equal((await remove(r, first)).status, 404);
  assert.equal((await remove(r, second)).status, 404, 'who enters another room has left this one');
  await until('the second room is told of', () => types(roomEvents(receiver, 's')).length === 2);
  const told = roomEvents(receiver, 'r').map(e => [e.EventType, e.EventInfo.Reason]);
  assert.deepEqual(told, [[101, undefined], [103, 1], [103, 2], [104, 1], [102, undefined]]);
  assert.deepEqual(types(roomEvents(receiver, 's')), [101, 103]);
  await daemon.stop();
  const last = roomEvents(receiver, 's').slice(2).map(e => [e.EventType, e.EventInfo.Reason]);
  assert.ok(last.length === 0 || last[0][0] === 104 && last[0][1] === 3, 'sent now, or after the next start');
  assert.deepEqual(receiver.problems(), []);
});

test('A room that is full, and a user with the robot\'s name', { timeout }, async t => {
  const stage = await Stage.open(t, { configure: config => { config.limits = { sessions_per_room: 2 }; } });
  const { daemon } = stage;
  const whip = userId => daemon.whip({ roomId: 'small', userId });
  const recording = await stage.record({ roomId: 'small', robot: 'carol' });
  assert.equal((await post(whip('alice'))).status, 201);
  assert.equal((await post(whip('alice'), { query: '&stream=aux' })).status, 201, 'one user, two streams');
  const bob = await post(whip('bob'));
  assert.equal(bob.status, 201);
  assert.equal((await post(whip('carol'))).status, 503);
  assert.equal((await remove(whip('bob'), bob)).status, 200);
  assert.equal((await recording.describe()).Status, 'Idle');
  assert.equal((await post(whip('carol'))).status, 201);
  const ended = await stage.receiver.wait(recording.taskId, 302);
  assert.equal(ended.EventInfo.Payload.LeaveCode, 101);
  await assert.rejects(stage.cloud.CreateCloudRecording(daemon.createParams({ roomId: 'small', robot: 'carol' })),
    { code: 'FailedOperation' });
  assert.equal((await post(whip('dora'), { query: '&roomidtype=1' })).status, 400, 'no integer');
});

test('PrivateMapKey', { timeout }, async t => {
  const stage = await Stage.open(t, { configure: config => { config.apps[0].private_map_key = true; } });
  const { daemon } = stage;
  const roomId = 'guarded';
  const mint = (userId, rights, more = {}) =>
    mintMapKey({ sdkAppId: app.sdkAppId, key: app.key, userId, roomId, rights, ...more });
  const query = ticket => ({ query: `&private_map_key=${encodeURIComponent(ticket)}` });
  const alice = daemon.whip({ roomId, userId: 'alice' });
  const send = right.enter | right.sendAudio | right.sendVideo;

  const refused = [
    ['no ticket', {}],
    ['a ticket of another user', query(mint('bob', 255))],
    ['a ticket for another room', query(mint('alice', 255, { roomId: 'open' }))],
    ['a ticket of another key', query(mint('alice', 255, { key: `${app.key}x` }))],
    ['an expired ticket', query(mint('alice', 255, { time: 1735707600 }))],
    ['a UserSig', query(daemon.userSig('alice'))],
    ['no right to create the room', query(mint('alice', send))],
    ['no right to enter', query(mint('alice', 255 & ~right.enter))],
    ['no right to send video', query(mint('alice', 255 & ~right.sendVideo))],
    ['no right to send audio', query(mint('alice', 255 & ~right.sendAudio))],
  ];
  for (const [name, request] of refused)
    await t.test(name, async () => assert.equal((await post(alice, request)).status, 403));

  const params = { roomId, robot: 'robot' };
  const create = more => stage.cloud.CreateCloudRecording({ ...daemon.createParams(params), ...more });
  await t.test('a recorder needs the right to enter', async () => {
    for (const PrivateMapKey of [undefined, mint('robot', 255 & ~right.enter), mint('alice', 255)])
      await assert.rejects(create({ PrivateMapKey }), { code: 'UnauthorizedOperation' });
  });

  const publisher = await GstPublisher.start({ ...alice, url: alice.url + query(mint('alice', 255)).query });
  t.after(() => publisher.kill());
  await t.test('nobody else need create it; aux wants its own right', async () => {
    const bob = daemon.whip({ roomId, userId: 'bob' });
    assert.equal((await post(bob, query(mint('bob', send)))).status, 201);
    const aux = rights => post(bob, { query: `&stream=aux${query(mint('bob', rights)).query}`, body: offer('video') });
    assert.equal((await aux(send)).status, 403);
    assert.equal((await aux(right.enter | right.sendAux)).status, 201);
  });

  await t.test('what the recorder may not receive is not recorded', async () => {
    const files = async taskId => {
      const answer = await stage.cloud.DescribeCloudRecording({ SdkAppId: app.sdkAppId, TaskId: taskId });
      return answer.StorageFileList.map(f => f.TrackType).sort();
    };
    const all = await create({ UserId: 'r1', UserSig: daemon.userSig('r1'), PrivateMapKey: mint('r1', 42) });
    const sound = await create({
      UserId: 'r2', UserSig: daemon.userSig('r2'), PrivateMapKey: mint('r2', right.enter | right.receiveAudio),
    });
    await until('both media are recorded', async () => (await files(all.TaskId)).length === 2, { timeoutMs: 30000 });
    await until('the sound is recorded', async () => (await files(sound.TaskId)).length === 1, { timeoutMs: 30000 });
    assert.deepEqual(await files(all.TaskId), ['audio', 'video']);
    assert.deepEqual(await files(sound.TaskId), ['audio']);
  });
});
