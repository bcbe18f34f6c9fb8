// Waiting for facts. Every wait has a bound and says what did not come.

export const delay = ms => new Promise(resolve => setTimeout(resolve, ms));

// Calls `probe` until it gives something truthy, and returns that.
export async function until(what, probe, { timeoutMs = 15000, everyMs = 100 } = {}) {
  const end = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value)
        return value;
      last = undefined;
    } catch (err) {
      if (err.fatal)
        throw err;
      last = err;
    }
    if (Date.now() >= end)
      throw new Error(`waited ${timeoutMs} ms in vain: ${what}${last ? ` (${last.message})` : ''}`);
    await delay(everyMs);
  }
}

// Fails when `promise` takes longer than `timeoutMs`.
export function within(timeoutMs, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${timeoutMs} ms: ${what}`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
