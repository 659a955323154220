/** Ports whose store's commits go through a test. */
import type { Commit, Ports } from '../../src/engine/ports.ts';

/** `through` gets each commit and what really makes it: it may make it later, another one, or none. */
export function committingThrough(ports: Ports, through: (commit: Commit, store: (commit: Commit) => Promise<number>) => Promise<number>): Ports {
  const store = new Proxy(ports.store, {
    get: (real, key) => {
      if (key === 'commit') return (commit: Commit) => through(commit, (one) => real.commit(one));
      const value: unknown = Reflect.get(real, key);
      return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, real, args) : value;
    },
  });
  return { ...ports, store };
}
