// `reeltime publish --test-pattern` recorded: no picture is missing, none comes twice, and everyone of a crowd arrives.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { app } from '../lib/daemon.mjs';
import { beepDelays, beeps, counterProblems, flashes, patternPictures } from '../lib/pattern.mjs';
import { Stage } from '../lib/stage.mjs';

const timeout = 120000;
const seconds = 12, fps = 30;
const stepMs = 5;           // from one picture to the next, beside a thirtieth of a second
const togetherMs = 40;

test('The test pattern is recorded picture by picture', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'pattern' };
  const alice = await stage.publishPattern({ ...room, userId: 'alice' }, ['--duration', String(seconds)]);
  const recording = await stage.record({ ...room, record: { AvMerge: 1 } });
  await recording.files(1);
  const sent = await alice.end();
  await stage.finish(recording);

  await recording.verify([['alice', 'audiovideo']]);
  const file = path.join(await recording.folder(), `${recording.stem('alice', 'audiovideo')}.m3u8`);
  const pictures = await patternPictures(file);
  assert.deepEqual(counterProblems(pictures), []);
  assert.ok(sent.video_frames >= (seconds - 1) * fps, `${sent.video_frames} pictures sent`);
  // It begins at a key frame, of which there is one a second, and goes on to the last picture sent.
  assert.equal(pictures[0].number % fps, 0);
  assert.ok(pictures.length >= 5 * fps, `${pictures.length} pictures recorded`);
  assert.equal((pictures.at(-1).number + 1) % fps, 0);
  const steps = pictures.slice(1).map(({ at }, i) => (at - pictures[i].at) * 1000 - 1000 / fps);
  assert.ok(steps.every(step => Math.abs(step) < stepMs), `steps are off by ${Math.min(...steps)} to ${Math.max(...steps)} ms`);

  assert.ok(pictures.every(({ number, flash }) => flash === (number % fps < fps / 10)), 'a flash at each full second');
  const delays = beepDelays(flashes(pictures), await beeps(file));
  assert.ok(delays.length >= 4, `${delays.length} flashes to judge`);
  assert.ok(delays.every(ms => Math.abs(ms) < togetherMs), `beeps are later by ${delays.map(Math.round)} ms`);
});

test('--count and --user-prefix bring in a crowd from one process', { timeout }, async t => {
  const stage = await Stage.open(t);
  const users = ['fan1', 'fan2', 'fan3'];
  const crowd = await stage.publishPattern({ roomId: 'crowd', userId: 'unused' }, ['--key', app.key,
    '--user-prefix', 'fan', '--count', String(users.length), '--size', '320x180', '--bitrate', '200k']);
  const recording = await stage.record({ roomId: 'crowd' });
  const files = await recording.files(2 * users.length);
  assert.deepEqual([...new Set(files.map(file => file.UserId))].sort(), users);
  const sent = await crowd.leave();
  assert.equal(sent.done, users.length);
  await stage.finish(recording);
  await recording.verify(users.flatMap(user => [[user, 'audio'], [user, 'video']]));
  const folder = await recording.folder();
  for (const user of users) {
    const pictures = await patternPictures(path.join(folder, `${recording.stem(user, 'video')}.m3u8`));
    assert.deepEqual(counterProblems(pictures), [], user);
    assert.ok(pictures.length > 0);
  }
});
