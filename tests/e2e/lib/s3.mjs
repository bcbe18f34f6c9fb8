// An object store seen by AWS's own SDK, so by somebody else than the daemon.

import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

const script = fileURLToPath(new URL('s3.py', import.meta.url));

// `where` is { endpoint, accessKey, secretKey, caFile }.
async function ask(where, job) {
  const { code, stdout, stderr } = await run('/usr/bin/python3', [script], { input: JSON.stringify({ ...where, ...job }) });
  if (code !== 0)
    throw new Error(`s3.py ${job.do}: ${stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(stdout);
}

export const makeBucket = (where, bucket) => ask(where, { do: 'make', bucket });

// { objects: [{ key, size, etag, type }], uploads: [key] }; uploads are those that nobody completed.
export const listBucket = (where, bucket) => ask(where, { do: 'list', bucket });

// The same, and every object is then in folder/bucket/key.
export const fetchBucket = (where, bucket, folder) => ask(where, { do: 'fetch', bucket, folder });
