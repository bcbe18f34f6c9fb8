// Every error code that the API's description gives this service (api.md 5 "yes", 6.3, 7.3): a case for each, against
// the running daemon. A code without a case fails the test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { app, credential } from '../lib/daemon.mjs';
import { exchange, sendTc3, sendV1 } from '../lib/signer.mjs';
import { Stage } from '../lib/stage.mjs';
import { until } from '../lib/wait.mjs';

const common = [
  'AuthFailure.InvalidAuthorization', 'AuthFailure.SecretIdNotFound', 'AuthFailure.SignatureExpire',
  'AuthFailure.SignatureFailure', 'AuthFailure.TokenFailure', 'AuthFailure.UnauthorizedOperation', 'FailedOperation',
  'InternalError', 'InvalidAction', 'InvalidParameter', 'InvalidParameterValue', 'InvalidRequest', 'MissingParameter',
  'NoSuchVersion', 'RequestLimitExceeded', 'RequestLimitExceeded.IPLimitExceeded',
  'RequestLimitExceeded.UinLimitExceeded', 'RequestLimitExceeded.GlobalRegionUinLimitExceeded',
  'RequestSizeLimitExceeded', 'ResourceNotFound', 'ServiceUnavailable', 'UnauthorizedOperation', 'UnknownParameter',
  'UnsupportedOperation', 'UnsupportedProtocol', 'UnsupportedRegion',
];

const ofActions = [
  'AuthFailure.UnauthorizedOperation', 'FailedOperation', 'FailedOperation.CRUnsupportMethod',
  'FailedOperation.RestrictedConcurrency', 'InternalError.CRInternalError', 'InvalidParameter.OutOfRange',
  'InvalidParameter.SdkAppId', 'MissingParameter.AccessKey', 'MissingParameter.Bucket', 'MissingParameter.CloudStorage',
  'MissingParameter.RecordMode', 'MissingParameter.RecordParams', 'MissingParameter.Region', 'MissingParameter.RoomId',
  'MissingParameter.SdkAppId', 'MissingParameter.SecretKey', 'MissingParameter.StorageParams',
  'MissingParameter.TaskId', 'MissingParameter.UserId', 'MissingParameter.UserSig', 'MissingParameter.Vendor',
  'ResourceNotFound', 'UnsupportedOperation',
  // not in the actions' lists, and given by this service: api.md 6.3 (UserSig), our own limit
  'InvalidParameter.UserSig', 'LimitExceeded',
];

// In the lists, with no condition under which this service could answer so.
const never = {
  'AuthFailure': 'every failure has a code of the second level',
  'AuthFailure.UnRealNameAuthenticated': 'accounts have no names to verify here',
  'AuthFailure.UnsupportedOperation': 'there is no operation that depends on the kind of account',
  'MissingParameter.StreamType': 'it has a default',
};

const [create, describe] = ['CreateCloudRecording', 'DescribeCloudRecording'];
const key = { SdkAppId: app.sdkAppId, TaskId: 'nothing' };
const limited = { secretId: 'AKIDexample0000000000000000000000002', secretKey: 'example-secret-key-0002' };
const guarded = app.sdkAppId + 1;

function configure(config) {
  Object.assign(config.api, { requests_per_second: 0 });
  config.limits = { tasks_per_app: 1, start_keys_per_app: 1 };
  config.apps.push({ sdk_app_id: guarded, key: app.key, private_map_key: true });
  config.storage.push({ ...config.storage[0], region: 'elsewhere', apps: [String(guarded)] });
  config.credentials.push({ secret_id: limited.secretId, secret_key: limited.secretKey, actions: [describe] });
}

const seen = new Set();

// The code of an answer; null when it is a success.
async function expectCode(code, answering) {
  const { status, type, code: got, text } = await answering;
  assert.equal(status, 200);
  assert.equal(type, 'application/json');
  assert.equal(got, code, text);
  seen.add(code);
}

// A sound Create, changed by `change`.
function starts(daemon, change = () => {}, { roomId = 'codes', more } = {}) {
  const params = daemon.createParams({ roomId });
  change(params, params.RecordParams, params.StorageParams.CloudStorage);
  return sendTc3(daemon, create, params, { more });
}

test('What a request alone brings about', { timeout: 60000 }, async t => {
  const { daemon } = await Stage.open(t, { callbacks: false, configure });
  const ask = (params = key, options = {}) => sendTc3(daemon, describe, params, options);
  const without = name => starts(daemon, params => { delete params[name]; });
  const withoutStored = name => starts(daemon, (params, record, cloud) => { delete cloud[name]; });
  const cases = [
    ['AuthFailure.InvalidAuthorization', () => ask(key, { change: headers => { headers.Authorization = 'SKIP'; } })],
    ['AuthFailure.SecretIdNotFound', () => ask(key, { signing: { secretId: 'AKIDnobody' } })],
    ['AuthFailure.SignatureExpire', () => ask(key, { timestamp: Math.floor(Date.now() / 1000) - 400 })],
    ['AuthFailure.SignatureFailure', () => ask(key, { signing: { secretKey: 'wrong' } })],
    ['AuthFailure.TokenFailure', () => ask(key, { more: { 'X-TC-Token': 'temporary' } })],
    ['AuthFailure.UnauthorizedOperation', () => sendTc3(daemon, 'DeleteCloudRecording', key, { signing: limited })],
    ['FailedOperation', () => starts(daemon, ({ StorageParams }) => { StorageParams.CloudVod = { TencentVod: {} }; })],
    ['FailedOperation.CRUnsupportMethod', () => starts(daemon, (params, record) => { record.RecordMode = 2; })],
    ['InvalidAction', () => sendTc3(daemon, 'DismissRoom', key)],
    ['InvalidParameter', () => ask('{')],
    ['InvalidParameter.OutOfRange', () => starts(daemon, (params, record) => { record.MaxIdleTime = 1; })],
    ['InvalidParameter.SdkAppId', () => ask({ ...key, SdkAppId: 1 })],
    ['InvalidParameter.UserSig', () => starts(daemon, params => { params.UserSig = daemon.userSig('other'); })],
    ['InvalidParameterValue', () => ask(key, { region: 'moon-1' })],
    ['InvalidRequest', () => ask('--x\r\n', { type: 'multipart/form-data; boundary=x' })],
    ['MissingParameter', () => sendV1(daemon, describe, key, { common: { Nonce: undefined } })],
    ...['RecordParams', 'RoomId', 'SdkAppId', 'StorageParams', 'UserId', 'UserSig']
      .map(name => [`MissingParameter.${name}`, () => without(name)]),
    ...['AccessKey', 'Bucket', 'Region', 'SecretKey', 'Vendor']
      .map(name => [`MissingParameter.${name}`, () => withoutStored(name)]),
    ['MissingParameter.CloudStorage', () => starts(daemon, params => { params.StorageParams = {}; })],
    ['MissingParameter.RecordMode', () => starts(daemon, (params, record) => { delete record.RecordMode; })],
    ['MissingParameter.TaskId', () => ask({ SdkAppId: app.sdkAppId })],
    ['NoSuchVersion', () => ask(key, { version: '2020-01-01' })],
    ['RequestSizeLimitExceeded', () => sendV1(daemon, describe, { ...key, TaskId: 'x'.repeat(1 << 20) })],
    ['ResourceNotFound', () => ask()],
    ['UnauthorizedOperation', () => starts(daemon, params => { params.SdkAppId = guarded; params.UserSig = daemon.userSig(params.UserId, { sdkAppId: guarded }); })],
    ['UnknownParameter', () => ask({ ...key, Colour: 'red' })],
    ['UnsupportedOperation', () => ask('x', { type: 'text/plain' })],
    ['UnsupportedOperation', () => starts(daemon, (params, record, cloud) => { cloud.Region = 'elsewhere'; })],
    ['UnsupportedProtocol', () => exchange(daemon, { method: 'PUT' })],
    ['UnsupportedRegion', () => ask(key, { region: 'eu-frankfurt' })],
  ];
  for (const [code, call] of cases)
    await t.test(code, () => expectCode(code, call()));

  await t.test('limits of an application', async () => {
    const withKey = name => ({ more: { 'X-Reeltime-Idempotency-Key': name } });
    const first = await starts(daemon, () => {}, withKey('one'));
    assert.equal(first.code, null, first.text);
    await expectCode('FailedOperation.RestrictedConcurrency', starts(daemon, () => {}, { roomId: 'second' }));
    await expectCode('LimitExceeded', starts(daemon, () => {}, { roomId: 'second', ...withKey('two') }));
  });
});

// The codes of many requests at once, sorted.
async function codesOf(count, call) {
  const answers = await Promise.all(Array.from({ length: count }, call));
  return [...new Set(answers.map(answer => answer.code))].sort();
}

test('Limits of requests', { timeout: 60000 }, async t => {
  const table = [
    ['RequestLimitExceeded', 'requests_per_second'],
    ['RequestLimitExceeded.UinLimitExceeded', 'requests_per_second_key'],
    ['RequestLimitExceeded.GlobalRegionUinLimitExceeded', 'requests_per_second_region'],
    ['RequestLimitExceeded.IPLimitExceeded', 'requests_per_second_address'],
  ];
  for (const [code, name] of table)
    await t.test(code, async t => {
      const { daemon } = await Stage.open(t, {
        callbacks: false,
        configure: config => { Object.assign(config.api, { requests_per_second: 0, [name]: 1 }); },
      });
      assert.deepEqual(await codesOf(50, () => sendTc3(daemon, describe, key)), [code, 'ResourceNotFound'].sort());
      seen.add(code);
    });
  await t.test('all off', async t => {
    const { daemon } = await Stage.open(t, { callbacks: false, configure });
    assert.deepEqual(await codesOf(100, () => sendTc3(daemon, describe, key)), ['ResourceNotFound']);
  });
  await t.test('20 a second of one action by default', async t => {
    const { daemon } = await Stage.open(t, { callbacks: false });
    const answers = await Promise.all(Array.from({ length: 400 }, () => sendTc3(daemon, describe, key)));
    const good = answers.filter(answer => answer.code === 'ResourceNotFound').length;
    assert.ok(good >= 20 && good < 400, `${good} of 400`);
    assert.deepEqual([...new Set(answers.map(answer => answer.code))].sort(), ['RequestLimitExceeded', 'ResourceNotFound']);
  });
});

// Holds the store's write lock until released.
async function holdStore(t, daemon) {
  const script = fileURLToPath(new URL('../lib/hold_store.py', import.meta.url));
  const child = spawn('/usr/bin/python3', [script, path.join(daemon.data, 'state.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise(resolve => child.once('close', resolve));
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('close', () => reject(new Error('the lock was not got')));
  });
  return () => {
    child.stdin.end();
    return ended;
  };
}

test('A store that does not answer, and a daemon that ends', { timeout: 120000 }, async t => {
  const { daemon } = await Stage.open(t, { callbacks: false, configure: config => { config.api.requests_per_second = 0; } });
  let release = await holdStore(t, daemon);
  const codes = new Set();
  const calls = [];
  let room = 0;
  // The first waits for the lock in vain; one that comes meanwhile waits behind it until its own time is over.
  await until('both codes', () => {
    if (calls.length < 40)
      calls.push(starts(daemon, () => {}, { roomId: `held-${room++}` }).then(({ code }) => codes.add(code)));
    return codes.has('InternalError') && codes.has('InternalError.CRInternalError');
  }, { timeoutMs: 60000, everyMs: 250 });
  await release();
  await Promise.all(calls);
  for (const code of codes)
    seen.add(code);

  release = await holdStore(t, daemon);
  // Those that wait for the store keep the daemon from ending.
  const pending = ['a', 'b', 'c'].map(name => starts(daemon, () => {}, { roomId: `pending-${name}` }));
  await until('they start', async () => /state="starting"} [1-9]/.test(await (await fetch(`${daemon.url}/metrics`)).text()));
  const stopping = daemon.stop();
  await until('it ends', async () => (await fetch(`${daemon.url}/readyz`)).status === 503, { everyMs: 20 });
  await expectCode('ServiceUnavailable', starts(daemon, () => {}, { roomId: 'late' }));
  await release();
  await Promise.all(pending);
  await stopping;
});

test('Every code has its case', () => {
  const wanted = [...new Set([...common, ...ofActions])];
  assert.deepEqual(wanted.filter(code => !seen.has(code)), []);
  assert.deepEqual(wanted.filter(code => code in never), []);
});
