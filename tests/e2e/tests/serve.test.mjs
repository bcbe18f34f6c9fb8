// The program itself: arguments, configuration, HTTPS, an orderly end.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { app, binary, credential, makeConfig } from '../lib/daemon.mjs';
import { run } from '../lib/run.mjs';
import { Stage, framesSent } from '../lib/stage.mjs';

const timeout = 90000;
const sdkCall = fileURLToPath(new URL('../lib/sdk_call.mjs', import.meta.url));

async function scratch(t) {
  const folder = await mkdtemp(path.join(tmpdir(), 'reeltime-e2e-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('--help and --version', async () => {
  const help = await run(binary, ['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /serve/);
  const version = await run(binary, ['--version']);
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^reeltime \d+\.\d+\.\d+/);
  const wrong = await run(binary, ['dance']);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /dance/);
});

const good = `data: DATA
api: { listen: "127.0.0.1:9000", public_url: "http://127.0.0.1:9000" }
media:
  listen: "127.0.0.1"
  port: 9100
  loops: 2
apps:
  - sdk_app_id: 1400000001
    key: "example-sdk-secret-key-0000000000000000000000000000000000000001"
credentials:
  - { secret_id: "AKIDexample0000000000000000000000001", secret_key: "example-secret-key-0001" }
storage:
  - region: "local"
    dir: "DATA/buckets"
`;

// [name, edit of the good file, line of the fault, word that names the key]
const badConfigs = [
  ['unknown key at the top', c => c.replace('media:', 'medium:'), 3, 'medium'],
  ['unknown key inside', c => c.replace('  port:', '  prot:'), 5, 'prot'],
  ['text for a number', c => c.replace('9100', 'many'), 5, 'port'],
  ['number out of range', c => c.replace('9100', '91000'), 5, 'port'],
  ['no loops at all', c => c.replace('loops: 2', 'loops: 0'), 6, 'loops'],
  ['a list for a map', c => c.replace('media:\n  listen: "127.0.0.1"\n  port: 9100\n  loops: 2', 'media: [1]'), 3, 'media'],
  ['an address without port', c => c.replace('listen: "127.0.0.1:9000"', 'listen: "127.0.0.1"'), 2, 'listen'],
  ['a key twice', c => c.replace('  loops: 2', '  port: 9102'), 6, 'port'],
  ['broken YAML', c => c.replace('"local"', '"local'), null, ''],
];

test('A bad configuration is refused by file, line and key', { timeout }, async t => {
  const folder = await scratch(t);
  for (const [name, edit, line, key] of badConfigs)
    await t.test(name, async () => {
      const file = path.join(folder, 'bad.yaml');
      const sound = good.replaceAll('DATA', folder);
      const text = edit(sound);
      assert.notEqual(text, sound);
      await writeFile(file, text);
      const { code, stderr } = await run(binary, ['serve', '--config', file], { timeoutMs: 10000 });
      assert.ok(code > 0 && code < 128, `code ${code}`);
      const place = line === null ? /bad\.yaml:\d+/ : new RegExp(`bad\\.yaml:${line}\\b`);
      assert.match(stderr, place);
      assert.ok(stderr.includes(key), stderr);
      assert.doesNotMatch(stderr, /Sanitizer|runtime error/);
      assert.ok(!stderr.includes(credential.secretKey) && !stderr.includes(app.key), 'no secrets in messages');
    });
  await t.test('a file that is not there', async () => {
    const { code, stderr } = await run(binary, ['serve', '--config', path.join(folder, 'none.yaml')]);
    assert.ok(code > 0 && code < 128);
    assert.match(stderr, /none\.yaml/);
  });
});

test('A port in use is a clear error', { timeout }, async t => {
  const { daemon } = await Stage.open(t);
  const folder = await scratch(t);
  const file = path.join(folder, 'second.yaml');
  const config = makeConfig({ data: path.join(folder, 'data'), apiPort: daemon.apiPort, mediaPort: daemon.mediaPort });
  await writeFile(file, JSON.stringify(config));
  const { code, stderr } = await run(binary, ['serve', '--config', file], { timeoutMs: 10000 });
  assert.ok(code > 0 && code < 128, `code ${code}`);
  assert.match(stderr, new RegExp(`${daemon.apiPort}|${daemon.mediaPort}`));
  assert.match(stderr, /in use/);
});

test('HTTPS: the SDK trusts our certificate and is served', { timeout }, async t => {
  const folder = await scratch(t);
  const tls = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-keyout', tls.key, '-out', tls.cert]);
  assert.equal(made.code, 0, made.stderr);
  const { daemon } = await Stage.open(t, { tls });

  const call = (action, params, env) => run(process.execPath, [sdkCall], {
    env, timeoutMs: 20000,
    input: JSON.stringify({ endpoint: daemon.endpoint, tls: true, ...credential, action, params }),
  });
  const trusting = { NODE_EXTRA_CA_CERTS: tls.cert };
  const created = await call('CreateCloudRecording', daemon.createParams({ roomId: 'tls' }), trusting);
  assert.equal(created.code, 0, created.stderr);
  const { TaskId } = JSON.parse(created.stdout);
  const described = await call('DescribeCloudRecording', { SdkAppId: app.sdkAppId, TaskId }, trusting);
  assert.equal(JSON.parse(described.stdout).Status, 'Idle');
  const stranger = await call('DescribeCloudRecording', { SdkAppId: app.sdkAppId, TaskId }, { NODE_EXTRA_CA_CERTS: '' });
  assert.notEqual(stranger.code, 0, 'who does not know the certificate does not talk to us');
  assert.equal((await call('DeleteCloudRecording', { SdkAppId: app.sdkAppId, TaskId }, trusting)).code, 0);
});

test('SIGTERM in mid-recording finishes the files', { timeout }, async t => {
  const stage = await Stage.open(t);
  const room = { roomId: 'cut short', robot: 'recorder_cut' };
  const recording = await stage.record(room);
  const alice = await stage.publish({ ...room, userId: 'alice' });
  await recording.files(2);
  await framesSent(alice, 5 * 15);
  await stage.daemon.stop();

  const lists = await recording.verify([['alice', 'audio'], ['alice', 'video']]);
  const folder = await recording.folder();
  assert.deepEqual((await readdir(folder)).filter(name => name.endsWith('.part')), []);
  for (const list of lists)
    assert.ok(list.ended);
  const played = await (await stage.browser()).play(folder, `${recording.stem('alice', 'video')}.m3u8`);
  assert.ok(played.ended && played.duration > 4);
});
