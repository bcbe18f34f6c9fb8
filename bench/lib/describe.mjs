// How many DescribeCloudRecording a second: 16 keep-alive connections, each with one request at a time under way, while
// 20 streams are recorded and no rate limit is set. Signed with TC3, anew each second.

import { connect } from 'node:net';
import { app } from '../../tests/e2e/lib/daemon.mjs';
import { authorization } from '../../tests/e2e/lib/signer.mjs';
import { delay, until } from '../../tests/e2e/lib/wait.mjs';
import { Load } from './load.mjs';
import { cpuPercent, look } from './process.mjs';
import { startDaemon } from './reeltime.mjs';

const connections = 16, streams = 20, warmMs = 1000;

function requestText(daemon, task, timestamp) {
  const body = JSON.stringify({ SdkAppId: app.sdkAppId, TaskId: task });
  const signature = authorization({ method: 'POST', host: daemon.endpoint, type: 'application/json', body, timestamp });
  return `POST / HTTP/1.1\r\nHost: ${daemon.endpoint}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`
    + `X-TC-Action: DescribeCloudRecording\r\nX-TC-Version: 2019-07-22\r\nX-TC-Region: ap-singapore\r\n`
    + `X-TC-Timestamp: ${timestamp}\r\nAuthorization: ${signature}\r\n\r\n${body}`;
}

// The length of the first whole answer in `text`; 0: not whole yet.
function answerLength(text) {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0)
    return 0;
  const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, head))[1]);
  return text.length >= head + 4 + length ? head + 4 + length : 0;
}

class Connection {
  constructor(daemon, next, done) {
    Object.assign(this, { next, done, text: '', stopped: false });
    this.socket = connect(daemon.apiPort, '127.0.0.1', () => this.#send());
    this.socket.setNoDelay(true);
    this.socket.setEncoding('latin1');
    this.socket.on('data', text => this.#take(text));
    this.socket.on('error', err => { this.failure = err; });
    this.closed = new Promise(resolve => this.socket.once('close', resolve));
  }

  #send() {
    this.began = performance.now();
    this.socket.write(this.next());
  }

  #take(text) {
    this.text += text;
    const length = answerLength(this.text);
    if (!length)
      return;
    this.done(performance.now() - this.began, this.text.slice(0, length));
    this.text = this.text.slice(length);
    if (this.stopped)
      this.socket.end();
    else
      this.#send();
  }

  stop() {
    this.stopped = true;
    return this.closed;
  }
}

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p / 100))];

// Sends for `seconds` and gives how many were answered, and how fast.
async function drive(daemon, task, seconds) {
  let text, second = 0;
  const next = () => {
    const timestamp = Math.floor(Date.now() / 1000);
    if (timestamp !== second)
      text = requestText(daemon, task, second = timestamp);
    return text;
  };
  let times = [];
  let refused = null, measuring = false;
  const done = (ms, answer) => {
    if (measuring)
      times.push(ms);
    if (!answer.includes('"StorageFileList"'))
      refused ??= answer;
  };
  const all = Array.from({ length: connections }, () => new Connection(daemon, next, done));
  await delay(warmMs);
  measuring = true;
  const a = look(daemon.child.pid);
  await delay(seconds * 1000);
  const b = look(daemon.child.pid);
  measuring = false;
  await Promise.all(all.map(connection => connection.stop()));
  const failed = all.find(connection => connection.failure)?.failure;
  if (refused || failed)
    throw new Error(`Describe: ${failed?.message ?? refused}`);
  times = times.sort((x, y) => x - y);
  return {
    perSecond: times.length / (b.at - a.at), p50: percentile(times, 50), p99: percentile(times, 99), cpu: cpuPercent(a, b),
  };
}

export async function describeRun({ seconds }) {
  const daemon = await startDaemon(null);
  let load;
  try {
    load = await Load.start(streams, room => daemon.whip({ roomId: room, userId: 'x' }).url);
    const cloud = daemon.client();
    const { TaskId } = await cloud.CreateCloudRecording(daemon.createParams({ roomId: load.rooms[0].name }));
    await until('every stream is recorded', async () =>
      (await cloud.DescribeCloudRecording({ SdkAppId: app.sdkAppId, TaskId })).StorageFileList?.length === 2 * streams,
    { timeoutMs: 30000 });
    return { streams, connections, ...await drive(daemon, TaskId, seconds) };
  } finally {
    await load?.stop();
    await daemon.discard({ keep: false });
  }
}
