import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedOrder } from '../events.mjs';

const make = ([EventType, about]) => ({ EventType, EventInfo: { Payload: {
  301: { Status: about ?? 0 }, 302: { LeaveCode: 0 }, 303: { Status: 0 }, 304: { FileList: about },
  305: { Status: about ?? 0 }, 307: { FileName: about }, 308: { Code: about }, 310: { Status: 0 },
}[EventType] } });
const judge = (list, options) => allowedOrder(list.map(make), options);

const good = {
  plain: [[301], [303], [307, 'a'], [304, 'a'], [302], [305]],
  'two playlists, the last one up after the end': [[301], [303], [307, 'a'], [307, 'b'], [304, 'b'], [302], [304, 'a'], [305]],
  'nobody came': [[301], [303], [302], [305]],
  'stuck, recovered': [[301], [303], [307, 'a'], [308, 'AccessDenied'], [302], [305, 1], [305, 2]],
  'stuck before its playlist went up': [[301], [303], [307, 'a'], [308, 'AccessDenied'], [302], [305, 1],
    [308, 'NoSuchBucket'], [304, 'a'], [305, 2]],
  'start failed': [[301, 1]],
  'with MP4': [[301], [303], [307, 'a'], [304, 'a'], [302], [305], [310]],
};
const bad = {
  '303 missing': [[301], [307, 'a'], [304, 'a'], [302], [305]],
  '304 before 307': [[301], [303], [304, 'a'], [307, 'a'], [302], [305]],
  '304 twice': [[301], [303], [307, 'a'], [304, 'a'], [304, 'a'], [302], [305]],
  'a playlist never uploaded': [[301], [303], [307, 'a'], [302], [305]],
  '305 before 302': [[301], [303], [305], [302]],
  '304 after 305': [[301], [303], [307, 'a'], [302], [305], [304, 'a']],
  '304 after 305 Status 2': [[301], [303], [307, 'a'], [302], [305, 1], [305, 2], [304, 'a']],
  '307 after 305 Status 1': [[301], [303], [302], [305, 1], [307, 'a'], [305, 2]],
  'no end': [[301], [303], [302]],
  '305 twice': [[301], [303], [302], [305], [305]],
  '305 Status 2 alone': [[301], [303], [302], [305, 2]],
  'something after a failed start': [[301, 1], [302]],
  '301 later': [[303], [301], [302], [305]],
};

for (const [name, list] of Object.entries(good))
  test(`allowed: ${name}`, () => assert.deepEqual(judge(list), []));
for (const [name, list] of Object.entries(bad))
  test(`not allowed: ${name}`, () => assert.notDeepEqual(judge(list), []));

test('a task that goes on, one without HLS, one after a crash', () => {
  assert.deepEqual(judge([[301], [303], [307, 'a']], { ended: false }), []);
  assert.deepEqual(judge([[301], [303], [302], [310]], { hlsFiles: false }), []);
  assert.notDeepEqual(judge([[301], [303], [302], [305]], { hlsFiles: false }), []);
  assert.deepEqual(judge([[301], [303], [307, 'a'], [304, 'a'], [302], [304, 'a'], [305]], { repeats: true }), []);
});
