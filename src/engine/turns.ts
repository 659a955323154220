/** Work that goes one after another. Who waits for its turn may be called off meanwhile; who has it is waited for. */
export class Turns {
  #tail: Promise<void> = Promise.resolve();

  /** What `work` made of its turn; undefined when the signal came before the turn did, and nothing was done. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    const before = this.#tail;
    let done = (): void => undefined;
    const mine = new Promise<void>((resolve) => (done = resolve));
    // The next waits for those before too, whoever of them was called off.
    this.#tail = before.then(() => mine);
    try {
      return (await comes(before, signal)) ? await work() : undefined;
    } finally {
      done();
    }
  }
}

/** Whether the turn came before the signal. */
async function comes(turn: Promise<void>, signal: AbortSignal): Promise<boolean> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => (onAbort = resolve));
  signal.addEventListener('abort', onAbort, { once: true });
  if (!signal.aborted) await Promise.race([turn, aborted]);
  signal.removeEventListener('abort', onAbort);
  return !signal.aborted;
}
