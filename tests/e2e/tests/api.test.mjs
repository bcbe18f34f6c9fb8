// What the unmodified SDKs get to see when they ask for something wrong: the mainland one (JSON, TC3) and the
// international one (forms, HmacSHA256), by the code of the error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { app, credential } from '../lib/daemon.mjs';
import { cloudClient, errorCode } from '../lib/sdk.mjs';
import { intlClient } from '../lib/sdk_intl.mjs';
import { Stage } from '../lib/stage.mjs';

const [create, describe, modify, remove] = ['Create', 'Describe', 'Modify', 'Delete'].map(verb => `${verb}CloudRecording`);
const range = 'InvalidParameter.OutOfRange';
const type = 'InvalidParameter';
const unserved = 'FailedOperation.CRUnsupportMethod';
const cloud = 'StorageParams.CloudStorage';
const lists = 'RecordParams.SubscribeStreamUserIds';

// A copy with other values at the places that the names lead to; undefined takes one out.
function put(object, changes) {
  const copy = structuredClone(object);
  for (const [place, value] of Object.entries(changes)) {
    const names = place.split('.');
    let owner = copy;
    for (const name of names.slice(0, -1))
      owner = owner[name] ??= {};
    owner[names.at(-1)] = value;
  }
  return JSON.parse(JSON.stringify(copy));    // the international SDK would sign the word undefined
}

// [action, what is changed in a sound request, code, code of forms where it is another]. In a form every value is text,
// and an object without members is not sent.
function cases(daemon, robot) {
  const window = { Top: 0, Left: 0, Width: 320, Height: 180 };
  const mark = { WaterMarkType: 2, WaterMarkTimestamp: { Pos: 0 } };
  const layout = more => ({ 'RecordParams.RecordMode': 2, MixLayoutParams: { MixLayoutMode: 4, ...more } });
  const video = more => ({
    'RecordParams.RecordMode': 2,
    'MixTranscodeParams.VideoParams': { Width: 640, Height: 360, Fps: 15, BitRate: 550000, Gop: 10, ...more },
  });
  return [
    [create, { SdkAppId: undefined }, 'MissingParameter.SdkAppId'],
    [create, { SdkAppId: 0 }, 'MissingParameter.SdkAppId'],
    [create, { SdkAppId: 4294967296 }, range],
    [create, { SdkAppId: app.sdkAppId + 1 }, 'InvalidParameter.SdkAppId'],
    [create, { RoomId: undefined }, 'MissingParameter.RoomId'],
    [create, { RoomId: '' }, 'MissingParameter.RoomId'],
    [create, { RoomId: 'x', RoomIdType: 1 }, range],
    [create, { RoomId: '4294967296', RoomIdType: 1 }, range],
    [create, { RoomId: 'a/b' }, range],
    [create, { RoomId: 'r'.repeat(65) }, range],
    [create, { RoomId: { a: 'b' } }, type],
    [create, { RoomIdType: 2 }, range],
    [create, { RoomIdType: 'string' }, type],
    [create, { UserId: undefined }, 'MissingParameter.UserId'],
    [create, { UserId: 'a.b' }, range],
    [create, { UserId: 'u'.repeat(33) }, range],
    [create, { UserSig: undefined }, 'MissingParameter.UserSig'],
    [create, { UserSig: 'eJnonsense' }, 'InvalidParameter.UserSig'],
    [create, { UserSig: daemon.userSig('other') }, 'InvalidParameter.UserSig'],
    [create, { UserSig: daemon.userSig(robot, { time: 1735707600 }) }, 'InvalidParameter.UserSig'],
    [create, { ResourceExpiredHour: 5 }, range],
    [create, { ResourceExpiredHour: 721 }, range],
    [create, { PrivateMapKey: 'k'.repeat(8193) }, range],
    [create, { RecordParams: undefined }, 'MissingParameter.RecordParams'],
    [create, { 'RecordParams.RecordMode': undefined }, 'MissingParameter.RecordMode'],
    [create, { 'RecordParams.RecordMode': 3 }, range],
    [create, { 'RecordParams.RecordMode': 'one' }, type],
    [create, { 'RecordParams.MaxIdleTime': 4 }, range],
    [create, { 'RecordParams.MaxIdleTime': 86401 }, range],
    [create, { 'RecordParams.MaxIdleTime': 7.5 }, type],
    [create, { 'RecordParams.MaxIdleTime': -1 }, range],
    [create, { 'RecordParams.StreamType': 3 }, range],
    [create, { 'RecordParams.OutputFormat': 5 }, range],
    [create, { 'RecordParams.AvMerge': 2 }, range],
    [create, { 'RecordParams.MaxMediaFileDuration': 1441 }, range],
    [create, { 'RecordParams.MediaId': 3 }, range],
    [create, { 'RecordParams.FillType': 2 }, range],
    [create, { 'RecordParams.SubscribeAbility': 2 }, range],
    [create, { [`${lists}.SubscribeAudioUserIds`]: Array(33).fill('u') }, range],
    [create, { [`${lists}.SubscribeAudioUserIds`]: ['a'], [`${lists}.UnSubscribeAudioUserIds`]: ['b'] }, range],
    [create, { [`${lists}.SubscribeVideoUserIds`]: ['a'], [`${lists}.UnSubscribeVideoUserIds`]: ['b'] }, range],
    [create, { StorageParams: undefined }, 'MissingParameter.StorageParams'],
    [create, { StorageParams: {} }, 'MissingParameter.CloudStorage', 'MissingParameter.StorageParams'],
    [create, { [`${cloud}.Vendor`]: undefined }, 'MissingParameter.Vendor'],
    [create, { [`${cloud}.Region`]: undefined }, 'MissingParameter.Region'],
    [create, { [`${cloud}.Bucket`]: undefined }, 'MissingParameter.Bucket'],
    [create, { [`${cloud}.AccessKey`]: undefined }, 'MissingParameter.AccessKey'],
    [create, { [`${cloud}.SecretKey`]: undefined }, 'MissingParameter.SecretKey'],
    [create, { [`${cloud}.Vendor`]: 2 }, range],
    [create, { [`${cloud}.Bucket`]: 'a/b' }, range],
    [create, { [`${cloud}.FileNamePrefix`]: ['a/b'] }, range],
    [create, { [`${cloud}.FileNamePrefix`]: Array(17).fill('p') }, range],
    [create, { [`${cloud}.EndpointUrl`]: 'ftp://objects.example.test' }, range],
    [create, { 'StorageParams.CloudVod.TencentVod.MediaType': 1 }, 'FailedOperation'],
    [create, { [cloud]: undefined, 'StorageParams.CloudVod.TencentVod.MediaType': 2 }, range],
    [create, { [cloud]: undefined, 'StorageParams.CloudVod.TencentVod.MediaType': 1 }, unserved],
    [create, { 'RecordParams.RecordMode': 2 }, unserved],
    [create, layout({ MixLayoutList: [window] }), unserved],
    [create, layout({ MixLayoutMode: undefined, BackGroundColor: '#000000' }), 'MissingParameter'],
    [create, layout({ MixLayoutMode: 5 }), range],
    [create, layout({ MixLayoutList: [{ ...window, Left: 41 }] }), range],
    [create, layout({ MixLayoutList: [{ ...window, Alpha: 256 }] }), range],
    [create, layout({ MixLayoutList: [{ ...window, Height: undefined }] }), 'MissingParameter'],
    [create, layout({ MixLayoutList: Array(26).fill(window) }), range],
    [create, layout({ BackGroundColor: 'red' }), range],
    [create, layout({ BackgroundImageUrl: 'http://pictures.example.test/a.gif' }), range],
    [create, layout({ PureAudioDisableLayout: 'yes' }), type],
    [create, layout({ WaterMarkList: [{ WaterMarkType: 1 }] }), 'MissingParameter'],
    [create, layout({ WaterMarkList: Array(26).fill(mark) }), range],
    [create, layout({ WaterMarkList: [{ ...mark, WaterMarkTimestamp: { Pos: 7 } }] }), range],
    [create, video({ Gop: undefined }), range],
    [create, video({ Fps: 61 }), range],
    [create, video({ Width: 1920, Height: 1088 }), range],
    [create, { 'MixTranscodeParams.AudioParams': { SampleRate: 4, Channel: 2, BitRate: 64000 } }, range],
    [create, { Colour: 'red' }, 'UnknownParameter'],
    [create, { [`${cloud}.Colour`]: 'red' }, 'UnknownParameter'],
    [describe, {}, 'ResourceNotFound'],
    [describe, { TaskId: undefined }, 'MissingParameter.TaskId'],
    [describe, { TaskId: 't'.repeat(257) }, range],
    [describe, { TaskId: ['t'] }, type],
    [describe, { SdkAppId: undefined }, 'MissingParameter.SdkAppId'],
    [describe, { SdkAppId: app.sdkAppId + 1 }, 'InvalidParameter.SdkAppId'],
    [describe, { RoomId: 'r' }, 'UnknownParameter'],
    [modify, {}, 'ResourceNotFound'],
    [modify, { TaskId: '' }, 'MissingParameter.TaskId'],
    [modify, { SdkAppId: app.sdkAppId + 1 }, 'ResourceNotFound'],
    [modify, { 'MixLayoutParams.MixLayoutMode': 0 }, range],
    [modify, { 'SubscribeStreamUserIds.SubscribeAudioUserIds': 'alice' }, type],
    [modify, { SubscribeStreamUserIds: { SubscribeAudioUserIds: ['a'], UnSubscribeAudioUserIds: ['b'] } }, range],
    [modify, { RecordParams: { RecordMode: 1 } }, 'UnknownParameter'],
    [remove, {}, 'ResourceNotFound'],
    [remove, { TaskId: undefined }, 'MissingParameter.TaskId'],
    [remove, { SdkAppId: 0 }, 'MissingParameter.SdkAppId'],
    [remove, { SdkAppId: app.sdkAppId + 1 }, 'InvalidParameter.SdkAppId'],
    [remove, { RecorderKey: 'k' }, 'UnknownParameter'],
  ];
}

const withoutLimits = config => { config.api.requests_per_second = 0; };

for (const [sdk, make] of [['the SDK', cloudClient], ['the international SDK', intlClient]])
  test(`Errors by their codes, as ${sdk} sees them`, { timeout: 120000 }, async t => {
    const { daemon } = await Stage.open(t, { callbacks: false, configure: withoutLimits });
    const client = make({ endpoint: daemon.endpoint, ...credential });
    const sound = daemon.createParams({ roomId: 'errors' });
    const key = { SdkAppId: app.sdkAppId, TaskId: 'NoSuchTask0000000000000000000000' };
    const table = cases(daemon, sound.UserId);
    assert.ok(table.length >= 60);
    const wrong = [];
    for (const [action, changes, code, formCode = code] of table) {
      const want = sdk === 'the SDK' ? code : formCode;
      const got = await errorCode(client[action](put(action === create ? sound : key, changes)));
      if (got !== want)
        wrong.push(`${action} ${JSON.stringify(changes).slice(0, 200)}: ${got} instead of ${want}`);
    }
    assert.deepEqual(wrong, []);
  });

test('Errors of who asks, and where', { timeout: 60000 }, async t => {
  const { daemon } = await Stage.open(t, { callbacks: false, configure: withoutLimits });
  const key = { SdkAppId: app.sdkAppId, TaskId: 'NoSuchTask0000000000000000000000' };
  const table = [
    [{}, 'ResourceNotFound'],
    [{ secretId: 'AKIDnobody' }, 'AuthFailure.SecretIdNotFound'],
    [{ secretKey: 'wrong' }, 'AuthFailure.SignatureFailure'],
    [{ token: 'temporary' }, 'AuthFailure.TokenFailure'],
    [{ region: 'eu-frankfurt' }, 'UnsupportedRegion'],
    [{ region: 'moon-1' }, 'InvalidParameterValue'],
    [{ region: '' }, 'MissingParameter'],
  ];
  for (const [sdk, make] of [['cloud', cloudClient], ['intl', intlClient]])
    for (const method of ['POST', 'GET'])
      for (const signMethod of ['TC3-HMAC-SHA256', 'HmacSHA256', 'HmacSHA1'])
        await t.test(`${sdk} ${method} ${signMethod}`, async () => {
          for (const [options, code] of table) {
            const client = make({ endpoint: daemon.endpoint, ...credential, method, signMethod, ...options });
            for (const action of [describe, modify, remove])
              assert.equal(await errorCode(client[action](key)), code, JSON.stringify(options));
          }
        });
  const client = cloudClient({ endpoint: daemon.endpoint, ...credential });
  assert.equal(await errorCode(client.request('StartStreamIngest', {})), 'InvalidAction');
});

test('A key that may only ask', { timeout: 60000 }, async t => {
  const asking = { secretId: 'AKIDexample0000000000000000000000002', secretKey: 'example-secret-key-0002' };
  const foreign = { secretId: 'AKIDexample0000000000000000000000003', secretKey: 'example-secret-key-0003' };
  const { daemon, cloud: owner } = await Stage.open(t, {
    callbacks: false,
    configure: config => {
      config.apps.push({ ...config.apps[0], sdk_app_id: app.sdkAppId + 1 });
      config.credentials.push({ secret_id: asking.secretId, secret_key: asking.secretKey,
        apps: [String(app.sdkAppId)], actions: [describe] });
      config.credentials.push({ secret_id: foreign.secretId, secret_key: foreign.secretKey, apps: [String(app.sdkAppId + 1)] });
    },
  });
  const params = daemon.createParams({ roomId: 'rights' });
  const { TaskId } = await owner.CreateCloudRecording(params);
  const key = { SdkAppId: app.sdkAppId, TaskId };
  const may = cloudClient({ endpoint: daemon.endpoint, ...asking });
  const other = intlClient({ endpoint: daemon.endpoint, ...foreign });
  assert.equal((await may.DescribeCloudRecording(key)).Status, 'Idle');
  const refused = 'AuthFailure.UnauthorizedOperation';
  assert.equal(await errorCode(may.DeleteCloudRecording(key)), refused);
  assert.equal(await errorCode(may.ModifyCloudRecording(key)), refused);
  assert.equal(await errorCode(may.CreateCloudRecording(params)), refused);
  assert.equal(await errorCode(may.DescribeCloudRecording({ ...key, SdkAppId: app.sdkAppId + 1 })), refused);
  for (const action of [describe, modify, remove])
    assert.equal(await errorCode(other[action](key)), refused);
  assert.equal(await errorCode(other.DescribeCloudRecording({ ...key, SdkAppId: app.sdkAppId + 1 })), 'ResourceNotFound');
  assert.equal((await owner.DeleteCloudRecording(key)).TaskId, TaskId);
});
