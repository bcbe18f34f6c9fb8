// Sound and picture of one participant line up in the files, as they did where they were made.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { coveredSeconds } from '../lib/hls.mjs';
import { beepDelays, beeps, counterProblems, flashes, patternPictures } from '../lib/pattern.mjs';
import { picturesTurnDark, soundStarts } from '../lib/probe.mjs';
import { network, payloadType } from '../lib/udp_relay.mjs';
import { Stage } from '../lib/stage.mjs';
import { until } from '../lib/wait.mjs';

const settleMs = 3000;      // until sender reports are there
const toleranceMs = 60;     // one picture is 50 ms
const clockMs = 100;        // codecs and the way here

test('A tick and the change of the picture at the same moment stay together', { timeout: 90000 }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'sync' };
  const bob = await stage.publishGst({ ...room, userId: 'bob' }, ['--marks', '--fps', '20']);
  const recording = await stage.record(room);
  const files = await recording.files(2);
  await until('ten seconds of recording', () => Date.now() > files[0].BeginTimeStamp + 10000);
  await stage.finish(recording);

  const [audio, video] = await recording.verify([['bob', 'audio'], ['bob', 'video']]);
  const folder = await recording.folder();
  const wallClock = (list, places) => places.map(s => Math.round(list.startRecTime + s * 1000));
  const ticks = wallClock(audio, await soundStarts(path.join(folder, `${recording.stem('bob', 'audio')}.m3u8`)));
  const changes = wallClock(video, await picturesTurnDark(path.join(folder, `${recording.stem('bob', 'video')}.m3u8`)));

  const from = Math.max(audio.startRecTime, video.startRecTime) + settleMs;
  const end = Math.min(...[audio, video].map(list => list.startRecTime + coveredSeconds(list) * 1000)) - 500;
  const judged = changes.filter(at => at > from && at < end);
  assert.ok(judged.length >= 4, `${judged.length} changes of the picture to judge`);
  const off = judged.map(at => Math.min(...ticks.map(tick => Math.abs(tick - at))));
  assert.ok(Math.max(...off) <= toleranceMs, `sound and picture are ${off.join(', ')} ms apart`);
  const late = ticks.filter(at => at > from && at < end).map(at => (at - bob.originMs + 500) % 1000 - 500);
  assert.ok(Math.max(...late.map(Math.abs)) <= clockMs, `ticks lie ${late.map(Math.round).join(', ')} ms off the clock`);
  const steps = judged.slice(1).map((at, i) => at - judged[i]);
  assert.ok(steps.every(step => Math.abs(step - 1000) <= toleranceMs), `seconds last ${steps.join(', ')} ms`);
});

// What the publisher's offer calls its sound, src/publish/offer.h.
const opus = 111;
const delayMs = 250, judgedAfter = 5, wantedBeeps = 10, beepToleranceMs = 40;

test('Sound that comes 250 ms late is recorded in step with the picture', { timeout: 120000 }, async t => {
  const stage = await Stage.open(t);
  const { url, relays } = await network(t, stage.daemon, datagram => (payloadType(datagram) === opus ? delayMs : 0));
  const room = { roomId: 'late-sound' };
  // The task is there first: what is recorded begins with the very first packets.
  const recording = await stage.record({ ...room, record: { AvMerge: 1, OutputFormat: 1 } });
  const alice = await stage.publishPattern({ ...room, userId: 'alice', url });
  const [{ BeginTimeStamp }] = await recording.files(1);
  await until('enough is recorded', () => Date.now() > BeginTimeStamp + (judgedAfter + wantedBeeps + 4) * 1000,
    { timeoutMs: 40000 });
  await alice.leave();
  await stage.finish(recording, { groups: 1 });
  const through = name => relays.reduce((sum, relay) => sum + relay[name], 0);
  assert.ok(through('delayed') > 50 * wantedBeeps && through('passed') > 30 * wantedBeeps, 'all went through the relay');

  const stem = recording.stem('alice', 'audiovideo'), mp4 = `${stem.replace(/_audiovideo$/, '')}.mp4`;
  await recording.verify([['alice', 'audiovideo']], { besides: [mp4] });
  for (const name of [`${stem}.m3u8`, mp4]) {
    const file = path.join(await recording.folder(), name);
    const pictures = await patternPictures(file);
    assert.deepEqual(counterProblems(pictures), [], name);
    const delays = beepDelays(flashes(pictures), await beeps(file), pictures[0].at + judgedAfter);
    const judged = delays.slice(0, -1);    // after the last flash the sound may end before its beep
    assert.ok(judged.length >= wantedBeeps, `${name}: ${judged.length} flashes to judge`);
    assert.ok(judged.every(ms => Math.abs(ms) <= beepToleranceMs), `${name}: beeps are later by ${delays.map(Math.round)} ms`);
  }
});
