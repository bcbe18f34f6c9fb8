// Every way in which clients may put the same call: the two SDKs with each method and signature, and the quirks of the
// others, by hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { app, credential } from '../lib/daemon.mjs';
import { cloudClient, errorCode } from '../lib/sdk.mjs';
import { intlClient } from '../lib/sdk_intl.mjs';
import { authorization, exchange, multipart, sendTc3, sendV1 } from '../lib/signer.mjs';
import { Stage } from '../lib/stage.mjs';

const withoutLimits = config => {
  config.api.requests_per_second = 0;
  config.api.path_prefix = '/api';
};
const open = t => Stage.open(t, { callbacks: false, configure: withoutLimits });

// Creates, modifies, describes and deletes a task; what a client cannot say is left out of `lists`.
async function wholeLife(daemon, client, roomId) {
  const params = daemon.createParams({ roomId });
  const { TaskId } = await client.CreateCloudRecording({ ...params, RoomIdType: 0 });
  const key = { SdkAppId: app.sdkAppId, TaskId };
  const idle = await client.DescribeCloudRecording(key);
  assert.equal(idle.TaskId, TaskId);
  assert.equal(idle.Status, 'Idle');
  assert.deepEqual(idle.StorageFileList, []);
  assert.match(idle.RequestId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const lists = { SubscribeAudioUserIds: ['alice', 'b.*$'], UnSubscribeVideoUserIds: ['carol'] };
  const modified = await client.ModifyCloudRecording({ ...key, SubscribeStreamUserIds: lists });
  assert.equal(modified.TaskId, TaskId);
  assert.equal((await client.DeleteCloudRecording(key)).TaskId, TaskId);
  assert.equal(await errorCode(client.ModifyCloudRecording({ ...key, TaskId: 'nothing' })), 'ResourceNotFound');
}

test('The SDKs: each method with each signature', { timeout: 120000 }, async t => {
  const { daemon } = await open(t);
  const connection = { endpoint: daemon.endpoint, ...credential };
  const table = [
    ['tc3-post', cloudClient, { method: 'POST' }],
    ['tc3-get', cloudClient, { method: 'GET' }],
    ['sha256-post', cloudClient, { method: 'POST', signMethod: 'HmacSHA256' }],
    ['sha256-get', cloudClient, { method: 'GET', signMethod: 'HmacSHA256' }],
    ['sha1-post', cloudClient, { method: 'POST', signMethod: 'HmacSHA1' }],
    ['sha1-get', cloudClient, { method: 'GET', signMethod: 'HmacSHA1' }],
    ['zh', cloudClient, { language: 'zh-CN' }],
    ['localhost', cloudClient, { endpoint: `localhost:${daemon.apiPort}` }],
    ['localhost-sha1', cloudClient, { endpoint: `localhost:${daemon.apiPort}`, signMethod: 'HmacSHA1' }],
    ['intl-default', intlClient, {}],
    ['intl-sha256-get', intlClient, { method: 'GET' }],
    ['intl-sha1-post', intlClient, { signMethod: 'HmacSHA1' }],
    ['intl-sha1-get', intlClient, { method: 'GET', signMethod: 'HmacSHA1' }],
    ['intl-tc3-post', intlClient, { signMethod: 'TC3-HMAC-SHA256' }],
    ['intl-tc3-get', intlClient, { method: 'GET', signMethod: 'TC3-HMAC-SHA256' }],
  ];
  for (const [name, make, options] of table)
    await t.test(name, () => wholeLife(daemon, make({ ...connection, ...options }), `room-${name}`));
});

test('Multipart from the SDK: its texts and buffers', { timeout: 60000 }, async t => {
  const { daemon, cloud } = await open(t);
  const key = { SdkAppId: String(app.sdkAppId), TaskId: 'nothing' };
  const call = cloud.request('DescribeCloudRecording', key, { multipart: true });
  assert.equal(await errorCode(call), 'ResourceNotFound');
  const buffers = { SdkAppId: Buffer.from(String(app.sdkAppId)), TaskId: Buffer.from('nothing') };
  assert.equal(await errorCode(cloud.request('DescribeCloudRecording', buffers, { multipart: true })), 'ResourceNotFound');
  const { type, body } = multipart(daemon.createParams({ roomId: 'parts' }));
  const created = await sendTc3(daemon, 'CreateCloudRecording', body, { type });
  assert.equal(created.code, null, created.text);
});

test('What other clients do differently', { timeout: 60000 }, async t => {
  const { daemon } = await open(t);
  const port = daemon.apiPort;
  const key = { SdkAppId: app.sdkAppId, TaskId: 'nothing' };
  const found = 'ResourceNotFound';
  const send = (...args) => sendTc3(daemon, 'DescribeCloudRecording', ...args);
  const v1 = (...args) => sendV1(daemon, 'DescribeCloudRecording', ...args);
  const retype = type => ({ type });
  const spaced = headers => { headers.Authorization = headers.Authorization.replace('SHA256 ', 'SHA256  '); };
  const tight = headers => { headers.Authorization = headers.Authorization.replaceAll(', ', ','); };
  const table = [
    ['host without its port', () => send(key, { signing: { host: '127.0.0.1' } })],
    ['v1 host without its port', () => v1(key, { host: '127.0.0.1' })],
    ['any service in the scope', () => send(key, { signing: { service: `localhost:${port}` } })],
    ['.NET: two spaces', () => send(key, { change: spaced })],
    ['no spaces', () => send(key, { change: tight })],
    ['.NET, Java: charset', () => send(key, retype('application/json; charset=utf-8'))],
    ['.NET: charset on GET', () => send(key, { method: 'GET', type: 'application/x-www-form-urlencoded; charset=utf-8' })],
    ['.NET: v1 to /?', () => v1(key, { target: '/?' })],
    ['POST to /?', () => send(key, { target: '/?' })],
    ['POST with a query that nobody signed', () => send(key, { target: '/?a=b' })],
    ['an unsorted query', () => send(`TaskId=nothing&SdkAppId=${app.sdkAppId}`, { method: 'GET' })],
    ['a query with a plus', () => send(`TaskId=no+thing&SdkAppId=${app.sdkAppId}`, { method: 'GET' })],
    ['null members', () => send(JSON.stringify({ ...key, RecorderKey: null }))],
    ['Python: spaces in the JSON', () => send(`{"SdkAppId": ${app.sdkAppId}, "TaskId": "nothing"}`)],
    ['more signed headers', () => send(key, {
      signing: { signed: ['content-type', 'host', 'x-tc-action'], headers: { 'x-tc-action': 'DescribeCloudRecording' } },
    })],
    ['an unsigned payload', () => send(key, {
      signing: { payload: 'UNSIGNED-PAYLOAD' }, more: { 'X-TC-Content-SHA256': 'UNSIGNED-PAYLOAD' },
    })],
    ['the real hash in that header', () => send(key, { more: { 'X-TC-Content-SHA256': 'e3b0c442' } })],
    ['empty optional headers', () => send(key, { more: { 'X-TC-Token': '', 'X-TC-Language': '' } })],
    ['a token that says undefined', () => send(key, { more: { 'X-TC-Token': 'undefined' } })],
    ['below a path', () => send(key, { target: '/api' })],
    ['below a path, signed', () => send(key, { target: '/api/', signing: { path: '/api/' } })],
    ['v1 below a path', () => v1(key, { target: '/api' })],
    ['header names in small letters', () => send(key, {
      change: headers => {
        for (const name of ['X-TC-Action', 'X-TC-Version', 'X-TC-Region', 'X-TC-Timestamp']) {
          headers[name.toLowerCase()] = headers[name];
          delete headers[name];
        }
      },
    })],
    ['SignatureMethod of another name is SHA1', () => v1(key, { signatureMethod: 'HmacSHA512' })],
    ['no SignatureMethod is SHA1', () => v1(key, { signatureMethod: undefined })],
    ['a nonce of 0', () => v1(key, { common: { Nonce: 0 } })],
    ['no region, as the SDK without one says it',
      () => send(key, { region: 'null' }), 'MissingParameter'],
    ['a path that is none', async () => {
      const { status } = await send(key, { target: '/apifoo' });
      return { status: 200, type: 'application/json', code: status };
    }, 404],
  ];
  for (const [name, call, want = found] of table)
    await t.test(name, async () => {
      const answer = await call();
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.type, 'application/json');
      assert.equal(answer.code, want, answer.text);
    });
});

test('Errors of the envelope', { timeout: 60000 }, async t => {
  const { daemon } = await open(t);
  const key = { SdkAppId: app.sdkAppId, TaskId: 'nothing' };
  const send = (params, options) => sendTc3(daemon, 'DescribeCloudRecording', params, options);
  const v1 = (params, options) => sendV1(daemon, 'DescribeCloudRecording', params, options);
  const without = name => ({ change: headers => { delete headers[name]; } });
  const replaced = (name, value) => ({ change: headers => { headers[name] = value; } });
  const now = Math.floor(Date.now() / 1000);
  const table = [
    ['PUT', () => exchange(daemon, { method: 'PUT' }), 'UnsupportedProtocol'],
    ['DELETE', () => exchange(daemon, { method: 'DELETE' }), 'UnsupportedProtocol'],
    ['OPTIONS', () => exchange(daemon, { method: 'OPTIONS' }), 'UnsupportedProtocol'],
    ['no type', () => exchange(daemon, { body: '{}' }), 'UnsupportedOperation'],
    ['text', () => send('x', { type: 'text/plain' }), 'UnsupportedOperation'],
    ['a JSON of more than 10 MiB', () => send('x'.repeat(10 * 1024 * 1024 + 1)), 'RequestSizeLimitExceeded'],
    ['a form of more than 1 MiB', () => v1({ ...key, TaskId: 'x'.repeat(1024 * 1024) }), 'RequestSizeLimitExceeded'],
    ['a target of more than 32 KiB', () => send({ ...key, TaskId: 'x'.repeat(32 * 1024) }, { method: 'GET' }), 'RequestSizeLimitExceeded'],
    ['no action', () => send(key, without('X-TC-Action')), 'MissingParameter'],
    ['no version', () => send(key, without('X-TC-Version')), 'MissingParameter'],
    ['no timestamp', () => send(key, without('X-TC-Timestamp')), 'MissingParameter'],
    ['no region', () => send(key, without('X-TC-Region')), 'MissingParameter'],
    ['no authorization', () => send(key, without('Authorization')), 'MissingParameter'],
    ['v1 no action', () => v1(key, { common: { Action: undefined } }), 'MissingParameter'],
    ['v1 no nonce', () => v1(key, { common: { Nonce: undefined } }), 'MissingParameter'],
    ['v1 no region', () => v1(key, { method: 'GET', common: { Region: undefined } }), 'MissingParameter'],
    ['v1 no timestamp', () => v1(key, { common: { Timestamp: undefined } }), 'MissingParameter'],
    ['v1 no key', () => v1(key, { common: { SecretId: undefined } }), 'MissingParameter'],
    ['v1 an empty signature', () => v1(key, { change: () => '' }), 'MissingParameter'],
    ['SKIP', () => send(key, replaced('Authorization', 'SKIP')), 'AuthFailure.InvalidAuthorization'],
    ['another algorithm', () => send(key, replaced('Authorization', 'Basic abc')), 'AuthFailure.InvalidAuthorization'],
    ['a form with a header signature', () => send('a=b', { type: 'application/x-www-form-urlencoded' }), 'AuthFailure.InvalidAuthorization'],
    ['an unknown key', () => send(key, { signing: { secretId: 'AKIDnobody' } }), 'AuthFailure.SecretIdNotFound'],
    ['v1 an unknown key', () => v1(key, { common: { SecretId: 'AKIDnobody' } }), 'AuthFailure.SecretIdNotFound'],
    ['a wrong secret', () => send(key, { signing: { secretKey: 'wrong' } }), 'AuthFailure.SignatureFailure'],
    ['v1 a wrong secret', () => v1(key, { secretKey: 'wrong' }), 'AuthFailure.SignatureFailure'],
    ['v1 garbage for a signature', () => v1(key, { change: () => '%%%' }), 'AuthFailure.SignatureFailure'],
    ['another body', () => send(key, { signing: { body: '{}' } }), 'AuthFailure.SignatureFailure'],
    ['another host', () => send(key, { signing: { host: 'other.test' } }), 'AuthFailure.SignatureFailure'],
    ['the host not signed', () => send(key, { signing: { signed: ['content-type'] } }), 'AuthFailure.SignatureFailure'],
    ['an hour ago', () => send(key, { timestamp: now - 3600 }), 'AuthFailure.SignatureExpire'],
    ['in an hour', () => send(key, { timestamp: now + 3600 }), 'AuthFailure.SignatureExpire'],
    ['v1 an hour ago', () => v1(key, { common: { Timestamp: now - 3600 } }), 'AuthFailure.SignatureExpire'],
    ['yesterday\'s scope', () => send(key, {
      change: headers => {
        headers.Authorization = authorization({ method: 'POST', host: daemon.endpoint, type: 'application/json',
          body: JSON.stringify(key), timestamp: now - 86400 });
      },
    }), 'AuthFailure.SignatureFailure'],
    ['a timestamp that is none', () => send(key, replaced('X-TC-Timestamp', 'soon')), 'InvalidParameter'],
    ['v1 a nonce that is none', () => v1(key, { common: { Nonce: 'x' } }), 'InvalidParameter'],
    ['a token', () => send(key, { more: { 'X-TC-Token': 'abc' } }), 'AuthFailure.TokenFailure'],
    ['v1 a token', () => v1(key, { common: { Token: 'abc' } }), 'AuthFailure.TokenFailure'],
    ['another version', () => send(key, { version: '2018-01-01' }), 'NoSuchVersion'],
    ['another action', () => sendTc3(daemon, 'StartMCUMixTranscode', key), 'InvalidAction'],
    ['v1 another action', () => sendV1(daemon, 'RemoveUser', key), 'InvalidAction'],
    ['a region of others', () => send(key, { region: 'eu-frankfurt' }), 'UnsupportedRegion'],
    ['no such region', () => send(key, { region: 'atlantis-1' }), 'InvalidParameterValue'],
    ['v1 no such region', () => v1(key, { common: { Region: 'atlantis-1' } }), 'InvalidParameterValue'],
    ['a JSON that is none', () => send('{"SdkAppId":'), 'InvalidParameter'],
    ['a JSON that is a list', () => send('[]'), 'InvalidParameter'],
    ['an empty body', () => send(''), 'InvalidParameter'],
    ['a member twice', () => send('{"SdkAppId":1,"SdkAppId":1}'), 'InvalidParameter'],
    ['no UTF-8', () => send(Buffer.from('{"TaskId":"\xff"}', 'latin1')), 'InvalidParameter'],
    ['nested too deep', () => send(`{"a":${'['.repeat(100)}${']'.repeat(100)}}`), 'InvalidParameter'],
    ['a query without =', () => send('SdkAppId', { method: 'GET' }), 'InvalidParameter'],
    ['a key twice', () => v1([['SdkAppId', '1'], ['SdkAppId', '1']]), 'InvalidParameter'],
    ['a list with a gap', () => v1([['A.1', 'x']]), 'InvalidParameter'],
    ['a broken multipart body', () => send('--x\r\n', { type: 'multipart/form-data; boundary=x' }), 'InvalidRequest'],
    ['multipart without a boundary', () => send('--x--', { type: 'multipart/form-data' }), 'InvalidRequest'],
  ];
  for (const [name, call, code] of table)
    await t.test(name, async () => {
      const answer = await call();
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.type, 'application/json');
      assert.equal(answer.code, code, answer.text);
      assert.match(answer.response.RequestId, /^[0-9a-f-]{36}$/);
    });
});

test('Chinese when asked for, English otherwise', { timeout: 60000 }, async t => {
  const { daemon } = await open(t);
  const key = { SdkAppId: app.sdkAppId, TaskId: 'nothing' };
  const message = async (call, options) => (await call(daemon, 'DescribeCloudRecording', key, options)).message;
  assert.match(await message(sendTc3, {}), /^There is no such resource/);
  assert.match(await message(sendTc3, { more: { 'X-TC-Language': 'zh-CN' } }), /^资源不存在/);
  assert.match(await message(sendTc3, { more: { 'X-TC-Language': 'en-US' } }), /^There is no such resource/);
  assert.match(await message(sendV1, { common: { Language: 'zh-CN' } }), /^资源不存在/);
  assert.match(await message(sendV1, {}), /^There is no such resource/);
});

test('The SDKs ask for their languages, and get the same codes', { timeout: 60000 }, async t => {
  const { daemon } = await open(t);
  const key = { SdkAppId: app.sdkAppId, TaskId: 'nothing' };
  const connection = { endpoint: daemon.endpoint, ...credential };
  const says = async client => {
    const err = await client.DescribeCloudRecording(key).catch(caught => caught);
    assert.equal(err.code, 'ResourceNotFound');
    return err.message;
  };
  for (const method of ['POST', 'GET'])
    for (const signMethod of ['TC3-HMAC-SHA256', 'HmacSHA256']) {
      const options = { ...connection, method, signMethod };
      assert.match(await says(cloudClient({ ...options, language: 'zh-CN' })), /资源不存在: TaskId/);
      assert.match(await says(cloudClient({ ...options, language: 'en-US' })), /There is no such resource: TaskId/);
      assert.match(await says(cloudClient(options)), /There is no such resource/);
    }
  const err = await cloudClient(connection).DescribeCloudRecording(key).catch(caught => caught);
  assert.match(err.traceId, /^[0-9a-f-]{36}$/, 'the SDK finds its X-TC-TraceId in the answer');
  assert.match(await says(intlClient(connection)), /There is no such resource/, 'it always says Language=en-US');
});

test('Replays of the older signatures, where they are refused', { timeout: 60000 }, async t => {
  const { daemon } = await Stage.open(t, {
    callbacks: false,
    configure: config => Object.assign(config.api, { requests_per_second: 0, refuse_replays: true }),
  });
  const key = { SdkAppId: app.sdkAppId, TaskId: 'nothing' };
  const code = async call => (await call).code;
  const now = Math.floor(Date.now() / 1000);
  for (const method of ['POST', 'GET'])
    for (const signatureMethod of ['HmacSHA256', 'HmacSHA1']) {
      const common = { Nonce: `7${method.length}${signatureMethod.length}`, Timestamp: now };
      const v1 = more => code(sendV1(daemon, 'DescribeCloudRecording', key, { method, signatureMethod, common: { ...common, ...more } }));
      assert.equal(await v1({ }), 'ResourceNotFound');
      assert.equal(await v1({ }), 'AuthFailure.SignatureFailure', 'the same again');
      assert.equal(await v1({ Nonce: 8 + Number(common.Nonce) * 10 }), 'ResourceNotFound', 'another nonce');
      assert.equal(await v1({ Timestamp: now - 1 }), 'ResourceNotFound', 'another time');
    }
  // Who cannot sign does not use up a nonce; TC3 has none.
  const common = { Nonce: 4711, Timestamp: now };
  assert.equal(await code(sendV1(daemon, 'DescribeCloudRecording', key, { common, secretKey: 'wrong' })), 'AuthFailure.SignatureFailure');
  assert.equal(await code(sendV1(daemon, 'DescribeCloudRecording', key, { common })), 'ResourceNotFound');
  for (let i = 0; i < 2; i++)
    assert.equal(await code(sendTc3(daemon, 'DescribeCloudRecording', key, { timestamp: now })), 'ResourceNotFound');
});

test('Repeats are taken where nothing says otherwise, and unknown parameters where they may', { timeout: 60000 }, async t => {
  const { daemon } = await Stage.open(t, {
    callbacks: false,
    configure: config => Object.assign(config.api, { requests_per_second: 0, strict_parameters: false }),
  });
  const key = { SdkAppId: app.sdkAppId, TaskId: 'nothing' };
  const common = { Nonce: 4711, Timestamp: Math.floor(Date.now() / 1000) };
  for (let i = 0; i < 2; i++)
    assert.equal((await sendV1(daemon, 'DescribeCloudRecording', key, { common })).code, 'ResourceNotFound');
  const more = { ...key, Colour: { deep: [1] } };
  assert.equal((await sendTc3(daemon, 'DescribeCloudRecording', more)).code, 'ResourceNotFound');
  assert.equal((await sendV1(daemon, 'DescribeCloudRecording', more)).code, 'ResourceNotFound');
  const params = daemon.createParams({ roomId: 'lenient' });
  params.RecordParams.Colour = 'red';
  const created = await sendTc3(daemon, 'CreateCloudRecording', params);
  assert.equal(created.code, null, created.text);
  params.RecordParams.MaxIdleTime = 4;
  assert.equal((await sendTc3(daemon, 'CreateCloudRecording', params)).code, 'InvalidParameter.OutOfRange', 'known ones are checked');
});
