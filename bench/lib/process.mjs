// What the kernel knows of a process: processor time, memory, bytes written, datagrams dropped.

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { within } from '../../tests/e2e/lib/wait.mjs';

export const tree = fileURLToPath(new URL('../../', import.meta.url));
export const built = name => `${tree}build/release/bench/${name}`;

export const serverCore = '0';    // the load, and this program, have the last one

export const pinned = (program, args) => ['taskset', ['-c', serverCore, program, ...args]];

export function cpuSeconds(pid) {
  return Number(execFileSync(built('bench_cpu_time'), [String(pid)]).toString()) / 1e9;
}

const field = (file, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0);

export const memoryMiB = pid => field(`/proc/${pid}/status`, 'VmRSS') / 1024;

// Bytes handed to write(2) and its like, and bytes that made pages of a disk dirty.
export function bytesWritten(pid) {
  return { calls: field(`/proc/${pid}/io`, 'wchar'), disk: field(`/proc/${pid}/io`, 'write_bytes') };
}

// Datagrams that the kernel dropped because a process did not fetch them: of all its UDP sockets that are open.
export function kernelDrops(pid) {
  const sockets = execFileSync('ls', ['-l', `/proc/${pid}/fd`]).toString().matchAll(/socket:\[(\d+)\]/g);
  const inodes = new Set([...sockets].map(m => m[1]));
  let drops = 0;
  for (const table of ['udp', 'udp6'])
    for (const line of readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (inodes.has(columns[9]))
        drops += Number(columns[12]);
    }
  return drops;
}

export const now = () => performance.now() / 1000;

// The state of a process at a moment; two of them make a measurement.
export function look(pid) {
  return { at: now(), cpu: cpuSeconds(pid), memory: memoryMiB(pid), written: bytesWritten(pid), drops: kernelDrops(pid) };
}

// Percent of one core between two looks.
export const cpuPercent = (a, b) => 100 * (b.cpu - a.cpu) / (b.at - a.at);

// What is running; nothing of it stays behind, however this program ends.
const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));

export function remember(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

// A program that this one started, and ends. Its output is kept.
export class Child {
  constructor(program, args, { pin = false } = {}) {
    const [command, all] = pin ? pinned(program, args) : [program, args];
    this.name = program.split('/').at(-1);
    this.output = '';
    this.child = spawn(command, all, { stdio: ['ignore', 'pipe', 'pipe'] });
    remember(this.child);
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', bytes => { this.output += bytes; });
    this.ended = false;
    this.exited = new Promise(resolve => this.child.once('close', code => resolve(code)));
    this.exited.then(() => { this.ended = true; });
    this.child.once('error', err => { this.output += err.message; });
  }

  get pid() {
    return this.child.pid;
  }

  tail(lines = 8) {
    return this.output.trimEnd().split('\n').slice(-lines).join('\n');
  }

  // Asks it to end; after `timeoutMs` it must.
  async stop(signal = 'SIGTERM', timeoutMs = 15000) {
    if (!this.ended)
      this.child.kill(signal);
    return within(timeoutMs, `${this.name} ends`, this.exited).catch(async err => {
      this.child.kill('SIGKILL');
      await this.exited;
      throw err;
    });
  }

  async kill() {
    if (!this.ended)
      this.child.kill('SIGKILL');
    await this.exited;
  }
}
