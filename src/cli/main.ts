/**
 * The entry of the `baton` command. It imports nothing at its top, so that an old Node gets as far as the sentence
 * that says what is wrong instead of failing on something it does not know.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(
    `baton: Node ${process.versions.node} is too old: Baton keeps its state in node:sqlite, which needs Node 22.13 or newer. ` +
      'Install a newer one from https://nodejs.org and run baton with it.\n',
  );
  process.exitCode = 1;
} else {
  hideSqliteWarning();
  import('./bind.ts').then(
    ({ runInProcess }) => runInProcess(),
    (error: unknown) => {
      process.stderr.write(`baton: It could not be loaded: ${String(error)}\n`);
      process.exitCode = 1;
    },
  );
}

/** node:sqlite announces itself as experimental on every start. Any other warning is for the user to see. */
function hideSqliteWarning(): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = ((warning: unknown, ...rest: unknown[]) => {
    const [first] = rest;
    const type = typeof first === 'object' && first !== null && 'type' in first ? first.type : first;
    if (type === 'ExperimentalWarning' && String(warning).includes('SQLite')) return;
    emitWarning(warning, ...rest);
  });
}
