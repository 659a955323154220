/** `baton edit`: opens a task's definition in the user's editor, and reads it again afterwards. */
import { Command } from 'commander';
import path from 'node:path';
import { BatonError } from '../core/errors.ts';
import { change, CHANGE, findTask, LOOK, usage, type Bind, type Context, type Outcome } from './context.ts';
import { plain } from './text.ts';

export function editCommand(bind: Bind): Command {
  const command = new Command('edit').description('open the definition of a task in $VISUAL or $EDITOR').argument('<id>', 'the task');
  return bind(command, (context, [id = '']) => edit(context, id), { changes: true });
}

async function edit(context: Context, id: string): Promise<Outcome> {
  const { task, root } = await context.use(LOOK, async ({ api, root }) => ({ task: findTask(await api.snapshot(), id), root }));
  if (task.source === null) throw new BatonError('not_found', `Task ${task.id} has no definition file any more.`, { hint: 'Its record is all that is left: see "baton task".' });
  const { file, line } = task.source;
  const say = (message: string, more: readonly string[] = []): Outcome => {
    const { document, lines } = change(message, { dryRun: context.dryRun, taskId: task.id, more });
    return { document: { ...(document as object), file, line }, lines };
  };
  if (context.dryRun) return say(`Would open ${plain(file)} at line ${line}.`);

  const [program, ...words] = editorOf(context);
  const absolute = path.resolve(root, file);
  const before = await context.deps.modifiedAt(absolute);
  // Not within a session: nobody else could lead while the editor is open.
  const code = await context.deps.runOnTerminal(program, [...words, ...lineArguments(program, line), absolute], root);
  if (code !== 0) throw usage(`The editor ${program} ${code === null ? 'could not be started' : `ended with exit code ${code}`}.`, 'Set EDITOR to an editor that is installed.');
  if ((await context.deps.modifiedAt(absolute)) === before) return say(`${plain(file)} was left as it is.`);
  return context.use(CHANGE, async ({ api }) => {
    await api.send({ type: 'refresh' });
    const { problems } = await api.snapshot();
    return say(
      `${plain(file)} was read again.`,
      problems.filter((one) => one.file === file).map((one) => `${one.severity}: ${plain(one.file)}:${one.line}:${one.column}: ${plain(one.message)}`),
    );
  });
}

/** VISUAL before EDITOR, as git has it; words in quotes stay together, and no shell is asked. */
function editorOf({ io }: Context): [string, ...string[]] {
  const text = [io.env['VISUAL'], io.env['EDITOR']].find((value) => value !== undefined && value.trim() !== '') ?? '';
  const [program, ...words] = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '');
  if (program === undefined) throw usage('No editor is known.', 'Set EDITOR, for example to nano.');
  return [program, ...words];
}

/** Editors that take "+LINE"; others get the file only. */
function lineArguments(program: string, line: number): string[] {
  const takesLine = /^(vi|vim|nvim|nano|emacs|emacsclient|micro|kak|joe|mcedit)(\.exe)?$/i.test(path.basename(program));
  return takesLine && line > 1 ? [`+${line}`] : [];
}
