/** `baton add GOAL`: queues a task as a file under `.baton/tasks/`. */
import { Command } from 'commander';
import type { TaskDefinition } from '../core/task.ts';
import { change, CHANGE, usage, type Bind } from './context.ts';
import { dollars } from './format.ts';
import { plain } from './text.ts';

/** A definition as `add_task` takes it: the engine makes the id where there is none. */
interface NewTask extends Pick<TaskDefinition, 'risk' | 'complexity' | 'priority' | 'workflow'> {
  readonly [key: string]: unknown;
  readonly id?: string;
  readonly goal: string;
}

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
    .argument('<goal...>', 'what is to be true in the end; "-" reads goal and description from standard input')
    .option('--id <id>', 'its id; made from the goal when absent')
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
    .option('--budget <usd>', 'most it may cost, in dollars', dollars);
  return bind(
    command,
    async (context, words) => {
      const typed = words.join(' ');
      const [goal = '', ...rest] = (typed === '-' ? await context.io.readStdin() : typed).trim().split(/\r?\n/);
      if (goal.trim() === '') throw usage('The goal is empty.', 'Say what is to be done: baton add "Fix the rounding of totals".');
      const options = command.opts<AddOptions>();
      await assertValid(options);
      const task = definitionOf(goal.trim(), rest.join('\n').trim(), options);
      return context.use(CHANGE, async ({ api }) => {
        if (context.dryRun) return change(`Would queue ${task.id === undefined ? 'a task' : `task ${task.id}`}: ${plain(task.goal)}`, { dryRun: true, taskId: task.id });
        const reply = await api.send({ type: 'add_task', task });
        return change(reply.message, { taskId: reply.task_id });
      });
    },
    { changes: true },
  );
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

