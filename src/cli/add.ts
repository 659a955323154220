/** `baton add GOAL`: queues a task as a file under `.baton/tasks/`. */
import { Command, InvalidArgumentError } from 'commander';
import type { NewTask, TaskDefinition } from '../core/task.ts';
import { change, CHANGE, usage, type Bind, type Context } from './context.ts';
import { dollars } from './format.ts';
import { plain } from './text.ts';

interface AddOptions extends Pick<TaskDefinition, 'risk' | 'complexity' | 'priority' | 'workflow'> {
  id?: string;
  description?: string;
  area?: string;
  deadline?: string;
  sender?: string;
  dependsOn?: string[];
  label?: string[];
  context?: string[];
  constraint?: string[];
  agent?: string;
  gate?: string[];
  requiresApproval?: true;
  budget?: number;
  template?: string;
  set?: Record<string, string>;
}

const several = (value: string, before: string[] | undefined): string[] => [
  ...(before ?? []),
  ...value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
];
const whole = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export function addCommand(bind: Bind): Command {
  const command = new Command('add')
    .description('queue a task')
    .argument('[goal...]', 'what is to be true in the end; "-" reads goal and description from standard input')
    .option('--id <new-id>', 'its id; made from the goal when absent')
    .option('--description <text>', 'everything the agent should know')
    .option('--risk <risk>', 'how much can go wrong: low, medium or high')
    .option('--area <area>', 'part of the code: core, math, api, services, docs, comments, tests or your own')
    .option('--complexity <size>', 'how much work it is: trivial, small, medium or large')
    .option('--priority <priority>', 'how urgent it is: urgent, high, medium or low')
    .option('--deadline <when>', 'a date, or words: "tomorrow", "by Friday"')
    .option('--sender <address>', 'who asks for it')
    .option('--depends-on <ids>', 'tasks that must be done before, with commas or again', several)
    .option('--label <labels>', 'labels, with commas or again', several)
    .option('--context <files>', 'files to read first, with commas or again', several)
    .option('--constraint <text>', 'a rule to keep; may be given again', whole)
    .option('--agent <name>', 'the configured agent that does it')
    .option('--workflow <workflow>', 'with plan and reviews, or directly: auto, direct or reviewed')
    .option('--gate <names>', 'only these gates, with commas or again', several)
    .option('--requires-approval', 'ask before it starts')
    .option('--budget <usd>', 'most it may cost, in dollars', dollars)
    .option('--template <name>', 'make it from a template of .baton/templates; other options outrank the template')
    .option('--set <key=value>', 'a value for a placeholder of the template; may be given again', assignment);
  return bind(
    command,
    async (context, words) => {
      const options = command.opts<AddOptions>();
      await assertValid(options);
      const task = options.template === undefined ? await taskOfWords(context, words, options) : await taskOfTemplate(context, words, options.template, options);
      return context.use(CHANGE, async ({ api }) => {
        if (context.dryRun) return change(`Would queue ${task.id === undefined ? 'a task' : `task ${task.id}`}: ${plain(task.goal)}`, { dryRun: true, taskId: task.id });
        const reply = await api.send({ type: 'add_task', task });
        return change(reply.message, { taskId: reply.task_id });
      });
    },
    { changes: true },
  );
}

async function taskOfWords(context: Context, words: readonly string[], options: AddOptions): Promise<NewTask> {
  if (options.set !== undefined) throw usage('--set gives values to a template.', 'Name it with --template.');
  const typed = words.join(' ');
  const [goal = '', ...rest] = (typed === '-' ? await context.io.readStdin() : typed).trim().split(/\r?\n/);
  if (goal.trim() === '') throw usage('The goal is empty.', 'Say what is to be done: baton add "Fix the rounding of totals".');
  return definitionOf(goal.trim(), rest.join('\n').trim(), options);
}

/** What the options say outranks what the template says. */
async function taskOfTemplate(context: Context, words: readonly string[], name: string, options: AddOptions): Promise<NewTask> {
  if (words.length > 0) throw usage('The goal comes from the template.', 'Leave it out, or leave out --template.');
  const templates = await context.deps.templates(context.folder);
  const template = templates.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (template === undefined) {
    const known = templates.length === 0 ? 'There are no templates in .baton/templates yet.' : `There are ${templates.map((one) => one.name).join(', ')}.`;
    throw usage(`There is no template "${name}".`, known);
  }
  const { givenValues, taskFromTemplate } = await import('../core/taskTemplate.ts');
  const made = taskFromTemplate(template.text, template.file, { ...givenValues(context.deps.clock.now()), ...options.set });
  const { goal, ...stated } = definitionOf(made.goal, '', options);
  return { ...made, ...stated, goal, source: `template ${template.name}` };
}

function definitionOf(goal: string, body: string, options: AddOptions): NewTask {
  const description = [options.description, body].filter((part) => part !== undefined && part !== '').join('\n\n');
  const all = {
    id: options.id,
    goal,
    description: description === '' ? undefined : description,
    risk: options.risk,
    area: options.area,
    complexity: options.complexity,
    priority: options.priority,
    deadline: options.deadline,
    sender: options.sender,
    depends_on: options.dependsOn,
    labels: options.label,
    context_files: options.context,
    constraints: options.constraint,
    agent: options.agent,
    workflow: options.workflow,
    gates: options.gate,
    requires_approval: options.requiresApproval,
    budget_usd: options.budget,
    source: 'cli',
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as NewTask;
}

/** The schema of a task takes longer to build than all the rest of a command to load, so only this one loads it. */
async function assertValid(options: AddOptions): Promise<void> {
  const { COMPLEXITIES, PRIORITIES, RISKS, taskIdFault, WORKFLOWS } = await import('../core/task.ts');
  const fault = options.id === undefined ? undefined : taskIdFault(options.id);
  if (fault !== undefined) throw usage(`"${options.id ?? ''}" is not a valid task id: ${fault}.`);
  for (const [name, value, choices] of [
    ['risk', options.risk, RISKS],
    ['complexity', options.complexity, COMPLEXITIES],
    ['priority', options.priority, PRIORITIES],
    ['workflow', options.workflow, WORKFLOWS],
  ] as const) {
    const known: readonly string[] = choices;
    if (value !== undefined && !known.includes(value)) throw usage(`"${value}" is no ${name}.`, `Allowed choices are ${known.join(', ')}.`);
  }
}

function assignment(value: string, before: Record<string, string> | undefined): Record<string, string> {
  const divider = value.indexOf('=');
  if (divider < 1) throw new InvalidArgumentError(`"${value}" is no key=value.`);
  return { ...before, [value.slice(0, divider)]: value.slice(divider + 1) };
}
