// An authority for certificates that only a test trusts, made by the openssl program.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './run.mjs';

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

async function openssl(...args) {
  const { code, stderr } = await run('openssl', args);
  assert.equal(code, 0, stderr);
}

export class Authority {
  // Its files lie in `folder`; `file` is its certificate.
  static async create(folder, name) {
    const authority = new Authority();
    authority.stem = path.join(folder, name);
    authority.file = `${authority.stem}.pem`;
    await openssl('req', '-x509', ...newKey, '-keyout', `${authority.stem}.key`, '-out', authority.file, '-days', '1',
      '-subj', `/CN=${name}`);
    return authority;
  }

  // { key, cert } of a server called `altName` ("IP:127.0.0.1"), for node's tls.
  async server(altName) {
    const [key, request, cert, extensions] = ['key', 'csr', 'crt', 'ext'].map(end => `${this.stem}-server.${end}`);
    await writeFile(extensions, `subjectAltName=${altName}\n`);
    await openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', '/CN=server');
    await openssl('x509', '-req', '-in', request, '-CA', this.file, '-CAkey', `${this.stem}.key`, '-CAcreateserial',
      '-out', cert, '-days', '1', '-extfile', extensions);
    return { key: await readFile(key), cert: await readFile(cert) };
  }
}
