/** What every part of the engine works with. */

export interface Disposable {
  dispose(): void;
}

/** Time, handed in so that tests decide what it is. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `ms`; never keeps the process alive by itself. */
  after(ms: number, callback: () => void): Disposable;
}

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string, cause?: unknown): void;
}
