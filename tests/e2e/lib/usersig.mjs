// UserSig version 2.0, as rooms.md 1 describes it.

import { createHmac } from 'node:crypto';
import { deflateSync } from 'node:zlib';

export function signature({ sdkAppId, key, userId, time, expire }) {
  const text = `TLS.identifier:${userId}\nTLS.sdkappid:${sdkAppId}\nTLS.time:${time}\nTLS.expire:${expire}\n`;
  return createHmac('sha256', key).update(text).digest('base64');
}

export function mintUserSig({ sdkAppId, key, userId, time = Math.floor(Date.now() / 1000), expire = 86400 }) {
  const ticket = {
    'TLS.ver': '2.0',
    'TLS.identifier': userId,
    'TLS.sdkappid': sdkAppId,
    'TLS.expire': expire,
    'TLS.time': time,
    'TLS.sig': signature({ sdkAppId, key, userId, time, expire }),
  };
  const packed = deflateSync(JSON.stringify(ticket), { level: 9 }).toString('base64');
  return packed.replace(/\+/g, '*').replace(/\//g, '-').replace(/=/g, '_');
}
