// The unmodified cloud SDK, pointed at a daemon.

import sdk from 'tencentcloud-sdk-nodejs/tencentcloud/services/trtc/index.js';

const Client = sdk.trtc.v20190722.Client;

// `endpoint` is host:port; `tls` chooses https. The client has the actions as methods that return promises; an API
// error is thrown with its `code`.
export function cloudClient({ endpoint, secretId, secretKey, token, tls = false, region = 'ap-singapore',
  method = 'POST', signMethod, language, headers }) {
  return new Client({
    credential: { secretId, secretKey, token },
    region,
    profile: {
      signMethod,
      language,
      httpProfile: { endpoint, protocol: tls ? 'https://' : 'http://', reqMethod: method, headers },
    },
  });
}

// The code of the API error that a call ends with, or null when it succeeds.
export async function errorCode(promise) {
  try {
    await promise;
    return null;
  } catch (err) {
    if (!err.code)
      throw err;
    return err.code;
  }
}
