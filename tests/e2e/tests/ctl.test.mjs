// The command line: `reeltime usersig` and `reeltime ctl` against a running daemon.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { app, binary, credential, sanitizerReports } from '../lib/daemon.mjs';
import { freeTcpPort } from '../lib/ports.mjs';
import { run } from '../lib/run.mjs';
import { Stage } from '../lib/stage.mjs';
import { mintUserSig, signature } from '../lib/usersig.mjs';
import { until, within } from '../lib/wait.mjs';

const timeout = 120000;
const secrets = [app.key, app.callbackKey, credential.secretKey];
const foreign = ['TENCENTCLOUD_SECRET_ID', 'TENCENTCLOUD_SECRET_KEY', 'REELTIME_APP_KEY', 'REELTIME_CALLBACK_KEY',
  'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];

// Runs the binary to its end with nothing of the environment that it looks at, and never sees a secret in what it says.
async function reeltime(args, { env = {}, input } = {}) {
  const clean = Object.fromEntries(foreign.map(name => [name, '']));
  const result = await run(binary, args, { env: { ...clean, ...env }, input, timeoutMs: 60000 });
  assert.deepEqual(sanitizerReports(result.stderr), []);
  for (const secret of secrets)
    assert.ok(!(result.stdout + result.stderr).includes(secret), 'no secrets in messages');
  return result;
}

function open(ticket) {
  const packed = Buffer.from(ticket.replace(/\*/g, '+').replace(/-/g, '/').replace(/_/g, '='), 'base64');
  return JSON.parse(inflateSync(packed));
}

// A command that goes on for a while: its lines as they come.
class Running {
  constructor(args) {
    this.child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.lines = [];
    this.noise = '';
    createInterface({ input: this.child.stdout }).on('line', line => this.lines.push(line));
    this.child.stderr.on('data', bytes => { this.noise += bytes; });
    this.ended = new Promise(resolve => this.child.once('close', resolve));
  }

  static start(t, args) {
    const running = new Running(args);
    t.after(() => running.child.kill('SIGKILL'));
    return running;
  }

  line(pattern) {
    return until(`a line like ${pattern}`, () => this.lines.find(line => pattern.test(line)), { timeoutMs: 30000 });
  }

  async end() {
    const code = await within(30000, 'the command ends', this.ended);
    assert.deepEqual(sanitizerReports(this.noise), []);
    return code;
  }
}

test('usersig makes what others verify, and verifies what others make', { timeout }, async () => {
  const about = ['--app', String(app.sdkAppId), '--user', 'alice'];
  const env = { REELTIME_APP_KEY: app.key };
  const made = await reeltime(['usersig', ...about, '--expire', '600'], { env });
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^[A-Za-z0-9*_-]+\n$/, 'the ticket alone');
  const ticket = open(made.stdout.trim());
  const { 'TLS.time': time, 'TLS.expire': expire } = ticket;
  assert.equal(expire, 600);
  assert.ok(Math.abs(time - Date.now() / 1000) < 60);
  assert.deepEqual(ticket, {
    'TLS.ver': '2.0', 'TLS.identifier': 'alice', 'TLS.sdkappid': app.sdkAppId, 'TLS.expire': 600, 'TLS.time': time,
    'TLS.sig': signature({ sdkAppId: app.sdkAppId, key: app.key, userId: 'alice', time, expire }),
  });

  const theirs = { sdkAppId: app.sdkAppId, key: app.key, userId: 'alice' };
  const verify = (text, more = [], environment = env) =>
    reeltime(['usersig', '--verify', '-', ...more], { env: environment, input: `${text}\n` });
  const good = await verify(mintUserSig(theirs), about);
  assert.equal(good.code, 0, good.stdout);
  assert.match(good.stdout, /user +alice\n[^]*verdict +good\n$/);
  const old = await verify(mintUserSig({ ...theirs, time: time - 90000 }));
  assert.equal(old.code, 1);
  assert.match(old.stdout, /verdict +expired/);
  assert.equal((await verify(mintUserSig({ ...theirs, key: 'another' }))).code, 1);
  assert.equal((await verify(mintUserSig(theirs), ['--user', 'bob'])).code, 1);
  const unchecked = await verify(mintUserSig(theirs), ['--json'], {});
  assert.equal(unchecked.code, 1);
  assert.equal(JSON.parse(unchecked.stdout).Good, false);
  assert.equal((await verify('nonsense')).code, 1);
});

test('create, describe, delete, wait: a recording from the command line', { timeout }, async t => {
  const { daemon, ...stage } = await openStage(t);
  const ctl = (...args) => reeltime(['ctl', ...args, '--config', daemon.configFile]);
  // A file where the bucket's folder should be: nothing can be delivered as long as it is there.
  const blocked = path.join(daemon.buckets, 'recordings');
  await writeFile(blocked, '');

  const created = await ctl('create', '--room', 'cli', '--bucket', 'recordings', '--merge', '--idle', '300');
  assert.equal(created.code, 0, created.stderr);
  assert.match(created.stdout, /^[A-Za-z0-9_-]{32,64}\n$/, 'the TaskId alone');
  const task = created.stdout.trim();
  const once = (...more) => ctl('create', '--room', 'once', '--bucket', 'recordings', '--once', 'lesson-1', ...more);
  const [first, again, other] = [await once(), await once(), await once('--idle', '7')];
  assert.equal(first.code, 0, first.stderr);
  assert.equal(again.stdout, first.stdout);
  assert.notEqual(first.stdout, created.stdout);
  assert.match(other.stderr, /InvalidParameterValue/);
  assert.equal((await ctl('delete', first.stdout.trim())).code, 0);
  assert.match((await ctl('describe', task)).stdout, /^Task +.*\nStatus +Idle .*\nUpload +nothing waits\nFiles +none yet\n$/);

  await stage.publish({ roomId: 'cli', userId: 'alice' });
  const listed = await until('a file is listed', async () => {
    const seen = JSON.parse((await ctl('describe', task, '--json')).stdout);
    return seen.StorageFileList.length > 0 ? seen : null;
  });
  assert.equal(listed.Status, 'InProgress');
  assert.equal(listed.StorageFileList[0].TrackType, 'audio_video');

  const deleted = await ctl('delete', task);
  assert.deepEqual([deleted.code, deleted.stdout], [0, '']);
  const failing = await until('the upload is seen to fail', async () => {
    const seen = JSON.parse((await ctl('describe', task, '--json')).stdout);
    return seen.ReeltimeUpload.FailingSeconds >= 0 ? seen : null;
  });
  assert.equal(failing.Status, 'Exited');
  assert.ok(failing.ReeltimeUpload.Files > 0 && failing.ReeltimeUpload.Bytes > 0);
  const waiting = Running.start(t, ['ctl', 'wait', task, '--config', daemon.configFile]);
  await waiting.line(/^Delivering 0% .*\d files?, .* left/);
  const impatient = await ctl('wait', task, '--timeout', '0');
  assert.equal(impatient.code, 4);
  const described = await ctl('describe', task);
  assert.match(described.stdout, /^Status +Exited .*\nUpload +\d+ files?, .* to go/m);
  assert.match(described.stdout, /alice +audio_video +\d{4}-.* UTC +.*\.m3u8/);

  await rm(blocked);
  assert.equal(await waiting.end(), 0);
  assert.equal(waiting.lines.at(-1), 'Delivered');
  assert.equal((await ctl('wait', task)).code, 0);
  const gone = await ctl('describe', task);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /ResourceNotFound: /);
  const asJson = await ctl('describe', task, '--json');
  assert.equal(asJson.code, 1);
  assert.equal(JSON.parse(asJson.stdout).Error.Code, 'ResourceNotFound');
});

async function openStage(t, options) {
  const stage = await Stage.open(t, { callbacks: false, ...options });
  return { daemon: stage.daemon, publish: where => stage.publishGst(where) };
}

test('events: each is verified and told; another key is noticed', { timeout }, async t => {
  const port = await freeTcpPort();
  const { daemon } = await openStage(t, { callbackUrl: `http://127.0.0.1:${port}/callback` });
  const ctl = (...args) => reeltime(['ctl', ...args, '--config', daemon.configFile]);
  const events = (...more) => Running.start(t, ['ctl', 'events', '--listen', `127.0.0.1:${port}`, ...more]);

  const good = events('--config', daemon.configFile, '--count', '4');
  await until('it listens', () => good.noise.includes(`listening on http://127.0.0.1:${port}/`));
  const [task, other] = await Promise.all(['one', 'two'].map(async room =>
    (await ctl('create', '--room', room, '--bucket', 'recordings')).stdout.trim()));
  assert.equal(await good.end(), 0);
  const [start, upload, ...more] = good.lines.filter(line => line.includes(task));
  assert.match(start, /^[\d:.]{12} 301 RECORDER_START one \S+ Status=0$/);
  assert.match(upload, /^[\d:.]{12} 303 UPLOAD_START +one \S+ Status=0$/);
  assert.deepEqual(more, []);

  const wrong = events('--key', 'anotherKey', '--task', task, '--count', '1');
  await until('it listens', () => wrong.noise.includes('listening'));
  await ctl('delete', other);
  await ctl('delete', task);
  assert.equal(await wrong.end(), 1);
  assert.equal(wrong.lines.length, 1);
  assert.match(wrong.lines[0], / 30\d .*WRONG SIGN/);

  const raw = events('--config', daemon.configFile, '--json');
  await until('it listens', () => raw.noise.includes('listening'));
  const third = (await ctl('create', '--room', 'three', '--bucket', 'recordings')).stdout.trim();
  const event = JSON.parse(await raw.line(new RegExp(`"EventType":301.*${third}`)));
  assert.equal(event.EventInfo.RoomId, 'three');
  raw.child.kill('SIGINT');
  assert.equal(await raw.end(), 0);
});

test('What goes wrong is said, with an exit status of its own', { timeout }, async t => {
  const { daemon } = await openStage(t);
  const config = ['--config', daemon.configFile];
  const key = { TENCENTCLOUD_SECRET_ID: credential.secretId, TENCENTCLOUD_SECRET_KEY: 'wrong' };
  const here = ['--endpoint', daemon.url, '--app', String(app.sdkAppId)];
  const away = ['--endpoint', `http://127.0.0.1:${await freeTcpPort()}`];
  const cases = [
    [['ctl', 'describe', 'x', ...here], key, 1, /AuthFailure\.SignatureFailure/],
    [['ctl', 'delete', 'x', ...config], {}, 1, /ResourceNotFound/],
    [['ctl', 'wait', 'x', ...config, '--app', '5'], {}, 1, /InvalidParameter\.SdkAppId/],
    [['ctl', 'describe', ...config], {}, 2, /TASK is missing/],
    [['ctl', 'describe', 'x', '--nonsense'], {}, 2, /no option --nonsense/],
    [['ctl', 'create', ...config, '--bucket', 'b'], {}, 2, /--room is missing/],
    [['ctl', 'describe', 'x', ...here], {}, 2, /no credentials.*TENCENTCLOUD_SECRET_ID/],
    [['ctl', 'events', '--listen', 'nowhere'], {}, 2, /--listen wants/],
    [['ctl', 'events', '--listen', daemon.endpoint], {}, 2, /in use/],
    [['ctl', 'dance'], {}, 2, /no command 'dance'/],
    [['usersig', '--app', '1'], {}, 2, /--user is missing/],
    [['ctl', 'describe', 'x', ...config, ...away], {}, 3, /cannot reach http:.*refused/],
    [['ctl', 'wait', 'x', ...config, ...away], {}, 3, /cannot reach/],
    [['ctl', 'describe', 'x', ...config, '--endpoint', `${daemon.url}/healthz`], {}, 3, /not as a recording service/],
  ];
  for (const [args, env, code, said] of cases) {
    const result = await reeltime(args, { env });
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, said);
    assert.equal(result.stdout, '');
  }
  for (const args of [['usersig'], ['ctl'], ...['create', 'describe', 'delete', 'wait', 'events'].map(c => ['ctl', c])]) {
    const help = await reeltime([...args, '--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, new RegExp(`^usage: reeltime ${args.join(' ')} `));
    assert.match(help.stdout, /Example/);
    assert.ok(help.stdout.split('\n').every(line => line.length <= 90), 'no line is too wide for a terminal');
  }
});
