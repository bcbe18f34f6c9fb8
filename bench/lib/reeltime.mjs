// Reeltime's rows: publishers come in, tasks record them, tasks are stopped.

import { Daemon, app } from '../../tests/e2e/lib/daemon.mjs';
import { Metrics } from '../../tests/e2e/lib/metrics.mjs';
import { CallbackReceiver } from '../../tests/e2e/lib/receiver.mjs';
import { delay, until } from '../../tests/e2e/lib/wait.mjs';
import { Load } from './load.mjs';
import { cpuPercent, look, remember, serverCore } from './process.mjs';

export const outputs = {
  'HLS, picture only': { OutputFormat: 0, StreamType: 2 },
  HLS: { OutputFormat: 0 },
  MP4: { OutputFormat: 3 },
  'HLS+MP4': { OutputFormat: 1 },
};

const settleMs = 1500;

export async function startDaemon(receiver) {
  const daemon = await Daemon.start({
    loops: 1, callbackUrl: receiver?.url, launcher: ['taskset', '-c', serverCore],
    configure: config => { config.api.requests_per_second = 0; },
  });
  remember(daemon.child);
  return daemon;
}

// Two looks at the daemon, the load and the metrics with `seconds` between, as figures per stream.
async function measure(daemon, load, seconds, empty) {
  const pid = daemon.child.pid;
  const see = async () => ({ own: look(pid), load: load.last(), page: await Metrics.fetch(daemon.url) });
  await delay(settleMs);
  const a = await see();
  await delay(seconds * 1000);
  const b = await see();
  const sent = Load.rate(a.load, b.load), time = b.own.at - a.own.at;
  const grew = (name, labels) => b.page.sum(name, labels) - a.page.sum(name, labels);
  const cpu = cpuPercent(a.own, b.own);
  const packets = (grew('reeltime_rtp_packets_total')) / time;
  return {
    cpu, cpuPerStream: cpu / load.count,
    memory: b.own.memory, memoryPerStream: (b.own.memory - empty) / load.count,
    packets, packetsPerCore: packets / (cpu / 100),
    sentPackets: sent.packets,
    lost: grew('reeltime_rtp_packets_lost_total'),
    drops: b.own.drops - a.own.drops + grew('reeltime_udp_receive_overflows_total'),
    aacDropped: grew('reeltime_aac_dropped_frames_total'),
    aacBehind: b.page.sum('reeltime_aac_waiting_frames') / load.count * 0.02,    // seconds of sound
    overflows: grew('reeltime_spool_queue_overflows_total'),
    mediaBytes: sent.bytes,    // a second
  };
}

const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
const spread = values => ({ median: median(values), max: values.length ? Math.max(...values) : null });

// Creates a task for each room, and waits until every stream is recorded.
async function record(daemon, cloud, load, output) {
  const tasks = [];
  for (const { name, users } of load.rooms) {
    const created = Date.now();
    const { TaskId } = await cloud.CreateCloudRecording(daemon.createParams(
      { roomId: name, record: { AvMerge: 1, ...outputs[output] } }));
    tasks.push({ key: { SdkAppId: app.sdkAppId, TaskId }, taskId: TaskId, users, created, answered: Date.now() });
  }
  await until('every stream is recorded', () =>
    tasks.every(task => firstFrames(daemon, task).length >= task.users), { timeoutMs: 30000, everyMs: 200 });
  return tasks;
}

// How long after the call of Create the files of the task began, by the daemon's log; in ms.
const firstFrames = (daemon, task) => daemon.log.split('\n')
  .filter(line => /first media of/.test(line) && line.includes(`task=${task.taskId}`))
  .map(line => Date.parse(line.split(' ')[0]) - task.created);

const came = new Set(), neverCame = new Set();    // types of events; what did not come the first time is not waited for again

async function eventAfter(receiver, taskId, type, since) {
  if (neverCame.has(type))
    return null;
  const found = await receiver.wait(taskId, type, { timeoutMs: 20000 }).catch(() => null);
  if (found)
    came.add(type);
  else if (!came.has(type))
    neverCame.add(type);
  const at = receiver.deliveries.find(d => d.event === found)?.at;
  return found ? at - since : null;
}

// Stops all tasks at once; when the answers, 305 and 310 come.
async function stop(cloud, receiver, tasks, output) {
  const times = await Promise.all(tasks.map(async task => {
    const asked = Date.now();
    await cloud.DeleteCloudRecording(task.key);
    const answered = Date.now() - asked;
    const wanted = { 305: output !== 'MP4', 310: output !== 'HLS' };
    const [hls, mp4] = await Promise.all([305, 310].map(type =>
      (wanted[type] ? eventAfter(receiver, task.taskId, type, asked) : null)));
    return { answered, hls, mp4 };
  }));
  const all = name => spread(times.map(t => t[name]).filter(ms => ms !== null));
  return { deleteAnswered: all('answered'), to305: all('hls'), to310: all('mp4') };
}

// How many of the tasks the daemon still knows: it forgets one when all its files are delivered.
async function tasksLeft(cloud, tasks) {
  const known = await Promise.all(tasks.map(({ key }) => cloud.DescribeCloudRecording(key).then(() => 1, err => {
    if (err.code !== 'ResourceNotFound')
      throw err;
    return 0;
  })));
  return known.reduce((sum, one) => sum + one, 0);
}

// One run: { empty, ingest, recorded }; without an output nothing is recorded; `refused` is the daemon's reason when it
// has no such output. A stream is one publisher with sound and picture.
export async function reeltimeRun({ count, output, seconds }) {
  const receiver = await new CallbackReceiver({ key: app.callbackKey, sdkAppId: app.sdkAppId }).start();
  const daemon = await startDaemon(receiver).catch(async err => { await receiver.stop(); throw err; });
  let load;
  try {
    const empty = look(daemon.child.pid).memory;
    load = await Load.start(count, room => daemon.whip({ roomId: room, userId: 'x' }).url);
    const ingest = await measure(daemon, load, seconds, empty);
    if (!output)
      return { empty, ingest };
    const cloud = daemon.client(), writtenBefore = look(daemon.child.pid).written.calls;
    let tasks;
    try {
      tasks = await record(daemon, cloud, load, output);
    } catch (err) {
      if (!err.code)
        throw err;
      return { empty, ingest, refused: `${err.code}: ${err.message}` };
    }
    const recorded = await measure(daemon, load, seconds, empty);
    const firstFrame = spread(tasks.flatMap(task => firstFrames(daemon, task)));
    const recordedSeconds = (Date.now() - tasks[0].created - firstFrame.median) / 1000;
    const stopped = await stop(cloud, receiver, tasks, output);
    const undelivered = await until('all is delivered', async () => (await tasksLeft(cloud, tasks)) === 0,
      { timeoutMs: 20000, everyMs: 200 }).then(() => null, () => 'not all is delivered 20 s after the stop');
    const written = look(daemon.child.pid).written.calls - writtenBefore;
    return { empty, ingest, recorded: {
      ...recorded, firstFrame, ...stopped, undelivered, writtenPerMediaByte: written / recorded.mediaBytes / recordedSeconds,
    } };
  } finally {
    await load?.stop();
    await daemon.discard({ keep: false });
    await receiver.stop();
  }
}
