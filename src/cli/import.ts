/** `baton import github`: queues issues of the repository's GitHub project, each once. */
import { Argument, Command, InvalidArgumentError } from 'commander';
import { BatonError, messageOf } from '../core/errors.ts';
import { ghFailure, listArguments, parseIssues, taskFromIssue, viewArguments, type Issue } from '../core/githubIssues.ts';
import { plural } from '../core/format.ts';
import { change, CHANGE, usage, type Bind, type Context } from './context.ts';
import { plain } from './text.ts';

interface ImportOptions {
  label?: string;
  limit: number;
  trust?: true;
}

export function importCommand(bind: Bind): Command {
  const command = new Command('import')
    .description('queue open issues as tasks that ask you before they start; one that is queued already is left out')
    .addArgument(new Argument('<from>', 'where they are').choices(['github']))
    .argument('[numbers...]', 'only these issues; all open ones when absent')
    .option('--label <label>', 'only issues with this label')
    .option('--limit <n>', 'most issues to take', whole, 30)
    .option('--trust', 'let them start without asking: whoever may write issues then tells your agents what to do');
  return bind(
    command,
    async (context, [, ...numbers]) => {
      const options = command.opts<ImportOptions>();
      const issues = await issuesOf(context, numbers, options);
      return context.use(CHANGE, async ({ api }) => {
        const queued: { issue: Issue; id: string }[] = [];
        const known: { issue: Issue; why: string }[] = [];
        for (const issue of issues) {
          const task = taskFromIssue(issue, { trusted: options.trust === true });
          try {
            const reply = await api.send({ type: 'add_task', task, ...(context.dryRun ? { dry_run: true } : {}) });
            queued.push({ issue, id: reply.task_id ?? '' });
          } catch (error) {
            if (!(error instanceof BatonError) || error.kind !== 'conflict') throw error;
            known.push({ issue, why: messageOf(error) });
          }
        }
        const message = `${context.dryRun ? 'Would queue' : 'Queued'} ${plural(queued.length, 'issue')}${known.length === 0 ? '' : `; ${known.length} ${known.length === 1 ? 'is' : 'are'} queued already`}.`;
        const { document, lines } = change(message, { dryRun: context.dryRun, more: queued.map(({ issue, id }) => `  #${issue.number} ${plain(issue.title)} → ${id}`) });
        const of = (issue: Issue) => ({ number: issue.number, url: issue.url });
        return { document: { ...(document as object), queued: queued.map(({ issue, id }) => ({ ...of(issue), id })), known: known.map(({ issue, why }) => ({ ...of(issue), why })) }, lines };
      });
    },
    { changes: true },
  );
}

async function issuesOf(context: Context, numbers: readonly string[], { label, limit }: ImportOptions): Promise<Issue[]> {
  const { root } = await context.deps.findRepository(context.folder);
  const gh = async (args: readonly string[]): Promise<Issue[]> => {
    const result = await context.deps.exec('gh', args, root);
    if (result.code !== 0) throw ghFailure(result);
    return parseIssues(result.stdout);
  };
  if (numbers.length === 0) return gh(listArguments({ limit, label }));
  const wanted = numbers.map((number) => Number(number.replace(/^#/, '')));
  if (wanted.some((number) => !Number.isInteger(number) || number < 1)) throw usage('Issues are named by their numbers.', 'For example: baton import github 12 14.');
  const found: Issue[] = [];
  for (const number of wanted) found.push(...(await gh(viewArguments(number))));
  return found;
}

function whole(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return number;
}
