// The customer's callback receiver: checks what callbacks.md 1 promises of every delivery and remembers the order.

import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';

export function sign(key, rawBody) {
  return createHmac('sha256', key).update(rawBody).digest('base64');
}

// What is wrong with one delivery; empty when all is well.
function complaints({ method, headers, raw, event }, { key, sdkAppId }) {
  const found = [];
  if (method !== 'POST')
    found.push(`method ${method}`);
  if (headers['content-type'] !== 'application/json')
    found.push(`Content-Type ${headers['content-type']}`);
  if (headers.sdkappid !== String(sdkAppId))
    found.push(`SdkAppId header ${headers.sdkappid}`);
  if (headers.sign !== sign(key, raw))
    found.push(`Sign ${headers.sign} does not fit the body`);
  if (!event)
    found.push('body is not JSON');
  return found;
}

export class CallbackReceiver {
  // `answer(delivery)` gives the HTTP status; 200 by default.
  constructor({ key, sdkAppId, answer = () => 200 }) {
    this.key = key;
    this.sdkAppId = sdkAppId;
    this.answer = answer;
    this.deliveries = [];    // { at, status, raw, event, complaints }
    this.waiting = [];
    this.server = createServer((request, response) => this.#take(request, response));
  }

  async start() {
    await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/callback`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise(resolve => this.server.close(resolve));
  }

  #take(request, response) {
    const chunks = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const delivery = { at: Date.now(), method: request.method, headers: request.headers, raw };
      try {
        delivery.event = JSON.parse(raw.toString('utf8'));
      } catch {
        delivery.event = null;
      }
      delivery.complaints = complaints(delivery, this);
      delivery.status = this.answer(delivery);
      this.deliveries.push(delivery);
      response.writeHead(delivery.status, { 'Content-Type': 'application/json' });
      response.end('{"code":0}');
      this.waiting = this.waiting.filter(check => !check());
    });
  }

  // The events of a task that were accepted, in order of arrival.
  events(taskId) {
    return this.deliveries
      .filter(d => d.status === 200 && d.event?.EventInfo?.TaskId === taskId)
      .map(d => d.event);
  }

  // The events of a task in the order of their first attempts, accepted or not; each once.
  attempted(taskId) {
    const bodies = new Map();
    for (const { raw, event } of this.deliveries)
      if (event?.EventInfo?.TaskId === taskId && !bodies.has(raw.toString('latin1')))
        bodies.set(raw.toString('latin1'), event);
    return [...bodies.values()];
  }

  // The first accepted event of this type for the task, now or later.
  wait(taskId, eventType, { timeoutMs = 15000 } = {}) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.events(taskId).find(event => event.EventType === eventType);
        if (found) {
          clearTimeout(timer);
          resolve(found);
        }
        return Boolean(found);
      };
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter(other => other !== check);
        const seen = this.events(taskId).map(event => event.EventType).join(', ') || 'nothing';
        reject(new Error(`no event ${eventType} of ${taskId} within ${timeoutMs} ms; came: ${seen}`));
      }, timeoutMs);
      if (!check())
        this.waiting.push(check);
    });
  }

  // All complaints about all deliveries.
  problems() {
    return this.deliveries.flatMap((d, i) => d.complaints.map(c => `delivery ${i}: ${c}`));
  }
}
