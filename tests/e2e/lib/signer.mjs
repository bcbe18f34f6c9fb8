// Signs and sends API requests by hand, also such as no SDK would send. Returns the answer as it came, with its code.

import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';
import { credential } from './daemon.mjs';

const sha256 = text => createHash('sha256').update(text).digest('hex');
const hmac = (key, text, form) => createHmac('sha256', key).update(text).digest(form);
const now = () => Math.floor(Date.now() / 1000);

// Nested parameters as dotted pairs (api.md 2.3): [[name, value], ...].
export function flatten(value, prefix = '') {
  if (value === null || value === undefined)
    return [];
  if (typeof value !== 'object')
    return [[prefix, String(value)]];
  return Object.entries(value).flatMap(([name, inner]) => flatten(inner, prefix ? `${prefix}.${name}` : name));
}

export const encode = pairs => pairs.map(pair => pair.map(encodeURIComponent).join('=')).join('&');

// One HTTP exchange. `headers` may be a list of names and values in turn, to leave out Host or to send one twice.
export function exchange(daemon, { method = 'POST', target = '/', headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: daemon.apiPort, method, path: target, headers }, answer => {
      const chunks = [];
      answer.on('data', chunk => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        let response;
        try {
          response = JSON.parse(text).Response;
        } catch {
          response = undefined;
        }
        resolve({ status: answer.statusCode, type: answer.headers['content-type'], text, response,
          code: response?.Error?.Code ?? null, message: response?.Error?.Message });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export function authorization({ method, host, type, query = '', body = '', timestamp, payload, service = 'trtc',
  path = '/', secretId = credential.secretId, secretKey = credential.secretKey, signed = ['content-type', 'host'],
  headers = {} }) {
  const date = new Date(timestamp * 1000).toISOString().slice(0, 10);
  const values = { 'content-type': type, host, ...headers };
  const canonical = [method, path, query, ...signed.map(name => `${name}:${values[name]}`), '', signed.join(';'),
    sha256(payload ?? body)].join('\n');
  const scope = `${date}/${service}/tc3_request`;
  const key = ['tc3_request'].reduce((k, text) => hmac(k, text), hmac(hmac(`TC3${secretKey}`, date), service));
  const signature = hmac(key, `TC3-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`, 'hex');
  return `TC3-HMAC-SHA256 Credential=${secretId}/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`;
}

// The header form with TC3: `params` is an object (JSON), a text sent as it is, or pairs for GET. `change` may alter the
// headers after signing; `signing` alters what is signed.
export function sendTc3(daemon, action, params, { method = 'POST', type, region = 'ap-singapore',
  version = '2019-07-22', timestamp = now(), target, change, signing = {}, more = {} } = {}) {
  const get = method === 'GET';
  const query = get ? (typeof params === 'string' ? params : encode(flatten(params))) : '';
  const body = get ? '' : (typeof params === 'string' || Buffer.isBuffer(params) ? params : JSON.stringify(params));
  const media = type ?? (get ? 'application/x-www-form-urlencoded' : 'application/json');
  const headers = {
    Host: daemon.endpoint,
    'Content-Type': media,
    'X-TC-Action': action,
    'X-TC-Version': version,
    'X-TC-Region': region,
    'X-TC-Timestamp': String(timestamp),
    Authorization: authorization({ method, host: daemon.endpoint, type: media, query, body, timestamp, ...signing }),
    ...more,
  };
  change?.(headers);
  return exchange(daemon, { method, target: target ?? (get ? `/?${query}` : '/'), headers, body });
}

// The query or form with HmacSHA1 or HmacSHA256. `common` alters the common parameters (undefined takes one out).
export function sendV1(daemon, action, params, { method = 'POST', signatureMethod = 'HmacSHA256', common = {},
  secretKey = credential.secretKey, host = daemon.endpoint, target = '/', type, more = {}, change } = {}) {
  const pairs = [
    ...Object.entries({
      Action: action, Version: '2019-07-22', Region: 'ap-singapore', Timestamp: now(),
      Nonce: Math.floor(Math.random() * 1e9) + 1, SecretId: credential.secretId, SignatureMethod: signatureMethod, ...common,
    }).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]),
    ...(Array.isArray(params) ? params : flatten(params)),
  ];
  const sorted = [...pairs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const text = `${method}${host}/?${sorted.map(pair => pair.join('=')).join('&')}`;
  const algorithm = signatureMethod === 'HmacSHA256' ? 'sha256' : 'sha1';
  const signature = createHmac(algorithm, secretKey).update(text).digest('base64');
  const sent = encode([...pairs, ['Signature', change ? change(signature) : signature]]);
  if (method === 'GET')
    return exchange(daemon, { method, target: `${target}?${sent}`, headers: { Host: daemon.endpoint, ...more } });
  const headers = { Host: daemon.endpoint, 'Content-Type': type ?? 'application/x-www-form-urlencoded', ...more };
  return exchange(daemon, { method, target, headers, body: sent });
}

// A multipart/form-data body of top-level parameters; objects go as JSON.
export function multipart(params, boundary = 'reeltimeBoundaryAbC123') {
  const parts = Object.entries(params).map(([name, value]) => {
    const json = typeof value === 'object';
    return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n`
      + `${json ? 'Content-Type: application/json\r\n' : ''}\r\n${json ? JSON.stringify(value) : value}\r\n`;
  });
  return { type: `multipart/form-data; boundary=${boundary}`, body: `${parts.join('')}--${boundary}--\r\n` };
}
