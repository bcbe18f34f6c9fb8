// `reeltime publish` as participants: the program that is tested, in its other role.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { binary } from './daemon.mjs';
import { within } from './wait.mjs';

export class PatternPublisher {
  // Publishes to `url` and resolves once all users are connected. `options` are more arguments of the program.
  static async start({ url, token }, options = []) {
    const publisher = new PatternPublisher();
    const who = token ? ['--token', token] : [];
    publisher.child = spawn(binary, ['publish', '--url', url, ...who, '--json', ...options],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    publisher.noise = '';
    publisher.last = null;
    publisher.child.stderr.on('data', bytes => { publisher.noise += bytes; });
    publisher.exited = new Promise(resolve => publisher.child.once('close', resolve));
    const connected = new Promise((resolve, reject) => {
      createInterface({ input: publisher.child.stdout }).on('line', line => {
        publisher.last = JSON.parse(line);
        if (publisher.last.connected === publisher.last.users)
          resolve();
      });
      publisher.exited.then(code => reject(new Error(`reeltime publish ended with ${code}\n${publisher.noise}`)));
    });
    try {
      await within(60000, 'reeltime publish is connected', connected);
    } catch (err) {
      await publisher.kill();
      throw err;
    }
    return publisher;
  }

  // Waits until everything is sent and all have left. Gives the last line it printed.
  async end({ timeoutMs = 60000 } = {}) {
    const code = await within(timeoutMs, 'reeltime publish ends', this.exited);
    if (code !== 0)
      throw new Error(`reeltime publish ended with ${code}\n${this.noise}`);
    return this.last;
  }

  // Leaves in good order, now.
  leave(options) {
    this.child.kill('SIGINT');
    return this.end(options);
  }

  // For clean-up: no matter how.
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
