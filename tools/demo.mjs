// The part of ./demo that talks: daemon, publisher, SDK. Everything it starts it also ends.

import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Browser } from '../tests/e2e/lib/browser.mjs';
import { taskFolder } from '../tests/e2e/lib/hls.mjs';
import { parsePlaylist } from '../tests/e2e/lib/playlist.mjs';
import { cloudClient } from '../tests/e2e/lib/sdk.mjs';
import { mintUserSig } from '../tests/e2e/lib/usersig.mjs';
import { delay, until, within } from '../tests/e2e/lib/wait.mjs';

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } });
const seconds = Number(options.seconds);

const tree = fileURLToPath(new URL('../', import.meta.url));
const program = path.join(tree, 'build/release/reeltime');
const data = path.join(tree, 'reeltime-data');
const logFile = path.join(tree, 'build/demo-daemon.log');
const apiPort = 9000;
const mediaPorts = [9100, 9101];
const endpoint = `127.0.0.1:${apiPort}`;
const roomId = 'demo';
const userId = 'alice';
const robot = 'recorder_demo';

class Stop extends Error {}

function tcpFree(port) {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function udpFree(port) {
  return new Promise(resolve => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

async function checkPorts() {
  if (!await tcpFree(apiPort))
    throw new Stop(`TCP port ${apiPort} on 127.0.0.1 is in use. Is another reeltime running? (see: ss -ltnp)`);
  for (const port of mediaPorts)
    if (!await udpFree(port))
      throw new Stop(`UDP port ${port} on 127.0.0.1 is in use. Is another reeltime running? (see: ss -lunp)`);
}

const logTail = () => readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');

async function startDaemon(ending) {
  const log = createWriteStream(logFile);
  await new Promise(resolve => log.once('open', resolve));
  const child = spawn(program, ['serve'], { cwd: tree, stdio: ['ignore', log, log] });
  const exited = new Promise(resolve => child.once('close', (code, signal) => resolve(signal ?? code)));
  let ended = false;
  exited.then(() => { ended = true; });
  ending.push(async () => {
    child.kill('SIGTERM');
    await within(20000, 'the daemon ends', exited).catch(() => child.kill('SIGKILL'));
  });
  await until('the daemon is ready', async () => {
    if (ended)
      throw Object.assign(new Stop(`the daemon did not start:\n${logTail()}`), { fatal: true });
    return (await fetch(`http://${endpoint}/healthz`)).status === 200;
  }, { everyMs: 50 });
}

// The keys that the daemon made at its first start.
function readKeys() {
  const file = path.join(data, 'keys.yaml');
  if (!existsSync(file))
    throw new Stop(`${file} is missing: the daemon writes it at its first start`);
  const text = readFileSync(file, 'utf8');
  const key = name => {
    const found = new RegExp(`(?:^|[\\s{,-])${name}:\\s*"?([^"\\s,}]+)`, 'm').exec(text);
    if (!found)
      throw new Stop(`no ${name} in ${file}`);
    return found[1];
  };
  return {
    sdkAppId: Number(key('sdk_app_id')), key: key('key'), secretId: key('secret_id'), secretKey: key('secret_key'),
  };
}

async function bytesIn(folder) {
  let sum = 0;
  for (const name of await readdir(folder).catch(() => []))
    sum += await stat(path.join(folder, name)).then(s => s.size, () => 0);
  return sum;
}

const human = bytes => (bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`);

// A bar on a terminal, a line every five seconds elsewhere.
async function progress(status, folder) {
  const terminal = process.stdout.isTTY;
  for (let second = 1; second <= seconds; second++) {
    await delay(1000);
    const bar = '#'.repeat(Math.round(second / seconds * 30)).padEnd(30, '.');
    const line = `  [${bar}] ${second} of ${seconds} s  ${await status()}  ${human(await bytesIn(await folder()))} in the bucket`;
    if (terminal)
      process.stdout.write(`\r\x1b[K${line}`);
    else if (second % 5 === 0 || second === seconds)
      console.log(line);
  }
  if (terminal)
    process.stdout.write('\n');
}

async function record(client, keys) {
  const { TaskId } = await client.CreateCloudRecording({
    SdkAppId: keys.sdkAppId, RoomId: roomId, RoomIdType: 0, UserId: robot,
    UserSig: mintUserSig({ ...keys, userId: robot }),
    RecordParams: { RecordMode: 1, MaxIdleTime: 30 },
    StorageParams: {
      CloudStorage: { Vendor: 1, Region: 'local', Bucket: 'demo', AccessKey: 'none', SecretKey: 'none' },
    },
  });
  return { SdkAppId: keys.sdkAppId, TaskId };
}

async function untilGone(client, task) {
  await until('the files are delivered', async () => {
    try {
      await client.DescribeCloudRecording(task);
      return false;
    } catch (err) {
      return err.code === 'ResourceNotFound';
    }
  });
}

async function report(folder) {
  const playlists = (await readdir(folder)).filter(name => name.endsWith('.m3u8')).sort();
  console.log(`\nThe files are in ${folder}`);
  for (const name of playlists) {
    const list = parsePlaylist(readFileSync(path.join(folder, name), 'utf8'));
    const length = list.segments.reduce((sum, s) => sum + s.seconds, 0);
    const video = list.segments.at(-1)?.video;
    console.log(`  ${name}\n      ${length.toFixed(1)} s in ${list.segments.length} segments`
      + `${video ? `, ${video.width}x${video.height}` : ''}`);
  }
  const video = playlists.find(name => name.endsWith('_video.m3u8')) ?? playlists[0];
  console.log('\nTo look at one:');
  console.log(`  ffplay '${path.join(folder, video)}'`);
  console.log(`  (cd '${folder}' && python3 -m http.server 8000 --bind 127.0.0.1)`);
  console.log(`      and in Chromium: http://127.0.0.1:8000/${encodeURIComponent(video)}`);
  console.log(`\nKeys for an SDK of your own: ${path.join(data, 'keys.yaml')}; the daemon's log: ${logFile}`);
}

async function show(ending) {
  await checkPorts();
  console.log(`starting ${program} serve`);
  await startDaemon(ending);
  const keys = readKeys();

  console.log(`publishing a fake camera and microphone as "${userId}" into room "${roomId}" (headless Chromium, WHIP)`);
  const browser = await Browser.start();
  ending.push(() => browser.stop());
  const publisher = await browser.publisher();
  const welcome = await publisher.start({
    url: `http://${endpoint}/v2/pub/${keys.sdkAppId}/${roomId}?SessionID=${userId}`,
    token: mintUserSig({ ...keys, userId }),
  });
  if (welcome.status !== 201)
    throw new Stop(`publishing was refused with ${welcome.status}: ${welcome.answer}`);

  const client = cloudClient({ endpoint, ...keys });
  const task = await record(client, keys);
  console.log(`recording: CreateCloudRecording gave task ${task.TaskId}`);
  const folder = () => taskFolder(path.join(data, 'buckets'), task.TaskId).catch(() => '');
  await progress(async () => (await client.DescribeCloudRecording(task)).Status, folder);

  const asked = Date.now();
  await client.DeleteCloudRecording(task);
  console.log(`stopping: DeleteCloudRecording answered after ${Date.now() - asked} ms`);
  await untilGone(client, task);
  console.log(`all files are in the bucket ${Date.now() - asked} ms after the stop`);
  await report(await taskFolder(path.join(data, 'buckets'), task.TaskId));
}

const ending = [];
let finishing = null;
const finish = () => {
  finishing ??= (async () => {
    for (const end of ending.reverse())
      await end().catch(err => console.error(`demo: ${err.message}`));
  })();
  return finishing;
};
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    console.log('\nending');
    finish().finally(() => process.exit(130));
  });

try {
  await show(ending);
} catch (err) {
  console.error(`demo: ${err instanceof Stop ? err.message : err.stack}`);
  process.exitCode = 1;
}
await finish();
