// The part of ./demo that talks: daemon, publisher, SDK. Everything it starts it also ends.

import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { taskFolder } from '../tests/e2e/lib/hls.mjs';
import { parsePlaylist } from '../tests/e2e/lib/playlist.mjs';
import { freeTcpPort, freeUdpPorts } from '../tests/e2e/lib/ports.mjs';
import { cloudClient } from '../tests/e2e/lib/sdk.mjs';
import { mintUserSig } from '../tests/e2e/lib/usersig.mjs';
import { delay, until, within } from '../tests/e2e/lib/wait.mjs';

const tree = fileURLToPath(new URL('../', import.meta.url));
const program = path.join(tree, 'build/release/reeltime');
const data = path.join(tree, 'reeltime-data');
const logFile = path.join(tree, 'build/demo-daemon.log');
const configFile = path.join(tree, 'build/demo.yaml');
const usualPorts = { api: 9000, media: 9100 };
const loops = 2;
const roomId = 'demo', userId = 'alice', robot = 'recorder_demo';

class Stop extends Error {}

// --- how it looks ---

const terminal = process.stdout.isTTY;
const bold = text => (terminal ? `\x1b[1m${text}\x1b[0m` : text);
const say = (what, text) => console.log(`  ${what.padEnd(12)}${text}`);
const near = file => path.relative(process.cwd(), file) || '.';
const human = bytes => (bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`);

// A line that changes in place on a terminal; elsewhere only every so often a new one.
class Bar {
  constructor(what, everyMs = 5000) {
    Object.assign(this, { what, everyMs, shown: Date.now(), last: null });
  }

  show(part, text) {
    const width = 30, full = Math.round(Math.min(1, Math.max(0, part)) * width);
    this.last = `  ${this.what.padEnd(12)}[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${text}`;
    if (terminal)
      process.stdout.write(`\r\x1b[K${this.last.slice(0, (process.stdout.columns || 80) - 1)}`);
    else if (Date.now() - this.shown >= this.everyMs)
      this.#print();
  }

  #print() {
    console.log(this.last);
    this.shown = Date.now();
  }

  end() {
    if (terminal)
      process.stdout.write('\n');
    else if (this.last)
      this.#print();
  }
}

// --- what runs beside it ---

const ending = [];      // what is to be undone, newest last

// In a group of its own, so that Ctrl-C reaches this program alone.
function start(args, stdio) {
  const child = spawn(program, args, { cwd: tree, stdio, detached: true });
  const state = { child, over: false };
  state.exited = new Promise(resolve => child.once('close', (code, signal) => resolve(signal ?? code)));
  state.exited.then(() => { state.over = true; });
  child.once('error', () => {});
  process.on('exit', () => state.over || child.kill('SIGKILL'));
  state.end = async signal => {
    if (!state.over)
      child.kill(signal);
    await within(20000, `reeltime ${args[0]} ends`, state.exited).catch(() => child.kill('SIGKILL'));
  };
  return state;
}

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

// The usual ports, or others where those are taken.
async function choosePorts() {
  const ports = { ...usualPorts };
  if (!await tcpFree(ports.api)) {
    ports.api = await freeTcpPort();
    say('note', `TCP port ${usualPorts.api} is in use; the API goes to ${ports.api}`);
  }
  const free = await Promise.all(Array.from({ length: loops }, (_, i) => udpFree(ports.media + i)));
  if (!free.every(Boolean)) {
    ports.media = await freeUdpPorts(loops);
    say('note', `UDP ports from ${usualPorts.media} on are in use; media goes to ${ports.media}`);
  }
  return ports;
}

const logTail = () => readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');

async function startDaemon() {
  const ports = await choosePorts();
  const endpoint = `127.0.0.1:${ports.api}`;
  await writeFile(configFile, JSON.stringify({
    data, api: { listen: endpoint }, media: { listen: '127.0.0.1', port: ports.media, loops },
  }, null, 2));
  const log = createWriteStream(logFile);
  await new Promise(resolve => log.once('open', resolve));
  const daemon = start(['serve', '--config', configFile], ['ignore', log, log]);
  ending.push(() => daemon.end('SIGTERM'));
  await until('the daemon is ready', async () => {
    if (daemon.over)
      throw Object.assign(new Stop(`the daemon did not start:\n${logTail()}`), { fatal: true });
    return (await fetch(`http://${endpoint}/healthz`)).status === 200;
  }, { everyMs: 50 });
  say('daemon', `http://${endpoint}, log in ${near(logFile)}`);
  return endpoint;
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

// `reeltime publish`; resolves when it is connected.
async function startPublisher(endpoint, keys) {
  const url = `http://${endpoint}/v2/pub/${keys.sdkAppId}/${roomId}?SessionID=${userId}`;
  const publisher = start(['publish', '--url', url, '--token', mintUserSig({ ...keys, userId }), '--test-pattern', '--json'],
    ['ignore', 'pipe', 'pipe']);
  let out = '', noise = '';
  publisher.child.stdout.on('data', bytes => { out = (out + bytes).slice(-10000); });
  publisher.child.stderr.on('data', bytes => { noise += bytes; });
  ending.push(() => publisher.end('SIGINT'));
  await until('the publisher is connected', () => {
    if (publisher.over)
      throw Object.assign(new Stop(`the publisher ended: ${noise.trim()}`), { fatal: true });
    return out.includes('"connected":1');
  }, { everyMs: 50 });
  say('publisher', `"${userId}" in room "${roomId}": 640x360, 30 pictures a second, a flash and a beep each second`);
}

// --- the recording ---

async function bytesIn(folder) {
  let sum = 0;
  for (const name of await readdir(folder).catch(() => []))
    sum += await stat(path.join(folder, name)).then(s => s.size, () => 0);
  return sum;
}

// What is stored of a task: in the spool as long as it is being written, in the bucket once it is delivered.
async function stored(task) {
  const bucket = await taskFolder(path.join(data, 'buckets'), task.TaskId).catch(() => '');
  return await bytesIn(path.join(data, 'spool', task.TaskId)) + (bucket ? await bytesIn(bucket) : 0);
}

async function create(client, keys) {
  const asked = Date.now();
  const { TaskId } = await client.CreateCloudRecording({
    SdkAppId: keys.sdkAppId, RoomId: roomId, RoomIdType: 0, UserId: robot,
    UserSig: mintUserSig({ ...keys, userId: robot }),
    RecordParams: { RecordMode: 1, MaxIdleTime: 30, AvMerge: 1, OutputFormat: 1 },    // HLS and MP4
    StorageParams: {
      CloudStorage: { Vendor: 1, Region: 'local', Bucket: 'demo', AccessKey: 'none', SecretKey: 'none' },
    },
  });
  say('task', `${TaskId}, by the cloud SDK: CreateCloudRecording took ${Date.now() - asked} ms`);
  return { SdkAppId: keys.sdkAppId, TaskId };
}

let interrupted = null;     // while it records: ends that early

// Waits until the time is over, or Ctrl-C.
async function watchRecording(client, task, seconds) {
  const bar = new Bar('recording'), began = Date.now(), passed = () => (Date.now() - began) / 1000;
  const early = new Promise(resolve => { interrupted = resolve; });
  let stopped = false;
  early.then(() => { stopped = true; });
  while (!stopped && passed() < seconds) {
    const { Status } = await client.DescribeCloudRecording(task);
    bar.show(passed() / seconds, `${Math.floor(passed())} of ${seconds} s  ${Status}  ${human(await stored(task))} stored`);
    await Promise.race([early, delay(Math.min(500, Math.max(0, seconds * 1000 - (Date.now() - began))))]);
  }
  interrupted = null;
  bar.show(stopped ? passed() / seconds : 1, `${Math.min(seconds, Math.round(passed()))} of ${seconds} s${stopped ? ', stopped early' : ''}`);
  bar.end();
}

// Stops the task and waits until the daemon has delivered everything, and forgotten it.
async function deliver(client, task) {
  const asked = Date.now();
  await client.DeleteCloudRecording(task);
  say('stop', `DeleteCloudRecording took ${Date.now() - asked} ms`);
  const bar = new Bar('delivering');
  let most = 0;
  await until('the files are delivered', async () => {
    try {
      const { Bytes: left = 0, Files: files = 0 } = (await client.DescribeCloudRecording(task)).ReeltimeUpload ?? {};
      most = Math.max(most, left);
      bar.show(most ? 1 - left / most : 0, `${files} files, ${human(left)} to go`);
      return false;
    } catch (err) {
      if (err.code !== 'ResourceNotFound')
        throw err;
      return true;
    }
  }, { timeoutMs: 60000, everyMs: 20 });
  bar.show(1, `all files are in the bucket, ${Date.now() - asked} ms after the stop`);
  bar.end();
}

// --- what came of it ---

function aboutPlaylist(folder, name) {
  const list = parsePlaylist(readFileSync(path.join(folder, name), 'utf8'));
  const length = list.segments.reduce((sum, s) => sum + s.seconds, 0), { video, audio } = list.segments.at(-1) ?? {};
  const bytes = list.segments.reduce((sum, s) => sum + s.bytes, 0);
  return `HLS: ${length.toFixed(1)} s in ${list.segments.length} segment${list.segments.length === 1 ? '' : 's'}, ${human(bytes)}`
    + `${video ? `, ${video.width}x${video.height}` : ''}${audio ? ', sound' : ''}`;
}

const quoted = text => `'${text.replaceAll("'", "'\\''")}'`;

async function report(folder) {
  const names = (await readdir(folder)).sort();
  const shown = names.filter(name => /\.(m3u8|mp4|aac)$/.test(name));
  console.log(`\n${bold('Recorded')}, in ${near(folder)}`);
  for (const name of shown) {
    console.log(`  ${name}`);
    console.log(`      ${name.endsWith('.m3u8') ? aboutPlaylist(folder, name)
      : `${path.extname(name).slice(1).toUpperCase()}: ${human((await stat(path.join(folder, name))).size)}`}`);
  }
  const file = shown.find(name => name.endsWith('.mp4')) ?? shown[0];
  if (!file)
    throw new Stop(`no recording in ${folder}; what the daemon says: ${near(logFile)}`);
  console.log(`\n${bold('To play it')} (or with VLC, or mpv)`);
  console.log(`  ffplay ${quoted(near(path.join(folder, file)))}`);
  console.log(`${bold('In Chromium')}, http://127.0.0.1:8000/${encodeURIComponent(file)} after`);
  console.log(`  python3 -m http.server 8000 --bind 127.0.0.1 --directory ${quoted(near(folder))}`);
  console.log(`\n${bold('To go on')}\n  build/release/reeltime serve starts the daemon again; the keys for an SDK are in ${near(path.join(data, 'keys.yaml'))}`);
}

async function show(seconds) {
  console.log(`${bold('Reeltime')} records a room on this machine for ${seconds} seconds\n`);
  const endpoint = await startDaemon();
  const keys = readKeys();
  await startPublisher(endpoint, keys);
  const client = cloudClient({ endpoint, ...keys });
  const task = await create(client, keys);
  await watchRecording(client, task, seconds);
  await deliver(client, task);
  await report(await taskFolder(path.join(data, 'buckets'), task.TaskId));
}

// --- from here to there ---

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
    if (interrupted && signal === 'SIGINT') {
      interrupted();
      return;
    }
    console.log('\nending');
    finish().finally(() => process.exit(130));
  });

// Nobody listens any more.
process.stdout.on('error', () => finish().finally(() => process.exit(1)));

function readSeconds() {
  let values;
  try {
    ({ values } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } }));
  } catch (err) {
    throw new Stop(`${err.message.split('\n')[0]} (see ./demo --help)`);
  }
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 2 || seconds > 3600)
    throw new Stop('--seconds is a number from 2 to 3600');
  return seconds;
}

try {
  await show(readSeconds());
} catch (err) {
  console.error(`\ndemo: ${err instanceof Stop ? err.message : err.stack}`);
  process.exitCode = 1;
}
await finish();
