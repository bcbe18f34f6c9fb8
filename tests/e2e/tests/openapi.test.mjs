// docs/openapi.json: a valid document, and what the service takes and answers is as it says.

import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { app } from '../lib/daemon.mjs';
import { sendTc3 } from '../lib/signer.mjs';
import { Stage } from '../lib/stage.mjs';

const document = JSON.parse(await readFile(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'));

// An answer must not hold what the document does not know.
function closed(schema) {
  if (Array.isArray(schema))
    return schema.map(closed);
  if (!schema || typeof schema !== 'object')
    return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  return copy.type === 'object' && copy.properties ? { ...copy, additionalProperties: false } : copy;
}

const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
ajv.addSchema({ ...closed(document), $id: 'reeltime' });

function expectFits(name, value) {
  const fits = ajv.getSchema(`reeltime#/components/schemas/${name}`);
  assert.ok(fits(value), `${name}: ${ajv.errorsText(fits.errors)}\n${JSON.stringify(value)}`);
}

test('The document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors));
  assert.match(document.openapi, /^3\.1\./);
});

test('Its examples fit its schemas', () => {
  for (const [path, { post }] of Object.entries(document.paths)) {
    const name = path.slice('/#'.length);
    assert.equal(post.operationId, name);
    expectFits(`${name}Request`, post.requestBody.content['application/json'].example);
    expectFits(`${name}Answer`, post.responses[200].content['application/json'].example);
  }
});

test('Requests and answers are as the document says', { timeout: 60000 }, async t => {
  const { daemon } = await Stage.open(t);
  const call = async (action, params) => {
    expectFits(`${action}Request`, params);
    const { response } = await sendTc3(daemon, action, params);
    expectFits(`${action}Answer`, { Response: response });
    return response;
  };
  const { TaskId } = await call('CreateCloudRecording', daemon.createParams({ roomId: 'document' }));
  const key = { SdkAppId: app.sdkAppId, TaskId };
  await call('DescribeCloudRecording', key);
  await call('ModifyCloudRecording', { ...key, SubscribeStreamUserIds: { SubscribeAudioUserIds: ['alice'] } });
  await call('DeleteCloudRecording', key);
  for (const action of Object.values(document.paths).map(({ post }) => post.operationId)) {
    const { response } = await sendTc3(daemon, action, { SdkAppId: 1, Colour: 'red' });
    expectFits('ErrorAnswer', { Response: response });
    assert.equal(response.Error.Code, 'UnknownParameter');
  }
});
