// `reeltime spool` with the daemon killed: what it lists, repairs and delivers.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { binary } from '../lib/daemon.mjs';
import { checkPlaylist } from '../lib/hls.mjs';
import { mediaSpans } from '../lib/media.mjs';
import { decodeErrors } from '../lib/probe.mjs';
import { Stage } from '../lib/stage.mjs';
import { delay } from '../lib/wait.mjs';

const timeout = 120000;

// Runs `reeltime spool ...`. Gives { status, out, err, json }.
function spool(args, env = {}) {
  return new Promise(resolve => {
    execFile(binary, ['spool', ...args], { env: { ...process.env, ...env } }, (error, out, err) => {
      const status = error ? error.code : 0;
      resolve({ status, out, err, json: args.includes('--json') && out ? JSON.parse(out) : null });
    });
  });
}

async function record(stage, roomId, params = {}) {
  const recording = await stage.record({ roomId, record: params });
  const publisher = await stage.publishPattern({ roomId, userId: 'alice' }, ['--test-pattern']);
  await recording.files(2, { timeoutMs: 60000 });
  await delay(3000);
  return { recording, publisher, dir: path.join(stage.daemon.data, 'spool') };
}

const problemsIn = async (folder, recording) => (await Promise.all(['audio', 'video'].map(type =>
  checkPlaylist(folder, { stem: recording.stem('alice', type), type, userId: 'alice' })))).flatMap(r => r.problems);

test('list, repair and push do what the daemon would do', { timeout }, async t => {
  const stage = await Stage.open(t);
  const { recording, publisher, dir } = await record(stage, 'by-hand');
  const refused = await spool(['list', dir]);
  assert.equal(refused.status, 2);
  assert.match(refused.err, /in use.*stop it/s);
  assert.equal(refused.out, '');

  await stage.daemon.crash(async () => {
    await publisher.kill();
    const [torn] = (await spool(['list', dir, '--json'])).json.Tasks;
    assert.equal(torn.TaskId, recording.taskId);
    assert.equal(torn.State, 'torn');
    assert.equal(torn.RoomId, 'by-hand');
    assert.equal(torn.Torn.length, 2);
    const listed = await spool(['list', dir]);
    assert.equal(listed.status, 0);
    assert.match(listed.out, new RegExp(`${recording.taskId}\\s+torn .*by-hand\\n  torn: .*_video_\\d{17}\\.ts`, 's'));

    const repaired = await spool(['repair', dir, '--json']);
    assert.equal(repaired.status, 0, repaired.err);
    const { Salvaged, Hopeless, Listed, Ended } = repaired.json.Tasks[0];
    assert.deepEqual({ Salvaged, Hopeless, Listed, Ended }, { Salvaged: 2, Hopeless: 0, Listed: 2, Ended: 2 });
    assert.deepEqual(await problemsIn(path.join(dir, recording.taskId), recording), []);
    assert.match((await spool(['repair', dir])).out, /is whole/);
    const whole = (await spool(['list', dir, '--json'])).json;
    assert.equal(whole.Tasks[0].State, 'whole');
    assert.equal(whole.Files, 4);

    const pushed = await spool(['push', dir, '--config', stage.daemon.configFile, '--json']);
    assert.equal(pushed.status, 0, pushed.err);
    assert.deepEqual(pushed.json.Tasks, [{ TaskId: recording.taskId, Delivered: true }]);
    assert.deepEqual(await readdir(dir), []);
    assert.match((await spool(['list', dir])).out, /nothing waits here/);
    await recording.verify([['alice', 'audio'], ['alice', 'video']]);
  });

  const { EventInfo } = await stage.receiver.wait(recording.taskId, 302, { timeoutMs: 30000 });
  assert.equal(EventInfo.Payload.LeaveCode, 100);
  await recording.gone();
});

test('push --to delivers without keys and configuration', { timeout }, async t => {
  const stage = await Stage.open(t);
  const { recording, publisher, dir } = await record(stage, 'rescued');
  const folder = await mkdtemp(path.join(tmpdir(), 'reeltime-rescued-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await stage.daemon.crash(async () => {
    await publisher.kill();
    const unknown = await spool(['push', dir, '--task', 'nobody']);
    assert.equal(unknown.status, 2);
    assert.match(unknown.err, /no such task/);

    const wrong = await spool(['push', dir, '--config', stage.daemon.configFile],
      { REELTIME_MASTER_KEY: '00'.repeat(32) });
    assert.equal(wrong.status, 1);
    assert.match(wrong.out, new RegExp(`${recording.taskId}  stays: .*master key`));

    const pushed = await spool(['push', dir, '--to', path.join(folder, 'out'), '--task', recording.taskId]);
    assert.equal(pushed.status, 0, pushed.err);
    assert.equal(pushed.out, `${recording.taskId}  delivered\n`);
    assert.match(pushed.err, /Deliver/);
    assert.deepEqual(await readdir(dir), []);
    assert.deepEqual(await problemsIn(path.join(folder, 'out', recording.taskId), recording), []);
  });
});

test('an MP4 in the making is repaired and delivered by hand', { timeout }, async t => {
  const stage = await Stage.open(t);
  const { recording, publisher, dir } = await record(stage, 'movie', { OutputFormat: 1 });
  const name = `${recording.stem('alice', '').slice(0, -1)}.mp4`;
  await stage.daemon.crash(async () => {
    await publisher.kill();
    const [torn] = (await spool(['list', dir, '--json'])).json.Tasks;
    assert.equal(torn.State, 'torn');
    assert.ok(torn.Torn.some(file => file.Name === name), JSON.stringify(torn.Torn));
    const repaired = await spool(['repair', dir, '--json']);
    assert.equal(repaired.status, 0, repaired.err);
    assert.equal(repaired.json.Tasks[0].Salvaged, 3);
    const file = path.join(dir, recording.taskId, name);
    assert.equal(await decodeErrors(file), '');

    const pushed = await spool(['push', dir, '--config', stage.daemon.configFile]);
    assert.equal(pushed.status, 0, pushed.err);
    assert.deepEqual(await readdir(dir), []);
  });
  const { audio, video, streams } = await mediaSpans(path.join(await recording.folder(), name));
  assert.deepEqual(streams.map(s => s.type).sort(), ['audio', 'video']);
  assert.ok(audio.to > 2 && video.to > 2, `${audio.to} s of sound, ${video.to} s of pictures`);
  assert.deepEqual(await problemsIn(await recording.folder(), recording), []);
});
