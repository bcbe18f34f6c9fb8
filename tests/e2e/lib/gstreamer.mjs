// A participant whose WebRTC stack is GStreamer's.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from './wait.mjs';

const script = fileURLToPath(new URL('gst_publisher.py', import.meta.url));

export class GstPublisher {
  // Publishes to `url` and resolves once connected. `options` are extra arguments of the script.
  static async start({ url, token }, options = []) {
    const publisher = new GstPublisher();
    publisher.events = [];
    publisher.waiting = [];
    // Debian's Python, which has the GStreamer bindings, whatever else is first in PATH.
    publisher.child = spawn('/usr/bin/python3', [script, url, token, ...options], { stdio: ['pipe', 'pipe', 'pipe'] });
    publisher.noise = '';
    publisher.child.stderr.on('data', bytes => { publisher.noise += bytes; });
    publisher.exited = new Promise(resolve => publisher.child.once('close', resolve));
    publisher.exited.then(() => publisher.#take({ event: 'exit' }));
    createInterface({ input: publisher.child.stdout }).on('line', line => publisher.#take(JSON.parse(line)));
    const { origin_ms: originMs } = await publisher.#wait('connected', 20000);
    publisher.originMs = originMs;    // when its first sound was made, and the first tick
    return publisher;
  }

  #take(event) {
    this.events.push(event);
    this.waiting = this.waiting.filter(check => !check(event));
  }

  #wait(name, timeoutMs) {
    return within(timeoutMs, `GStreamer says ${name}`, new Promise((resolve, reject) => {
      const check = event => {
        if (event.event === name)
          resolve(event);
        else if (event.event === 'error' || event.event === 'exit')
          reject(new Error(`GStreamer publisher: ${event.text ?? `ended\n${this.noise}`}`));
        else
          return false;
        return true;
      };
      if (!this.events.some(check))
        this.waiting.push(check);
    }));
  }

  // Leaves by DELETE. Gives its HTTP status.
  async leave() {
    this.child.stdin.end('leave\n');
    const { status } = await this.#wait('left', 15000);
    await within(10000, 'the GStreamer publisher ends', this.exited);
    return status;
  }

  // For clean-up: no matter how.
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
