// GStreamer's row: one gst-launch with `rtpbin ! ... ! mp4mux` for each stream, on plain RTP: no ICE, no DTLS, no SRTP,
// which is in its favour. Sound is turned into AAC by FFmpeg's encoder, as Reeltime does, or kept as Opus.

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { freeUdpPorts } from '../../tests/e2e/lib/ports.mjs';
import { run } from '../../tests/e2e/lib/run.mjs';
import { delay, until } from '../../tests/e2e/lib/wait.mjs';
import { clip } from './load.mjs';
import { Child, built, cpuPercent, look, tree } from './process.mjs';

const settleMs = 2500;
const caps = {
  audio: 'application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=97',
  video: 'application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96,packetization-mode=(string)1',
};
const buffer = 'buffer-size=2097152';

const toAac = 'opusdec ! audioconvert ! audioresample ! avenc_aac bitrate=64000 ! aacparse';
const asOpus = 'opusparse';

const pipeline = (n, port, file, aac) => [
  `rtpbin name=r${n} latency=200`,
  `udpsrc address=127.0.0.1 port=${port + 4 * n} ${buffer} caps="${caps.audio}" ! r${n}.recv_rtp_sink_0`,
  `udpsrc address=127.0.0.1 port=${port + 4 * n + 2} ${buffer} caps="${caps.video}" ! r${n}.recv_rtp_sink_1`,
  `r${n}.recv_rtp_src_0_1_97 ! rtpopusdepay ! ${aac ? toAac : asOpus} ! queue ! m${n}.`,
  `r${n}.recv_rtp_src_1_2_96 ! rtph264depay ! h264parse ! queue ! m${n}.`,
  `mp4mux name=m${n} ! filesink location=${file} sync=false`,
].join(' ');

async function decodes(file) {
  const { code, stdout } = await run('ffprobe', ['-v', 'error', '-count_packets', '-show_entries', 'stream=nb_read_packets',
    '-of', 'csv=p=0', file]);
  return code === 0 && stdout.trim().split('\n').length === 2;
}

async function sizes(folder) {
  let bytes = 0;
  for (const name of await readdir(folder))
    bytes += (await stat(path.join(folder, name))).size;
  return bytes;
}

export async function gstreamerRun({ count, seconds, aac }) {
  const folder = await mkdtemp(`${tree}build/bench/gst-`);
  const port = await freeUdpPorts(4 * count);
  const files = Array.from({ length: count }, (_, n) => path.join(folder, `${n}.mp4`));
  const gst = new Child('gst-launch-1.0', ['-e', ...files.map((file, n) => pipeline(n, port, file, aac)).join(' ')
    .match(/"[^"]*"|\S+="[^"]*"|\S+/g).map(word => word.replace(/"/g, ''))], { pin: true });
  let send;
  try {
    await until('GStreamer runs', () => /PLAYING/.test(gst.output) || gst.ended, { timeoutMs: 20000 });
    const length = Math.ceil(settleMs / 1000 + seconds + 2);
    send = new Child(built('bench_rtp_send'), [clip, String(port), String(count), String(length)]);
    await delay(settleMs);
    const a = look(gst.pid);
    await delay(seconds * 1000);
    const b = look(gst.pid);
    await send.exited;
    const stopping = Date.now();
    await gst.stop('SIGINT', 30000);
    const stopped = Date.now() - stopping;
    const sent = JSON.parse(send.tail(1)), time = b.at - a.at;
    const cpu = cpuPercent(a, b);
    const whole = (await Promise.all(files.map(decodes))).filter(Boolean).length;
    if (whole < count)
      return { refused: `${count - whole} of ${count} files are not whole: ${gst.tail(3)}` };
    return {
      cpu, cpuPerStream: cpu / count, memory: b.memory, memoryPerStream: b.memory / count,
      packets: sent.packets / length, drops: b.drops - a.drops,
      writtenPerMediaByte: (b.written.calls - a.written.calls) / time / (sent.bytes / length),
      filePerMediaByte: await sizes(folder) / sent.bytes, toFiles: { median: stopped, max: stopped },
    };
  } finally {
    await send?.kill();
    await gst.kill();
    await rm(folder, { recursive: true, force: true });
  }
}
