// One daemon in a folder of its own: free ports, a config, the log in memory, an orderly end.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepLog } from './logs.mjs';
import { freeTcpPort, freeUdpPorts } from './ports.mjs';
import { cloudClient } from './sdk.mjs';
import { mintUserSig } from './usersig.mjs';
import { until, within } from './wait.mjs';

const tree = fileURLToPath(new URL('../../../', import.meta.url));

export const binary = process.env.REELTIME ?? path.join(tree, 'build/check/reeltime');

export const app = {
  sdkAppId: 1400000001,
  key: 'example-sdk-secret-key-0000000000000000000000000000000000000001',
  callbackKey: 'callbackKey01',
};

export const credential = {
  secretId: 'AKIDexample0000000000000000000000001',
  secretKey: 'example-secret-key-0001',
};

const sanitizerMarks = [
  'ERROR: AddressSanitizer', 'ERROR: LeakSanitizer', 'WARNING: ThreadSanitizer', 'runtime error:',
];

// The lines of a log in which a sanitizer speaks.
export function sanitizerReports(log) {
  return log.split('\n').filter(line => sanitizerMarks.some(mark => line.includes(mark)));
}

// A config as the daemon reads it: JSON is YAML.
export function makeConfig({ data, apiPort, mediaPort, loops = 2, tls, callbackUrl }) {
  const scheme = tls ? 'https' : 'http';
  return {
    data,
    api: {
      listen: `127.0.0.1:${apiPort}`,
      public_url: `${scheme}://127.0.0.1:${apiPort}`,
      ...(tls ? { tls } : {}),
    },
    media: { listen: '127.0.0.1', port: mediaPort, loops, advertise: ['127.0.0.1'] },
    apps: [{
      sdk_app_id: app.sdkAppId,
      key: app.key,
      ...(callbackUrl ? { callback: { url: callbackUrl, key: app.callbackKey } } : {}),
    }],
    credentials: [{ secret_id: credential.secretId, secret_key: credential.secretKey }],
    storage: [{ region: 'local', dir: path.join(data, 'buckets') }],
  };
}

export class Daemon {
  // Starts a daemon and waits until it says that it is ready. `tls` is { cert, key }, paths of PEM files; `configure`
  // may change the config before it is written; `launcher` is a program, with arguments, that starts it.
  static async start(options = {}) {
    if (!existsSync(binary))
      throw new Error(`${binary} is missing: build it first (./check does), or set REELTIME`);
    const daemon = new Daemon();
    daemon.folder = await mkdtemp(path.join(tmpdir(), 'reeltime-e2e-'));
    daemon.options = options;
    daemon.apiPort = await freeTcpPort();
    daemon.mediaPort = await freeUdpPorts(options.loops ?? 2);
    daemon.data = path.join(daemon.folder, 'data');
    await mkdir(daemon.data);
    await daemon.#launch();
    return daemon;
  }

  async #launch() {
    const { tls, callbackUrl, loops, configure } = this.options;
    this.endpoint = `127.0.0.1:${this.apiPort}`;
    this.url = `${tls ? 'https' : 'http'}://${this.endpoint}`;
    this.configFile = path.join(this.folder, 'reeltime.yaml');
    const config = makeConfig({
      data: this.data, apiPort: this.apiPort, mediaPort: this.mediaPort, loops, tls, callbackUrl,
    });
    configure?.(config);
    await writeFile(this.configFile, JSON.stringify(config, null, 2));

    this.log = '';
    const [program, ...args] = [...this.options.launcher ?? [], binary, 'serve', '--config', this.configFile];
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', bytes => { this.log += bytes; });
    this.child.stderr.on('data', bytes => { this.log += bytes; });
    this.exited = new Promise(resolve => {
      this.child.once('error', err => resolve({ error: err }));
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
    let ended = null;
    this.exited.then(end => { ended = end; });

    try {
      await until('the daemon is ready', () => {
        if (ended)
          throw Object.assign(new Error(`it ended (${JSON.stringify(ended)})`), { fatal: true });
        return tls ? this.#answersTls() : this.#healthy();
      }, { timeoutMs: 20000, everyMs: 50 });
    } catch (err) {
      this.child.kill('SIGKILL');
      await rm(this.folder, { recursive: true, force: true });
      throw new Error(`${err.message}\n${this.log}`);
    }
  }

  async #healthy() {
    return (await fetch(`${this.url}/healthz`)).status === 200;
  }

  async #answersTls() {
    const { get } = await import('node:https');
    return new Promise((resolve, reject) => {
      get(`${this.url}/healthz`, { rejectUnauthorized: false }, response => {
        response.resume();
        resolve(response.statusCode === 200);
      }).on('error', reject);
    });
  }

  // Asks the daemon to end and checks how it did: exit code 0, nothing from a sanitizer. Once is enough.
  async stop({ timeoutMs = 30000 } = {}) {
    if (!this.stopped) {
      this.child.kill('SIGTERM');
      this.stopped = within(timeoutMs, 'the daemon ends after SIGTERM', this.exited)
        .catch(err => {
          this.child.kill('SIGKILL');
          throw new Error(`${err.message}\n${this.#tail()}`);
        });
    }
    const { code, signal } = await this.stopped;
    if (code !== 0)
      throw new Error(`the daemon ended with code ${code}, signal ${signal}\n${this.#tail()}`);
    const reports = sanitizerReports(this.log);
    if (reports.length > 0)
      throw new Error(`the daemon's log holds sanitizer reports:\n${this.#tail()}`);
  }

  // Ends it and starts it again: the same folder and ports. The log begins anew.
  async restart() {
    await this.stop();
    this.stopped = undefined;
    await this.#launch();
  }

  // Kills it without warning and starts it again, after `between`. The log goes on.
  async crash(between = async () => {}) {
    this.child.kill('SIGKILL');
    const { signal } = await within(10000, 'the daemon is killed', this.exited);
    const before = this.log;
    if (signal !== 'SIGKILL' || sanitizerReports(before).length > 0)
      throw new Error(`the daemon ended before it was killed\n${this.#tail()}`);
    await between();
    await this.#launch();
    this.log = before + this.log;
  }

  #tail(lines = 60) {
    return this.log.split('\n').slice(-lines).join('\n');
  }

  // For the end of a test, passed or not. The log stays under the name given at the start; `keep` leaves all files.
  async discard({ keep = Boolean(process.env.REELTIME_KEEP) } = {}) {
    try {
      await this.stop();
    } finally {
      if (this.options.name)
        keepLog(this.options.name, this.log);
      if (keep)
        console.log(`kept ${this.folder}`);
      else
        await rm(this.folder, { recursive: true, force: true });
    }
  }

  get buckets() {
    return path.join(this.data, 'buckets');
  }

  client() {
    return cloudClient({ endpoint: this.endpoint, ...credential, tls: Boolean(this.options.tls) });
  }

  userSig(userId, more = {}) {
    return mintUserSig({ sdkAppId: app.sdkAppId, key: app.key, userId, ...more });
  }

  // Where a user publishes, as rooms.md 4 has it.
  whip({ roomId, userId, integerRoom = false }) {
    const query = new URLSearchParams({ SessionID: userId });
    if (integerRoom)
      query.set('roomidtype', '1');
    return {
      url: `${this.url}/v2/pub/${app.sdkAppId}/${encodeURIComponent(roomId)}?${query}`,
      token: this.userSig(userId),
    };
  }

  // Parameters of CreateCloudRecording; `record` and `storage` add to the usual ones.
  createParams({ roomId, integerRoom = false, robot = `recorder_${roomId}`, record = {}, storage = {} }) {
    return {
      SdkAppId: app.sdkAppId,
      RoomId: roomId,
      RoomIdType: integerRoom ? 1 : 0,
      UserId: robot,
      UserSig: this.userSig(robot),
      RecordParams: { RecordMode: 1, MaxIdleTime: 60, StreamType: 0, OutputFormat: 0, ...record },
      StorageParams: {
        CloudStorage: {
          Vendor: 1, Region: 'local', Bucket: 'recordings', AccessKey: 'AK', SecretKey: 'SK',
          FileNamePrefix: ['class', '2025'], ...storage,
        },
      },
    };
  }
}
