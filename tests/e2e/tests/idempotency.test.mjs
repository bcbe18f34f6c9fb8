// A start with X-Reeltime-Idempotency-Key happens once: repeats, at the same time or after a restart, find the first task.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credential } from '../lib/daemon.mjs';
import { cloudClient, errorCode } from '../lib/sdk.mjs';
import { sendTc3, sendV1 } from '../lib/signer.mjs';
import { Stage } from '../lib/stage.mjs';
import { until } from '../lib/wait.mjs';

const other = { secretId: 'AKIDexample0000000000000000000000002', secretKey: 'example-secret-key-0002' };
const header = 'X-Reeltime-Idempotency-Key';

const configure = config => {
  config.limits = { start_keys_per_app: 4 };
  config.credentials.push({ secret_id: other.secretId, secret_key: other.secretKey });
};

test('A start that is repeated happens once', { timeout: 120000 }, async t => {
  const stage = await Stage.open(t, { configure });
  const { daemon } = stage;
  const client = (key, who = credential) => cloudClient({ endpoint: daemon.endpoint, ...who, headers: { [header]: key } });
  const params = daemon.createParams({ roomId: 'once' });
  const create = async (key, p = params, who = credential) => (await client(key, who).CreateCloudRecording(p)).TaskId;
  const started = () => stage.receiver.deliveries.filter(({ event }) => event.EventType === 301).length;

  const all = await Promise.all(Array.from({ length: 8 }, () => create('lesson-1')));
  const [first] = all;
  assert.deepEqual([...new Set(all)], [first], 'eight at the same time');
  assert.equal(await create('lesson-1'), first, 'a repeat');
  const ticket = { ...params, UserSig: daemon.userSig(params.UserId, { expire: 4000 }) };
  assert.equal(await create('lesson-1', ticket), first, 'a repeat with a new ticket');
  const form = await sendV1(daemon, 'CreateCloudRecording', params, { more: { [header]: 'lesson-1' } });
  assert.equal(form.response.TaskId, first, 'a repeat as a form');

  const changed = { ...params, RecordParams: { ...params.RecordParams, MaxIdleTime: 61 } };
  assert.equal(await errorCode(create('lesson-1', changed)), 'InvalidParameterValue');
  const answer = await sendTc3(daemon, 'CreateCloudRecording', changed, { more: { [header]: 'lesson-1' } });
  assert.match(answer.message, /X-Reeltime-Idempotency-Key/);
  const elsewhere = structuredClone(params);
  elsewhere.StorageParams.CloudStorage.SecretKey = 'SK2';
  assert.equal(await errorCode(create('lesson-1', elsewhere)), 'InvalidParameterValue');
  for (const bad of ['a b', 'x'.repeat(129), 'a\tb'])
    assert.equal(await errorCode(create(bad)), 'InvalidParameterValue', JSON.stringify(bad));

  // A start that failed is not remembered.
  const ticketless = { ...params, RoomId: 'late', UserId: 'recorder_late', UserSig: 'eJnothing' };
  assert.equal(await errorCode(create('lesson-2', ticketless)), 'InvalidParameter.UserSig');
  const second = await create('lesson-2', daemon.createParams({ roomId: 'late' }));
  assert.notEqual(second, first);

  // Another caller's key of the same name is another key.
  const third = await create('lesson-1', daemon.createParams({ roomId: 'third' }), other);
  assert.notEqual(third, first);
  await create('lesson-3', daemon.createParams({ roomId: 'fourth' }));
  assert.equal(await errorCode(create('lesson-4', daemon.createParams({ roomId: 'fifth' }))), 'LimitExceeded');
  assert.equal(await create('lesson-1'), first, 'repeats are not counted');

  await daemon.restart();
  assert.equal(await create('lesson-1'), first, 'after a restart');
  assert.equal(await create('lesson-2', daemon.createParams({ roomId: 'late' })), second);
  assert.equal(await errorCode(create('lesson-1', changed)), 'InvalidParameterValue');
  assert.equal(await errorCode(create('lesson-4', daemon.createParams({ roomId: 'fifth' }))), 'LimitExceeded');
  await until('every start is told', () => started() >= 4);
  assert.equal(started(), 4, 'tasks that were started');
});
