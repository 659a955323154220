/** Temporary folders for tests: real paths (no symlink in between), short enough for sockets, gone afterwards. */
import { mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const pending = new Set<string>();
const before: (() => void | Promise<void>)[] = [];

/** A new empty folder, removed after the running test. In a `before` hook use `keepTempDir` instead. */
export function tempDir(): string {
  const dir = create();
  pending.add(dir);
  return dir;
}

/** A new empty folder for a whole suite; whoever asks for it calls `remove`. */
export function keepTempDir(): { readonly path: string; remove(): Promise<void> } {
  const dir = create();
  return { path: dir, remove: () => removeDir(dir) };
}

/** Ends what works in temporary folders, after each test and before they are removed. */
export function beforeRemoval(end: () => void | Promise<void>): void {
  before.push(end);
}

/** Removes a folder tree, patient with files that a dying process still holds (Windows). */
export function removeDir(dir: string): Promise<void> {
  return rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

function create(): string {
  return realpathSync.native(mkdtempSync(path.join(tmpdir(), 'bt-')));
}

// Imported by a test file, this is a root hook: it runs after every afterEach of the suites. Scripts outside mocha have no hooks.
if (typeof afterEach === 'function') {
  afterEach('remove temporary folders', async () => {
    for (const end of before) await end();
    const dirs = [...pending];
    pending.clear();
    await Promise.all(dirs.map(removeDir));
  });
}
