// What one recorded stream costs the daemon. Starts it, lets N GStreamer publishers in, and takes the process's own CPU
// time and resident memory from the kernel, first while nothing is recorded, then while everything is. Usage:
//   node bench/record.mjs [--publishers N] [--seconds S]        (after: cd tests/e2e && npm ci)
// REELTIME names the binary; take a release build.

import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Daemon, app } from '../tests/e2e/lib/daemon.mjs';
import { GstPublisher } from '../tests/e2e/lib/gstreamer.mjs';
import { until } from '../tests/e2e/lib/wait.mjs';

const { values } = parseArgs({
  options: { publishers: { type: 'string', default: '8' }, seconds: { type: 'string', default: '20' } },
});
const count = Number(values.publishers), seconds = Number(values.seconds);
const ticksPerSecond = 100;    // USER_HZ

async function usage(pid) {
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return {
    cpu: (Number(stat[11]) + Number(stat[12])) / ticksPerSecond,
    memory: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
    at: performance.now() / 1000,
  };
}

// Percent of one core, and MiB, over the measured time.
async function measure(pid) {
  const before = await usage(pid);
  await pause(seconds * 1000);
  const after = await usage(pid);
  return { cpu: 100 * (after.cpu - before.cpu) / (after.at - before.at), memory: after.memory };
}

const daemon = await Daemon.start({ name: 'bench-record' });
const publishers = [];
try {
  const pid = daemon.child.pid;
  const empty = (await usage(pid)).memory;
  for (let i = 0; i < count; i++)
    publishers.push(await GstPublisher.start(daemon.whip({ roomId: 'bench', userId: `user${i}` }),
      ['--width', '640', '--height', '360', '--fps', '15']));
  const ingest = await measure(pid);

  const cloud = daemon.client();
  const { TaskId } = await cloud.CreateCloudRecording(daemon.createParams({ roomId: 'bench' }));
  await until('all are recorded', async () => {
    const { StorageFileList } = await cloud.DescribeCloudRecording({ SdkAppId: app.sdkAppId, TaskId });
    return StorageFileList?.length === 2 * count;
  });
  const moments = pattern => daemon.log.split('\n').filter(line => pattern.test(line)).map(line => Date.parse(line.split(' ')[0]));
  const answered = moments(/CreateCloudRecording .*: OK/)[0];
  const starts = moments(/first media of/).map(at => at - answered).sort((a, b) => a - b);
  const recording = await measure(pid);
  const stopping = performance.now();
  await cloud.DeleteCloudRecording({ SdkAppId: app.sdkAppId, TaskId });
  const stopped = performance.now() - stopping;

  console.log(`${count} publishers, 640x360 at 15 with Opus, ${seconds} s each`);
  console.log(`memory: ${empty.toFixed(1)} MiB empty, ${ingest.memory.toFixed(1)} received, ${recording.memory.toFixed(1)} recorded`);
  console.log(`CPU of a core per stream: ${(ingest.cpu / count).toFixed(2)} % received, ${(recording.cpu / count).toFixed(2)} % recorded`);
  console.log(`memory per stream: ${((recording.memory - empty) / count).toFixed(2)} MiB recorded`);
  console.log(`first frame written after Create's answer: ${starts[0]} to ${starts.at(-1)} ms; Delete answered after ${stopped.toFixed(1)} ms`);
} finally {
  await Promise.all(publishers.map(publisher => publisher.kill()));
  await daemon.discard();
}
