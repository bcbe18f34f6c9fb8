// The unmodified international cloud SDK, pointed at a daemon. Its requests are forms with an older signature unless it
// is told otherwise.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Client } = require('tencentcloud-sdk-nodejs-intl-en/tencentcloud/trtc/v20190722/index.js');
const Credential = require('tencentcloud-sdk-nodejs-intl-en/tencentcloud/common/credential.js');
const ClientProfile = require('tencentcloud-sdk-nodejs-intl-en/tencentcloud/common/profile/client_profile.js');
const HttpProfile = require('tencentcloud-sdk-nodejs-intl-en/tencentcloud/common/profile/http_profile.js');

// The actions as functions that return promises; an API error is thrown with its `code`.
export function intlClient({ endpoint, secretId, secretKey, token, region = 'ap-singapore', method = 'POST', signMethod,
  headers }) {
  const http = new HttpProfile('http://', endpoint, method, 60, headers);
  const client = new Client(new Credential(secretId, secretKey, token), region, new ClientProfile(signMethod, http));
  const call = action => params => new Promise((resolve, reject) => {
    client[action](params, (err, answer) => (err ? reject(err) : resolve(answer)));
  });
  return Object.fromEntries(
    ['CreateCloudRecording', 'DescribeCloudRecording', 'ModifyCloudRecording', 'DeleteCloudRecording']
      .map(action => [action, call(action)]));
}
