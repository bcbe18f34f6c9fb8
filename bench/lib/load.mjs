// The load: `reeltime publish` with one clip for all, a process for each room.

import { existsSync } from 'node:fs';
import { app, binary } from '../../tests/e2e/lib/daemon.mjs';
import { run } from '../../tests/e2e/lib/run.mjs';
import { until } from '../../tests/e2e/lib/wait.mjs';
import { Child, tree } from './process.mjs';

export const clip = `${tree}build/bench/clip.mp4`;
export const clipSays = '640x360 at 30 pictures a second, 800 kbit/s of H.264; Opus with 48 kbit/s, sound all the time';

// Ten seconds, a key frame each second, sound without pauses: what a person's encoder makes, not what is cheap to
// record.
export async function makeClip() {
  if (existsSync(clip))
    return;
  const { code, stderr } = await run('ffmpeg', ['-y', '-v', 'error',
    '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30,noise=alls=8:allf=t', '-f', 'lavfi', '-i',
    'aevalsrc=0.3*sin(2*PI*(180+60*sin(5*t))*t)*(0.6+0.4*sin(9*t))+0.1*sin(2*PI*1400*t)+0.05*(random(0)-0.5):s=48000',
    '-t', '10', '-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'veryfast', '-tune', 'zerolatency',
    '-b:v', '800k', '-maxrate', '800k', '-bufsize', '800k', '-g', '30', '-sc_threshold', '0', '-pix_fmt', 'yuv420p',
    '-c:a', 'libopus', '-b:a', '48k', '-ac', '1', clip]);
  if (code !== 0)
    throw new Error(`ffmpeg could not make ${clip}: ${stderr}`);
}

export const perRoom = 20;    // a task records 25 users at most

// Publishes `count` users into rooms of perRoom; `urlOf(room)` says where. Resolves when all are connected.
export class Load {
  static async start(count, urlOf, { connectMs = 20000 } = {}) {
    const load = new Load();
    load.count = count;
    load.rooms = [];
    for (let first = 0; first < count; first += perRoom) {
      const users = Math.min(perRoom, count - first), name = `bench${first / perRoom}`;
      // A user is in one room only, so that each room's have names of their own.
      const child = new Child(binary, ['publish', '--url', urlOf(name), '--key', app.key, '--user-prefix', `${name}u`,
        '--count', String(users), '--stagger', '10', '--file', clip, '--json']);
      load.rooms.push({ name, users, child });
    }
    try {
      await until(`${count} publishers are connected`, () => {
        const dead = load.rooms.find(room => room.child.ended);
        if (dead)
          throw Object.assign(new Error(`a publisher ended: ${dead.child.tail()}`), { fatal: true });
        return load.last().every(line => line?.connected === line?.users && line);
      }, { timeoutMs: connectMs, everyMs: 200 });
    } catch (err) {
      await load.kill();
      throw err;
    }
    return load;
  }

  // The newest line of each process.
  last() {
    return this.rooms.map(({ child }) => {
      const line = child.output.slice(0, child.output.lastIndexOf('\n')).split('\n').findLast(text => text.startsWith('{'));
      return line ? JSON.parse(line) : null;
    });
  }

  // What is sent a second between two results of last(): packets, and bytes of payload.
  static rate(before, after) {
    const total = { packets: 0, bytes: 0 };
    before.forEach((a, i) => {
      const b = after[i], seconds = b.seconds - a.seconds;
      total.packets += (b.packets - a.packets) / seconds;
      total.bytes += (b.bytes - a.bytes) / seconds;
    });
    return total;
  }

  async stop() {
    await Promise.all(this.rooms.map(({ child }) => child.stop('SIGINT').catch(() => {})));
  }

  async kill() {
    await Promise.all(this.rooms.map(({ child }) => child.kill()));
  }
}
