// Running other programs to their end.

import { spawn } from 'node:child_process';

// Resolves with { code, signal, stdout, stderr }; rejects only when the program cannot be started or takes too long.
// `raw` leaves stdout as bytes.
export function run(program, args, { timeoutMs = 60000, env, input, raw = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: env ? { ...process.env, ...env } : process.env });
    const out = [];
    const err = [];
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${program} did not end within ${timeoutMs} ms`));
    }, timeoutMs);
    child.stdout.on('data', bytes => out.push(bytes));
    child.stderr.on('data', bytes => err.push(bytes));
    child.on('error', cause => {
      clearTimeout(timer);
      reject(cause);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const stdout = Buffer.concat(out);
      resolve({ code, signal, stdout: raw ? stdout : stdout.toString(), stderr: Buffer.concat(err).toString() });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

// Runs at most `width` of the calls at a time; the results keep their order.
export async function pool(items, width, call) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await call(items[i], i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
