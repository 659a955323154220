/** The bundles that ship, against the limits that the build knows. */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Benchmark } from './row.ts';

interface Size {
  readonly file: string;
  readonly bytes: number;
  readonly limit: number;
}

const KIB = 1024;

export const sizes: Benchmark = {
  about: 'The bundles of the shipped build. A bundle that is not part of this release is not listed.',
  run() {
    const { bundleSizes } = createRequire(import.meta.url)(path.resolve('esbuild.js')) as { bundleSizes: () => Size[] };
    const built = bundleSizes().filter(({ bytes }) => bytes > 0);
    return Promise.resolve(built.map(({ file, bytes, limit }) => ({ name: path.basename(file), value: bytes / KIB, unit: 'KiB' as const, budget: limit / KIB })));
  },
};
