/** Files that a reader sees either as they were or as they are: written beside, then renamed. */
import * as fs from 'node:fs';
import * as fsp from 'node:fs/promises';
import * as path from 'node:path';

/** Suffix of a file that was being written; one that is left after a crash may be deleted. */
export const TEMPORARY = '.tmp';

/** Replaces `file` with `text`, at once for every reader. Not flushed to the disk: for copies that can be made again. */
export function replaceFileSync(file: string, text: string, mode = 0o666): void {
  const temporary = temporaryOf(file);
  fs.writeFileSync(temporary, text, { mode });
  try {
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Replaces `file` with `text`, at once for every reader and flushed to the disk before it takes the old one's place. Who may read
 * it stays as it was; a link becomes a file, since what it leads to may be nobody's to write.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  await fsp.mkdir(path.dirname(file), { recursive: true });
  const mode = await fsp.stat(file).then((found) => found.mode & 0o777, () => undefined);
  const temporary = temporaryOf(file);
  const handle = await fsp.open(temporary, 'w', mode);
  try {
    if (mode !== undefined) await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await renameOver(temporary, file);
}

/** Hidden, so that no watcher or reader of `*.json` takes it for the real file. One writer a file, so one name is enough. */
function temporaryOf(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}${TEMPORARY}`);
}

/** Windows refuses to replace a file while someone reads it (EPERM, EACCES, EBUSY); readers are quick, so this is tried again. */
async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await fsp.rename(from, to);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (process.platform !== 'win32' || attempt === 10 || !['EPERM', 'EACCES', 'EBUSY'].includes(code)) {
        await fsp.rm(temporaryOf(to), { force: true });
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, attempt * 10));
    }
  }
}

/** The `writeCheckpoint` of the engine's ports: `.baton/checkpoint.json`, in the order in which they were asked for. */
export function checkpointWriter(batonDir: string): (checkpoint: Record<string, unknown>) => Promise<void> {
  const file = path.join(batonDir, 'checkpoint.json');
  let last: Promise<void> = Promise.resolve();
  return (checkpoint) => {
    const text = `${JSON.stringify(checkpoint, null, 2)}\n`;
    const write = last.then(() => replaceFile(file, text));
    // A failed write is its caller's matter; the next one still gets its turn.
    last = write.catch(() => undefined);
    return write;
  };
}
