/** Makes a diff short enough for a prompt. */

const PER_FILE = 16_000;
const IN_ALL = 96_000;

/** Cuts each file of a `git diff` to `perFile` characters and the whole to `inAll`, at line ends; says what is left out. */
export function trimDiff(diff: string, perFile = PER_FILE, inAll = IN_ALL): string {
  const files = diff.split(/^(?=diff --git )/m).filter((file) => file.trim() !== '');
  const shown: string[] = [];
  let left = inAll;
  for (const [index, file] of files.entries()) {
    // What comes later must get a share too, but small files leave theirs to the others.
    const share = Math.max(Math.floor(left / (files.length - index)), 0);
    const cut = cutLines(file, Math.min(perFile, Math.max(share, Math.min(left, 400))));
    shown.push(cut);
    left -= cut.length;
    if (left <= 0 && index < files.length - 1) {
      const rest = files.slice(index + 1).map((one) => one.split('\n', 1)[0]?.replace(/^diff --git /, '') ?? '');
      shown.push(`… ${rest.length} more ${rest.length === 1 ? 'file' : 'files'} left out: ${rest.slice(0, 50).join(', ')} …\n`);
      break;
    }
  }
  return shown.join('').trimEnd();
}

function cutLines(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = text.lastIndexOf('\n', max);
  const kept = end > 0 ? text.slice(0, end) : text.slice(0, max);
  const dropped = text.slice(kept.length).split('\n').length - 1;
  return `${kept}\n… ${dropped} more ${dropped === 1 ? 'line' : 'lines'} of this file left out: read it in the directory …\n`;
}
