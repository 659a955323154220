// Editing files the way an agent does: exact replacements that fail loudly, and nothing done twice.
import { readFileSync, writeFileSync } from 'node:fs';

export function createDesk() {
  let changes = 0;
  const read = (file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  const write = (file, text) => {
    let before;
    try {
      before = read(file);
    } catch {
      before = undefined;
    }
    if (before === text) return;
    writeFileSync(file, text);
    changes += 1;
  };
  return {
    read,
    write,
    changed: () => changes,
    /** Replaces one exact piece of a file; does nothing when the new text is there already. */
    replace(file, from, to) {
      const text = read(file);
      if (to !== '' && text.includes(to)) return;
      if (to === '' && !text.includes(from)) return;
      if (text.split(from).length !== 2) throw new Error(`${file} does not hold the expected text exactly once:\n${from}`);
      write(file, text.replace(from, () => to));
    },
    /** Adds text at the end of a file unless it is there. */
    append(file, addition) {
      const text = read(file);
      if (!text.includes(addition.trim())) write(file, `${text.trimEnd()}\n\n${addition.trim()}\n`);
    },
  };
}
