// One call of the cloud SDK in a process of its own: what to do comes as JSON on standard input, the answer goes as
// JSON to standard output. For settings that hold for a whole process, like the certificates it trusts.

import { cloudClient } from './sdk.mjs';

let text = '';
for await (const chunk of process.stdin)
  text += chunk;
const { action, params, ...connection } = JSON.parse(text);
console.log(JSON.stringify(await cloudClient(connection)[action](params)));
