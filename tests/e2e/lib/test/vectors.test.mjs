// Our own tools against the vectors of the dossiers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { escaped, singlePlaylist, utcDigits, utcMs } from '../names.mjs';
import { CallbackReceiver, sign } from '../receiver.mjs';
import { mintUserSig, signature } from '../usersig.mjs';

const key = 'example-sdk-secret-key-0000000000000000000000000000000000000001';
const alice = { sdkAppId: 1400000001, key, userId: 'alice', time: 1735707600, expire: 86400 };
const ticketOfAlice = 'eNqrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwok5mcmpUInilOzEgoLMFCUrQxMDCDCEyKRWFGQWpSpZWZgBJSBCJZm5QAFD'
  + 'c2NTcwNzM5hocWY60NDQvHwLy8CQynyX0IyI3Fy-wlIDv5Ly4tyScC*j1ERHo0QjX8fU1DI3X4tQW6VaALNdMTI_';

const open = ticket => JSON.parse(inflateSync(
  Buffer.from(ticket.replace(/\*/g, '+').replace(/-/g, '/').replace(/_/g, '='), 'base64')));

test('UserSig: the vector of rooms.md 1', () => {
  assert.equal(signature(alice), 'Uno89QTyoDUhXmmNqu0NtwsmtWJ2eaA2a2MAeevFM8U=');
  assert.deepEqual(open(mintUserSig(alice)), open(ticketOfAlice));
  assert.match(mintUserSig(alice), /^[A-Za-z0-9*_-]+$/);
});

test('callback Sign: the vectors of callbacks.md 1', () => {
  const compact = '{"EventGroupId":3,"EventType":301,"CallbackTs":1735707617250,"EventInfo":{"RoomId":"4711",'
    + '"EventTs":"1735707617","EventMsTs":1735707617101,"UserId":"recorder_4711","TaskId":"task-1","Payload":{"Status":0}}}';
  assert.equal(sign('callbackKey01', compact), 'BdyrPhhzVLhYEntf/T31UEdrAV8FT8W08CwouLRrDZQ=');
});

test('file names: the examples of files.md 1', () => {
  const table = [['alice', 'YWxpY2U.'], ['recorder_4711', 'cmVjb3JkZXJfNDcxMQ..'], ['class-7', 'Y2xhc3MtNw..'],
    ['a', 'YQ..'], ['>>>>?', 'Pj4+Pj8.']];
  for (const [text, want] of table)
    assert.equal(escaped(text), want);
  const who = { sdkAppId: 1400000001, roomId: '4711', integerRoom: true, userId: 'alice', type: 'audio' };
  assert.equal(singlePlaylist(who), '1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main_audio.m3u8');
  assert.equal(utcDigits(1735707617101), '20250101050017101');
  assert.equal(utcMs('20250101050017101'), 1735707617101);
});

test('the receiver complains about a bad delivery and wakes who waits for a good one', async () => {
  const receiver = await new CallbackReceiver({ key: 'callbackKey01', sdkAppId: 1400000001 }).start();
  try {
    const body = JSON.stringify({ EventGroupId: 3, EventType: 301, EventInfo: { TaskId: 't' } });
    const post = headers => fetch(receiver.url, { method: 'POST', body, headers });
    const arrival = receiver.wait('t', 301, { timeoutMs: 5000 });
    await post({ 'Content-Type': 'application/json', SdkAppId: '1400000001', Sign: sign('callbackKey01', body) });
    assert.equal((await arrival).EventType, 301);
    assert.deepEqual(receiver.problems(), []);
    await post({ 'Content-Type': 'application/json', SdkAppId: '1400000002', Sign: sign('otherKey', body) });
    assert.match(receiver.problems().join('\n'), /SdkAppId header 1400000002\n.*Sign .* does not fit/);
    await assert.rejects(receiver.wait('t', 302, { timeoutMs: 20 }), /no event 302 of t within 20 ms; came: 301, 301/);
  } finally {
    await receiver.stop();
  }
});
