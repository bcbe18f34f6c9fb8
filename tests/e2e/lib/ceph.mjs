// Ceph of our own, from Debian's packages: one monitor, one OSD that keeps all in memory, and RADOS Gateways, on free
// loopback ports and in a temporary folder. About 15 s until it serves, and 150 MB.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freeTcpPort } from './ports.mjs';
import { run } from './run.mjs';
import { until, within } from './wait.mjs';

const programs = ['ceph', 'ceph-authtool', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];

function inPath(program) {
  return (process.env.PATH ?? '').split(':').some(folder => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

// What is not installed, in words, or false: for the option `skip` of a test.
export function missing() {
  const absent = programs.filter(program => !inPath(program));
  return absent.length > 0 && `${absent.join(', ')} missing (Debian: ceph-mon ceph-osd radosgw ceph-common)`;
}

// With authentication off the gateway hangs. Pools of one copy and few placement groups, since there is one OSD. With a
// cache a gateway that changes a bucket or a user waits for the other gateways, dead ones too.
const config = ({ folder, fsid, monitorPort }) => `[global]
fsid = ${fsid}
mon_host = [v2:127.0.0.1:${monitorPort}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
keyring = ${folder}/keyring
run_dir = ${folder}
admin_socket = ${folder}/$name.$pid.asok
log_file = ${folder}/$name.$pid.log
mon_data = ${folder}/mon
mon_allow_pool_size_one = true
mon_data_avail_crit = 1
mon_data_avail_warn = 2
osd_data = ${folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 2147483648
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_class_load_list = *
osd_class_default_list = *
rgw_cache_enabled = false
rgw_data = ${folder}/rgw
`;

const grants = {
  'mon.': ['mon', 'allow *'],
  'client.admin': ['mon', 'allow *', 'osd', 'allow *', 'mgr', 'allow *'],
  'client.gateway': ['mon', 'allow rw', 'osd', 'allow rwx'],
};

function program(name, args) {
  const child = spawn(name, args, { stdio: 'ignore' });
  const ended = new Promise(resolve => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  return { child, ended };
}

// One of perhaps several in front of the same buckets.
class Gateway {
  constructor(ceph, port) {
    Object.assign(this, { ceph, port });
    this.endpoint = `http://127.0.0.1:${port}`;
    this.where = { endpoint: this.endpoint, ...Ceph.user };
  }

  start() {
    this.running = program('radosgw',
      ['-c', this.ceph.conf, '-f', '-n', 'client.gateway', '--rgw_frontends', `beast endpoint=127.0.0.1:${this.port}`]);
  }

  // Until it answers.
  ready() {
    return until('the gateway answers', async () => (await fetch(this.endpoint)).status < 500, { timeoutMs: 90000 });
  }

  // As if its machine lost power.
  async kill() {
    this.running?.child.kill('SIGKILL');
    await within(20000, 'the gateway ends', this.running?.ended);
  }
}

export class Ceph {
  // The user has these keys.
  static user = { accessKey: 'AKcephExample0000001', secretKey: 'example-ceph-secret-key-000000000000001' };

  // With one gateway, whose `endpoint` and `where` are the cluster's too.
  static async start() {
    const ceph = new Ceph();
    ceph.folder = await mkdtemp(path.join(tmpdir(), 'reeltime-ceph-'));
    ceph.gateways = [];
    try {
      await ceph.#configure();
      await ceph.#startMonitor();
      await ceph.#startOsd();
      const { endpoint, where } = await ceph.gateway(() => ceph.admin('user', 'create', '--uid=customer',
        '--display-name=customer', `--access-key=${Ceph.user.accessKey}`, `--secret-key=${Ceph.user.secretKey}`));
      Object.assign(ceph, { endpoint, where });
    } catch (err) {
      await ceph.stop();
      throw err;
    }
    return ceph;
  }

  // Another gateway, ready; `meanwhile` runs while it starts.
  async gateway(meanwhile) {
    const gateway = new Gateway(this, await freeTcpPort());
    this.gateways.push(gateway);
    gateway.start();
    await meanwhile?.();
    await gateway.ready();
    return gateway;
  }

  async #configure() {
    this.fsid = randomUUID();
    this.monitorPort = await freeTcpPort();
    this.conf = this.#file('ceph.conf');
    await writeFile(this.conf, config(this));
    await mkdir(this.#file('mon'));
    await mkdir(this.#file('osd'));
    for (const [name, caps] of Object.entries(grants)) {
      const pairs = caps.flatMap((word, i) => (i % 2 === 0 ? ['--cap', word] : [word]));
      await this.#run('ceph-authtool',
        ['--create-keyring', '--gen-key', '-n', name, ...pairs, this.#file(`key.${name}`)]);
    }
    const keys = await Promise.all(Object.keys(grants).map(name => readFile(this.#file(`key.${name}`), 'utf8')));
    await writeFile(this.#file('keyring'), keys.join(''));
  }

  async #startMonitor() {
    const map = this.#file('monmap');
    await this.#run('monmaptool',
      ['--create', '--fsid', this.fsid, '--addv', 'a', `[v2:127.0.0.1:${this.monitorPort}]`, map]);
    await this.#run('ceph-mon',
      [...this.#ours, '--mkfs', '-i', 'a', '--monmap', map, '--keyring', this.#file('keyring')]);
    this.monitor = program('ceph-mon', [...this.#ours, '-f', '-i', 'a']);
    await this.#run('ceph', [...this.#ours, '--connect-timeout', '60', '-s']);
  }

  async #startOsd() {
    const key = this.#file('osd/keyring');
    const id = randomUUID();
    await this.#run('ceph-authtool', ['--create-keyring', '--gen-key', '-n', 'osd.0', key]);
    const { stdout: secret } = await this.#run('ceph-authtool', ['-n', 'osd.0', '-p', key]);
    await this.#run('ceph', [...this.#ours, 'osd', 'new', id, '0', '-i', '-'],
      JSON.stringify({ cephx_secret: secret.trim() }));
    await this.#run('ceph-osd', [...this.#ours, '-i', '0', '--mkfs', '--osd-uuid', id, '--keyring', key]);
    await this.#run('ceph', [...this.#ours, 'osd', 'crush', 'add', '0', '1', 'root=default', 'host=here']);
    this.osd = program('ceph-osd', [...this.#ours, '-f', '-i', '0', '--keyring', key]);
  }

  // radosgw-admin's answer.
  async admin(...args) {
    const { stdout } = await this.#run('radosgw-admin', [...this.#ours, ...args]);
    return stdout;
  }

  async stop() {
    for (const gateway of this.gateways)
      await gateway.kill();
    for (const running of [this.osd, this.monitor]) {
      running?.child.kill('SIGKILL');
      await running?.ended;
    }
    if (process.env.REELTIME_KEEP)
      console.log(`kept ${this.folder}`);
    else
      await rm(this.folder, { recursive: true, force: true });
  }

  get #ours() {
    return ['-c', this.conf];
  }

  #file(name) {
    return path.join(this.folder, name);
  }

  async #run(program, args, input) {
    const result = await run(program, args, { timeoutMs: 120000, input });
    if (result.code !== 0)
      throw new Error(`${program} ${args.join(' ')}: code ${result.code}: ${result.stderr.slice(-500)}`);
    return result;
  }
}
