// The publisher's door: statuses and headers of rooms.md 4, with plain HTTP requests.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { app } from '../lib/daemon.mjs';
import { Stage } from '../lib/stage.mjs';
import { mintUserSig } from '../lib/usersig.mjs';
import { until } from '../lib/wait.mjs';

const offer = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=ice-ufrag:abcd',
  'a=ice-pwd:0123456789012345678901', 'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=sendonly', 'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2', '',
].join('\r\n');

const without = (sdp, pattern) => sdp.split('\r\n').filter(line => !pattern.test(line)).join('\r\n');

test('Statuses of the door', { timeout: 60000 }, async t => {
  const { daemon } = await Stage.open(t);
  const where = daemon.whip({ roomId: 'door', userId: 'alice' });
  const foreign = { sdkAppId: app.sdkAppId, key: `${app.key}x`, userId: 'alice' };
  const post = ({ url = where.url, token = where.token, type = 'application/sdp', body = offer, method = 'POST' } = {}) =>
    fetch(url, {
      method,
      headers: { ...(type ? { 'Content-Type': type } : {}), ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      body: method === 'GET' ? undefined : body,
    });
  const table = [
    ['no token', { token: null }, 401],
    ['a token of another key', { token: mintUserSig(foreign) }, 401],
    ['a token of another user', { token: daemon.userSig('bob') }, 401],
    ['an expired token', { token: daemon.userSig('alice', { time: 1735707600 }) }, 401],
    ['an unknown application', { url: where.url.replace(String(app.sdkAppId), '1400000002') }, 404],
    ['not SDP', { type: 'application/json' }, 415],
    ['nonsense as SDP', { body: 'hello' }, 400],
    ['no fingerprint', { body: without(offer, /^a=fingerprint/) }, 400],
    ['no codec in common', { body: offer.replace('opus/48000/2', 'G726-16/8000') }, 406],
    ['GET', { method: 'GET' }, 405],
    ['an unknown path', { url: `${daemon.url}/v2/other/1/2` }, 404],
  ];
  for (const [name, request, status] of table)
    await t.test(name, async () => {
      assert.equal((await post(request)).status, status);
    });

  await t.test('an offer as OBS sends it: 201, one Location, candidates in the answer', async () => {
    const response = await post();
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('Content-Type'), 'application/sdp');
    const location = response.headers.get('Location');
    assert.ok(location && !location.includes(','), location);
    const answer = await response.text();
    assert.match(answer, /^a=ice-lite\r$/m);
    assert.match(answer, /^a=candidate:.* 127\.0\.0\.1 \d+ typ host/m);
    assert.match(answer, /^a=recvonly\r$/m);
    const resource = new URL(location, where.url);
    const headers = { Authorization: `Bearer ${where.token}` };
    assert.equal((await fetch(resource, { method: 'DELETE', headers: { Authorization: 'Bearer x' } })).status, 401);
    assert.equal((await fetch(resource, { method: 'DELETE', headers })).status, 200);
    assert.equal((await fetch(resource, { method: 'DELETE', headers })).status, 404);
  });

  await t.test('a page of another origin may ask', async () => {
    const response = await fetch(where.url, {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://app.example.test', 'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    assert.ok(response.status === 200 || response.status === 204);
    assert.match(response.headers.get('Access-Control-Allow-Origin'), /^(\*|https:\/\/app\.example\.test)$/);
    assert.match(response.headers.get('Access-Control-Allow-Methods'), /POST/);
    assert.match(response.headers.get('Access-Control-Allow-Headers').toLowerCase(), /authorization/);
    const answered = await fetch(where.url, { method: 'POST', headers: { Origin: 'https://app.example.test' }, body: '' });
    const exposed = answered.headers.get('Access-Control-Expose-Headers').split(/, */).map(s => s.toLowerCase());
    for (const name of ['location', 'link', 'etag'])
      assert.ok(exposed.includes(name), `${name} in ${exposed}`);
  });
});

test('A second publisher of the same name replaces the first', { timeout: 60000 }, async t => {
  const stage = await Stage.open(t);
  const who = { roomId: 'twins', userId: 'alice' };
  const first = await stage.publish(who);
  const second = await stage.publish(who);
  assert.equal(await first.remove(), 404);
  await until('the first connection is down', async () => (await first.state()) !== 'connected', { timeoutMs: 10000 });
  assert.equal(await second.state(), 'connected');
  assert.equal(await second.leave(), 200);
});
