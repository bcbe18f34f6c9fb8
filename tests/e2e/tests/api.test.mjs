// What the unmodified SDK gets to see when it asks for something wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { app, credential } from '../lib/daemon.mjs';
import { cloudClient, errorCode } from '../lib/sdk.mjs';
import { Stage } from '../lib/stage.mjs';

// A copy with another value at the place that the names lead to; undefined takes it out.
function put(object, value, ...names) {
  const copy = structuredClone(object);
  const owner = names.slice(0, -1).reduce((at, name) => at[name], copy);
  owner[names.at(-1)] = value;
  return copy;
}

const drop = (object, ...names) => put(object, undefined, ...names);

test('Errors of Create, by their codes', { timeout: 60000 }, async t => {
  const { daemon, cloud } = await Stage.open(t);
  const sound = daemon.createParams({ roomId: 'errors' });
  const storage = ['StorageParams', 'CloudStorage'];
  const table = [
    ['no RoomId', drop(sound, 'RoomId'), 'MissingParameter.RoomId'],
    ['no SdkAppId', drop(sound, 'SdkAppId'), 'MissingParameter.SdkAppId'],
    ['no UserId', drop(sound, 'UserId'), 'MissingParameter.UserId'],
    ['no UserSig', drop(sound, 'UserSig'), 'MissingParameter.UserSig'],
    ['no RecordParams', drop(sound, 'RecordParams'), 'MissingParameter.RecordParams'],
    ['no RecordMode', drop(sound, 'RecordParams', 'RecordMode'), 'MissingParameter.RecordMode'],
    ['no StorageParams', drop(sound, 'StorageParams'), 'MissingParameter.StorageParams'],
    ['no CloudStorage', put(sound, {}, 'StorageParams'), 'MissingParameter.CloudStorage'],
    ['no Vendor', drop(sound, ...storage, 'Vendor'), 'MissingParameter.Vendor'],
    ['no Bucket', drop(sound, ...storage, 'Bucket'), 'MissingParameter.Bucket'],
    ['no AccessKey', drop(sound, ...storage, 'AccessKey'), 'MissingParameter.AccessKey'],
    ['no SecretKey', drop(sound, ...storage, 'SecretKey'), 'MissingParameter.SecretKey'],
    ['another application', put(sound, 1400000002, 'SdkAppId'), 'InvalidParameter.SdkAppId'],
    ['RecordMode 3', put(sound, 3, 'RecordParams', 'RecordMode'), 'InvalidParameter.OutOfRange'],
    ['MaxIdleTime 4', put(sound, 4, 'RecordParams', 'MaxIdleTime'), 'InvalidParameter.OutOfRange'],
    ['a prefix with a slash', put(sound, ['a/b'], ...storage, 'FileNamePrefix'), 'InvalidParameter.OutOfRange'],
    ['an integer room that is none', { ...sound, RoomId: 'x', RoomIdType: 1 }, 'InvalidParameter.OutOfRange'],
    ['a UserSig of another user', put(sound, daemon.userSig('other'), 'UserSig'), 'InvalidParameter.UserSig'],
    ['an expired UserSig', put(sound, daemon.userSig(sound.UserId, { time: 1735707600 }), 'UserSig'), 'InvalidParameter.UserSig'],
    ['an unknown member', { ...sound, Colour: 'red' }, 'UnknownParameter'],
    ['text for a number', put(sound, 'one', 'RecordParams', 'RecordMode'), 'InvalidParameter'],
  ];
  for (const [name, params, code] of table)
    await t.test(name, async () => {
      assert.equal(await errorCode(cloud.CreateCloudRecording(params)), code);
    });
});

test('Errors of the envelope and of unknown tasks', { timeout: 60000 }, async t => {
  const { daemon, cloud } = await Stage.open(t);
  const key = { SdkAppId: app.sdkAppId, TaskId: 'NoSuchTask0000000000000000000000' };
  const as = more => cloudClient({ endpoint: daemon.endpoint, ...credential, ...more });
  const table = [
    ['an unknown task', () => cloud.DescribeCloudRecording(key), 'ResourceNotFound'],
    ['Delete of an unknown task', () => cloud.DeleteCloudRecording(key), 'ResourceNotFound'],
    ['no TaskId', () => cloud.DescribeCloudRecording({ SdkAppId: app.sdkAppId }), 'MissingParameter.TaskId'],
    ['an unknown SecretId', () => as({ secretId: 'AKIDnobody' }).DescribeCloudRecording(key), 'AuthFailure.SecretIdNotFound'],
    ['a wrong SecretKey', () => as({ secretKey: 'wrong' }).DescribeCloudRecording(key), 'AuthFailure.SignatureFailure'],
    ['a region that is not offered', () => as({ region: 'eu-frankfurt' }).DescribeCloudRecording(key), 'UnsupportedRegion'],
    ['a region that does not exist', () => as({ region: 'moon-1' }).DescribeCloudRecording(key), 'InvalidParameterValue'],
    ['an action of another kind', () => as({}).request('StartStreamIngest', {}), 'InvalidAction'],
  ];
  for (const [name, call, code] of table)
    await t.test(name, async () => {
      assert.equal(await errorCode(call()), code);
    });
});
