// Chance that can be had again: REELTIME_SEED, or another one each time; tests print it.

export const seed = Number(process.env.REELTIME_SEED ?? Date.now() % 2 ** 32);

// Numbers from 0 up to 1.
export function* randomFrom(start) {
  for (let x = start >>> 0; ; ) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    yield x / 2 ** 32;
  }
}
